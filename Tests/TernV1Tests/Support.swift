import Foundation
import NetworkPrimitives
import Signaling
import TernV1
import Testing

/// Tokens are names of passes. Rooms whose names begin with "open" take visitors without one.
final class FakeGate: Gatekeeper, @unchecked Sendable {
    var passes: [String: Pass] = [:]
    var refusals: [String: AdmissionRefusal] = [:]
    var capacity: Int?
    var lifetimeSeconds: UInt32 = 600
    var issues = true
    var isExclusive = false
    /// What it was asked, in order.
    var calls: [String] = []

    func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        let name = String(decoding: token, as: UTF8.self)
        calls.append("identify \(name)")
        if let refusal = refusals[name] { throw refusal }
        guard let pass = passes[name] else { throw .unauthorized }
        guard pass.expiresAt > unixTime else { throw .tokenExpired }
        return pass
    }

    func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        calls.append("admit \(room)")
        guard let pass else {
            guard room.description.hasPrefix("open") else { throw .unauthorized }
            return Admission(identity: nil, grants: .standard, capacity: capacity, isExclusive: isExclusive)
        }
        guard pass.expiresAt > unixTime else { throw .tokenExpired }
        guard pass.rooms?.matches(room) == true else { throw .forbidden }
        return Admission(
            identity: pass.subject.map { Admission.Identity(issuer: pass.issuer, subject: $0) },
            grants: pass.grants, capacity: pass.capacity ?? capacity, isExclusive: isExclusive)
    }

    func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        calls.append("issue")
        guard issues else { return nil }
        let expiresAt = UnixTime(seconds: unixTime.seconds + Int64(lifetimeSeconds))
        let username = "\(expiresAt.seconds):" + String(decoding: member.bytes, as: UTF8.self)
        return IssuedCredentials(
            username: username,
            iceServers: [
                IceServer(urls: ["stun:turn.example:3478"]),
                IceServer(urls: ["turn:turn.example:3478"], username: username, credential: "secret"),
            ],
            lifetimeSeconds: lifetimeSeconds, expiresAt: expiresAt)
    }
}

/// Sessions with clocks, and what they were sent, by connection.
final class TernHarness {
    struct Closing: Equatable {
        let code: UInt16
        let reason: String
    }

    let gate = FakeGate()
    private var server: TernV1Server
    private(set) var now = Instant(nanoseconds: 5_000_000_000)
    private(set) var unixTime = UnixTime(seconds: 1_800_000_000)
    private(set) var texts: [UInt64: [String]] = [:]
    private(set) var confidential: [String] = []
    private(set) var closings: [UInt64: Closing] = [:]
    private(set) var pings: [UInt64: Int] = [:]
    private(set) var members: [MemberChange] = []
    private(set) var events: [SignalingEvent] = []
    /// Recipients of each text, in order.
    private(set) var sends: [[UInt64]] = []
    private var lastConnection: UInt64 = 0

    static let visitor = Visitor(
        address: IPAddress("198.51.100.7")!, localAddress: IPAddress("203.0.113.1")!,
        host: "turn.example")

    init(_ change: (inout TernV1Settings) -> Void = { _ in }) {
        var settings = TernV1Settings(serverVersion: "1.2.3", node: "n1")
        change(&settings)
        server = TernV1Server(settings: settings, gate: gate, secret: [UInt8](repeating: 9, count: 32))
        for (name, grants) in [("ann", Grants.standard), ("bob", .standard), ("mod", [.standard, .kick])] {
            gate.passes[name] = Pass(
                issuer: "key", subject: name, rooms: RoomPattern("*"), grants: grants,
                expiresAt: UnixTime(seconds: 1_900_000_000))
        }
    }

    // MARK: - Inputs

    /// A new connection; nil when it was refused.
    func connect(token: String? = nil) -> UInt64? {
        lastConnection += 1
        let connection = ConnectionID(rawValue: lastConnection)
        defer { drain() }
        let isTaken = server.connect(
            connection, visitor: Self.visitor, token: token.map { Array($0.utf8) }, at: now)
        return isTaken ? lastConnection : nil
    }

    func say(_ text: String, on connection: UInt64) { say(Array(text.utf8), on: connection) }

    func say(_ text: [UInt8], on connection: UInt64) {
        server.receive(text, from: ConnectionID(rawValue: connection), at: now, unixTime: unixTime)
        drain()
    }

    func disconnect(_ connection: UInt64) {
        server.disconnect(ConnectionID(rawValue: connection), at: now)
        drain()
    }

    func pong(_ connection: UInt64) {
        server.receivePong(from: ConnectionID(rawValue: connection), at: now)
        drain()
    }

    func slowConsumer(_ connection: UInt64) {
        server.slowConsumer(ConnectionID(rawValue: connection), at: now)
        drain()
    }

