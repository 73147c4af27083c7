import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("Channels: gates, limits and misuse")
struct MisuseTests {
    // MARK: - The gate

    @Test("who may not open a channel is closed, and learns of no channel whether it is used")
    func gate() throws {
        let harness = channels()
        harness.gate.isOpen = false
        let faults = try harness.play(
            """
            ann + token=ann
            ann > {"open":true,"channel":"secret"}
            eve +
            eve > {"checkPresence":true,"channel":"secret"}
            eve < {"isChannelPresent":false}
            eve > {"open":true,"channel":"secret"}
            eve ! 1008 unauthorized
            """)
        #expect(faults == [])
    }

    @Test("a wrong token is refused before the upgrade, and counts as a guess")
    func wrongToken() throws {
        let harness = channels()
        #expect(throws: OpeningRefusal.admission(.unauthorized)) { try harness.open(token: "guess") }
        #expect(harness.takeEvents() == [.unauthorized(Channels.visitor)])
        #expect(harness.query { $0.liveCounts.connections } == 0)
    }

    @Test("the room of a path is asked for before the upgrade, and channels lie within it")
    func path() throws {
        let harness = channels()
        harness.gate.isOpen = false
        #expect(throws: OpeningRefusal.admission(.forbidden)) { try harness.open(token: "acme", room: "other") }
        let faults = try harness.play(
            """
            ann + token=acme room=acme
            ann > {"open":true,"channel":"c"}
            bob + token=ann
            bob > {"open":true,"channel":"c"}
            bob > {"data":1,"channel":"c"}
            ann > {"data":2,"channel":"c"}
            eve + token=acme room=acme
            eve > {"open":true,"channel":"c"}
            eve > {"data":3,"channel":"c"}
            ann < 3
            """)
        #expect(faults == [])
    }

