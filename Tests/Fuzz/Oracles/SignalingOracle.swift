import JSON
import NetworkPrimitives
import Signaling
import TernV1

/// Any bytes are a script of what a few clients, operators and the clock do to the sessions of tern.v1. Whatever they
/// do, nothing traps, each request is answered once, everything sent is a message, credentials are for members, and
/// three minutes after the last of it nothing is left.
package func checkSignaling(_ input: RawSpan) {
    var script = Script(input.array())
    var world = SignalingWorld(&script)
    // The bound keeps an execution short; libFuzzer makes scripts longer than they need be.
    var steps = 0
    while !script.isOver, steps < 300 {
        world.step(&script)
        steps += 1
    }
    world.finish()
}

/// A token is a name, and rooms that begin with an `a` are closed to all.
private struct FuzzGate: Gatekeeper {
    func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        guard let first = token.first else { throw .unauthorized }
        if first == UInt8(ascii: "e") { throw .tokenExpired }
        return Pass(
            issuer: "k", subject: first == UInt8(ascii: "n") ? nil : String(decoding: token, as: UTF8.self),
            grants: Grants(rawValue: first | Grants.join.rawValue), expiresAt: UnixTime(seconds: .max))
    }

    func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        guard room.bytes.first != UInt8(ascii: "a") else { throw .forbidden }
        let identity = pass?.subject.map { Admission.Identity(issuer: "k", subject: $0) }
        return Admission(
            identity: identity, grants: pass?.grants ?? .standard, capacity: 3,
            isExclusive: pass?.subject?.hasPrefix("x") == true)
    }

    func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        IssuedCredentials(
            username: "u", iceServers: [IceServer(urls: ["turn:t"], username: "u", credential: "c")],
            lifetimeSeconds: 60, expiresAt: unixTime)
    }
}

/// The sessions with what their clients and their shell have to know.
private struct SignalingWorld: ~Copyable {
    private var server: TernV1Server
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var lastConnection: UInt64 = 0
    private var open: [UInt64] = []
    /// Rooms that a connection has been told it is in.
    private var joined: [UInt64: [String]] = [:]
    private var words: [String] = ["AAECAwQFBgcICQoLDA0ODw"]
    private var tags: [MemberTag] = []
    /// Answers to the present request. Each has a name of its own, as a resume repeats older answers.
    private var answers = 0
    private var request = 0

    init(_ script: inout Script) {
        var limits = SignalingLimits()
        limits.sessionsMax = script.pick([4, 1, 2])
        limits.roomsMax = 2
        limits.roomsPerSessionMax = 2
        limits.replayMessagesMax = script.pick([3, 1, 0, 128])
        limits.replayByteCountMax = script.pick([10_000, 100])
        limits.messagesBurst = script.pick([200, 5])
        limits.emptyRoomSeconds = script.pick([0, 5])
        limits.resumeSeconds = script.pick([30, 0])
        limits.bansPerRoomMax = script.pick([1, 0])
        limits.metadataByteCountMax = 16
        limits.messageByteCountMax = 1000
        server = TernV1Server(
            settings: TernV1Settings(limits: limits), gate: FuzzGate(), secret: [UInt8](repeating: 1, count: 32))
    }

    mutating func step(_ script: inout Script) {
        let choice = script.byte()
        switch choice & 0x0F {
        case 0, 1: connect(script.byte())
        case 2...8: receive(Self.message(&script, words), script.byte(), isRequest: choice & 0x10 != 0)
        case 9: receive(script.take(Int(script.byte())), script.byte(), isRequest: false)
        case 10: if let connection = pick(script.byte()) { server.receivePong(from: connection, at: now) }
        case 11: lose(script.byte(), isSlow: choice & 0x10 != 0)
        case 12: wait(script.pick([1, 100, 4_999, 5_001, 26_000, 30_001, 61_000]))
        case 13:
            _ = server.closeRoom(RoomName(script.pick(["r", "b"]).utf8)!, reason: "\"", at: now)
        case 14: _ = server.endSession(script.pick(words), reason: "\u{0}", at: now)
        default: if choice == 0xFF { server.drain(deadline: now.advanced(bySeconds: 5), at: now) }
        }
        drain()
        let counts = server.liveCounts
        require(counts.connections == open.count, "the sessions and the shell agree on what is connected")
        require(counts.rooms <= 2 && counts.participants <= 2 * 3 && counts.sessions <= 4, "limits hold")
        require(tags.count == counts.participants, "each seat has a tag, and each tag a seat")
        require(server.roomSummaries(limit: 9).count == counts.rooms, "rooms can be looked at")
    }

    mutating func finish() {
        while let connection = open.popLast() {
            server.disconnect(ConnectionID(rawValue: connection), at: now)
            drain()
        }
        wait(180_000)
        let counts = server.liveCounts
        require(counts.sessions + counts.connections + counts.rooms + counts.participants == 0, "nothing is left")
        require(tags.isEmpty && server.nextDeadline == nil, "nothing is left, no timer either")
    }

    // MARK: - Acts

    private func pick(_ choice: UInt8) -> ConnectionID? {
        open.isEmpty ? nil : ConnectionID(rawValue: open[Int(choice) % open.count])
    }

    private mutating func connect(_ choice: UInt8) {
        lastConnection += 1
        let visitor = Visitor(address: IPAddress("192.0.2.1")!, localAddress: IPAddress("192.0.2.2")!, host: nil)
        let token: [UInt8]? = choice & 1 == 0 ? nil : [choice]
        if server.connect(ConnectionID(rawValue: lastConnection), visitor: visitor, token: token, at: now) {
            open.append(lastConnection)
        }
    }

