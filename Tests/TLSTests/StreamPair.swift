import TLS
import TLSClient
import Testing

/// A server and a client of TLS, and what the server received.
struct StreamPair: ~Copyable {
    var server: TLSSession
    let client: TestClient
    var outbox: TLSOutbox
    /// Plain text for the server.
    var received: [UInt8] = []
    /// Room for plain text at each call.
    var room = 20_000

    init(
        identities: [TestIdentity] = [.ecdsa], settings: TLSContext.Settings = TLSContext.Settings(transport: .tls),
        offer: ClientOffer = ClientOffer(), outboxByteCount: Int = 65_536
    ) throws {
        let context = try TLSContext(identities.map { try $0.identity }, settings)
        guard let session = TLSSession(context) else { throw NoMemory() }
        server = session
        client = TestClient(offer)
        outbox = TLSOutbox(byteCountMax: outboxByteCount)
    }

    /// Gives bytes to the server until it has taken all, hands its answers on, and says how it stands.
    @discardableResult
    mutating func feed(_ bytes: [UInt8]) -> TLSProgress {
        var rest = bytes[...]
        var plaintext = [UInt8](repeating: 0, count: room)
        while true {
            let input = Array(rest)
            var span = plaintext.mutableSpan
            var rawSpan = span.mutableBytes
            let receipt = server.receive(input.span.bytes, plaintext: &rawSpan, outbox: &outbox)
            received += plaintext[..<receipt.plaintextByteCount]
            rest = rest.dropFirst(receipt.takenByteCount)
            deliver()
            switch receipt.progress {
            case .hasMore, .outboxFull: continue
            case .needsInput, .closed, .failed: return receipt.progress
            }
        }
    }

    /// What the server wants sent goes to the client.
    mutating func deliver() {
        guard !outbox.isEmpty else { return }
        client.input(outbox.bytes.array)
        outbox.removeAll()
    }

    /// A handshake in pieces of at most so many bytes. True when both have completed it.
    mutating func shake(pieceByteCount: Int = .max) -> Bool {
        for _ in 0..<20 {
            let state = client.handshake()
            let output = client.output().flatMap { $0 }
            if output.isEmpty { return state == 1 && server.isEstablished }
            for start in stride(from: 0, to: output.count, by: min(pieceByteCount, output.count)) {
                if case .failed = feed(Array(output[start...].prefix(pieceByteCount))) {
                    _ = client.handshake()
                    return false
                }
            }
        }
        return false
    }

    /// Sends as much as needs several outboxes.
    mutating func send(_ bytes: [UInt8]) -> [UInt8] {
        var arrived: [UInt8] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let input = Array(rest)
            let count = server.send(input.span.bytes, outbox: &outbox)
            guard count > 0 else { break }
            rest = rest.dropFirst(count)
            deliver()
            while case .bytes(let read) = client.read() { arrived += read }
        }
        return arrived
    }
}

struct NoMemory: Error {}

extension RawSpan {
    /// A copy.
    var array: [UInt8] { withUnsafeBytes { Array($0) } }
}
