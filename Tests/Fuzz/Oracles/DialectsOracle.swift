import ChannelSignaling
import Codelab
import JSON
import NetworkPrimitives
import NodePark
import PeerJS
import PixelStreaming
import Signaling
import SimplePeer
import SocketIOChannels
import YWebRTC

/// The first byte chooses a dialect, the rest is a script of what a few clients, operators and the clock do to it.
/// Whatever they do, nothing traps, everything sent is a message for somebody who is there, credentials are for those
/// who were let in and are never compressed, and three minutes after the last of it nothing is left.
package func checkDialects(_ input: RawSpan) {
    var script = Script(input.array())
    let secret = [UInt8](repeating: 1, count: 32)
    let gate = DialectGate()
    let room = RoomName("r".utf8)!
    switch script.byte() & 7 {
    case 0:
        var settings = ChannelSignalingSettings()
        limit(&settings.host.limits)
        settings.sendsIceServers = true
        let machine = ChannelSignaling(settings: settings, gate: gate, secret: secret)
        var world = DialectWorld(machine, words: .members(words.channels)) {
            machine, connection, opening, _, now, unixTime in
            (try? machine.connect(connection, opening, at: now, unixTime: unixTime)) != nil
        }
        world.play(&script)
    case 1:
        var settings = YWebRTCSettings()
        limit(&settings.host.limits)
        settings.sendsIceServers = true
        let machine = YWebRTC(settings: settings, gate: gate, secret: secret)
        var world = DialectWorld(machine, words: .members(words.topics)) {
            machine, connection, opening, _, now, unixTime in
            (try? machine.connect(connection, opening, at: now, unixTime: unixTime)) != nil
        }
        world.play(&script)
    case 2:
        var settings = PeerJSSettings(defaultRoom: room)
        limit(&settings.host.limits)
        settings.limits.queuedPerSenderMax = 2
        settings.limits.queuedMax = 3
        let machine = PeerJSServer(settings: settings, gate: gate, secret: secret)
        var world = DialectWorld(machine, words: .members(words.peers)) {
            machine, connection, opening, choice, now, unixTime in
            let query = PeerJSQuery(
                id: ["a", "b", "", "a\""][Int(choice & 3)], token: choice & 4 == 0 ? "t" : "u",
                key: opening.token.map { String(decoding: $0, as: UTF8.self) } ?? "peerjs")
            return
                (try? machine.connect(
                    connection, visitor: opening.visitor, room: opening.room, query, at: now, unixTime: unixTime))
                != nil
        }
        world.play(&script)
    case 3:
        var settings = PixelStreamingSettings(defaultRoom: room)
        limit(&settings.host.limits)
        settings.streamersPerRoomMax = 3
        settings.playersPerStreamerMax = 2
        let machine = PixelStreamingServer(settings: settings, gate: gate, secret: secret)
        var world = DialectWorld(machine, words: .members(words.streams)) {
            machine, connection, opening, choice, now, unixTime in
            let role: PixelStreamingRole = choice & 4 == 0 ? .player : choice & 8 == 0 ? .streamer : .sfu
            let options = PixelStreamingOptions(offersToReceive: choice & 1 != 0, prefersSFU: choice & 2 != 0)
            return
                (try? machine.connect(connection, role, opening, options, at: now, unixTime: unixTime)) != nil
        }
        world.play(&script)
    case let other: playEvents(other, gate, secret, room, &script)
    }
}

