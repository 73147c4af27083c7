import DialectSupport
import NetworkPrimitives
import Signaling
import SocketIOChannels
import Testing

@Suite("Channels over Socket.IO: gates, limits and misuse")
struct MisuseTests {
    @Test("who may not enter a channel does not announce it, and learns of none whether it is used")
    func gate() throws {
        let harness = channels()
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(room: "ch") }
        let faults = try harness.play(
            """
            eve +
            eve > ["new-channel",{"channel":"ch","sender":1}]
            root + token=ann
            root > ["presence","ch"]
            root < ["presence",false]
            root > ["new-channel",{"channel":"ch","sender":1}]
            ann + token=ann channel=ch
            eve > ["presence","ch"]
            eve < ["presence",false]
            root > ["presence","ch"]
            root < ["presence",true]
            """)
        #expect(faults == [])
    }

    @Test("a sender that is somebody else's is not heard until that one has gone; nor is who is not in the channel")
    func spoofed() throws {
        let harness = channels()
        let faults = try harness.play(
            """
            root +
            root > ["new-channel",{"channel":"ch","sender":1}]
            root > ["new-channel",{"channel":"other","sender":9}]
            ann + channel=ch
            bob + channel=ch
            eve + channel=other
            ann > ["message",{"sender":1,"data":"mine"}]
            bob < ["message","mine"]
            bob > ["message",{"sender":1,"data":"x"}]
            eve > ["message",{"sender":1,"data":"x"}]
            root > ["message",{"sender":1,"data":"x"}]
            bob > ["message",{"sender":2,"data":"own"}]
            ann < ["message","own"]
            ann > ["message",{"sender":2,"data":"x"}]
            ann -
            carl + channel=ch
            carl > ["message",{"sender":2,"data":"x"}]
            carl > ["message",{"sender":1,"data":"inherited"}]
            bob < ["message","inherited"]
            """)
        #expect(faults == [])
        // Sender 1 of the other channel has nothing to do with this one.
        #expect(harness.query { $0.counters.undeliverable } == 4)
    }

    @Test("a channel takes as many as its capacity; who is too many is sent away")
    func capacity() throws {
        let harness = channels { $0.host.limits.roomCapacity = 2 }
        let root = try harness.open()
        harness.say(#"["new-channel",{"channel":"ch","sender":1}]"#, on: root)
        let ann = try harness.open(room: "ch")
        _ = try harness.open(room: "ch")
        let late = try harness.open(room: "ch")
        #expect(harness.closings == [late: .init(1008, "room_full")])
        harness.disconnect(ann)
        _ = try harness.open(room: "ch")
        #expect(harness.query { $0.liveCounts.participants } == 2)
    }

    @Test("as many channels of a socket, and of all, and as many senders as there may be")
    func limits() throws {
        let harness = channels {
            $0.host.limits.roomsPerSessionMax = 2
            $0.host.limits.roomsMax = 3
            $0.limits.sendersPerChannelMax = 2
        }
        let (root, other) = (try harness.open(), try harness.open())
        for name in ["a", "b", "b", "c"] {
            harness.say(#"["new-channel",{"channel":"\#(name)","sender":1}]"#, on: root)
        }
        #expect(harness.query { $0.knownCount } == 2)
        #expect(harness.query { $0.counters[.roomsPerSession] } == 1)
        for name in ["c", "d"] { harness.say(#"["new-channel",{"channel":"\#(name)","sender":1}]"#, on: other) }
        #expect(harness.query { $0.knownCount } == 3)
        #expect(harness.query { $0.counters[.rooms] } == 1)

        let late = try harness.open(room: "d")
        #expect(harness.closings == [late: .init(1008, "quota_exceeded")])
        #expect(harness.query { $0.counters[.rooms] } == 2)

        // Channels that are forgotten count no more, and nobody keeps one from being forgotten who is not in it.
        let ann = try harness.open(room: "a")
        harness.advance(milliseconds: 61_000)
        harness.say(#"["new-channel",{"channel":"e","sender":1}]"#, on: root)
        #expect(harness.query { $0.knownCount } == 2)
        harness.disconnect(ann)
    }

    @Test("as many senders as there may be: who is silent makes room, then one of the same socket")
    func senderLimit() throws {
        let harness = channels { $0.limits.sendersPerChannelMax = 2 }
        let root = try harness.open()
        let members = try (0..<3).map { _ in try harness.open(room: "a") }
        func say(_ sender: Int, on member: Int) {
            harness.say(#"["message",{"sender":\#(sender),"data":\#(sender)}]"#, on: members[member])
        }
        say(1, on: 0)
        for sender in [2, 3] { harness.say(#"["new-channel",{"channel":"a","sender":\#(sender)}]"#, on: root) }
        #expect(harness.query { $0.counters[.roomCapacity] } == 1)
        // The third has made room for the second by then, the first has a socket and stays.
        for sender in [2, 3] { say(sender, on: 1) }
        say(4, on: 2)
        #expect(harness.query { $0.counters.undeliverable } == 1)
        say(1, on: 0)
        #expect(harness.take(members[0]) == [#"["message",2]"#, #"["message",3]"#])
        #expect(harness.take(members[1]) == [#"["message",1]"#, #"["message",1]"#])
        harness.disconnect(members[1])
        say(4, on: 2)
        #expect(harness.take(members[0]) == [#"["message",4]"#])
    }

    @Test("what a sender calls itself may be so long, and no longer")
    func senderLength() throws {
        let harness = channels()
        let root = try harness.open()
        let sender = String(repeating: "s", count: 64)
        harness.say(#"["new-channel",{"channel":"a","sender":"\#(sender)s"}]"#, on: root)
        harness.say(#"["new-channel",{"channel":"a","sender":""}]"#, on: root)
        #expect(harness.query { $0.knownCount } == 0)
        harness.say(#"["new-channel",{"channel":"a","sender":"\#(sender)"}]"#, on: root)
        #expect(harness.query { $0.knownCount } == 1)
        let (ann, bob) = (try harness.open(room: "b"), try harness.open(room: "b"))
        harness.say(#"["message",{"sender":"\#(sender)s","data":1}]"#, on: ann)
        harness.say(#"["message",{"sender":"","data":2}]"#, on: ann)
        harness.say(#"["message",{"sender":"\#(sender)","data":3}]"#, on: ann)
        #expect(harness.take(bob) == [#"["message",3]"#])
    }

    @Test("what is no event, or says nothing, is ignored")
    func malformed() throws {
        let harness = channels()
        let root = try harness.open()
        harness.say(#"["new-channel",{"channel":"ch","sender":1}]"#, on: root)
        let (ann, bob) = (try harness.open(room: "ch"), try harness.open(room: "ch"))
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        let texts = [
            "", "null", "[]", #"["message"]"#, #"["message",null]"#, #"["message",{}]"#, #"["message",{"sender":1}]"#,
            #"["message",{"sender":1,"data":null}]"#, #"["message",{"sender":{},"data":1}]"#,
            #"["message",{"sender":1,"data":\#(deep)}]"#, #"["new-channel",{"channel":"x","sender":1}]"#,
            #"["presence","ch"]"#, #"["user-left","x"]"#,
        ]
        for text in texts { harness.say(text, on: ann) }
        for text in [#"["presence",{}]"#, #"["new-channel",{"channel":"x"}]"#, #"["new-channel",7]"#] {
            harness.say(text, on: root)
        }
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count + 3))
        #expect(harness.take(ann) + harness.take(bob) + harness.take(root) == [])
    }

    @Test("a flood is dropped, and who goes on is sent away; the others hear of it")
    func flood() throws {
        let harness = channels()
        let root = try harness.open()
        harness.say(#"["new-channel",{"channel":"ch","sender":1}]"#, on: root)
        let (ann, eve) = (try harness.open(room: "ch"), try harness.open(room: "ch"))
        for _ in 0..<200 { harness.say(#"["message",{"sender":1,"data":{"sender":"e"}}]"#, on: eve) }
        #expect(harness.take(ann).count == 200)
        for _ in 0..<201 { harness.say(#"["message",{"sender":1,"data":1}]"#, on: eve) }
        #expect(harness.closings == [eve: .init(1008, "too many messages")])
        #expect(harness.take(ann) == [#"["user-left","e"]"#])
    }

    @Test("credentials come with the channel when the operator wants it, and again before they end")
    func credentials() throws {
        let harness = channels { $0.sendsIceServers = true }
        let root = try harness.open()
        harness.say(#"["new-channel",{"channel":"ch","sender":1}]"#, on: root)
        let ann = try harness.open(room: "ch")
        #expect(harness.take(ann) == [#"["iceServers",\#(harness.gate.iceServers(1, expiresAt: 1_800_000_600))]"#])
        harness.advance(milliseconds: 520_000)
        #expect(harness.take(ann).count == 1)
        #expect(harness.confidential.count == 2)
    }

    @Test("members of a channel that an operator closes are sent away; a token that may not speak is not heard")
    func closedByOperator() throws {
        let harness = channels()
        let root = try harness.open()
        harness.say(#"["new-channel",{"channel":"ch","sender":1}]"#, on: root)
        let (ann, mute) = (try harness.open(room: "ch"), try harness.open(token: "mute", room: "ch"))
        harness.say(#"["message",{"sender":1,"data":{"sender":"m"}}]"#, on: mute)
        #expect(harness.take(ann) == [])
        // It is not that sender either.
        harness.say(#"["message",{"sender":1,"data":1}]"#, on: ann)
        #expect(harness.take(mute) == [#"["message",1]"#])
        let room = try #require(RoomName("ch".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        #expect(harness.closings == [ann: .init(1008, "channel closed"), mute: .init(1008, "channel closed")])
        #expect(harness.take(ann) + harness.take(mute) == [])
    }

    @Test(
        "strangers: nothing traps, nothing is said to who has gone, and nothing is left behind",
        arguments: 0..<4 as Range<UInt64>)
    func strangers(seed: UInt64) throws {
        let harness = channels {
            $0.limits.emptySeconds = 2
            $0.limits.sendersPerChannelMax = 3
            $0.host.limits.roomsMax = 2
            $0.host.limits.roomCapacity = 3
            $0.sendsIceServers = true
        }
        let texts =
            ["a", "b", "c"].flatMap { name in
                [#"["presence","\#(name)"]"#]
                    + (0..<4).map { #"["new-channel",{"channel":"\#(name)","sender":\#($0)}]"# }
            } + (0..<4).map { #"["message",{"sender":\#($0),"data":{"sender":"\#($0)"}}]"# } + ["[]"]
        var strangers = Strangers(seed: seed)
        let faults = strangers.play(on: harness, steps: 3000, texts: texts) { number in
            try? harness.open(token: number < 4 ? "ann" : nil, room: number < 5 ? ["a", "b", "c"][number % 3] : nil)
        }
        #expect(faults == [])
        harness.advance(milliseconds: 5000)
        #expect(harness.query { $0.knownCount } == 0)
        #expect(harness.query { $0.liveCounts.rooms } == 0)
        #expect(harness.query { $0.liveCounts.participants } == 0)
    }
}