    private mutating func receive(_ text: [UInt8], _ choice: UInt8, isRequest: Bool) {
        guard let connection = pick(choice) else { return }
        var text = text
        request += 1
        // A name of its own for the request, where the message is whole.
        let isNamed = isRequest && text.last == UInt8(ascii: "}") && text.count < 900
        if isNamed { text = Array(text.dropLast()) + Array(#","id":\#(request)}"#.utf8) }
        answers = 0
        server.receive(text, from: connection, at: now, unixTime: UnixTime(seconds: 1_800_000_000))
        drain()
        if isNamed { require(answers == 1, "each request is answered once") }
        require(answers <= 1, "nothing is answered twice")
    }

    private mutating func lose(_ choice: UInt8, isSlow: Bool) {
        guard let connection = pick(choice) else { return }
        if isSlow {
            server.slowConsumer(connection, at: now)
        } else {
            server.disconnect(connection, at: now)
            open.removeAll { $0 == connection.rawValue }
        }
    }

    private mutating func wait(_ milliseconds: UInt32) {
        let end = now.advanced(byMilliseconds: milliseconds)
        var turns = 0
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            server.handleDeadline(at: now, unixTime: UnixTime(seconds: 1_800_000_000))
            drain()
            turns += 1
            require(turns < 10_000, "deadlines move on")
        }
        now = end
    }

    // MARK: - Outputs

    private mutating func drain() {
        while let output = server.nextOutput() {
            switch output {
            case .send(let connections, let text, let isConfidential):
                require(!connections.isEmpty, "a text is for somebody")
                for connection in connections {
                    require(open.contains(connection.rawValue), "nothing is sent to who is not there")
                    read(text, connection.rawValue, isConfidential)
                }
            case .ping(let connection): require(open.contains(connection.rawValue), "who is pinged is there")
            case .close(let connection, let code, let reason):
                require(open.contains(connection.rawValue), "what is closed was open")
                require((1000...4999).contains(code) && reason.utf8.count <= 123, "a close frame takes it")
                open.removeAll { $0 == connection.rawValue }
            case .member(.entered(let tag)):
                require(!tags.contains(tag), "tags are new")
                tags.append(tag)
            case .member(.issued(let tag, _)): require(tags.contains(tag), "credentials are for members")
            case .member(.left(let tag, _)), .member(.revoked(let tag)):
                require(tags.contains(tag), "a tag ends once")
                tags.removeAll { $0 == tag }
            case .member(.banned), .event: break
            }
        }
    }

    private mutating func read(_ text: [UInt8], _ connection: UInt64, _ isConfidential: Bool) {
        guard let root = try? JSONDocument(parsing: text).root, let type = root["type"]?.string else {
            return require(false, "what is sent is a message")
        }
        if ["ok", "error"].contains(type), root["id"]?.integer == request { answers += 1 }
        if root["iceServers"] != nil || root["ice"] != nil || root["resume"] != nil {
            require(isConfidential, "secrets are not compressed")
        }
        if let room = root["room"]?.string { require(room.first != "a", "nothing of a closed room is told") }
        for name in ["self", "session", "resume"] {
            if let word = root[name]?.string, words.count < 40 { words.append(word) }
        }
    }

    // MARK: - Messages

    private static let types = [
        "hello", "join", "signal", "broadcast", "leave", "roster", "update", "credentials", "kick", "ping", "bye", "no",
    ]

    /// A message with some of the fields that messages have, of the right kind for the most part.
    private static func message(_ script: inout Script, _ words: [String]) -> [UInt8] {
        let type = script.pick(types)
        var fields = [#""type":"\#(type)""#]
        if type == "hello" { fields.append(#""v":1"#) }
        let room = script.pick(["r", "b", "a", "", "c"])
        let mask = script.byte()
        if type != "hello", type != "ping", type != "bye" { fields.append(#""room":"\#(room)""#) }
        if ["signal", "kick"].contains(type) { fields.append(#""to":"\#(script.pick(words))""#) }
        if ["signal", "broadcast"].contains(type) {
            fields.append(#""data":\#(script.pick(["1", "{\"a\":[]}", "null"]))"#)
        }
        if mask & 1 != 0 { fields.append(#""token":"\#(script.pick(["nn", "xx", "__", "\\u001f", "ee", ""]))""#) }
        if mask & 2 != 0 { fields.append(#""resume":"\#(script.pick(words))""#) }
        if mask & 4 != 0 { fields.append(#""received":\#(script.pick(["0", "1", "2", "3", "9", "-1", "1e9"]))"#) }
        if mask & 8 != 0 { fields.append(#""replace":\#(script.pick(["true", "false", "1"]))"#) }
        if mask & 16 != 0 {
            fields.append(#""meta":\#(script.pick(["1", "null", "[1,2,3,4,5,6,7]", "[1,2,3,4,5,6,7,8]"]))"#)
        }
        if mask & 32 != 0 { fields.append(#""ban_s":\#(script.pick(["0", "1", "100", "99999999"]))"#) }
        if mask & 64 != 0 { fields.append(#""name":\#(script.pick(["\"n\"", "7", "\"\\ud800\"", "\"\\u2028\""]))"#) }
        if mask & 128 != 0 { fields.append(#""ice":\#(script.pick(["false", "true", "null"]))"#) }
        return Array(("{" + fields.joined(separator: ",") + "}").utf8)
    }
}
