import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("y-webrtc: topics")
struct TopicTests {
    @Test("what is published goes to all who have subscribed, the sender included, with their number")
    func conversation() throws {
        let faults = try topics().play(
            """
            ann +
            ann > {"type":"subscribe","topics":["doc"]}
            ann > {"type":"publish","topic":"doc","data":{"type":"announce","from":"a"}}
            ann < {"type":"publish","topic":"doc","data":{"type":"announce","from":"a"},"clients":1}
            bob +
            bob > {"type":"subscribe","topics":["doc","other"]}
            bob > {"type":"publish","topic":"doc","data":{"type":"announce","from":"b"}}
            ann < {"type":"publish","topic":"doc","data":{"type":"announce","from":"b"},"clients":2}
            bob < {"type":"publish","topic":"doc","data":{"type":"announce","from":"b"},"clients":2}
            ann > {"type":"publish","topic":"doc","data":"c2VhbGVk"}
            ann < {"type":"publish","topic":"doc","data":"c2VhbGVk","clients":2}
            bob < {"type":"publish","topic":"doc","data":"c2VhbGVk","clients":2}
            bob > {"type":"unsubscribe","topics":["doc"]}
            ann > {"type":"publish","topic":"doc","data":1}
            ann < {"type":"publish","topic":"doc","data":1,"clients":1}
            bob > {"type":"ping"}
            bob < {"type":"pong"}
            """)
        #expect(faults == [])
    }

    @Test("values come byte for byte, unknown members too; a number of clients that was sent is not believed")
    func bytes() throws {
        let faults = try topics().play(
            #"""
            ann +
            ann > {"type":"subscribe","topics":["a/b \u00e4"]}
            ann > {"x":1.0e1, "clients":99,"topic":"a/b \u00e4", "data" : {"b":1,"a":"\/"},"type":"publish"}
            ann < {"x":1.0e1,"topic":"a/b \u00e4","data":{"b":1,"a":"\/"},"type":"publish","clients":1}
            """#)
        #expect(faults == [])
    }

    @Test("to subscribe twice is to subscribe, and who goes away is counted no more")
    func twice() throws {
        let faults = try topics().play(
            """
            ann +
            ann > {"type":"subscribe","topics":["doc","doc"]}
            ann > {"type":"subscribe","topics":["doc"]}
            bob +
            bob > {"type":"subscribe","topics":["doc"]}
            bob -
            ann > {"type":"publish","topic":"doc"}
            ann < {"type":"publish","topic":"doc","clients":1}
            """)
        #expect(faults == [])
    }

    @Test("pings come every 30 seconds; a client that answers none is gone after the third")
    func heartbeat() throws {
        let harness = topics()
        let (ann, bob) = (try harness.open(), try harness.open())
        harness.advance(milliseconds: 120_000, silent: [bob])
        #expect(harness.closings == [bob: .init(1008, "no pong")])
        // Give or take a tenth.
        #expect((3...4).contains(harness.pings[ann] ?? 0))
    }

    // MARK: - Gates

    @Test("a topic that the token does not open is refused in a message that the provider ignores")
    func refused() throws {
        let harness = topics()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            ann +
            ann > {"type":"subscribe","topics":["open-doc","secret"]}
            ann < {"type":"refused","topic":"secret","code":"unauthorized"}
            ann > {"type":"publish","topic":"secret","data":1}
            ann > {"type":"publish","topic":"open-doc","data":1}
            ann < {"type":"publish","topic":"open-doc","data":1,"clients":1}
            """)
        #expect(faults == [])
    }

