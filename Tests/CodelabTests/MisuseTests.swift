import Codelab
import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("Codelab: gates, limits and misuse")
struct MisuseTests {
    // MARK: - The gate

    @Test("a room that is not open to a client is refused in its console, and the client is sent away")
    func refused() throws {
        let harness = lab()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            eve +
            eve > ["create or join","secret"]
            eve < ["log",["Message from server:","refused: unauthorized"]]
            eve ! 1008 unauthorized
            bob + token=acme
            bob > ["create or join","open"]
            bob < ["log",["Message from server:","refused: forbidden"]]
            bob ! 1008 forbidden
            ann + token=acme
            ann > ["create or join","acme"]
            ann < ["created","acme","ann"]
            """)
        #expect(faults == [])
    }

    @Test("the room of a path is asked for at once, and rooms lie within it")
    func path() throws {
        let harness = lab()
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(room: "acme") }
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(token: "guess") }
        let faults = try harness.play(
            """
            ann + token=acme room=acme
            ann > ["create or join","foo"]
            ann < ["created","foo","ann"]
            eve + token=ann
            eve > ["create or join","foo"]
            eve < ["created","foo","eve"]
            bob + token=acme room=acme
            bob > ["create or join","foo"]
            bob < ["joined","foo","bob"]
            bob < ["ready","foo"]
            ann < ["join","foo"]
            ann < ["ready","foo"]
            """)
        #expect(faults == [])
        #expect(
            harness.query { machine in machine.roomSummaries(limit: 9).map { "\($0.name)" }.sorted() }
                == ["acme~.foo", "foo"])
    }

    @Test("a token that may not speak is not heard")
    func mute() throws {
        let harness = lab()
        let faults = try harness.play(
            """
            ann +
            ann > ["create or join","a"]
            ann < ["created","a","ann"]
            mute + token=mute
            mute > ["create or join","a"]
            mute < ["joined","a","mute"]
            mute < ["ready","a"]
            ann < ["join","a"]
            ann < ["ready","a"]
            mute > ["message","x"]
            """)
        #expect(faults == [])
        #expect(harness.query { $0.counters.undeliverable } == 1)
    }

    @Test("credentials come before created and joined when the operator wants it, and again before they end")
    func credentials() throws {
        let harness = lab { $0.sendsIceServers = true }
        let faults = try harness.play(
            """
            ann + token=ann
            ann > ["create or join","a"]
            ann < ["iceServers",\(harness.gate.iceServers(1, expiresAt: 1_800_000_600))]
            ann < ["created","a","ann"]
            bob +
            bob > ["create or join","a"]
            bob < ["iceServers",\(harness.gate.iceServers(2, expiresAt: 1_800_000_600))]
            bob < ["joined","a","bob"]
            bob < ["ready","a"]
            ann < ["join","a"]
            ann < ["ready","a"]
            mute + token=mute
            mute > ["create or join","b"]
            mute < ["created","b","mute"]
            """)
        #expect(faults == [])
        #expect(harness.confidential.count == 2)
        harness.advance(milliseconds: 520_000)
        let pushed = harness.take(1)
        #expect(pushed.count == 1)
        #expect(pushed.first?.hasPrefix(#"["iceServers",[{"urls":["stun:turn.example:3478"]},"#) == true)
        #expect(harness.take(3) == [])
        #expect(harness.query { $0.counters.credentialsRenewed } == 2)
        #expect(harness.confidential.count == 4)
    }

    @Test("without the wish of the operator nobody is told credentials")
    func noCredentials() throws {
        let harness = lab()
        let ann = try harness.open()
        harness.say(#"["create or join","a"]"#, on: ann)
        #expect(harness.take(ann) == [#"["created","a","id"]"#])
        #expect(harness.gate.issueCount == 0)
    }

    // MARK: - Limits

    @Test("a room takes as many as its capacity, and one fewer when somebody has gone", arguments: [1, 2, 3])
    func capacity(capacity: Int) throws {
        let harness = lab { $0.host.limits.roomCapacity = capacity }
        var members: [UInt64] = []
        for _ in 0..<capacity { members.append(try harness.open()) }
        for member in members { harness.say(#"["create or join","a"]"#, on: member) }
        #expect(harness.query { $0.liveCounts.participants } == capacity)
        let late = try harness.open("late")
        harness.say(#"["create or join","a"]"#, on: late)
        #expect(harness.take(late) == [#"["full","a"]"#])
        #expect(harness.query { $0.counters[.roomCapacity] } == 1)
        harness.disconnect(members[0])
        harness.say(#"["create or join","a"]"#, on: late)
        #expect(harness.take(late).first == (capacity == 1 ? #"["created","a","late"]"# : #"["joined","a","late"]"#))
        #expect(harness.faults == [])
    }

    @Test("as many rooms and sockets as there may be, and no more")
    func rooms() throws {
        let harness = lab {
            $0.host.limits.roomsMax = 1
            $0.host.limits.sessionsMax = 2
        }
        let (ann, bob) = (try harness.open(), try harness.open())
        #expect(throws: OpeningRefusal.full) { try harness.open() }
        harness.say(#"["create or join","a"]"#, on: ann)
        harness.say(#"["create or join","b"]"#, on: bob)
        #expect(harness.closings == [bob: .init(1008, "quota_exceeded")])
        _ = try harness.open()
    }

    @Test("names have a length")
    func nameLength() throws {
        let harness = lab()
        let ann = try harness.open()
        let name = String(repeating: "x", count: 128)
        harness.say(#"["create or join","\#(name)x"]"#, on: ann)
        harness.say(#"["create or join",""]"#, on: ann)
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.counters[.nameBytes] } == 2)
        harness.say(#"["create or join","\#(name)"]"#, on: ann)
        #expect(harness.take(ann) == [#"["created","\#(name)","id"]"#])
    }

    @Test("a flood is dropped, and who goes on is sent away; the others hear bye")
    func flood() throws {
        let harness = lab()
        let (ann, eve) = (try harness.open(), try harness.open())
        for socket in [ann, eve] { harness.say(#"["create or join","a"]"#, on: socket) }
        _ = harness.take(ann)
        for _ in 0..<199 { harness.say(#"["message",1]"#, on: eve) }
        #expect(harness.take(ann).count == 199)
        for _ in 0..<200 { harness.say(#"["message",1]"#, on: eve) }
        #expect(harness.take(ann) == [])
        #expect(harness.closings == [:])
        harness.say(#"["message",1]"#, on: eve)
        #expect(harness.closings == [eve: .init(1008, "too many messages")])
        #expect(harness.take(ann) == [#"["bye","a"]"#])
    }

    @Test("a message may be so long, and no longer")
    func messageLength() throws {
        let harness = lab { $0.host.limits.messageByteCountMax = 100 }
        let ann = try harness.open()
        let event = #"["message",""#
        let longest = event + String(repeating: "x", count: 100 - event.utf8.count - 2) + #""]"#
        harness.say(longest, on: ann)
        #expect(harness.closings == [:])
        harness.say(longest + " ", on: ann)
        #expect(harness.closings == [ann: .init(1009, "message too long")])
    }

    // MARK: - Misuse

    @Test("who is in no room is heard by nobody, and nobody leaves a room for somebody else")
    func foreignRoom() throws {
        let harness = lab()
        let (ann, eve) = (try harness.open(), try harness.open())
        harness.say(#"["create or join","a"]"#, on: ann)
        harness.say(#"["create or join","b"]"#, on: eve)
        _ = harness.take(ann)
        for event in [#"["message",{"room":"a"}]"#, #"["bye","a"]"#, #"["ready","a"]"#] { harness.say(event, on: eve) }
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.liveCounts.participants } == 2)
        #expect(harness.query { $0.counters.undeliverable } == 1)
    }

    @Test("what is no event, or says nothing, is ignored")
    func malformed() throws {
        let harness = lab()
        let (ann, bob) = (try harness.open(), try harness.open())
        for socket in [ann, bob] { harness.say(#"["create or join","a"]"#, on: socket) }
        _ = harness.take(bob)
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        let many = String(repeating: ",1", count: 17)
        let texts = [
            "", "null", "{}", "[]", "[1]", "[null]", #"["message"]"#, #"["message",null]"#, #"["message",\#(deep)]"#,
            #"["create or join"]"#, #"["create or join",null]"#, #"["create or join",{}]"#, #"["create or join",[]]"#,
            #"["log",[]]"#, #"["full","a"]"#, #"["message"\#(many)]"#, #""message""#,
        ]
        for text in texts { harness.say(text, on: ann) }
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count))
        harness.say([0x5B, 0x22, 0xFF, 0x22, 0x5D], on: ann)
        #expect(harness.take(bob) == [])
        let deepest = String(repeating: "[", count: 16) + String(repeating: "]", count: 16)
        harness.say(#"["message",\#(deepest)]"#, on: ann)
        #expect(harness.take(bob) == [#"["message",\#(deepest)]"#])
        for text in [#"["bye",null]"#, #"["bye",{}]"#, #"["bye"]"#, #"["bye"]"#] { harness.say(text, on: ann) }
        #expect(harness.take(bob) == [#"["bye","a"]"#])
    }

    // MARK: - Operators

    @Test("members of a room that an operator closes are sent away, and hear of nobody's going")
    func closedByOperator() throws {
        let harness = lab()
        let (ann, bob) = (try harness.open(), try harness.open())
        for socket in [ann, bob] { harness.say(#"["create or join","a"]"#, on: socket) }
        _ = (harness.take(ann), harness.take(bob))
        let room = try #require(RoomName("a".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        #expect(harness.closings == [ann: .init(1008, "room closed"), bob: .init(1008, "room closed")])
        #expect(harness.take(ann) + harness.take(bob) == [])
        #expect(harness.query { $0.liveCounts.connections } == 0)
    }

    @Test("when the server stops, sockets are closed so that they come back")
    func drain() throws {
        let harness = lab()
        let ann = try harness.open()
        harness.say(#"["create or join","a"]"#, on: ann)
        harness.drainMachine(seconds: 2)
        #expect(throws: OpeningRefusal.draining) { try harness.open() }
        harness.advance(milliseconds: 3000)
        #expect(harness.closings == [ann: .init(1001, "the server stops")])
    }

    @Test(
        "strangers: nothing traps, nothing is said to who has gone, and nothing is left behind",
        arguments: 0..<4 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = lab {
            $0.host.limits.roomCapacity = 3
            $0.sendsIceServers = true
            $0.logPolicy = .echo
        }
        let texts =
            ["a", "b", "c"].flatMap { [#"["create or join","\#($0)"]"#, #"["bye","\#($0)"]"#] }
            + [#"["message",{"type":"offer"}]"#, #"["message",null]"#, #"["ipaddr"]"#, #"["bye"]"#, "[]"]
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 3000, texts: texts) { number in
            try? harness.open(token: number < 4 ? "ann" : nil, room: number == 7 ? "x" : nil)
        }
        #expect(faults == [])
        #expect(harness.query { $0.liveCounts.rooms } == 0)
        #expect(harness.query { $0.liveCounts.participants } == 0)
    }
}