/// The dialects that come over Socket.IO.
private func playEvents(
    _ dialect: UInt8, _ gate: DialectGate, _ secret: [UInt8], _ room: RoomName, _ script: inout Script
) {
    switch dialect {
    case 4:
        var settings = SimplePeerSettings(defaultRoom: room)
        limit(&settings.host.limits)
        play(SimplePeer(settings: settings, gate: gate, secret: secret), events.meshes, &script)
    case 5:
        var settings = CodelabSettings()
        limit(&settings.host.limits)
        settings.sendsIceServers = true
        play(Codelab(settings: settings, gate: gate, secret: secret), events.tutorials, &script)
    case 6:
        var settings = NodeParkSettings()
        limit(&settings.host.limits)
        settings.sendsIceServers = true
        play(NodePark(settings: settings, gate: gate, secret: secret), events.lists, &script)
    default:
        var settings = SocketIOChannelsSettings()
        limit(&settings.host.limits)
        settings.sendsIceServers = true
        play(SocketIOChannels(settings: settings, gate: gate, secret: secret), events.channels, &script)
    }
}

/// Dialects of events are all connected in the same way.
private func play<Machine: EventDialect & ~Copyable>(
    _ machine: consuming Machine, _ words: [String], _ script: inout Script
) {
    var world = DialectWorld(machine, words: .arguments(words)) { machine, connection, opening, choice, now, unixTime in
        let name = "s\(choice & 3)"
        return (try? machine.connect(connection, opening, name: name, at: now, unixTime: unixTime)) != nil
    }
    world.play(&script)
}

private func limit(_ limits: inout SignalingLimits) {
    limits.sessionsMax = 6
    limits.roomsMax = 3
    limits.roomsPerSessionMax = min(limits.roomsPerSessionMax, 2)
    limits.messagesBurst = 20
    limits.messageByteCountMax = 1000
}

/// A token is a name; rooms that begin with `x` are closed to all.
private struct DialectGate: Gatekeeper {
    func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        guard let first = token.first, first != UInt8(ascii: "w") else { throw .unauthorized }
        return Pass(
            issuer: "k", subject: String(decoding: token, as: UTF8.self),
            rooms: first == UInt8(ascii: "o") ? RoomPattern("o") : nil,
            grants: first == UInt8(ascii: "m") ? .join : .standard,
            expiresAt: UnixTime(seconds: .max))
    }

    func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        guard room.bytes.first != UInt8(ascii: "x") else { throw .forbidden }
        let identity = pass?.subject.map { Admission.Identity(issuer: "k", subject: $0) }
        return Admission(identity: identity, grants: pass?.grants ?? .standard, capacity: 4)
    }

    func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        IssuedCredentials(
            username: "u", iceServers: [IceServer(urls: ["turn:t"], username: "u", credential: "c")],
            lifetimeSeconds: 60, expiresAt: unixTime)
    }
}

/// What clients of each dialect say, in parts: a message is some of these members.
private let words = (
    channels: [
        #""channel":"c""#, #""channel":"x""#, #""channel":1"#, #""channel":"\u00e4 ~""#, #""open":true"#,
        #""checkPresence":1"#, #""data":{"a":[1.0,"\ud800"]}"#, #""data":0"#,
    ],
    topics: [
        #""type":"subscribe""#, #""type":"unsubscribe""#, #""type":"publish""#, #""type":"ping""#, #""topics":["t"]"#,
        #""topics":["t","x",1,"u","v"]"#, #""topic":"t""#, #""topic":"u""#, #""data":"\ud800""#, #""clients":{}"#,
    ],
    peers: [
        #""type":"OFFER""#, #""type":"CANDIDATE""#, #""type":"LEAVE""#, #""type":"EXPIRE""#, #""type":"HEARTBEAT""#,
        #""dst":"a""#, #""dst":"b""#, #""dst":"n""#, #""dst":"\"""#, #""payload":{"\ud800":1}"#, #""src":"b""#,
    ],
    streams: [
        #""type":"offer""#, #""type":"iceCandidate""#, #""type":"listStreamers""#, #""type":"subscribe""#,
        #""type":"unsubscribe""#, #""type":"endpointId""#, #""type":"disconnectPlayer""#, #""type":"startStreaming""#,
        #""type":"stopStreaming""#, #""type":"peerDataChannels""#, #""type":"streamerDataChannels""#,
        #""type":"layerPreference""#, #""type":"ping""#, #""type":"answer""#, #""id":"s""#, #""id":"\ud800""#,
        #""streamerId":"s""#, #""streamerId":"s1""#, #""streamerId":"__LEGACY_STREAMER__0""#, #""playerId":101"#,
        #""playerId":"102""#, #""playerId":103"#, #""playerId":-1"#, #""reason":"\u0000""#, #""time":1e999"#,
    ]
)

