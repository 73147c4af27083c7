import LinuxSockets
import NetworkPrimitives
import WebSocket

/// A member of a room, from the first packet of its connection on: upgrade, hello, join, and then whatever comes.
///
/// All servers have to say the same things in the same order; what they say beyond the few members that are looked
/// at is theirs.
final class SignalClient {
    /// What the client waits for.
    enum Step {
        /// The TCP connection.
        case connection
        /// The answer to the upgrade request.
        case upgrade
        case welcome
        case joined
        /// Nothing: it is in, or as far in as it was to go.
        case nothing
    }

    /// What came of bytes.
    enum Progress {
        case waiting
        /// The client has got as far as it was to go.
        case arrived
        /// A message of another member.
        case delivered(byteCount: Int)
        case failed(SignalFailure)
    }

    let stream: Stream
    let room: String
    private(set) var step = Step.connection
    /// By which other members name it.
    private(set) var identifier: [UInt8] = []
    private let options: SignalOptions
    private var head: [UInt8] = []
    private var socket = WebSocketConnection(role: .client(maskingKey: SignalClient.maskingKey))

    /// RFC 6455 §5.3 wants it unpredictable, for the sake of proxies that are not here.
    static let maskingKey: UInt32 = 0x5A3C_96E1
    private static let headByteCountMax = 8192

    init(to server: SocketAddress, from source: IPv4Address, room: String, _ options: SignalOptions) throws(SystemError)
    {
        stream = try Stream(to: server, from: source)
        self.room = room
        self.options = options
    }

    /// The connection is there.
    func begin() -> Progress {
        step = .upgrade
        // The key is the example of RFC 6455 §1.3.
        let request = """
            GET /v1/signal HTTP/1.1\r
            Host: \(options.server)\r
            Connection: Upgrade\r
            Upgrade: websocket\r
            Sec-WebSocket-Version: 13\r
            Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
            Sec-WebSocket-Protocol: tern.v1\r
            \r\n
            """
        return stream.write(Array(request.utf8)) ? .waiting : .failed(.blocked)
    }

    /// Bytes have come. `tell` hears of everything that they mean, in order.
    func receive(_ bytes: RawSpan, _ tell: (Progress) -> Void) {
        var offset = 0
        if step == .upgrade {
            guard let start = takeHead(bytes, tell) else { return }
            offset = start
        }
        while let event = socket.nextEvent(in: bytes, from: &offset) {
            switch event {
            case .text(let text): tell(take(text))
            case .ping(let payload):
                if !stream.write(WebSocketFrame.pong(payload, maskingKey: Self.maskingKey)) { tell(.failed(.blocked)) }
            case .pong, .binary: break
            case .close(let code, _): return tell(.failed(.closed(code)))
            case .failed: return tell(.failed(.malformed))
            }
        }
    }

    /// A text message as a client frames it.
    static func frame(_ text: String) -> [UInt8] { WebSocketFrame.text(Array(text.utf8), maskingKey: maskingKey) }

    /// Sends a frame that was made before.
    func send(_ frame: [UInt8]) -> Bool { stream.write(frame) }

    // MARK: - Getting in

    /// Collects the response to the upgrade request. Answers where behind it the frames begin, nil while it is not
    /// whole.
    private func takeHead(_ bytes: RawSpan, _ tell: (Progress) -> Void) -> Int? {
        for index in 0..<bytes.byteCount {
            head.append(bytes.byte(at: index))
            guard head.count <= Self.headByteCountMax else { break }
            guard head.suffix(4).elementsEqual("\r\n\r\n".utf8) else { continue }
            guard head.starts(with: "HTTP/1.1 101 ".utf8) else { break }
            head = []
            step = .welcome
            tell(say(#"{"type":"hello","v":1}"#))
            return index + 1
        }
        if head.count >= Self.headByteCountMax || head.suffix(4).elementsEqual("\r\n\r\n".utf8) {
            tell(.failed(.refused(String(decoding: head.prefix(60), as: UTF8.self))))
        }
        return nil
    }

    private func take(_ text: [UInt8]) -> Progress {
        if text.begins(with: #"{"type":"signal","#) || text.begins(with: #"{"type":"broadcast","#) {
            return .delivered(byteCount: text.count)
        }
        if text.begins(with: #"{"type":"welcome""#), step == .welcome {
            guard !options.staysOutside else { return arrive() }
            step = .joined
            let ice = options.withoutCredentials ? #","ice":false"# : ""
            return say(#"{"type":"join","room":"\#(room)"\#(ice)}"#)
        }
        if text.begins(with: #"{"type":"joined""#), step == .joined {
            guard let own = text.value(behind: #""self":""#) else { return .failed(.malformed) }
            identifier = own
            return arrive()
        }
        if text.begins(with: #"{"type":"error""#) {
            return .failed(.refused(String(decoding: text.prefix(120), as: UTF8.self)))
        }
        return .waiting
    }

    private func arrive() -> Progress {
        step = .nothing
        return .arrived
    }

    private func say(_ text: String) -> Progress {
        stream.write(Self.frame(text)) ? .waiting : .failed(.blocked)
    }
}

/// Why a client is of no more use.
enum SignalFailure: Error {
    /// The kernel would not take a message whole.
    case blocked
    case closed(UInt16?)
    /// The connection is gone.
    case lost(SystemError?)
    case malformed
    /// The beginning of what the server said.
    case refused(String)
}

extension [UInt8] {
    func begins(with text: StaticString) -> Bool {
        guard count >= text.utf8CodeUnitCount else { return false }
        for index in 0..<text.utf8CodeUnitCount where unsafe self[index] != text.utf8Start[index] { return false }
        return true
    }

    /// What stands between the first occurrence of a text and the next quotation mark.
    func value(behind text: String) -> [UInt8]? {
        let sought = Array(text.utf8)
        var index = 0
        while index + sought.count < count {
            if self[index...].starts(with: sought) {
                let rest = self[(index + sought.count)...]
                return rest.firstIndex(of: UInt8(ascii: "\"")).map { Array(rest[..<$0]) }
            }
            index += 1
        }
        return nil
    }
}