    @Test("credentials come with the first channel when the operator wants it, and again before they end")
    func credentials() throws {
        let harness = channels { $0.sendsIceServers = true }
        let ann = try harness.open(token: "ann")
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        let first = #"{"iceServers":\#(harness.gate.iceServers(1, expiresAt: 1_800_000_600))}"#
        #expect(harness.take(ann) == [first])
        #expect(harness.confidential == [first])
        harness.say(#"{"open":true,"channel":"d"}"#, on: ann)
        #expect(harness.take(ann) == [])
        harness.advance(milliseconds: 520_000)
        #expect(harness.take(ann).count == 1)
        #expect(harness.query { $0.counters.credentialsRenewed } == 1)
        let members = harness.takeMembers()
        guard case .entered(let tag) = members.first else {
            Issue.record("nobody has entered: \(members)")
            return
        }
        #expect(members.dropFirst().first == .issued(tag, expiresAt: UnixTime(seconds: 1_800_000_600)))
        harness.disconnect(ann)
        #expect(harness.takeMembers() == [.left(tag, keepsGrace: true)])
    }

    @Test("without the wish of the operator, clients of old are told nothing that they do not know")
    func noCredentials() throws {
        let harness = channels()
        let ann = try harness.open(token: "ann")
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        #expect(harness.take(ann) == [])
        #expect(harness.gate.issueCount == 0)
    }

    // MARK: - Foreign channels

    @Test("nobody speaks on a channel that it has not opened")
    func foreignChannel() throws {
        let harness = channels()
        let (ann, eve) = (try harness.open(), try harness.open())
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        harness.say(#"{"data":"spoof","channel":"c"}"#, on: eve)
        #expect(harness.take(ann) == [])
        #expect(harness.query { $0.counters.undeliverable } == 1)
    }

    @Test("a token that may not speak is not heard")
    func mute() throws {
        let harness = channels()
        let (ann, mute) = (try harness.open(token: "ann"), try harness.open(token: "mute"))
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        harness.say(#"{"open":true,"channel":"c"}"#, on: mute)
        harness.say(#"{"data":1,"channel":"c"}"#, on: mute)
        #expect(harness.take(ann) == [])
    }

    @Test("different names are different channels, whatever characters they have")
    func names() throws {
        let harness = channels()
        let (ann, eve) = (try harness.open(), try harness.open())
        harness.say(#"{"open":true,"channel":"a b"}"#, on: ann)
        for name in ["a~20b", "a\u{a0}b", "a+b", "A b", "a b "] {
            harness.say(#"{"open":true,"channel":"\#(name)"}"#, on: eve)
            harness.say(#"{"data":1,"channel":"\#(name)"}"#, on: eve)
        }
        #expect(harness.take(ann) == [])
        harness.say(#"{"open":true,"channel":"a\u0020b"}"#, on: eve)
        harness.say(#"{"data":1,"channel":"a b"}"#, on: eve)
        #expect(harness.take(ann) == ["1"])
    }

    // MARK: - Limits

    @Test("names of 128 bytes pass and of 129 do not; no name is none")
    func nameLength() throws {
        let harness = channels()
        let ann = try harness.open()
        let name = String(repeating: "x", count: 128)
        harness.say(#"{"open":true,"channel":"\#(name)"}"#, on: ann)
        #expect(harness.query { $0.liveCounts.rooms } == 1)
        for bad in [name + "x", "", String(repeating: "ä", count: 22)] {
            harness.say(#"{"open":true,"channel":"\#(bad)"}"#, on: ann)
        }
        #expect(harness.query { $0.liveCounts.rooms } == 1)
        #expect(harness.query { $0.counters[.nameBytes] } == 3)
        #expect(harness.closings == [:])
    }

    @Test("32 channels are opened, the 33rd ends the connection")
    func channelsPerSocket() throws {
        let harness = channels()
        let ann = try harness.open()
        for index in 0..<32 { harness.say(#"{"open":true,"channel":"c\#(index)"}"#, on: ann) }
        #expect(harness.query { $0.liveCounts.rooms } == 32)
        #expect(harness.closings == [:])
        harness.say(#"{"open":true,"channel":"c32"}"#, on: ann)
        #expect(harness.closings[ann] == .init(1008, "quota_exceeded"))
        #expect(harness.query { $0.counters[.roomsPerSession] } == 1)
        #expect(harness.query { $0.liveCounts.rooms } == 0)
    }

    @Test("a channel takes as many as its capacity")
    func capacity() throws {
        let harness = channels { $0.host.limits.roomCapacity = 2 }
        let all = [try harness.open(), try harness.open(), try harness.open()]
        for connection in all { harness.say(#"{"open":true,"channel":"c"}"#, on: connection) }
        #expect(harness.closings == [all[2]: .init(1008, "room_full")])
        #expect(harness.query { $0.counters[.roomCapacity] } == 1)
    }

    @Test("as many connections as the limit, and no more")
    func connections() throws {
        let harness = channels { $0.host.limits.sessionsMax = 2 }
        let first = try harness.open()
        _ = try harness.open()
        #expect(throws: OpeningRefusal.full) { try harness.open() }
        harness.disconnect(first)
        _ = try harness.open()
    }

    @Test("a flood is dropped behind the burst, and ends the connection when it goes on")
    func flood() throws {
        let harness = channels {
            $0.host.limits.messagesPerSecond = 10
            $0.host.limits.messagesBurst = 20
        }
        let (ann, bob) = (try harness.open(), try harness.open())
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        harness.say(#"{"open":true,"channel":"c"}"#, on: bob)
        for _ in 0..<20 { harness.say(#"{"data":1,"channel":"c"}"#, on: bob) }
        #expect(harness.take(ann).count == 19)
        #expect(harness.query { $0.counters[.messageRate] } == 1)
        for _ in 0..<20 { harness.say(#"{"data":1,"channel":"c"}"#, on: bob) }
        #expect(harness.closings[bob] == .init(1008, "too many messages"))
        #expect(harness.take(ann) == [])
    }

    @Test("a message of the limit passes, one byte more ends the connection")
    func messageLength() throws {
        let harness = channels { $0.host.limits.messageByteCountMax = 100 }
        let (ann, bob) = (try harness.open(), try harness.open())
        for connection in [ann, bob] { harness.say(#"{"open":true,"channel":"c"}"#, on: connection) }
        let frame = #"{"channel":"c","data":""}"#.utf8.count
        let text = { #"{"channel":"c","data":"\#(String(repeating: "x", count: $0))"}"# }
        harness.say(text(100 - frame), on: bob)
        #expect(harness.take(ann).count == 1)
        harness.say(text(101 - frame), on: bob)
        #expect(harness.take(ann) == [])
        #expect(harness.closings[bob] == .init(1009, "message too long"))
    }

    @Test("what is no message is ignored: no JSON, too deep, other kinds, names that are none")
    func malformed() throws {
        let harness = channels()
        let ann = try harness.open()
        let deep = String(repeating: "[", count: 17) + String(repeating: "]", count: 17)
        let texts = [
            "", "{", "[]", "null", #""open""#, #"{"channel":{}}"#, #"{"open":true}"#, #"{"open":true,"channel":null}"#,
            #"{"open":true,"channel":"\ud800"}"#, #"{"channel":"c","data":\#(deep)}"#,
            #"{"open":true,"open":false,"channel":"c"}"#,
        ]
        for text in texts { harness.say(text, on: ann) }
        harness.say([0xFF, 0xFE], on: ann)
        #expect(harness.query { $0.counters.malformed } == UInt64(texts.count + 1))
        #expect(harness.take(ann) == [])
        #expect(harness.closings == [:])
    }

    @Test("depth 16 passes")
    func depth() throws {
        let harness = channels()
        let (ann, bob) = (try harness.open(), try harness.open())
        for connection in [ann, bob] { harness.say(#"{"open":true,"channel":"c"}"#, on: connection) }
        let deep = String(repeating: "[", count: 15) + String(repeating: "]", count: 15)
        harness.say(#"{"channel":"c","data":\#(deep)}"#, on: ann)
        #expect(harness.take(bob) == [deep])
    }

    // MARK: - Ends

    @Test("an operator closes a channel: those who have it open are closed")
    func closedByOperator() throws {
        let harness = channels()
        let (ann, bob) = (try harness.open(), try harness.open())
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        harness.say(#"{"open":true,"channel":"d"}"#, on: bob)
        let room = try #require(RoomName("c".utf8))
        #expect(harness.act { $0.closeRoom(room, reason: "", at: $1) })
        #expect(harness.closings == [ann: .init(1008, "channel closed")])
        #expect(harness.faults == [])
    }

    @Test("an operator sees who is there, and ends a client, whose credentials end with it")
    func operators() throws {
        let harness = channels { $0.sendsIceServers = true }
        let ann = try harness.open(token: "ann")
        harness.say(#"{"open":true,"channel":"c"}"#, on: ann)
        let room = try #require(RoomName("c".utf8))
        let occupant = try #require(harness.query { $0.room(room) }?.participants.first)
        #expect(occupant.identity == Admission.Identity(issuer: "key", subject: "ann"))
        let id = occupant.session.description
        let detail = try #require(harness.query { $0.session(id) })
        #expect(detail.seats.map(\.room) == [room])
        #expect(detail.messagesSent == 1)
        guard case .entered(let tag)? = harness.takeMembers().first else {
            Issue.record("no credentials")
            return
        }
        #expect(!harness.act { $0.endSession("nobody", reason: "", at: $1) })
        #expect(harness.act { $0.endSession(id, reason: "enough", at: $1) })
        #expect(harness.closings == [ann: .init(1008, "enough")])
        #expect(harness.takeMembers() == [.revoked(tag)])
        #expect(harness.query { $0.session(id) } == nil)
        #expect(harness.query { $0.room(room) } == nil)
    }

    @Test("a slow consumer is closed")
    func slow() throws {
        let harness = channels()
        let ann = try harness.open()
        harness.slowConsumer(ann)
        #expect(harness.closings[ann] == .init(1008, "slow consumer"))
        #expect(harness.query { $0.liveCounts.connections } == 0)
    }

    @Test("when the server stops, everybody is gone by the deadline, and nobody new is taken")
    func drain() throws {
        let harness = channels()
        let all = try (0..<50).map { _ in try harness.open() }
        harness.drainMachine(seconds: 10)
        #expect(throws: OpeningRefusal.draining) { try harness.open() }
        harness.advance(milliseconds: 5000)
        #expect((1..<50).contains(harness.closings.count))
        harness.advance(milliseconds: 5000)
        #expect(harness.closings.count == 50)
        #expect(all.allSatisfy { harness.closings[$0] == .init(1001, "the server stops") })
        #expect(harness.faults == [])
    }
}