/// What clients of dialects of events say: a message is some of these, in an array.
private let events = (
    meshes: [
        #""create or join""#, #""initiate peer""#, #""sending signal""#, #""message""#, #""hangup""#, #""room0""#,
        #""room1""#, #"{"room":"room0","data":"{}"}"#, #"{"room":"room2","data":1}"#, "null", #"{"room":null}"#,
    ],
    tutorials: [
        #""create or join""#, #""message""#, #""bye""#, #""ipaddr""#, #""r""#, #""x""#, #""got user media""#,
        #"{"type":"offer","sdp":"\ud800"}"#, "null", "1", #""""#,
    ],
    lists: [
        #""join""#, #""leave""#, #""message""#, #""offer""#, #""candidate""#, #"{"roomId":"r","userId":"a"}"#,
        #"{"roomId":"x","userId":"b"}"#, #"{"room":"r"}"#, #""r""#, #""a""#, "null", #"{"roomId":1}"#,
    ],
    channels: [
        #""new-channel""#, #""presence""#, #""message""#, #"{"channel":"r","sender":"a"}"#, #""r""#,
        #"{"sender":"a","data":{"b":[1.0]}}"#, #"{"sender":"b","data":0}"#, "null", #"{"channel":"c","sender":1}"#,
    ]
)

/// How messages are put together.
private enum Words {
    /// A message is an object with some of these.
    case members([String])
    /// A message is an array of some of these.
    case arguments([String])
}

/// A machine with what its clients and its shell have to know.
private struct DialectWorld<Machine: Dialect & ~Copyable>: ~Copyable {
    typealias Connect = (inout Machine, ConnectionID, Opening, UInt8, Instant, UnixTime) -> Bool

    private var machine: Machine
    private let connect: Connect
    private let words: Words
    private var now = Instant(nanoseconds: 1_000_000_000)
    private let unixTime = UnixTime(seconds: 1_800_000_000)
    private var lastConnection: UInt64 = 0
    private var open: [UInt64] = []
    private var tags: [MemberTag] = []

    init(_ machine: consuming Machine, words: Words, connect: @escaping Connect) {
        self.machine = machine
        self.words = words
        self.connect = connect
    }

    mutating func play(_ script: inout Script) {
        // The bound keeps an execution short; libFuzzer makes scripts longer than they need be.
        var steps = 0
        while !script.isOver, steps < 300 {
            step(&script)
            steps += 1
        }
        while let connection = open.popLast() {
            machine.disconnect(ConnectionID(rawValue: connection), at: now)
            drain()
        }
        wait(180_000)
        let counts = machine.liveCounts
        require(counts.connections + counts.rooms + counts.participants == 0, "nothing is left")
        require(tags.isEmpty && machine.nextDeadline == nil, "nothing is left, no timer either")
    }

    private mutating func step(_ script: inout Script) {
        let choice = script.byte()
        switch choice & 0x0F {
        case 0, 1: arrive(script.byte(), script.byte())
        case 2...8: receive(message(&script), script.byte())
        case 9: receive(script.take(Int(script.byte())), script.byte())
        case 10: if let connection = pick(script.byte()) { machine.receivePong(from: connection) }
        case 11: lose(script.byte(), isSlow: choice & 0x10 != 0)
        case 12: wait(script.pick([1, 100, 501, 4_999, 5_001, 26_000, 61_000]))
        case 13: _ = machine.closeRoom(RoomName(script.pick(["r", "c", "t", "o"]).utf8)!, reason: "\"", at: now)
        case 14: endSomebody(script.byte())
        default: if choice == 0xFF { machine.drain(deadline: now.advanced(bySeconds: 5), at: now) }
        }
        drain()
        let counts = machine.liveCounts
        require(counts.connections == open.count, "the machine and the shell agree on what is connected")
        require(counts.rooms <= 3 && counts.participants <= 3 * 4 && counts.connections <= 6, "limits hold")
        require(tags.count <= counts.participants, "each tag has a seat")
    }

