import Signaling
import TernV1
import Testing

@Suite("tern.v1: rooms and messages")
struct RoomTests {
    // MARK: - join

    @Test("who joins gets the roster, its own id, the capacity and credentials; the others are told")
    func join() throws {
        let harness = TernHarness()
        let ann = try harness.enter(
            "lobby", "ann", fields: #","name":"Änn \"A\"","meta":{"b":1,"a":1.0},"role":"host""#)
        let annID = try harness.participant(ann)
        _ = harness.take(ann)
        let bob = try harness.greet("bob")
        _ = harness.take(bob)
        harness.say(#"{"type":"join","room":"lobby","id":"j1"}"#, on: bob)
        let texts = harness.take(bob)
        #expect(texts.count == 2 && texts[1] == #"{"type":"ok","id":"j1"}"#)
        let joined = try json(texts[0])
        #expect(joined["type"] as? String == "joined" && joined["id"] as? String == "j1")
        #expect(joined["room"] as? String == "lobby" && joined["capacity"] as? Int == 64)
        let roster = try #require(joined["participants"] as? [[String: Any]])
        #expect(roster.count == 2)
        #expect(roster[0]["id"] as? String == annID && roster[0]["name"] as? String == "Änn \"A\"")
        #expect(roster[0]["role"] as? String == "host" && roster[0]["since"] as? Int == 1_800_000_000)
        #expect(roster[1]["id"] as? String == joined["self"] as? String)
        #expect(Set(roster[1].keys) == ["id", "since"])
        // What somebody says about itself is passed on as it was written.
        #expect(texts[0].contains(#""meta":{"b":1,"a":1.0}"#))
        let heard = harness.take(ann)
        #expect(heard.count == 1)
        let event = try json(heard.first)
        #expect(event["type"] as? String == "participant-joined" && event["room"] as? String == "lobby")
        #expect((event["participant"] as? [String: Any])?["id"] as? String == joined["self"] as? String)
    }

    @Test("the gate is asked before anything of a room is told, and its refusals are the same for any room")
    func gate() throws {
        let harness = TernHarness()
        harness.gate.passes["one"] = Pass(
            issuer: "key", subject: "one", rooms: RoomPattern("mine"), expiresAt: .init(seconds: 1_900_000_000))
        _ = try harness.enter("full", "ann", fields: "")
        let one = try harness.greet("one")
        let nobody = try harness.greet()
        for connection in [one, nobody] { _ = harness.take(connection) }
        var answers: [[String]] = []
        for room in ["full", "missing"] {
            harness.say(#"{"type":"join","room":"\#(room)"}"#, on: one)
            answers.append(harness.take(one))
            harness.say(#"{"type":"join","room":"\#(room)"}"#, on: nobody)
            answers.append(harness.take(nobody))
        }
        #expect(answers[0] == answers[2] && answers[1] == answers[3])
        #expect(try json(answers[0].first)["code"] as? String == "forbidden")
        #expect(try json(answers[1].first)["code"] as? String == "unauthorized")
        #expect(harness.closings.isEmpty)
        #expect(!harness.gate.calls.dropFirst(3).contains("issue"))
        #expect(harness.takeMembers().count == 2)
    }

    @Test("a token of the join counts for that room alone")
    func roomToken() throws {
        let harness = TernHarness()
        let connection = try harness.greet()
        harness.say(#"{"type":"join","room":"a","token":"ann"}"#, on: connection)
        _ = try harness.participant(connection)
        _ = harness.take(connection)
        harness.say(#"{"type":"join","room":"b"}"#, on: connection)
        #expect(try harness.takeError(connection) == "unauthorized")
        harness.say(#"{"type":"join","room":"b","token":"unknown"}"#, on: connection)
        #expect(try harness.takeError(connection) == "unauthorized")
        #expect(harness.closings.isEmpty)
    }

    @Test("a pass that expires meanwhile opens no more rooms; the session and its seats go on")
    func expiredPass() throws {
        let harness = TernHarness()
        let connection = try harness.enter("a", "ann")
        _ = harness.take(connection)
        harness.setWallClock(1_900_000_000)
        harness.say(#"{"type":"join","room":"b"}"#, on: connection)
        #expect(try harness.takeError(connection) == "token_expired")
        harness.say(#"{"type":"roster","room":"a","id":1}"#, on: connection)
        #expect(try json(harness.take(connection).first)["type"] as? String == "ok")
    }

    @Test("a session is in as many rooms as the limit says")
    func roomsPerSession() throws {
        let harness = TernHarness { $0.limits.roomsPerSessionMax = 2 }
        let connection = try harness.enter("open-a")
        harness.say(#"{"type":"join","room":"open-b"}"#, on: connection)
        _ = harness.take(connection)
        harness.say(#"{"type":"join","room":"open-c"}"#, on: connection)
        #expect(try harness.takeError(connection) == "quota_exceeded")
        #expect(harness.query { $0.counters[SignalingLimit.roomsPerSession] } == 1)
        harness.say(#"{"type":"leave","room":"open-a"}"#, on: connection)
        _ = harness.take(connection)
        harness.say(#"{"type":"join","room":"open-c"}"#, on: connection)
        _ = try harness.participant(connection)
    }

    @Test("rooms and seats that are taken are refused with a code each")
    func refusedJoins() throws {
        let harness = TernHarness { $0.limits.roomsMax = 1 }
        harness.gate.capacity = 1
        let ann = try harness.enter("a", "ann")
        let bob = try harness.greet("bob")
        for connection in [ann, bob] { _ = harness.take(connection) }
        harness.say(#"{"type":"join","room":"a"}"#, on: ann)
        #expect(try harness.takeError(ann) == "duplicate_join")
        harness.say(#"{"type":"join","room":"a"}"#, on: bob)
        #expect(try harness.takeError(bob) == "room_full")
        harness.say(#"{"type":"join","room":"b"}"#, on: bob)
        #expect(try harness.takeError(bob) == "quota_exceeded")
        #expect(harness.query { $0.counters[SignalingLimit.rooms] } == 1)
        #expect(harness.query { $0.counters[SignalingLimit.roomCapacity] } == 1)
        #expect(harness.query { $0.counters[ErrorCode.duplicateJoin] } == 1)
    }

    @Test("an identity that may be there once is told so, and may take the place")
    func exclusive() throws {
        let harness = TernHarness()
        harness.gate.isExclusive = true
        let old = try harness.enter("a", "ann")
        let new = try harness.greet("ann")
        for connection in [old, new] { _ = harness.take(connection) }
        harness.say(#"{"type":"join","room":"a"}"#, on: new)
        #expect(try harness.takeError(new) == "duplicate_join")
        harness.say(#"{"type":"join","room":"a","replace":true}"#, on: new)
        _ = try harness.participant(new)
        #expect(try harness.takeError(old) == "session_replaced")
        #expect(harness.closings[old]?.code == 4009)
        #expect(harness.query { $0.liveCounts.sessions } == 1)
    }

    @Test("who takes a place leaves nothing of the older session, in other rooms either")
    func replaceEverywhere() throws {
        let harness = TernHarness()
        let old = try harness.enter("a", "ann")
        harness.say(#"{"type":"join","room":"b"}"#, on: old)
        let bob = try harness.enter("b", "bob")
        let new = try harness.greet("ann")
        for connection in [bob, new] { _ = harness.take(connection) }
        _ = harness.takeMembers()
        harness.say(#"{"type":"join","room":"a","replace":true}"#, on: new)
        #expect(try json(harness.take(bob).first)["reason"] as? String == "replaced")
        let left = harness.takeMembers().filter { if case .left(_, keepsGrace: true) = $0 { true } else { false } }
        #expect(left.count == 2)
        #expect(harness.query { $0.liveCounts.participants } == 2)
    }

    // MARK: - Messages

    @Test("a signal is passed on byte for byte, stamped with its sender")
    func signal() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        let bob = try harness.enter("lobby", "bob")
        let (annID, bobID) = (try harness.participant(ann), try harness.participant(bob))
        for connection in [ann, bob] { _ = harness.take(connection) }
        let data = #"{ "sdp":"v=0\r\n\u00e9","n":1.50e+2 ,"z":null,"a":[ ]}"#
        harness.say(
            #"{"from":"me","data":\#(data),"type":"signal","to":"\#(bobID)","room":"lobby","id":1}"#, on: ann)
        #expect(
            harness.take(bob) == [#"{"type":"signal","room":"lobby","from":"\#(annID)","data":\#(data)}"#])
        #expect(harness.take(ann) == [#"{"type":"ok","id":1}"#])
    }

    @Test("any JSON value is data", arguments: ["null", "0", "-1.5", "\"x\"", "[]", "{}", "false"])
    func anyData(data: String) throws {
        let harness = TernHarness()
        let ann = try harness.enter("open-lobby")
        let bob = try harness.enter("open-lobby")
        let annID = try harness.participant(ann)
        for connection in [ann, bob] { _ = harness.take(connection) }
        harness.say(#"{"type":"broadcast","room":"open-lobby","data":\#(data)}"#, on: ann)
        #expect(
            harness.take(bob) == [#"{"type":"broadcast","room":"open-lobby","from":"\#(annID)","data":\#(data)}"#])
        #expect(harness.take(ann) == [])
    }

    @Test("a broadcast is one text for all others")
    func broadcast() throws {
        let harness = TernHarness()
        let all = try (0..<5).map { _ in try harness.enter("open") }
        _ = harness.takeSends()
        harness.say(#"{"type":"broadcast","room":"open","data":1}"#, on: all[2])
        #expect(harness.takeSends() == [[all[0], all[1], all[3], all[4]]])
    }

    @Test("update tells the others; no metadata takes it away")
    func update() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open", fields: #","name":"A","meta":1"#)
        let bob = try harness.enter("open")
        for connection in [ann, bob] { _ = harness.take(connection) }
        harness.say(#"{"type":"update","room":"open","meta":{"muted":true},"id":2}"#, on: ann)
        #expect(harness.take(ann) == [#"{"type":"ok","id":2}"#])
        let text = try #require(harness.take(bob).first)
        #expect(text.hasPrefix(#"{"type":"participant-updated","room":"open","participant":{"id":""#))
        #expect(text.contains(#""name":"A","meta":{"muted":true}"#))
        harness.say(#"{"type":"update","room":"open","meta":null}"#, on: ann)
        #expect(try !#require(harness.take(bob).first).contains("meta"))
    }

    @Test("roster is answered by an ok with everybody in it")
    func roster() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        _ = try harness.enter("open")
        _ = harness.take(ann)
        harness.say(#"{"type":"roster","room":"open","id":3}"#, on: ann)
        let texts = harness.take(ann)
        let answer = try json(texts.first)
        #expect(texts.count == 1 && answer["type"] as? String == "ok" && answer["id"] as? Int == 3)
        #expect((answer["participants"] as? [Any])?.count == 2 && answer["capacity"] as? Int == 64)
    }

    @Test("leave is told to both sides, and frees the room after the last")
    func leave() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let annID = try harness.participant(ann)
        for connection in [ann, bob] { _ = harness.take(connection) }
        _ = harness.takeMembers()
        harness.say(#"{"type":"leave","room":"open","id":4}"#, on: ann)
        #expect(
            harness.take(ann) == [#"{"type":"left","room":"open","reason":"left"}"#, #"{"type":"ok","id":4}"#])
        #expect(
            harness.take(bob) == [
                #"{"type":"participant-left","room":"open","id":"\#(annID)","reason":"left"}"#
            ])
        let members = harness.takeMembers()
        guard members.count == 1, case .left(_, keepsGrace: true) = members[0] else {
            Issue.record("\(members)")
            return
        }
        harness.say(#"{"type":"leave","room":"open"}"#, on: bob)
        #expect(harness.query { $0.liveCounts.rooms } == 0)
        #expect(harness.events.contains(.roomFreed(RoomName("open".utf8)!)))
    }

    @Test("ping is echoed, and not counted among the messages")
    func ping() throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        _ = harness.take(ann)
        harness.say(#"{"type":"ping","t":"1.50"}"#, on: ann)
        harness.say(#"{"type":"ping","t":1.50,"id":5}"#, on: ann)
        harness.say(#"{"type":"ping"}"#, on: ann)
        #expect(
            harness.take(ann) == [
                #"{"type":"pong","t":"1.50"}"#, #"{"type":"pong","id":5,"t":1.50}"#, #"{"type":"ok","id":5}"#,
                #"{"type":"pong"}"#,
            ])
    }

    @Test("bye gives the seats up at once and closes the connection; nothing resumes it")
    func bye() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        for connection in [ann, bob] { _ = harness.take(connection) }
        harness.say(#"{"type":"bye","id":6}"#, on: ann)
        #expect(harness.take(ann) == [#"{"type":"ok","id":6}"#])
        #expect(harness.closings[ann] == .init(code: 1000, reason: "bye"))
        #expect(try json(harness.take(bob).first)["reason"] as? String == "left")
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)"}"#, on: back)
        #expect(try harness.last("welcome", back)["resumed"] as? Bool == false)
    }

    // MARK: - kick

    @Test("who may send away does, with a reason and a ban; the seat's credentials are taken back")
    func kick() throws {
        let harness = TernHarness()
        let mod = try harness.enter("lobby", "mod")
        let bob = try harness.enter("lobby", "bob")
        let bobID = try harness.participant(bob)
        for connection in [mod, bob] { _ = harness.take(connection) }
        _ = harness.takeMembers()
        harness.say(
            #"{"type":"kick","room":"lobby","to":"\#(bobID)","reason":"noise","ban_s":60,"id":1}"#, on: mod)
        #expect(harness.take(bob) == [#"{"type":"kicked","room":"lobby","reason":"noise"}"#])
        #expect(
            harness.take(mod) == [
                #"{"type":"participant-left","room":"lobby","id":"\#(bobID)","reason":"kicked"}"#,
                #"{"type":"ok","id":1}"#,
            ])
        let members = harness.takeMembers()
        guard members.count == 2, case .banned(let identity, let room) = members[0], case .revoked = members[1] else {
            Issue.record("\(members)")
            return
        }
        #expect(identity.subject == "bob" && room.description == "lobby")
        // The session goes on, in other rooms; this one stays shut for its time.
        harness.say(#"{"type":"join","room":"lobby"}"#, on: bob)
        #expect(try harness.takeError(bob) == "forbidden")
        harness.say(#"{"type":"join","room":"other"}"#, on: bob)
        _ = try harness.participant(bob)
        harness.advance(milliseconds: 60_001)
        _ = harness.take(bob)
        harness.say(#"{"type":"join","room":"lobby"}"#, on: bob)
        #expect(try harness.last("joined", bob)["room"] as? String == "lobby")
    }

    @Test("who may not send away does not learn who is there")
    func refusedKick() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        let mod = try harness.enter("lobby", "mod")
        let modID = try harness.participant(mod)
        for connection in [ann, mod] { _ = harness.take(connection) }
        for target in [modID, "AAECAwQFBgcICQoLDA0ODw", "x"] {
            harness.say(#"{"type":"kick","room":"lobby","to":"\#(target)"}"#, on: ann)
            #expect(try harness.takeError(ann) == "forbidden")
        }
        for target in ["AAECAwQFBgcICQoLDA0ODw", "x"] {
            harness.say(#"{"type":"kick","room":"lobby","to":"\#(target)"}"#, on: mod)
            #expect(try harness.takeError(mod) == "participant_not_found")
        }
    }

    // MARK: - Those who are not members

    @Test(
        "whoever is not in a room can do nothing there, and learns nothing of it",
        arguments: [
            #""type":"signal","to":"AAECAwQFBgcICQoLDA0ODw","data":1"#, #""type":"broadcast","data":1"#,
            #""type":"roster""#, #""type":"update","meta":1"#, #""type":"credentials""#, #""type":"leave""#,
            #""type":"kick","to":"AAECAwQFBgcICQoLDA0ODw""#,
        ])
    func outsiders(fields: String) throws {
        let harness = TernHarness()
        let inside = try harness.enter("lobby", "mod")
        let outside = try harness.enter("elsewhere", "bob")
        for connection in [inside, outside] { _ = harness.take(connection) }
        harness.gate.calls = []
        for room in ["lobby", "missing"] {
            harness.say(#"{\#(fields),"room":"\#(room)"}"#, on: outside)
            #expect(try harness.takeError(outside) == "not_in_room")
        }
        #expect(harness.take(inside) == [])
        #expect(harness.gate.calls == [])
    }

    @Test("nobody signals to a member of another room, whatever room it names")
    func crossRoom() throws {
        let harness = TernHarness()
        let ann = try harness.enter("a", "ann")
        let bob = try harness.enter("b", "bob")
        let bobID = try harness.participant(bob)
        for connection in [ann, bob] { _ = harness.take(connection) }
        for target in [bobID, "AAECAwQFBgcICQoLDA0ODw", ""] {
            harness.say(#"{"type":"signal","room":"a","to":"\#(target)","data":1}"#, on: ann)
            #expect(try harness.takeError(ann) == "participant_not_found")
        }
        harness.say(#"{"type":"signal","room":"b","to":"\#(bobID)","data":1}"#, on: ann)
        #expect(try harness.takeError(ann) == "not_in_room")
        #expect(harness.take(bob) == [])
    }

    @Test("what the token does not grant is forbidden")
    func grants() throws {
        let harness = TernHarness()
        harness.gate.passes["mute"] = Pass(
            issuer: "key", subject: "mute", rooms: RoomPattern("*"), grants: .join,
            expiresAt: .init(seconds: 1_900_000_000))
        let mute = try harness.enter("a", "mute")
        let ann = try harness.enter("a", "ann")
        let annID = try harness.participant(ann)
        #expect(try harness.last("joined", mute)["ice"] == nil)
        for connection in [ann, mute] { _ = harness.take(connection) }
        harness.say(#"{"type":"signal","room":"a","to":"\#(annID)","data":1}"#, on: mute)
        #expect(try harness.takeError(mute) == "forbidden")
        harness.say(#"{"type":"broadcast","room":"a","data":1}"#, on: mute)
        #expect(try harness.takeError(mute) == "forbidden")
        harness.say(#"{"type":"credentials","room":"a"}"#, on: mute)
        #expect(try harness.takeError(mute) == "credentials_denied")
        #expect(harness.take(ann) == [])
    }
}
