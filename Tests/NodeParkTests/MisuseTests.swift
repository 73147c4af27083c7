import DialectSupport
import NetworkPrimitives
import NodePark
import Signaling
import Testing

@Suite("node-park: gates, limits and misuse")
struct MisuseTests {
    // MARK: - The gate

    @Test("a room that is not open to a client is refused by an error, which does not tell who is there")
    func refused() throws {
        let harness = park()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            ann + token=ann
            ann > ["join",{"roomId":"secret","userId":"a"}]
            ann < ["joined",{"roomId":"secret","userId":"a"}]
            ann < ["welcome",{"roomId":"secret","userId":"a"}]
            eve +
            eve > ["join",{"roomId":"secret","userId":"a"}]
            eve < ["error","unauthorized"]
            eve > ["offer",{"roomId":"secret"}]
            bob + token=acme
            bob > ["join","secret"]
            bob < ["error","forbidden"]
            bob > ["join","acme"]
            bob < ["joined","bob"]
            """)
        #expect(faults == [])
        #expect(harness.query { $0.counters.refusedByGate } == 2)
    }

    @Test("the room of a path is asked for at once, and rooms lie within it")
    func path() throws {
        let harness = park()
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(room: "acme") }
        let faults = try harness.play(
            """
            ann + token=acme room=acme
            ann > ["join","r"]
            ann < ["joined","ann"]
            eve + token=ann
            eve > ["join","r"]
            eve < ["joined","eve"]
            eve > ["message",{"roomId":"acme~.r"}]
            bob + token=acme room=acme
            bob > ["join","r"]
            bob < ["joined","ann,bob"]
            ann < ["newUserJoined","bob"]
            """)
        #expect(faults == [])
    }

    @Test("a token that may not speak is not heard")
    func mute() throws {
        let harness = park()
        let (ann, mute) = (try harness.open("ann"), try harness.open("mute", token: "mute"))
        for socket in [ann, mute] { harness.say(#"["join","r"]"#, on: socket) }
        _ = harness.take(ann)
        harness.say(#"["message","x"]"#, on: mute)
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.counters.undeliverable } == 1)
    }

    @Test("credentials come before joined when the operator wants it, and again before they end")
    func credentials() throws {
        let harness = park { $0.sendsIceServers = true }
        let faults = try harness.play(
            """
            ann + token=ann
            ann > ["join","r"]
            ann < ["iceServers",\(harness.gate.iceServers(1, expiresAt: 1_800_000_600))]
            ann < ["joined","ann"]
            """)
        #expect(faults == [])
        harness.advance(milliseconds: 520_000)
        #expect(harness.take(1).count == 1)
        #expect(harness.confidential.count == 2)
        #expect(harness.query { $0.counters.credentialsRenewed } == 1)
    }

    @Test("without the wish of the operator nobody is told credentials")
    func noCredentials() throws {
        let harness = park()
        let ann = try harness.open()
        harness.say(#"["join","r"]"#, on: ann)
        #expect(harness.take(ann) == [#"["joined","id"]"#])
        #expect(harness.gate.issueCount == 0)
    }

    // MARK: - Limits

    @Test("a room takes four, not five as the original does, and one more when somebody has gone")
    func capacity() throws {
        let harness = park()
        var members: [UInt64] = []
        for index in 0..<4 {
            members.append(try harness.open())
            harness.say(#"["join",{"roomId":"r","userId":\#(index)}]"#, on: members[index])
            let object = #"{"roomId":"r","userId":\#(index)}"#
            #expect(harness.take(members[index]) == [#"["joined",\#(object)]"#, #"["welcome",\#(object)]"#])
        }
        let late = try harness.open("late")
        harness.say(#"["join",{"roomId":"r","userId":9}]"#, on: late)
        #expect(harness.take(late) == [#"["error","房间人数已满，请稍后再试"]"#])
        harness.disconnect(members[2])
        harness.say(#"["join","r"]"#, on: late)
        #expect(harness.take(late) == [#"["joined","id,id,id,late"]"#])
        #expect(harness.query { $0.counters[.roomCapacity] } == 1)
    }

    @Test("what a client says about itself may be so long, and no longer")
    func metadata() throws {
        let harness = park { $0.host.limits.metadataByteCountMax = 60 }
        let ann = try harness.open()
        let head = #"{"roomId":"r","x":""#
        let object = head + String(repeating: "x", count: 60 - head.utf8.count - 2) + #""}"#
        harness.say(#"["join",\#(object.replacing("x\"}", with: "xx\"}"))]"#, on: ann)
        #expect(harness.take(ann) == [#"["error","metadata_too_long"]"#])
        #expect(harness.query { $0.counters[.metadataBytes] } == 1)
        harness.say(#"["join",\#(object)]"#, on: ann)
        #expect(harness.take(ann) == [#"["joined",\#(object)]"#, #"["welcome",\#(object)]"#])
        let bob = try harness.open()
        harness.say(#"["join","r","\#(String(repeating: "u", count: 58))"]"#, on: bob)
        #expect(harness.take(bob) == [#"["error","metadata_too_long"]"#])
        harness.say(#"["join","r","\#(String(repeating: "u", count: 57))"]"#, on: bob)
        #expect(harness.take(bob) == [#"["joined","id,id"]"#])
    }

    @Test("names have a length, and there are as many rooms and sockets as there may be")
    func tables() throws {
        let harness = park {
            $0.host.limits.roomsMax = 1
            $0.host.limits.sessionsMax = 2
        }
        let (ann, bob) = (try harness.open(), try harness.open())
        #expect(throws: OpeningRefusal.full) { try harness.open() }
        let name = String(repeating: "x", count: 128)
        harness.say(#"["join","\#(name)x"]"#, on: ann)
        harness.say(#"["join",""]"#, on: ann)
        harness.say(#"["join","\#(name)"]"#, on: ann)
        #expect(harness.take(ann) == [#"["error","bad_name"]"#, #"["error","bad_name"]"#, #"["joined","id"]"#])
        harness.say(#"["join","r"]"#, on: bob)
        #expect(harness.take(bob) == [#"["error","quota_exceeded"]"#])
    }

    @Test("a flood is dropped, and who goes on is sent away; the others hear of it")
    func flood() throws {
        let harness = park()
        let (ann, eve) = (try harness.open("ann"), try harness.open("eve"))
        for socket in [ann, eve] { harness.say(#"["join","r"]"#, on: socket) }
        _ = harness.take(ann)
        for _ in 0..<199 { harness.say(#"["candidate",{}]"#, on: eve) }
        #expect(harness.take(ann).count == 199)
        for _ in 0..<200 { harness.say(#"["candidate",{}]"#, on: eve) }
        #expect(harness.closings == [:])
        harness.say(#"["candidate",{}]"#, on: eve)
        #expect(harness.closings == [eve: .init(1008, "too many messages")])
        #expect(harness.take(ann) == [#"["leave",{"roomId":"r","userId":"eve"}]"#, #"["userLeft","eve"]"#])
    }

    // MARK: - Misuse

    @Test("who means another room, or speaks as another user, is not heard")
    func spoofed() throws {
        let harness = park()
        let sockets = try ["a", "b", "e"].map { name in
            let socket = try harness.open(name)
            harness.say(#"["join",{"roomId":"\#(name == "e" ? "other" : "r")","userId":"\#(name)"}]"#, on: socket)
            return socket
        }
        _ = sockets.map { harness.take($0) }
        harness.say(#"["offer",{"roomId":"r","userId":"e"}]"#, on: sockets[2])
        harness.say(#"["offer",{"roomId":"r","userId":"a"}]"#, on: sockets[1])
        harness.say(#"["leave",{"roomId":"r","userId":"a"}]"#, on: sockets[2])
        #expect(sockets.flatMap { harness.take($0) } == [])
        #expect(harness.query { $0.counters.undeliverable } == 2)
        #expect(harness.query { $0.liveCounts.participants } == 2)
        harness.say(#"["offer",{"roomId":"r","userId":"b"}]"#, on: sockets[1])
        harness.say(#"["offer",{}]"#, on: sockets[1])
        #expect(harness.take(sockets[0]) == [#"["offer",{"roomId":"r","userId":"b"}]"#, #"["offer",{}]"#])
    }

    @Test("what is no event, or says nothing, is ignored")
    func malformed() throws {
        let harness = park()
        let (ann, bob) = (try harness.open(), try harness.open())
        for socket in [ann, bob] { harness.say(#"["join","r"]"#, on: socket) }
        _ = harness.take(bob)
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        let texts = [
            "", "null", "{}", "[]", "[1]", #"["offer"]"#, #"["offer",null]"#, #"["message",\#(deep)]"#, #"["join"]"#,
            #"["join",null]"#, #"["join",{"roomId":{}}]"#, #"["join",[]]"#, #"["userLeft","id"]"#, #"["welcome",{}]"#,
        ]
        for text in texts { harness.say(text, on: ann) }
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count))
        #expect(harness.take(bob) == [])
        for text in [#"["leave"]"#, #"["leave",null]"#, #"["leave"]"#] { harness.say(text, on: ann) }
        #expect(harness.take(bob).count == 2)
    }

    @Test("members of a room that an operator closes are sent away")
    func closedByOperator() throws {
        let harness = park()
        let (ann, bob) = (try harness.open(), try harness.open())
        for socket in [ann, bob] { harness.say(#"["join","r"]"#, on: socket) }
        _ = (harness.take(ann), harness.take(bob))
        let room = try #require(RoomName("r".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        #expect(harness.closings == [ann: .init(1008, "room closed"), bob: .init(1008, "room closed")])
        #expect(harness.take(ann) + harness.take(bob) == [])
    }

    @Test(
        "strangers: nothing traps, nothing is said to who has gone, and nothing is left behind",
        arguments: 0..<4 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = park { $0.sendsIceServers = true }
        let texts =
            ["a", "b", "c"].flatMap {
                [
                    #"["join","\#($0)"]"#, #"["join",{"roomId":"\#($0)","userId":"\#($0)"}]"#,
                    #"["offer",{"roomId":"\#($0)"}]"#,
                ]
            } + [#"["leave"]"#, #"["message",1]"#, #"["answer",null]"#, #"["join",{"roomId":"a"}]"#, "[]"]
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 3000, texts: texts) { number in
            try? harness.open("n\(number)", token: number < 4 ? "ann" : nil, room: number == 7 ? "x" : nil)
        }
        #expect(faults == [])
        #expect(harness.query { $0.liveCounts.rooms } == 0)
        #expect(harness.query { $0.liveCounts.participants } == 0)
    }
}