    // MARK: - Acts

    private func pick(_ choice: UInt8) -> ConnectionID? {
        open.isEmpty ? nil : ConnectionID(rawValue: open[Int(choice) % open.count])
    }

    private mutating func arrive(_ choice: UInt8, _ details: UInt8) {
        lastConnection += 1
        let visitor = Visitor(address: IPAddress("192.0.2.1")!, localAddress: IPAddress("192.0.2.2")!, host: nil)
        let token = [nil, "n", "w", "m", "o"][Int(choice & 7) % 5].map { Array($0.utf8) }
        let room = [nil, nil, "r", "x"][Int(choice >> 3 & 3)].flatMap { RoomName($0.utf8) }
        let opening = Opening(visitor: visitor, token: token, room: room)
        // The shell upgrades it before it looks at what is to be sent.
        open.append(lastConnection)
        let isTaken = connect(&machine, ConnectionID(rawValue: lastConnection), opening, details, now, unixTime)
        if !isTaken { open.removeAll { $0 == lastConnection } }
    }

    private mutating func receive(_ text: [UInt8], _ choice: UInt8) {
        guard let connection = pick(choice) else { return }
        machine.receive(text, from: connection, at: now, unixTime: unixTime)
    }

    private func message(_ script: inout Script) -> [UInt8] {
        let count = Int(script.byte() & 3) + 1
        switch words {
        case .members(let members):
            let fields = (0..<count).map { _ in script.pick(members) }
            return Array(("{" + fields.joined(separator: ",") + "}").utf8)
        case .arguments(let arguments):
            let fields = (0..<count).map { _ in script.pick(arguments) }
            return Array(("[" + fields.joined(separator: ",") + "]").utf8)
        }
    }

    private mutating func lose(_ choice: UInt8, isSlow: Bool) {
        guard let connection = pick(choice) else { return }
        if isSlow {
            machine.slowConsumer(connection, at: now)
        } else {
            open.removeAll { $0 == connection.rawValue }
            machine.disconnect(connection, at: now)
        }
    }

    private mutating func endSomebody(_ choice: UInt8) {
        guard let room = machine.roomSummaries(limit: 1).first?.name, let detail = machine.room(room),
            !detail.participants.isEmpty
        else { return }
        let session = detail.participants[Int(choice) % detail.participants.count].session.description
        require(machine.session(session) != nil, "who is in a room is somebody")
        require(machine.endSession(session, reason: "\u{1}", at: now), "who is somebody can be ended")
    }

    private mutating func wait(_ milliseconds: UInt32) {
        let end = now.advanced(byMilliseconds: milliseconds)
        var turns = 0
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            machine.handleDeadline(at: now, unixTime: unixTime)
            drain()
            turns += 1
            require(turns < 10_000, "deadlines move on")
        }
        now = end
    }

    // MARK: - Outputs

    private mutating func drain() {
        while let output = machine.nextOutput() {
            switch output {
            case .send(let connections, let text, let isConfidential):
                require(!connections.isEmpty, "a text is for somebody")
                for connection in connections {
                    require(open.contains(connection.rawValue), "nothing is sent to who is not there")
                }
                let root = try? JSONDocument(parsing: text).root
                require(root != nil, "what is sent is a message")
                let options = root?["peerConnectionOptions"]?["iceServers"] ?? root?["iceServers"]
                if options?.kind == .array { require(isConfidential, "secrets are not compressed") }
                if let event = root?.elements.first(where: { _ in true }),
                    event.equals("iceServers") || event.equals("simple peer options")
                {
                    require(isConfidential, "secrets are not compressed in events either")
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
}
