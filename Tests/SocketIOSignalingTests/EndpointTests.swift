import Codelab
import EngineIO
import NetworkPrimitives
import Signaling
import SocketIO
import SocketIOSignaling
import Testing

@Suite("Socket.IO with dialects: the endpoint")
struct EndpointTests {
    @Test("a path is served with and without a slash behind it, and nothing below it")
    func path() {
        let site = Site { $0.path = ["signal", "io"] }
        #expect(site.endpoint.serves(["signal", "io"]))
        #expect(site.endpoint.serves(["signal", "io", ""]))
        #expect(!site.endpoint.serves(["signal"]))
        #expect(!site.endpoint.serves(["signal", "io", "socket.io.js"]))
        #expect(Site().endpoint.serves(["socket.io", ""]))
    }

    // MARK: - Talking

    @Test("two pages over WebSockets: what one says comes to the other byte for byte")
    func webSockets() throws {
        let site = Site()
        let (a, b) = (try site.connect(), try site.connect())
        site.send(#"42["create or join"]"#, on: a)
        let created = try #require(site.take(a).first)
        #expect(created.hasPrefix(#"42["created","room0",""#))
        site.send(#"42["create or join"]"#, on: b)
        #expect(site.take(a) == [#"42["join","room0"]"#, #"42["ready"]"#])
        #expect(site.take(b).count == 2)
        site.send(#"42 ["sending signal" , {"room":"room0", "data":"\u00e4 \/", "n":1.50e+3}] "#, on: a)
        #expect(site.take(b) == [#"42["sending signal" , {"room":"room0", "data":"\u00e4 \/", "n":1.50e+3}]"#])
    }

    @Test("the same by polling, all that an input causes in one answer; and from one to the other")
    func polling() throws {
        let site = Site()
        let session = try site.poll()
        site.post(session, "40\u{1E}42[\"create or join\"]")
        let answer = site.get(session)
        #expect(answer.hasPrefix(#"40{"sid":""#))
        #expect(answer.contains("\u{1E}42[\"created\",\"room0\",\""))
        let waiting = site.request(.get, session)
        let b = try site.connect()
        site.send(#"42["create or join"]"#, on: b)
        #expect(site.answer(waiting) == "42[\"join\",\"room0\"]\u{1E}42[\"ready\"]")
        _ = site.take(b)
        site.post(session, #"42["initiate peer","room0"]"#)
        #expect(site.take(b) == [#"42["initiate peer","room0"]"#])
    }

    @Test("a text for many is written once and sent to all of them by one output")
    func onceForAll() throws {
        let site = Site()
        let clients = try (0..<4).map { _ in try site.connect() }
        for client in clients { site.send(#"42["create or join"]"#, on: client) }
        let before = site.sends.count
        site.send(#"42["message",{"a":1}]"#, on: clients[1])
        #expect(Array(site.sends[before...]) == [[clients[0], clients[2], clients[3]]])
        #expect(site.take(clients[3]).last == #"42["message",{"a":1}]"#)
    }

    @Test("a namespace is a room: pages in one do not hear those in another")
    func namespaces() throws {
        let site = Site()
        site.gate.isOpen = true
        let clients = try ["40/acme,", "40/acme", "40/other,", "40/page.html,"].map { try site.connect("", $0) }
        let prefixes = ["42/acme,", "42/acme,", "42/other,", "42/page.html,"]
        for (client, prefix) in zip(clients, prefixes) { site.send(prefix + #"["create or join"]"#, on: client) }
        for client in clients { _ = site.take(client) }
        site.send(#"42/acme,["message",1]"#, on: clients[0])
        #expect(clients.map { site.take($0) } == [[], [#"42/acme,["message",1]"#], [], []])
        // A page's own file names no room.
        let rooms = try site.operate { rooms, _ in rooms.roomSummaries(limit: 9).map { "\($0.name)" }.sorted() }
        #expect(rooms == ["acme", "open-lobby", "other"])
    }

    @Test("one session in two namespaces is two clients; leaving one of them ends that one")
    func twoSockets() throws {
        let site = Site()
        site.gate.isOpen = true
        let client = try site.connect()
        site.send("40/acme,", on: client)
        site.send(#"42["create or join"]"#, on: client)
        site.send(#"42/acme,["create or join"]"#, on: client)
        #expect(try site.standing("simple-peer").live.connections == 2)
        site.send("41/acme,", on: client)
        #expect(try site.standing("simple-peer").live.connections == 1)
        site.drop(client)
        #expect(try site.standing("simple-peer").live == .init(connections: 0, rooms: 0, participants: 0))
        #expect(site.endpoint.liveCounts == (0, 0))
    }

    // MARK: - Which dialect

    @Test("a first event that no dialect knows is answered with what is spoken here, and the socket is sent away")
    func unknown() throws {
        let site = Site()
        let client = try site.connect()
        site.send(#"42["create or join","foo"]"#, on: client)
        #expect(
            site.take(client) == [#"42["error","None of what is spoken here begins so: simple-peer."]"#, "41"])
        #expect(try site.standing("socket.io").counters.malformed == 1)
        #expect(try site.standing("socket.io").live.connections == 0)
        // What was on its way is no offence, and it may come again.
        site.send(#"42["create or join"]"#, on: client)
        site.send("40", on: client)
        site.send(#"42["create or join"]"#, on: client)
        #expect(site.take(client).count == 2)
        #expect(!site.isClosed(client))
    }

    @Test("a socket stays with its dialect: another one's event is malformed there")
    func pinned() throws {
        let site = Site()
        let client = try site.connect()
        site.send(#"42["create or join"]"#, on: client)
        _ = site.take(client)
        site.send(#"42["join",{"roomId":"x"}]"#, on: client)
        #expect(site.take(client) == [])
        #expect(try site.standing("simple-peer").counters.malformed == 1)
        #expect(try site.standing("socket.io").counters.malformed == 0)
    }

    @Test("sockets of one session may speak different dialects; each room has members of its own dialect only")
    func severalDialects() throws {
        let site = Site {
            $0.codelab = CodelabSettings()
        }
        site.gate.isOpen = true
        let client = try site.connect()
        site.send("40/acme,", on: client)
        let other = try site.connect("", "40/acme,")
        site.send(#"42/acme,["create or join"]"#, on: client)
        site.send(#"42["create or join","foo"]"#, on: client)
        let told = site.take(client)
        #expect(told.contains { $0.hasPrefix(#"42/acme,["created","room0""#) }, "\(told)")
        #expect(told.contains { $0.hasPrefix(#"42["created","foo""#) }, "\(told)")
        site.send(#"42/acme,["create or join","foo"]"#, on: other)
        #expect(site.take(other).first?.hasPrefix(#"42/acme,["created","foo""#) == true)
        #expect(try site.standing("simple-peer").live.connections == 1)
        #expect(try site.standing("codelab").live.connections == 2)
        let rooms = try site.operate { rooms, _ in rooms.roomSummaries(limit: 9).map { "\($0.name)" } }
        #expect(rooms == ["acme", "foo", "acme~.foo"])
        #expect(try site.operate { rooms, _ in rooms.roomSummaries(limit: 2).count } == 2)
        // The first event has decided.
        site.send(#"42["create or join"]"#, on: client)
        #expect(try site.standing("simple-peer").live.connections == 1)
        site.drop(client)
        #expect(try site.standing("codelab").live.connections == 1)
    }

    @Test("without any dialect there is nothing to say")
    func noDialect() throws {
        let site = Site { $0.simplePeer = nil }
        let client = try site.connect()
        site.send(#"42["create or join"]"#, on: client)
        #expect(site.take(client).last == "41")
    }

    @Test(
        "who says nothing may listen for as long as its transport lives, and no timer but the transport's runs for it")
    func silent() throws {
        let site = Site()
        let client = try site.connect()
        site.advance(milliseconds: 600_000)
        #expect(!site.isClosed(client))
        #expect(try site.standing("socket.io").live.connections == 1)
        site.send(#"42["create or join"]"#, on: client)
        #expect(site.take(client).count == 1)
        #expect(try site.standing("socket.io").live.connections == 0)
        site.advance(milliseconds: 600_000)
        #expect(!site.isClosed(client))
        site.drop(client)
        #expect(site.endpoint.nextDeadline == nil)
    }

    @Test("an event with binary parts is heard by nobody and counts; one that wants an answer gets none")
    func binary() throws {
        let site = Site()
        let (a, b) = (try site.connect(), try site.connect())
        for client in [a, b] { site.send(#"42["create or join"]"#, on: client) }
        _ = (site.take(a), site.take(b))
        site.send(#"451-["message",{"_placeholder":true,"num":0}]"#, on: a)
        site.send([1, 2, 3], on: a)
        #expect(site.take(b) == [])
        #expect(try site.standing("simple-peer").counters.malformed == 1)
        site.send(#"4217["message","x"]"#, on: a)
        #expect(site.take(a) == [])
        #expect(site.take(b) == [#"42["message","x"]"#])
    }

    // MARK: - Names

    @Test("in protocol 5 others are told the name that the client knows; in protocol 4 one that proves nothing")
    func names() throws {
        let site = Site()
        let new = try site.open()
        site.send("40", on: new)
        let sid = try #require(site.take(new).first).dropFirst(#"40{"sid":""#.count).prefix(22)
        site.send(#"42["create or join"]"#, on: new)
        #expect(site.take(new) == [#"42["created","room0","\#(sid)"]"#])

        let old = try site.poll("EIO=3&transport=polling&b64=1")
        let secret = old.suffix(22)
        site.post(old, #"20:42["create or join"]"#)
        let answer = site.get(old)
        #expect(answer.contains(#"["joined","room0",""#), "\(answer)")
        #expect(!answer.contains(secret))
    }
}