    /// Lets time pass from deadline to deadline, as a shell does. Connections answer pings unless they are silent.
    func advance(milliseconds: UInt32, silent: Set<UInt64> = []) {
        let end = now.advanced(byMilliseconds: milliseconds)
        let start = now
        let startOfWallClock = unixTime
        var turns = 0
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            let seconds = Int64(now.nanoseconds(since: start) / 1_000_000_000)
            unixTime = UnixTime(seconds: startOfWallClock.seconds + seconds)
            let before = pings
            server.handleDeadline(at: now, unixTime: unixTime)
            drain()
            for (connection, count) in pings where count != before[connection] && !silent.contains(connection) {
                pong(connection)
            }
            turns += 1
            if turns > 100_000 {
                Issue.record("the deadlines never end")
                return
            }
        }
        now = end
        unixTime = UnixTime(seconds: startOfWallClock.seconds + Int64(milliseconds / 1000))
    }

    /// A shell that was held up: all that has become due is done at one time.
    func jump(seconds: UInt32) {
        now = now.advanced(bySeconds: seconds)
        server.handleDeadline(at: now, unixTime: unixTime)
        drain()
    }

    func setWallClock(_ seconds: Int64) { unixTime = UnixTime(seconds: seconds) }

    func drainServer(seconds: UInt32) {
        server.drain(deadline: now.advanced(bySeconds: seconds), at: now)
        drain()
    }

    func query<Result>(_ body: (borrowing TernV1Server) -> Result) -> Result { body(server) }

    func act<Result>(_ body: (inout TernV1Server) -> Result) -> Result {
        defer { drain() }
        return body(&server)
    }

    // MARK: - Shortcuts

    /// A session; answers its connection.
    func greet(_ token: String? = nil, replace: Bool = false) throws -> UInt64 {
        let connection = try #require(connect())
        let tokenField = token.map { #","token":"\#($0)""# } ?? ""
        let replaceField = replace ? #","replace":true"# : ""
        say(#"{"type":"hello","v":1\#(tokenField)\#(replaceField)}"#, on: connection)
        return connection
    }

    /// A session in a room; answers its connection.
    func enter(_ room: String, _ token: String? = nil, fields: String = "") throws -> UInt64 {
        let connection = try greet(token)
        say(#"{"type":"join","room":"\#(room)"\#(fields)}"#, on: connection)
        return connection
    }

    /// What a connection was sent since the last look.
    func take(_ connection: UInt64) -> [String] { texts.removeValue(forKey: connection) ?? [] }

    func takeMembers() -> [MemberChange] {
        defer { members = [] }
        return members
    }

    func takeSends() -> [[UInt64]] {
        defer { sends = [] }
        return sends
    }

    func takeEvents() -> [SignalingEvent] {
        defer { events = [] }
        return events
    }

    private func drain() {
        while let output = server.nextOutput() {
            switch output {
            case .send(let connections, let text, let isConfidential):
                let text = String(decoding: text, as: UTF8.self)
                sends.append(connections.map(\.rawValue))
                if isConfidential { confidential.append(text) }
                for connection in connections {
                    #expect(closings[connection.rawValue] == nil, "a text behind the end of its connection")
                    texts[connection.rawValue, default: []].append(text)
                }
            case .ping(let connection): pings[connection.rawValue, default: 0] += 1
            case .close(let connection, let code, let reason):
                #expect(closings[connection.rawValue] == nil, "closed twice")
                closings[connection.rawValue] = Closing(code: code, reason: reason)
            case .member(let change): members.append(change)
            case .event(let event): events.append(event)
            }
        }
    }
}

/// A text as Foundation reads it, so that our writer is not vouched for by our parser.
func json(_ text: String?) throws -> [String: Any] {
    let text = try #require(text)
    return try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
}

extension TernHarness {
    /// The member `name` of the last text of a type that a connection was sent; leaves the texts where they are.
    func last(_ type: String, _ connection: UInt64) throws -> [String: Any] {
        let all = try (texts[connection] ?? []).map { try json($0) }
        return try #require(all.last { $0["type"] as? String == type }, "no \(type) on \(connection)")
    }

    /// The id by which others know the participant that joined last on the connection.
    func participant(_ connection: UInt64) throws -> String {
        try #require(try last("joined", connection)["self"] as? String)
    }

    func resumeToken(_ connection: UInt64) throws -> String {
        try #require(try last("welcome", connection)["resume"] as? String)
    }

    /// The code of the error that is the only text.
    func takeError(_ connection: UInt64) throws -> String {
        let texts = take(connection)
        try #require(texts.count == 1, "\(texts)")
        let error = try json(texts[0])
        try #require(error["type"] as? String == "error", "\(texts)")
        #expect((error["message"] as? String)?.isEmpty == false)
        return try #require(error["code"] as? String)
    }
}
