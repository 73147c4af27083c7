import DialectSupport
import EngineIO
import HTTP
import NetworkPrimitives
import Signaling
import SimplePeer
import SocketIO
import SocketIOSignaling
import Testing

/// The whole endpoint as its owner sees it: requests, frames and a clock.
final class Site {
    let endpoint: SocketIOSignaling
    let gate = OpenGate()
    private(set) var now = Instant(nanoseconds: 7_000_000_000)
    private(set) var unixTime = UnixTime(seconds: 1_800_000_000)
    private(set) var responses: [UInt64: HTTPResponse] = [:]
    private(set) var closings: Set<UInt64> = []
    private(set) var members: [MemberChange] = []
    /// Recipients of each text frame, in order.
    private(set) var sends: [[UInt64]] = []
    private var frames: [UInt64: [String]] = [:]
    private var events: [SignalingEvent] = []
    private var last: UInt64 = 0

    static let visitor = Visitor(
        address: IPAddress("198.51.100.7")!, localAddress: IPAddress("203.0.113.1")!, host: "turn.example")

    init(
        _ change: (inout SocketIOSignalingSettings) -> Void = { _ in },
        further: (OpenGate) -> [any SpokenDialect] = { _ in [] }
    ) {
        var settings = SocketIOSignalingSettings()
        var simplePeer = SimplePeerSettings(defaultRoom: RoomName("open-lobby".utf8)!)
        simplePeer.sendsIceServers = false
        settings.simplePeer = simplePeer
        change(&settings)
        endpoint = SocketIOSignaling(
            settings: settings, gate: gate, secret: [UInt8](repeating: 7, count: 32), start: now,
            further: further(gate))
    }

    // MARK: - Requests

    func request(_ method: HTTPMethod, _ query: String, _ body: String = "", token: String? = nil) -> UInt64 {
        last += 1
        endpoint.receive(
            Self.make(method, query, body), id: RequestID(rawValue: last), from: Self.visitor(token), at: now,
            unixTime: unixTime)
        drain()
        return last
    }

    @discardableResult
    func get(_ query: String, token: String? = nil) -> String { answer(request(.get, query, token: token)) }

    @discardableResult
    func post(_ query: String, _ body: String) -> String { answer(request(.post, query, body)) }

    func answer(_ id: UInt64) -> String {
        responses[id].map { String(decoding: $0.body, as: UTF8.self) } ?? "no answer"
    }

    /// Opens a session by polling and gives the query that names it.
    func poll(_ query: String = "EIO=4&transport=polling", token: String? = nil) throws -> String {
        let text = get(query, token: token)
        let start = try #require(text.firstRange(of: #""sid":""#), "no handshake: \(text)")
        return query + "&sid=" + text[start.upperBound...].prefix(22)
    }

    private static func make(_ method: HTTPMethod, _ query: String, _ body: String = "") -> HTTPRequest {
        HTTPRequest(method: method, target: RequestTarget("/socket.io/?\(query)")!, body: Array(body.utf8))
    }

    private static func visitor(_ token: String?) -> EngineVisitor {
        EngineVisitor(visitor, token: token.map { Array($0.utf8) })
    }

    // MARK: - WebSockets

    /// A WebSocket without the handshake of Engine.IO, which was checked.
    func open(_ query: String = "", token: String? = nil, version: Int = 4) throws -> UInt64 {
        last += 1
        let socket = last
        let refusal = endpoint.openWebSocket(
            WebSocketID(rawValue: socket), for: Self.make(.get, "EIO=\(version)&transport=websocket\(query)"),
            from: Self.visitor(token), at: now, unixTime: unixTime)
        drain()
        try #require(refusal == nil)
        let first = try #require(frames[socket]?.first)
        try #require(first.hasPrefix("0{"))
        frames[socket]?.removeFirst()
        return socket
    }

    /// A socket in a namespace, of protocol 5.
    func connect(_ query: String = "", token: String? = nil, _ packet: String = "40") throws -> UInt64 {
        let socket = try open(query, token: token)
        send(packet, on: socket)
        let answer = take(socket)
        try #require(answer.count == 1 && answer[0].hasPrefix("40"), "not connected: \(answer)")
        return socket
    }

    func send(_ text: String, on socket: UInt64) {
        endpoint.receive(text: Array(text.utf8), from: WebSocketID(rawValue: socket), at: now, unixTime: unixTime)
        drain()
    }

    func send(_ bytes: [UInt8], on socket: UInt64) {
        endpoint.receive(binary: bytes, from: WebSocketID(rawValue: socket), at: now, unixTime: unixTime)
        drain()
    }

    func drop(_ socket: UInt64) {
        endpoint.webSocketClosed(WebSocketID(rawValue: socket), at: now, unixTime: unixTime)
        drain()
    }

    func take(_ socket: UInt64) -> [String] {
        defer { frames[socket] = [] }
        return frames[socket] ?? []
    }

    func isClosed(_ socket: UInt64) -> Bool { closings.contains(socket) }

    // MARK: - Time and operators

    /// Time passes; WebSockets answer pings.
    func advance(milliseconds: UInt64) {
        let end = Instant(nanoseconds: now.nanoseconds + milliseconds * 1_000_000)
        let (start, startOfWallClock) = (now, unixTime)
        var turns = 0
        while let deadline = endpoint.nextDeadline, deadline <= end {
            now = max(now, deadline)
            unixTime = UnixTime(
                seconds: startOfWallClock.seconds + Int64(now.nanoseconds(since: start) / 1_000_000_000))
            endpoint.handleDeadline(at: now, unixTime: unixTime)
            drain()
            for (socket, texts) in frames where texts.contains("2") {
                frames[socket]?.removeAll { $0 == "2" }
                if !isClosed(socket) { send("3", on: socket) }
            }
            turns += 1
            guard turns < 100_000 else {
                Issue.record("the deadlines never end")
                return
            }
        }
        now = end
    }

    func drain(seconds: UInt32) {
        endpoint.drain(deadline: now.advanced(bySeconds: seconds), at: now, unixTime: unixTime)
        drain()
    }

    func operate<Result>(_ body: (any RoomOperations, Instant) -> Result) throws -> Result {
        let rooms = try #require(endpoint.rooms)
        defer { drain() }
        return body(rooms, now)
    }

    func takeEvents() -> [SignalingEvent] {
        defer { events = [] }
        return events
    }

    func standing(_ name: String) throws -> DialectStanding {
        try #require(endpoint.dialects.first { $0.name == name })
    }

    private func drain() {
        while let output = endpoint.nextOutput() {
            switch output {
            case .respond(let id, let response): responses[id.rawValue] = response
            case .sendText(let sockets, let bytes):
                sends.append(sockets.map(\.rawValue))
                for socket in sockets {
                    frames[socket.rawValue, default: []].append(String(decoding: bytes, as: UTF8.self))
                }
            case .sendBinary: Issue.record("no dialect says anything binary")
            case .closeWebSocket(let socket, _): closings.insert(socket.rawValue)
            case .member(let change): members.append(change)
            case .event(let event): events.append(event)
            }
        }
    }
}
