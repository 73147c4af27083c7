import EngineIO
import HTTP
import NetworkPrimitives
import Signaling
import Testing

/// Sessions with a clock, and what clients were answered, by request and socket.
final class EngineHarness {
    private var server: EngineServer
    private(set) var now = Instant(nanoseconds: 7_000_000_000)
    private(set) var responses: [UInt64: HTTPResponse] = [:]
    private(set) var frames: [UInt64: [Frame]] = [:]
    private(set) var closings: [UInt64: UInt16] = [:]
    private(set) var openings: [EngineOpening] = []
    private(set) var messages: [String] = []
    private(set) var closed: [EngineCloseReason] = []
    private(set) var upgrades = 0
    /// Recipients of each frame, in order.
    private(set) var sends: [[UInt64]] = []
    /// Whether messages go back to where they came from, as the official suites want it.
    var echoes = true
    private var last: UInt64 = 0

    enum Frame: Equatable {
        case text(String)
        case binary([UInt8])
    }

    static let home = IPAddress.v4(IPv4Address(rawValue: 0xC633_6401))

    /// The settings of the official suites, unless they are changed.
    init(_ change: (inout EngineSettings) -> Void = { _ in }) {
        var settings = EngineSettings()
        settings.pingIntervalMilliseconds = 300
        settings.pingTimeoutMilliseconds = 200
        change(&settings)
        server = EngineServer(settings: settings, secret: [UInt8](repeating: 5, count: 32), start: now)
    }

    var counters: EngineCounters { server.counters }
    var sessionCount: Int { server.sessionCount }

    // MARK: - Requests

    func request(
        _ method: HTTPMethod, _ query: String, _ body: [UInt8] = [], type: HTTPFieldValue? = nil,
        origin: HTTPFieldValue? = nil, from visitor: EngineVisitor = EngineVisitor(address: home)
    ) -> UInt64 {
        last += 1
        server.receive(
            Self.make(method, query, body, type: type, origin: origin), id: RequestID(rawValue: last), from: visitor,
            at: now)
        drain()
        return last
    }

    /// Sends a GET and gives its number; the answer may come later.
    func poll(_ query: String) -> UInt64 { request(.get, query) }

    /// Sends a GET that is answered at once.
    @discardableResult
    func get(_ query: String) -> Answer { answer(request(.get, query)) }

    @discardableResult
    func post(_ query: String, _ body: String, type: HTTPFieldValue? = "text/plain;charset=UTF-8") -> Answer {
        answer(request(.post, query, Array(body.utf8), type: type))
    }

    func answer(_ id: UInt64) -> Answer { Answer(responses[id]) }

    func isWaiting(_ id: UInt64) -> Bool { responses[id] == nil }

    func abort(_ id: UInt64) {
        server.abort(RequestID(rawValue: id), at: now)
        drain()
    }

    struct Answer: Equatable {
        let status: UInt16
        let type: String?
        let body: [UInt8]
        let response: HTTPResponse?

        init(_ response: HTTPResponse?) {
            self.response = response
            status = response?.status.code ?? 0
            type = response?.headers["content-type"]
            body = response?.body ?? []
        }

        var text: String { String(decoding: body, as: UTF8.self) }
    }

    private static func make(
        _ method: HTTPMethod, _ query: String, _ body: [UInt8] = [], type: HTTPFieldValue? = nil,
        origin: HTTPFieldValue? = nil
    ) -> HTTPRequest {
        var headers = HTTPHeaders()
        if let type { headers.append("content-type", type) }
        if let origin { headers.append("origin", origin) }
        return HTTPRequest(
            method: method, target: RequestTarget("/engine.io/?\(query)")!, headers: headers, body: body)
    }

    // MARK: - WebSockets

    struct Refused: Error { let answer: Answer }

    func webSocket(_ query: String, from visitor: EngineVisitor = EngineVisitor(address: home)) throws -> UInt64 {
        last += 1
        let refusal = server.openWebSocket(
            WebSocketID(rawValue: last), for: Self.make(.get, query), from: visitor, at: now)
        drain()
        if let refusal { throw Refused(answer: Answer(refusal)) }
        return last
    }

    func refusal(_ query: String, from visitor: EngineVisitor = EngineVisitor(address: home)) -> Answer? {
        do {
            _ = try webSocket(query, from: visitor)
            return nil
        } catch { return (error as? Refused)?.answer }
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

    /// What came on the socket since the last look.
    func take(_ socket: UInt64) -> [Frame] { frames.removeValue(forKey: socket) ?? [] }

    func isClosed(_ socket: UInt64) -> Bool { closings[socket] != nil }

    // MARK: - Sessions, time, application

    /// Opens a session by polling and gives its sid.
    func open(_ query: String = "EIO=4&transport=polling", from visitor: EngineVisitor = EngineVisitor(address: home))
        -> String
    {
        let answer = answer(request(.get, query, from: visitor))
        let text = answer.text
        guard let start = text.firstRange(of: "\"sid\":\"") ?? text.firstRange(of: "\\\"sid\\\":\\\"") else {
            Issue.record("no handshake: \(text)")
            return ""
        }
        return String(text[start.upperBound...].prefix(22))
    }

    /// Lets time pass, with the deadlines on the way.
    func advance(milliseconds: UInt64) {
        let end = Instant(nanoseconds: now.nanoseconds + milliseconds * 1_000_000)
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            server.handleDeadline(at: now)
            drain()
        }
        now = end
    }

    /// Lets time pass without anybody looking at deadlines: a busy loop.
    func sleep(milliseconds: UInt64) { now = Instant(nanoseconds: now.nanoseconds + milliseconds * 1_000_000) }

    func emit(_ messages: [EngineMessage], to sessions: [EngineSessionID]) {
        server.send(messages, to: sessions, at: now)
        drain()
    }

    func emit(_ text: String, to session: EngineSessionID) { emit([.text(Array(text.utf8)[...])], to: [session]) }

    func close(_ session: EngineSessionID) {
        server.close(session, at: now)
        drain()
    }

    func drainSessions() {
        server.drain(at: now)
        drain()
    }

    private func drain() {
        while let output = server.nextOutput() {
            switch output {
            case .respond(let id, let response):
                #expect(responses[id.rawValue] == nil, "a request is answered once")
                responses[id.rawValue] = response
            case .sendText(let sockets, let bytes):
                sends.append(sockets.map(\.rawValue))
                for socket in sockets { frames[socket.rawValue, default: []].append(.text(text(bytes))) }
            case .sendBinary(let sockets, let bytes):
                sends.append(sockets.map(\.rawValue))
                for socket in sockets { frames[socket.rawValue, default: []].append(.binary(bytes)) }
            case .closeWebSocket(let socket, let code):
                #expect(closings[socket.rawValue] == nil, "a socket is closed once")
                closings[socket.rawValue] = code
            case .opened(let opening): openings.append(opening)
            case .upgraded: upgrades += 1
            case .message(let session, let message):
                switch message {
                case .text(let bytes): messages.append(text(bytes))
                case .binary(let bytes): messages.append("\(Array(bytes))")
                }
                if echoes { server.send([message], to: [session], at: now) }
            case .closed(_, let reason): closed.append(reason)
            }
        }
    }

    private func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension EngineVisitor {
    /// Somebody at this address.
    init(address: IPAddress, refusal: String? = nil) {
        let server = IPAddress.v4(IPv4Address(rawValue: 0xC633_6450))
        self.init(Visitor(address: address, localAddress: server, host: "turn.example"), refusal: refusal)
    }
}
