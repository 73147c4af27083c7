import NetworkPrimitives
import TLSClient
import TestSupport

/// OpenSSL's client of DTLS over a UDP socket of a test. It believes every certificate.
final class DTLSEndpoint {
    let socket: UDPEndpoint
    let server: SocketAddress
    private var client: TestClient
    /// Whether the server has said that it sends no more.
    private(set) var hasEnded = false

    /// From `socket`, or from one of its own.
    init(to server: SocketAddress, from socket: UDPEndpoint? = nil) throws {
        self.server = server
        self.socket = try socket ?? UDPEndpoint(server.family == .ipv4 ? "127.0.0.1" : "::1")
        client = Self.client()
    }

    private static func client() -> TestClient {
        var offer = ClientOffer(datagrams: true)
        // What a full queue has lost is sent again.
        offer.retransmissionMilliseconds = 200
        return TestClient(offer)
    }

    /// Forgets everything but the port, as a client that was started again.
    func restart() {
        client = Self.client()
        hasEnded = false
    }

    // MARK: - Handshake

    /// The whole of it; false when it fails or takes too long.
    func handshake(within limit: Duration = .seconds(10)) -> Bool {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let state = client.handshake()
            flush()
            if state != 0 { return state == 1 }
            if !take(within: .milliseconds(100)) { client.handleTimeout() }
        }
        return false
    }

    /// The handshake up to the moment in which the server has begun it, and no further; false when it does not.
    func beginHandshake(within limit: Duration = .milliseconds(500)) -> Bool {
        _ = client.handshake()
        flush()
        guard take(within: limit) else { return false }
        _ = client.handshake()
        flush()
        return socket.receive(within: limit) != nil
    }

    private func flush() { for datagram in client.output() { socket.send(datagram, to: server) } }

    /// Takes what comes next.
    private func take(within limit: Duration) -> Bool {
        guard let (bytes, source) = socket.receive(within: limit) else { return false }
        if source == server { client.input(bytes) }
        return true
    }

    // MARK: - Messages

    @discardableResult
    func write(_ message: [UInt8]) -> Bool {
        let isWritten = client.write(message)
        flush()
        return isWritten
    }

    /// All in one datagram, a record each.
    func write(together messages: [[UInt8]]) {
        socket.send(encrypted(messages).flatMap { $0 }, to: server)
    }

    /// As `UDPEndpoint.sendTrain`; the messages are of one length.
    func write(train messages: [[UInt8]]) {
        let datagrams = encrypted(messages)
        socket.sendTrain(datagrams.flatMap { $0 }, of: datagrams[0].count, to: server)
    }

    private func encrypted(_ messages: [[UInt8]]) -> [[UInt8]] {
        for message in messages { _ = client.write(message) }
        return client.output()
    }

    /// The next message; nil when none comes in time, or never again.
    func read(within limit: Duration = .seconds(2)) -> [UInt8]? {
        let deadline = ContinuousClock.now + limit
        while !hasEnded {
            switch client.read() {
            case .bytes(let bytes): return bytes
            case .closed, .failed: hasEnded = true
            case .nothing:
                let left = deadline - ContinuousClock.now
                guard left > .zero, take(within: left) else { return nil }
            }
        }
        return nil
    }

    /// Says that nothing more comes.
    func close() {
        client.close()
        flush()
    }
}

extension ServerPlan {
    /// A plan with a certificate.
    static func secure(_ options: String...) -> ServerPlan {
        var plan = ServerPlan()
        plan.options = ["tls-listening-port=@PORT@"] + TestCertificate.options + options
        plan.files = TestCertificate.shared.files
        return plan
    }
}

extension TernServer {
    /// A client over DTLS.
    func secureClient(from ip: String? = nil) throws -> TURNClient {
        let endpoint = try DTLSEndpoint(to: address, from: ip.map { try UDPEndpoint($0) })
        guard endpoint.handshake() else { throw TestFailure("no handshake with \(address)") }
        return try TURNClient(over: endpoint)
    }
}
