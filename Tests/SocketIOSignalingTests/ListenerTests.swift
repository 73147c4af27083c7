import Containers
import JSON
import NetworkPrimitives
import Signaling
import SocketIOChannels
import SocketIOSignaling
import Testing

/// A dialect whose clients listen in namespaces that somebody announces. Everything that it is told it says back.
struct Bulletin: ~Copyable, EventDialect {
    static let name = "bulletin"

    var host: DialectHost
    private var announced: [RoomName] = []
    private var known: Set<RoomName> = []

    init(gate: any Gatekeeper) {
        host = DialectHost(settings: DialectSettings(), gate: gate, secret: [UInt8](repeating: 3, count: 32))
    }

    static func begins(with event: JSONValue) -> Bool { Array(event.elements).first?.equals("announce") == true }

    func knows(_ room: RoomName) -> Bool { known.contains(room) }

    mutating func takeAnnounced() -> [RoomName] {
        defer { announced = [] }
        return announced
    }

    mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        let client = try host.connect(connection, opening, at: now, unixTime: unixTime)
        host.send(Array(#"["welcome"]"#.utf8), to: client)
        settle(at: now)
    }

    mutating func receive(_ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime) {
        guard let client = host.receive(byteCount: text.count, from: connection, at: now) else { return }
        if let event = try? JSONDocument(parsing: text).root, Self.begins(with: event),
            let room = Array(event.elements).last?.utf8.flatMap({ RoomName($0) })
        {
            announced.append(room)
            known.insert(room)
        }
        host.send(text, to: client)
        settle(at: now)
    }

    mutating func settle(at now: Instant) { while host.nextChange() != nil {} }
}

@Suite("Socket.IO with dialects: those who only listen")
struct ListenerTests {
    private let site = Site(further: { [DialectBox(Bulletin(gate: $0))] })

    private func announce(_ room: String) throws {
        let client = try site.connect()
        site.send(#"42["announce","\#(room)"]"#, on: client)
        #expect(site.take(client) == [#"42["welcome"]"#, #"42["announce","\#(room)"]"#])
    }

    private func connections(_ name: String) throws -> Int { try site.standing(name).live.connections }

    @Test(
        "those who wait in a namespace are given to the dialect that it turns out to be of, and so is who comes later")
    func announced() throws {
        site.gate.isOpen = true
        let waiting = try (0..<3).map { _ in try site.connect("", "40/acme,") }
        let elsewhere = try site.connect("", "40/other,")
        // One that has gone from the middle is not looked for.
        site.drop(waiting[1])
        try announce("acme")
        #expect(site.take(waiting[0]) == [#"42/acme,["welcome"]"#])
        #expect(site.take(waiting[2]) == [#"42/acme,["welcome"]"#])
        #expect(site.take(elsewhere) == [])
        #expect(try connections("socket.io") == 1)
        #expect(try connections("bulletin") == 3)
        let late = try site.open()
        site.send("40/acme,", on: late)
        #expect(site.take(late).last == #"42/acme,["welcome"]"#)
        for client in [waiting[0], waiting[2], late] { site.drop(client) }
        #expect(try connections("bulletin") == 1)
    }

    @Test("what a socket says itself counts for more than its namespace, which a stranger may have announced")
    func otherDialect() throws {
        site.gate.isOpen = true
        let waiting = try site.connect("", "40/acme,")
        try announce("acme")
        let late = try site.open()
        site.send("40/acme,", on: late)
        for client in [waiting, late] {
            _ = site.take(client)
            site.send(#"42/acme,["create or join"]"#, on: client)
        }
        #expect(site.take(waiting).first?.hasPrefix(#"42/acme,["created","room0""#) == true)
        #expect(site.take(late).first?.hasPrefix(#"42/acme,["joined","room0""#) == true)
        #expect(try connections("bulletin") == 1)
        #expect(try connections("simple-peer") == 2)
        // Once only.
        site.send(#"42/acme,["announce","x"]"#, on: late)
        #expect(try connections("bulletin") == 1)
    }

    @Test("what no dialect begins with is for the one of the namespace, which keeps the socket")
    func unknownEvent() throws {
        site.gate.isOpen = true
        try announce("acme")
        let client = try site.open()
        site.send("40/acme,", on: client)
        _ = site.take(client)
        site.send(#"42/acme,["anything",1]"#, on: client)
        #expect(site.take(client) == [#"42/acme,["anything",1]"#])
        site.send(#"42/acme,["create or join"]"#, on: client)
        #expect(site.take(client) == [#"42/acme,["create or join"]"#])
        #expect(try connections("bulletin") == 2)
    }

    @Test("who is silent in a channel gets the first that is said there, though nobody has announced it yet")
    func channelBeforeAnnouncement() throws {
        let site = Site { $0.socketIOChannels = SocketIOChannelsSettings() }
        site.gate.isOpen = true
        let listeners = try (0..<2).map { _ in try site.connect("", "40/ch,") }
        let elsewhere = try site.connect("", "40/other,")
        let speaker = try site.connect("", "40/ch,")
        for part in 1...3 { site.send(#"42/ch,["message",{"sender":7,"data":{"part":\#(part)}}]"#, on: speaker) }
        let parts = (1...3).map { #"42/ch,["message",{"part":\#($0)}]"# }
        for listener in listeners { #expect(site.take(listener) == parts) }
        // The page's other connection announces it afterwards, which changes nothing.
        let root = try site.connect()
        site.send(#"42["new-channel",{"channel":"ch","sender":7}]"#, on: root)
        let late = try site.connect("", "40/ch,")
        site.send(#"42/ch,["message",{"sender":8,"data":"hi"}]"#, on: listeners[0])
        for client in [listeners[1], speaker, late] { #expect(site.take(client) == [#"42/ch,["message","hi"]"#]) }
        #expect(site.take(listeners[0]) + site.take(elsewhere) + site.take(root) == [])
        #expect(try site.standing("socketio-channels").live.participants == 4)
    }

    @Test("an operator ends somebody who only listens; one whom the gate refuses by now is told and sent away")
    func ends() throws {
        site.gate.passes["t"] = Pass(
            issuer: "key", rooms: RoomPattern("acme"), expiresAt: UnixTime(seconds: 1_900_000_000))
        let refused = try site.connect("&token=t", "40/acme,")
        site.gate.refusals["t"] = .tokenExpired
        try announce("acme")
        #expect(site.take(refused) == [#"42/acme,["error","The token has expired."]"#, "41/acme,"])
        let client = try site.open()
        site.send(#"40/acme,{"token":"acme"}"#, on: client)
        _ = site.take(client)
        let session = site.takeEvents().compactMap { event in
            if case .sessionOpened(let session, _, _) = event { "\(session)" } else { nil }
        }.last
        #expect(try site.operate { rooms, now in rooms.endSession(session ?? "", reason: "late", at: now) })
        #expect(site.take(client) == ["41/acme,"])
        #expect(try connections("bulletin") == 1)
        #expect(site.endpoint.liveCounts.sockets == 1)
    }

    @Test("when the server stops, they leave as the others do")
    func drain() throws {
        site.gate.isOpen = true
        let waiting = try site.connect("", "40/other,")
        try announce("acme")
        let client = try site.open()
        site.send("40/acme,", on: client)
        site.drain(seconds: 5)
        site.advance(milliseconds: 5000)
        #expect(site.isClosed(client) && site.isClosed(waiting))
        #expect(site.endpoint.liveCounts == (0, 0))
        #expect(try connections("bulletin") == 0)
    }
}
