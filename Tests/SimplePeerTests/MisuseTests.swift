import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("simple-peer: gates, limits and misuse")
struct MisuseTests {
    // MARK: - The gate

    @Test("the room of the URL is asked for when the page comes, with its token")
    func path() throws {
        let harness = meshes()
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.forbidden)) {
            try harness.open("A", token: "acme", room: "other")
        }
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open("A", room: "acme") }
        let faults = try harness.play(
            """
            a + token=acme room=acme
            a > ["create or join"]
            a < ["created","room0","A"]
            b + token=bob room=acme
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            """)
        #expect(faults == [])
    }

    @Test("without a room in the URL, the gate is asked when the page wants to enter")
    func entering() throws {
        let harness = meshes()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            a +
            a > ["create or join"]
            a < ["error","You may not enter this room: unauthorized."]
            a ! 1008 unauthorized
            """)
        #expect(faults == [])
        #expect(harness.query { $0.isEmpty })
    }

    @Test("who may not send signals can be connected with nobody, and does not enter")
    func withoutSignals() throws {
        let harness = meshes()
        let faults = try harness.play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            m + token=mute
            m > ["create or join"]
            m < ["error","You may not enter this room: forbidden."]
            m ! 1008 forbidden
            """)
        #expect(faults == [])
    }

    @Test("a message without the grant to speak to all is heard by nobody")
    func withoutBroadcast() throws {
        let harness = meshes()
        harness.gate.anonymousGrants = [.join, .signal]
        let faults = try harness.play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            b +
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            a > ["message",1]
            a > ["initiate peer","room0"]
            b < ["initiate peer","room0"]
            """)
        #expect(faults == [])
        #expect(harness.query { $0.counters.undeliverable } == 1)
    }

    // MARK: - Rooms of others

    @Test("rooms of others, of nobody, and names that are no numbers are heard by nobody")
    func foreignRooms() throws {
        let harness = meshes()
        let clients = try ["A", "B", "C"].map { try harness.enter($0) }
        for client in clients { _ = harness.take(client) }
        let foreign = [
            "room0", "room3", "room00", "room01", "room", "room-1", "room+1", "room1 ", "Room1", "lobby", "",
            "room99999999999999999999", "room1\\u0000", "\\ud800",
        ]
        for room in foreign {
            harness.say(#"["initiate peer","\#(room)"]"#, on: clients[2])
            harness.say(#"["sending signal",{"room":"\#(room)","data":"x"}]"#, on: clients[2])
        }
        for client in clients { #expect(harness.take(client) == []) }
        #expect(harness.query { $0.counters.undeliverable } == UInt64(foreign.count * 2))
        // Not even by a name of its own room that is hidden behind another.
        harness.say(#"["sending signal",{"room":"room1","data":"x","room":"room0"}]"#, on: clients[2])
        #expect(harness.take(clients[0]) == [])
        #expect(harness.query { $0.counters.malformed } == 1)
    }

    @Test("what is not of the dialect's form is counted, and heard by nobody")
    func malformed() throws {
        let harness = meshes()
        let (a, b) = (try harness.enter("A"), try harness.enter("B"))
        _ = (harness.take(a), harness.take(b))
        let texts = [
            "", "[", "{}", "[]", "[1]", #"["sending signal"]"#, #"["sending signal",null]"#,
            #"["sending signal",{"room":0}]"#, #"["initiate peer"]"#, #"["initiate peer",0]"#, #"["message"]"#,
            #"["log",["x"]]"#, #"["simple peer options",{}]"#, #"["joined","room0","A"]"#,
            #"["message",\#(String(repeating: "[", count: 20))\#(String(repeating: "]", count: 20))]"#,
        ]
        for text in texts { harness.say(text, on: a) }
        #expect(harness.take(b) == [])
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count))
        harness.act { $0.receiveUnreadable(byteCount: 20, from: ConnectionID(rawValue: a), at: $1) }
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count) + 1)
        #expect(harness.closings == [:])
    }

    // MARK: - Limits

    @Test("a mesh takes as many as it may; the next one is told that it is full, and may ask again")
    func capacity() throws {
        let harness = meshes { $0.host.limits.roomCapacity = 2 }
        let faults = try harness.play(
            """
            a +
            a > ["create or join"]
            a < ["created","room0","A"]
            b +
            b > ["create or join"]
            a < ["join","room0"]
            a < ["ready"]
            b < ["joined","room0","B"]
            b < ["ready"]
            c +
            c > ["create or join"]
            c < ["full","lobby"]
            c > ["message",1]
            b -
            c > ["create or join"]
            a < ["join","room1"]
            a < ["ready"]
            c < ["joined","room1","C"]
            c < ["ready"]
            """)
        #expect(faults == [])
        #expect(harness.query { $0.counters[.roomCapacity] } == 1)
    }

    @Test("sixteen pages meet without being too loud, however often the wrapper repeats itself")
    func sixteen() throws {
        let harness = meshes()
        var clients: [UInt64] = []
        for count in 0..<16 {
            let new = try harness.enter("P\(count)")
            clients.append(new)
            var known: [String] = []
            for text in harness.take(new) where text.hasPrefix(#"["join","#) {
                known.append(String(text.dropFirst(8).dropLast(1)))
                for room in known { harness.say(#"["initiate peer",\#(room)]"#, on: new) }
                for _ in 0..<12 { harness.say(#"["sending signal",{"room":\#(room(known)),"data":"x"}]"#, on: new) }
            }
        }
        #expect(harness.query { $0.liveCounts.participants } == 16)
        #expect(harness.query { $0.counters[.messageRate] } == 0)
        let seventeenth = try harness.enter("P16")
        #expect(harness.take(seventeenth) == [#"["full","lobby"]"#])
    }

    private func room(_ known: [String]) -> String { known.last ?? "" }

    @Test("a flood is dropped, and who goes on is cut off")
    func flood() throws {
        let harness = meshes {
            $0.host.limits.messagesPerSecond = 5
            $0.host.limits.messagesBurst = 5
        }
        let (a, b) = (try harness.enter("A"), try harness.enter("B"))
        _ = harness.take(b)
        // Four times what the limits say.
        for _ in 0..<19 { harness.say(#"["message",1]"#, on: a) }
        #expect(harness.take(b).count == 19)
        harness.say(#"["message",1]"#, on: a)
        #expect(harness.take(b) == [])
        for _ in 0..<20 { harness.say(#"["message",1]"#, on: a) }
        #expect(harness.closings == [a: .init(1008, "too many messages")])
        #expect(harness.query { $0.counters[.messageRate] } == 21)
    }

    @Test("a text that is too long ends its sender")
    func length() throws {
        let harness = meshes { $0.host.limits.messageByteCountMax = 100 }
        let (a, b) = (try harness.enter("A"), try harness.enter("B"))
        _ = harness.take(b)
        harness.say(#"["message","\#(String(repeating: "x", count: 100 - 14))"]"#, on: a)
        #expect(harness.take(b).count == 1)
        harness.say(#"["message","\#(String(repeating: "x", count: 101 - 14))"]"#, on: a)
        #expect(harness.closings == [a: .init(1009, "message too long")])
    }

    // MARK: - The end

    @Test("an operator closes the mesh, and nothing is left of it")
    func closed() throws {
        let harness = meshes()
        let (a, b) = (try harness.enter("A"), try harness.enter("B"))
        #expect(harness.act { $0.closeRoom(RoomName("lobby".utf8)!, reason: "late", at: $1) })
        #expect(harness.closings == [a: .init(1008, "removed"), b: .init(1008, "removed")])
        #expect(harness.query { $0.isEmpty })
        #expect(harness.faults == [])
    }

    @Test("when the server stops, pages are closed one after the other so that they come back")
    func drain() throws {
        let harness = meshes()
        let clients = try (0..<8).map { try harness.enter("P\($0)") }
        harness.drainMachine(seconds: 10)
        harness.advance(milliseconds: 10_000)
        #expect(harness.closings.keys.sorted() == clients)
        #expect(harness.closings.values.allSatisfy { $0 == .init(1001, "the server stops") })
        #expect(throws: OpeningRefusal.draining) { try harness.open("late") }
        #expect(harness.query { $0.isEmpty })
        #expect(harness.faults == [])
    }

    @Test(
        "nothing traps, nothing is said to who has gone, and nothing is left behind", arguments: 0..<4 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = meshes {
            $0.host.limits.roomCapacity = 5
            $0.sendsIceServers = true
        }
        let texts =
            [#"["create or join"]"#, #"["hangup"]"#, #"["message",{"type":1}]"#, #"["x"]"#]
            + (0..<9).flatMap {
                [#"["initiate peer","room\#($0)"]"#, #"["sending signal",{"room":"room\#($0)","data":"x"}]"#]
            }
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 3000, texts: texts) { number in
            try? harness.open("\(number)", token: number < 4 ? "ann" : nil, room: number > 5 ? "x" : nil)
        }
        #expect(faults == [])
        #expect(harness.query { $0.isEmpty })
    }
}
