import EngineIO
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import SocketIO
import Testing

/// The whole machine with a clock, and the small application that the official suite wants behind it.
final class SocketHarness {
    private var server: SocketIOServer
    private(set) var now = Instant(nanoseconds: 9_000_000_000)
    private(set) var responses: [UInt64: HTTPResponse] = [:]
    private(set) var frames: [UInt64: [Frame]] = [:]
    private(set) var closings: Set<UInt64> = []
    private(set) var connects: [SocketConnect] = []
    private(set) var events: [String] = []
    private(set) var answers: [String] = []
    private(set) var disconnected: [SocketDisconnectReason] = []
    /// Recipients of each text frame, in order.
    private(set) var sends: [[UInt64]] = []
    /// What the application does with newcomers.
    var decision = Decision.acceptAndGreet
    private var last: UInt64 = 0

    enum Frame: Equatable {
        case text(String)
        case binary([UInt8])
    }

    enum Decision {
        /// As the official suite wants it: an event `auth` with what the client gave.
        case acceptAndGreet
        case accept
        case refuse(String, data: String?)
        case wait
    }

    static let home = EngineVisitor(
        Visitor(
            address: .v4(IPv4Address(rawValue: 0xC633_6401)), localAddress: .v4(IPv4Address(rawValue: 0xC633_6450)),
            host: "turn.example"))

    init(
        engine changeEngine: (inout EngineSettings) -> Void = { _ in },
        sockets changeSockets: (inout SocketSettings) -> Void = { _ in }
    ) {
        var engine = EngineSettings()
        engine.pingIntervalMilliseconds = 300
        engine.pingTimeoutMilliseconds = 200
        changeEngine(&engine)
        var sockets = SocketSettings()
        sockets.connectTimeoutMilliseconds = 1000
        sockets.namespaces = .listed(["/", "/custom"])
        changeSockets(&sockets)
        server = SocketIOServer(
            engine: engine, sockets: sockets, secret: [UInt8](repeating: 5, count: 32), start: now)
    }

    var counters: SocketCounters { server.counters.sockets }
    var liveCounts: (sessions: Int, sockets: Int) { server.liveCounts }

    // MARK: - Requests

    func request(
        _ method: HTTPMethod, _ query: String, _ body: String = "", from visitor: EngineVisitor = home
    ) -> UInt64 {
        last += 1
        server.receive(Self.make(method, query, body), id: RequestID(rawValue: last), from: visitor, at: now)
        drain()
        return last
    }

    @discardableResult
    func get(_ query: String) -> (status: UInt16, text: String) { answer(request(.get, query)) }

    @discardableResult
    func post(_ query: String, _ body: String) -> (status: UInt16, text: String) {
        answer(request(.post, query, body))
    }

    func answer(_ id: UInt64) -> (status: UInt16, text: String) {
        (responses[id]?.status.code ?? 0, text(responses[id]?.body ?? []))
    }

    /// Opens a session by polling and gives its sid.
    func open(_ query: String = "EIO=4&transport=polling") -> String {
        let text = get(query).text
        guard let start = text.firstRange(of: "\"sid\":\"") else {
            Issue.record("no handshake: \(text)")
            return ""
        }
        return String(text[start.upperBound...].prefix(22))
    }

    private static func make(_ method: HTTPMethod, _ query: String, _ body: String = "") -> HTTPRequest {
        HTTPRequest(method: method, target: RequestTarget("/socket.io/?\(query)")!, body: Array(body.utf8))
    }

    // MARK: - WebSockets

    struct Refused: Error { let status: UInt16 }

    func webSocket(_ query: String = "EIO=4&transport=websocket") throws -> UInt64 {
        last += 1
        let refusal = server.openWebSocket(
            WebSocketID(rawValue: last), for: Self.make(.get, query), from: Self.home, at: now)
        drain()
        if let refusal { throw Refused(status: refusal.status.code) }
        return last
    }

    /// A WebSocket that is past the handshakes of both protocols.
    func connected(_ packets: String...) throws -> UInt64 {
        let socket = try webSocket()
        for packet in packets.isEmpty ? ["40"] : packets { send(packet, on: socket) }
        _ = take(socket)
        return socket
    }

    func send(_ text: String, on socket: UInt64) {
        server.receive(text: Array(text.utf8), from: WebSocketID(rawValue: socket), at: now)
        drain()
    }

    func send(_ bytes: [UInt8], on socket: UInt64) {
        server.receive(binary: bytes, from: WebSocketID(rawValue: socket), at: now)
        drain()
    }

    func drop(_ socket: UInt64) {
        server.webSocketClosed(WebSocketID(rawValue: socket), at: now)
        drain()
    }

    func take(_ socket: UInt64) -> [Frame] { frames.removeValue(forKey: socket) ?? [] }

    func isClosed(_ socket: UInt64) -> Bool { closings.contains(socket) }

    // MARK: - Time and application

    func advance(milliseconds: UInt64) {
        let end = Instant(nanoseconds: now.nanoseconds + milliseconds * 1_000_000)
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            server.handleDeadline(at: now)
            drain()
        }
        now = end
    }

    func apply<Result>(_ change: (inout SocketIOServer) -> Result) -> Result {
        let result = change(&server)
        drain()
        return result
    }

    func name(_ index: Int) -> String { connects[index].name }

    private func drain() {
        while let output = server.nextOutput() {
            switch output {
            case .respond(let id, let response): responses[id.rawValue] = response
            case .sendText(let sockets, let bytes):
                sends.append(sockets.map(\.rawValue))
                for socket in sockets { frames[socket.rawValue, default: []].append(.text(text(bytes))) }
            case .sendBinary(let sockets, let bytes):
                for socket in sockets { frames[socket.rawValue, default: []].append(.binary(bytes)) }
            case .closeWebSocket(let socket, _): closings.insert(socket.rawValue)
            case .connect(let connect): decide(connect)
            case .event(let socket, let event): echo(event, socket)
            case .acknowledged(_, let id, let arguments): answers.append("\(id.rawValue) \(list(arguments))")
            case .disconnected(_, let reason): disconnected.append(reason)
            }
        }
    }

    private func decide(_ connect: SocketConnect) {
        connects.append(connect)
        switch decision {
        case .acceptAndGreet:
            server.accept(connect.socket)
            let auth = connect.auth ?? Array("{}".utf8)[...]
            server.emit("auth", SocketEmission([auth]), to: [connect.socket])
        case .accept: server.accept(connect.socket)
        case .refuse(let message, let data):
            server.refuse(connect.socket, message: message, data: data.map { Array($0.utf8)[...] })
        case .wait: break
        }
    }

    private func echo(_ event: SocketEvent, _ socket: SocketID) {
        events.append("\(event.name) \(list(event.arguments))")
        switch event.name {
        case "message": server.emit("message-back", SocketEmission(event.arguments), to: [socket])
        case "message-with-ack":
            if let id = event.acknowledgement {
                server.acknowledge(id, SocketEmission(event.arguments), to: socket)
            }
        default: break
        }
    }

    private func list(_ arguments: SocketArguments) -> String {
        let raw = arguments.raw.map { text($0) }.joined(separator: "|")
        return arguments.attachments.isEmpty ? raw : "\(raw) \(arguments.attachments.map { Array($0) })"
    }

    private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}
