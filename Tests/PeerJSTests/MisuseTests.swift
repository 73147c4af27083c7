import DialectSupport
import NetworkPrimitives
import PeerJS
import Signaling
import Testing

@Suite("PeerJS: keys, limits and misuse")
struct MisuseTests {
    // MARK: - Keys

    @Test("a query without id, token or key, and a wrong key, are answered in the words of PeerServer")
    func queries() throws {
        let harness = try peers()
        let missing = #"{"type":"ERROR","payload":{"msg":"No id, token, or key supplied to websocket server"}}"#
        for connection in [
            try harness.open(""), try harness.open("a", token: ""), try harness.open("a", key: ""),
        ] {
            #expect(harness.take(connection) == [missing])
            #expect(harness.closings[connection] == .init(1000, ""))
        }
        let wrong = try harness.open("a", key: "guess")
        #expect(harness.take(wrong) == [#"{"type":"ERROR","payload":{"msg":"Invalid key provided"}}"#])
        #expect(harness.closings[wrong] == .init(1000, ""))
        #expect(harness.takeEvents().contains(.unauthorized(Peers.visitor)))
        #expect(harness.query { $0.liveCounts.connections } == 0)
    }

    @Test("the room of the path is asked for, with the token that is the key")
    func gate() throws {
        let harness = try peers()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            stranger +
            stranger < {"type":"ERROR","payload":{"msg":"Invalid key provided"}}
            guest + room=open1
            guest < {"type":"OPEN"}
            wrong + key=acme room=other
            wrong < {"type":"ERROR","payload":{"msg":"Invalid key provided"}}
            ann + key=acme room=acme
            ann < {"type":"OPEN"}
            bob + key=acme
            bob < {"type":"OPEN"}
            bob > {"type":"OFFER","payload":1,"dst":"ann"}
            ann < {"type":"OFFER","src":"bob","dst":"ann","payload":1}
            """)
        #expect(faults == [])
    }

    @Test("an id is one of a room: others of its name are apart, and not reached")
    func rooms() throws {
        let faults = try peers().play(
            """
            ann + room=one
            ann < {"type":"OPEN"}
            other + id=ann room=two
            other < {"type":"OPEN"}
            eve + room=two
            eve < {"type":"OPEN"}
            eve > {"type":"OFFER","payload":1,"dst":"ann"}
            other < {"type":"OFFER","src":"eve","dst":"ann","payload":1}
            eve > {"type":"OFFER","payload":1,"dst":"one/ann"}
            ... 5000
            eve < {"type":"EXPIRE","src":"one/ann","dst":"eve"}
            """)
        #expect(faults == [])
    }

    @Test("whether an id is taken is told to nobody who may not be in the room")
    func takenInSecret() throws {
        let harness = try peers()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            ann + key=acme
            ann < {"type":"OPEN"}
            eve + id=ann room=acme
            eve < {"type":"ERROR","payload":{"msg":"Invalid key provided"}}
            eve2 + id=ann key=mute room=open
            eve2 < {"type":"OPEN"}
            eve2 > {"type":"OFFER","payload":1,"dst":"ann"}
            """)
        #expect(faults == [])
    }

    // MARK: - HTTP

    @Test("paths: about, ids, lists, and the socket, below nothing or one room")
    func routes() throws {
        let acme = try #require(RoomName("acme".utf8))
        #expect(PeerJSRoute(segments: []) == .about)
        #expect(PeerJSRoute(segments: ["acme", ""]) == .about)
        #expect(PeerJSRoute(segments: ["peerjs"]) == .socket(room: nil))
        #expect(PeerJSRoute(segments: ["acme", "peerjs"]) == .socket(room: acme))
        #expect(PeerJSRoute(segments: ["k", "id"]) == .id(key: "k"))
        #expect(PeerJSRoute(segments: ["acme", "k", "id"]) == .id(key: "k"))
        #expect(PeerJSRoute(segments: ["k", "peers"]) == .peers(key: "k", room: nil))
        #expect(PeerJSRoute(segments: ["acme", "k", "peers"]) == .peers(key: "k", room: acme))
        #expect(PeerJSRoute(segments: ["a", "b"]) == nil)
        #expect(PeerJSRoute(segments: ["a", "b", "c", "id"]) == nil)
    }

    @Test("an id is a UUID of version 4, another one each time, and only for who has a key")
    func ids() throws {
        let harness = try peers()
        guard case .text(let first)? = harness.get("/peerjs/id"), case .text(let second)? = harness.get("/ann/id")
        else {
            Issue.record("no ids")
            return
        }
        #expect(first != second)
        let text = String(decoding: first, as: UTF8.self)
        #expect(
            text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil,
            "\(text)")
        #expect(harness.get("/guess/id") == .unauthorized)
        #expect(harness.takeEvents() == [.unauthorized(Peers.visitor)])
        #expect(harness.get("/peerjs") == nil)
    }

    @Test("ids of a room are told when the operator allows it, to who may be there")
    func discovery() throws {
        let closed = try peers()
        #expect(closed.get("/peerjs/peers") == .unauthorized)
        let harness = try peers { $0.allowsDiscovery = true }
        for id in ["ann", "bob"] { _ = try harness.open(id) }
        _ = try harness.open("cem", room: "acme")
        #expect(harness.get("/peerjs/peers") == .json(Array(#"["ann","bob"]"#.utf8)))
        #expect(harness.get("/acme/acme/peers") == .json(Array(#"["cem"]"#.utf8)))
        #expect(harness.get("/acme/peers") == .json(Array(#"["cem"]"#.utf8)))
        #expect(harness.get("/other/acme/peers") == .unauthorized)
        #expect(harness.get("/guess/peers") == .unauthorized)
    }

    // MARK: - Limits

    @Test("ids of 128 bytes pass and of 129 do not, nor those that need escapes")
    func idLength() throws {
        let harness = try peers()
        let id = String(repeating: "x", count: 128)
        #expect(harness.take(try harness.open(id)) == [#"{"type":"OPEN"}"#])
        let refusal = #"{"type":"ERROR","payload":{"msg":"Invalid id or token provided"}}"#
        for bad in [id + "x", "a\"b", "a\\b", "a/b", "<a>", "ä", "a\nb"] {
            #expect(harness.take(try harness.open(bad)) == [refusal])
        }
        #expect(harness.take(try harness.open("a", token: id)) == [#"{"type":"OPEN"}"#])
        #expect(harness.take(try harness.open("b", token: id + "x")) == [refusal])
        #expect(harness.query { $0.peerCounters.badIDs } == 8)
    }

    @Test("a room and a server take as many as they may; a client that comes again needs no second place")
    func capacity() throws {
        let full = #"{"type":"ERROR","payload":{"msg":"Server has reached its concurrent user limit"}}"#
        let harness = try peers { $0.host.limits.roomCapacity = 2 }
        _ = try harness.open("a")
        _ = try harness.open("b", token: "mine")
        #expect(harness.take(try harness.open("c")) == [full])
        #expect(harness.take(try harness.open("b", token: "mine")) == [#"{"type":"OPEN"}"#])
        let small = try peers { $0.host.limits.sessionsMax = 1 }
        _ = try small.open("a")
        #expect(small.take(try small.open("b")) == [full])
        #expect(small.faults == [])
    }

    @Test("one sender's messages wait up to 64; the next one expires at once")
    func queuePerSender() throws {
        let harness = try peers()
        let ann = try harness.open("ann")
        _ = harness.take(ann)
        for index in 0..<64 { harness.say(#"{"type":"OFFER","payload":1,"dst":"n\#(index)"}"#, on: ann) }
        #expect(harness.take(ann) == [])
        harness.say(#"{"type":"OFFER","payload":1,"dst":"n64"}"#, on: ann)
        #expect(harness.take(ann) == [#"{"type":"EXPIRE","src":"n64","dst":"ann"}"#])
        #expect(harness.query { $0.peerCounters.queueFull } == 1)
        harness.advance(milliseconds: 5000)
        #expect(harness.take(ann).count == 64)
        harness.say(#"{"type":"OFFER","payload":1,"dst":"n64"}"#, on: ann)
        #expect(harness.take(ann) == [])
    }

    @Test("what waits has a size, and all senders together have a number and a size")
    func queueBytes() throws {
        let harness = try peers {
            $0.limits.queuedByteCountPerSenderMax = 100
            $0.limits.queuedMax = 3
        }
        let all = try ["a", "b", "c", "d"].map { try harness.open($0) }
        for connection in all { _ = harness.take(connection) }
        // 57 bytes when it is passed on.
        let offer = #"{"type":"OFFER","payload":"0123456","dst":"nobody"}"#
        harness.say(offer, on: all[0])
        #expect(harness.take(all[0]) == [])
        harness.say(offer, on: all[0])
        #expect(harness.take(all[0]) == [#"{"type":"EXPIRE","src":"nobody","dst":"a"}"#])
        for connection in all[1...2] { harness.say(offer, on: connection) }
        harness.say(offer, on: all[3])
        #expect(harness.take(all[2]) == [])
        #expect(harness.take(all[3]) == [#"{"type":"EXPIRE","src":"nobody","dst":"d"}"#])
    }

    @Test("who goes away leaves no room taken in the queue for ever")
    func queueAfterSender() throws {
        let harness = try peers { $0.limits.queuedMax = 1 }
        let ann = try harness.open("ann")
        harness.say(#"{"type":"OFFER","payload":1,"dst":"nobody"}"#, on: ann)
        harness.disconnect(ann)
        harness.advance(milliseconds: 5000)
        let bob = try harness.open("bob")
        _ = harness.take(bob)
        harness.say(#"{"type":"OFFER","payload":1,"dst":"nobody"}"#, on: bob)
        #expect(harness.take(bob) == [])
        #expect(harness.faults == [])
    }

    @Test("a token that may not signal reaches nobody")
    func mute() throws {
        let harness = try peers()
        let (mute, ann) = (try harness.open("m", key: "mute"), try harness.open("ann"))
        _ = harness.take(ann)
        harness.say(#"{"type":"OFFER","payload":1,"dst":"ann"}"#, on: mute)
        #expect(harness.take(ann) == [])
    }

    @Test("what is no message is ignored")
    func malformed() throws {
        let harness = try peers()
        let ann = try harness.open("ann")
        _ = harness.take(ann)
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        let texts = [
            "", "null", "[]", "{}", #"{"type":1}"#, #"{"type":"OPEN","dst":"ann"}"#, #"{"type":"OFFER"}"#,
            #"{"type":"OFFER","dst":1}"#, #"{"type":"OFFER","dst":"ann","payload":\#(deep)}"#,
            #"{"type":"OFFER","dst":"a\"b"}"#,
        ]
        for text in texts { harness.say(text, on: ann) }
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count))
        #expect(harness.closings == [:])
    }

    @Test("an operator closes a room: its ids are free")
    func closedByOperator() throws {
        let harness = try peers()
        let ann = try harness.open("ann")
        let room = try #require(RoomName("peers".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        #expect(harness.closings[ann] == .init(1008, "removed"))
        #expect(harness.take(try harness.open("ann", token: "other")) == [#"{"type":"OPEN"}"#])
        #expect(harness.faults == [])
    }
}