    @Test("topics of a room in the path are that room's, and apart from those without one")
    func path() throws {
        let harness = topics()
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(room: "acme") }
        let faults = try harness.play(
            """
            ann + token=acme room=acme
            ann > {"type":"subscribe","topics":["doc"]}
            eve + token=ann
            eve > {"type":"subscribe","topics":["doc","acme/doc","acme~.doc"]}
            eve > {"type":"publish","topic":"doc","data":1}
            eve < {"type":"publish","topic":"doc","data":1,"clients":1}
            ann > {"type":"publish","topic":"doc","data":2}
            ann < {"type":"publish","topic":"doc","data":2,"clients":1}
            """)
        #expect(faults == [])
    }

    @Test("credentials come with the first topic when the operator wants it")
    func credentials() throws {
        let harness = topics { $0.sendsIceServers = true }
        let faults = try harness.play(
            """
            ann + token=ann
            ann > {"type":"subscribe","topics":["doc","other"]}
            ann < {"type":"iceServers","iceServers":\(harness.gate.iceServers(1, expiresAt: 1_800_000_600))}
            """)
        #expect(faults == [])
    }

    // MARK: - Misuse

    @Test("nobody publishes to a topic without having subscribed")
    func foreignTopic() throws {
        let harness = topics()
        let (ann, eve) = (try harness.open(), try harness.open())
        harness.say(#"{"type":"subscribe","topics":["doc"]}"#, on: ann)
        harness.say(#"{"type":"publish","topic":"doc","data":1}"#, on: eve)
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.counters.undeliverable } == 1)
    }

    @Test("a token that may not speak is not heard")
    func mute() throws {
        let harness = topics()
        let mute = try harness.open(token: "mute")
        harness.say(#"{"type":"subscribe","topics":["doc"]}"#, on: mute)
        harness.say(#"{"type":"publish","topic":"doc","data":1}"#, on: mute)
        #expect(harness.take(mute) == [])
    }

    @Test("64 topics, and no more; the others stay")
    func topicsPerConnection() throws {
        let harness = topics()
        let ann = try harness.open()
        for index in 0..<64 { harness.say(#"{"type":"subscribe","topics":["t\#(index)"]}"#, on: ann) }
        #expect(harness.take(ann) == [])
        harness.say(#"{"type":"subscribe","topics":["t64"]}"#, on: ann)
        #expect(harness.take(ann) == [#"{"type":"refused","topic":"t64","code":"quota_exceeded"}"#])
        #expect(harness.query { $0.liveCounts.participants } == 64)
    }

    @Test("a topic takes as many as its capacity, and names have a length")
    func capacity() throws {
        let harness = topics { $0.host.limits.roomCapacity = 1 }
        let (ann, bob) = (try harness.open(), try harness.open())
        let name = String(repeating: "x", count: 128)
        harness.say(#"{"type":"subscribe","topics":["\#(name)"]}"#, on: ann)
        harness.say(#"{"type":"subscribe","topics":["\#(name)","\#(name)x",""]}"#, on: bob)
        #expect(harness.take(ann) == [])
        #expect(
            harness.take(bob) == [
                #"{"type":"refused","topic":"\#(name)","code":"room_full"}"#,
                #"{"type":"refused","topic":"\#(name)","code":"bad_name"}"#,
                #"{"type":"refused","topic":"","code":"bad_name"}"#,
            ])
        #expect(harness.query { $0.counters[.nameBytes] } == 2)
    }

    @Test("what is no message is ignored")
    func malformed() throws {
        let harness = topics()
        let ann = try harness.open()
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        let texts = [
            "", "null", "[]", "{}", #"{"type":1}"#, #"{"type":"other"}"#, #"{"type":"publish","data":\#(deep)}"#,
            #"{"type":"ping","type":"ping"}"#,
        ]
        for text in texts { harness.say(text, on: ann) }
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count))
        for text in [
            #"{"type":"subscribe"}"#, #"{"type":"subscribe","topics":"doc"}"#, #"{"type":"subscribe","topics":[1,{}]}"#,
            #"{"type":"unsubscribe","topics":["doc"]}"#, #"{"type":"publish"}"#, #"{"type":"publish","topic":{}}"#,
        ] { harness.say(text, on: ann) }
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.liveCounts.rooms } == 0)
    }

    @Test("a topic that an operator closes is lost alone")
    func closedByOperator() throws {
        let harness = topics()
        let ann = try harness.open()
        harness.say(#"{"type":"subscribe","topics":["a","b"]}"#, on: ann)
        let room = try #require(RoomName("a".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        #expect(harness.take(ann) == [#"{"type":"refused","topic":"a","code":"closed"}"#])
        #expect(harness.closings == [:])
    }
}
