import NetworkPrimitives
import Signaling
import Testing

@testable import TernV1

@Suite("tern.v1: hello")
struct HelloTests {
    @Test("who says hello is welcomed with a session, its resume token and the limits")
    func welcome() throws {
        let harness = TernHarness()
        let connection = try #require(harness.connect())
        harness.say(
            #"{"type":"hello","v":1,"id":7,"client":{"name":"x"},"want":["roster-delta"],"unknown":[{}]}"#,
            on: connection)
        let texts = harness.take(connection)
        #expect(texts.count == 2)
        let welcome = try json(texts.first)
        #expect(welcome["type"] as? String == "welcome" && welcome["id"] as? Int == 7)
        #expect((welcome["session"] as? String)?.utf8.count == 22)
        #expect((welcome["resume"] as? String)?.utf8.count == 44)
        #expect(welcome["resume_s"] as? Int == 30 && welcome["heartbeat_ms"] as? Int == 25_000)
        #expect(welcome["resumed"] as? Bool == false)
        #expect(
            welcome["limits"] as? [String: Int] == ["message": 65_536, "rooms": 8, "rate": 50, "burst": 200])
        #expect(welcome["server"] as? [String: String] == ["version": "1.2.3", "node": "n1"])
        #expect(texts.last == #"{"type":"ok","id":7}"#)
        #expect(harness.confidential == [texts[0]])
        #expect(harness.gate.calls == [])
    }

    @Test("the token of hello counts before that of the upgrade request")
    func tokenPrecedence() throws {
        let harness = TernHarness()
        let first = try #require(harness.connect(token: "bob"))
        harness.say(#"{"type":"hello","v":1,"token":"ann"}"#, on: first)
        let second = try #require(harness.connect(token: "bob"))
        harness.say(#"{"type":"hello","v":1}"#, on: second)
        #expect(harness.gate.calls == ["identify ann", "identify bob"])
        let identities = harness.events.compactMap { event -> String? in
            if case .sessionOpened(_, _, let identity) = event { identity?.subject } else { nil }
        }
        #expect(identities == ["ann", "bob"])
    }

    @Test(
        "a token that is refused ends the connection with 4001",
        arguments: zip(
            [AdmissionRefusal.unauthorized, .tokenExpired, .tokenNotYetValid, .forbidden],
            ["unauthorized", "token_expired", "token_not_yet_valid", "forbidden"]))
    func refusedToken(refusal: AdmissionRefusal, code: String) throws {
        let harness = TernHarness()
        harness.gate.refusals["bad"] = refusal
        let connection = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"id":"a","token":"bad"}"#, on: connection)
        let texts = harness.take(connection)
        let error = try json(texts.first)
        #expect(texts.count == 1)
        #expect(error["code"] as? String == code && error["fatal"] as? Bool == true && error["id"] as? String == "a")
        #expect(harness.closings[connection] == .init(code: 4001, reason: code))
        // Nothing that it still says is heard.
        harness.say(#"{"type":"hello","v":1}"#, on: connection)
        #expect(harness.take(connection) == [])
        #expect(harness.query { $0.liveCounts.connections } == 0)
        // Only what no key has signed may be a guess.
        #expect(harness.events.contains(.unauthorized(TernHarness.visitor)) == (refusal == .unauthorized))
        let isOutdated = refusal == .tokenExpired || refusal == .tokenNotYetValid
        #expect(harness.events.contains(.outdatedToken(TernHarness.visitor)) == isOutdated)
    }

    @Test(
        "what is no hello of version 1 ends the connection",
        arguments: [
            (#"{"type":"join","room":"open"}"#, "bad_request"), (#"{"type":"hello"}"#, "unsupported_version"),
            (#"{"type":"hello","v":2}"#, "unsupported_version"), (#"{"type":"hello","v":"1"}"#, "unsupported_version"),
            (#"{"type":"what"}"#, "unknown_type"), ("nonsense", "bad_json"), ("[]", "bad_request"), ("", "bad_json"),
            (#"{"type":"hello","v":1,"token":5}"#, "bad_request"),
            (#"{"type":"hello","v":1,"received":-1}"#, "bad_request"),
            (#"{"type":"hello","v":1,"replace":1}"#, "bad_request"),
        ])
    func firstMessage(text: String, code: String) throws {
        let harness = TernHarness()
        let connection = try #require(harness.connect())
        harness.say(text, on: connection)
        #expect(try harness.takeError(connection) == code)
        #expect(harness.closings[connection]?.code == 4001)
        #expect(harness.query { $0.liveCounts } == .none)
    }

    @Test("who says nothing for five seconds is sent away; who says hello in time is not")
    func timeout() throws {
        let harness = TernHarness()
        let late = try #require(harness.connect())
        let early = try harness.greet()
        harness.advance(milliseconds: 4_999)
        #expect(harness.closings.isEmpty)
        harness.advance(milliseconds: 3)
        #expect(try harness.takeError(late) == "unauthorized")
        #expect(harness.closings[late] == .init(code: 4001, reason: "unauthorized"))
        #expect(harness.closings[early] == nil)
        #expect(harness.query { $0.counters[SignalingLimit.hello] } == 1)
    }

    @Test("a second hello is a mistake, not the end")
    func secondHello() throws {
        let harness = TernHarness()
        let connection = try harness.greet()
        _ = harness.take(connection)
        harness.say(#"{"type":"hello","v":1}"#, on: connection)
        #expect(try harness.takeError(connection) == "bad_request")
        #expect(harness.closings.isEmpty)
    }

    // MARK: - Taking over

    @Test("who comes again and says replace ends all older sessions of the same person at once")
    func replace() throws {
        let harness = TernHarness()
        let ghosts = [try harness.enter("lobby", "ann"), try harness.enter("lobby", "ann")]
        let bob = try harness.enter("lobby", "bob")
        for connection in ghosts + [bob] { _ = harness.take(connection) }
        _ = harness.takeMembers()
        let connection = try harness.greet("ann", replace: true)
        for ghost in ghosts {
            #expect(try harness.takeError(ghost) == "session_replaced")
            #expect(harness.closings[ghost] == .init(code: 4009, reason: "session_replaced"))
        }
        let heard = try harness.take(bob).map { try json($0) }
        #expect(heard.map { $0["type"] as? String } == ["participant-left", "participant-left"])
        #expect(heard.allSatisfy { $0["reason"] as? String == "replaced" })
        #expect(harness.closings[connection] == nil && harness.closings[bob] == nil)
        #expect(harness.takeMembers().count == 2)
        #expect(harness.query { $0.liveCounts.sessions } == 2)
        #expect(harness.query { $0.counters.takeovers } == 2)
    }

    @Test("a ghost whose connection is gone is replaced as well; other people and the anonymous are not")
    func replaceDetached() throws {
        let harness = TernHarness()
        let ghost = try harness.enter("lobby", "ann")
        harness.disconnect(ghost)
        let bob = try harness.greet("bob")
        let visitor = try harness.greet()
        _ = try harness.greet(nil, replace: true)
        #expect(harness.query { $0.liveCounts.participants } == 1)
        _ = try harness.greet("ann", replace: true)
        #expect(harness.query { $0.liveCounts.participants } == 0)
        #expect(harness.closings[bob] == nil && harness.closings[visitor] == nil)
    }

    @Test("without replace a person may be there with several devices, in any order of going")
    func devices() throws {
        let harness = TernHarness()
        let connections = try (0..<4).map { _ in try harness.greet("ann") }
        #expect(harness.query { $0.liveCounts.sessions } == 4)
        for index in [1, 3, 0] { harness.say(#"{"type":"bye"}"#, on: connections[index]) }
        #expect(harness.query { $0.liveCounts.sessions } == 1)
        let last = try harness.greet("ann", replace: true)
        #expect(harness.closings[connections[2]]?.code == 4009)
        #expect(harness.closings[last] == nil)
    }

    // MARK: - Limits

    @Test("there are as many connections as sessions may be, and no more")
    func connections() throws {
        let harness = TernHarness { $0.limits.sessionsMax = 2 }
        let first = try #require(harness.connect())
        _ = try #require(harness.connect())
        #expect(harness.connect() == nil)
        #expect(harness.query { $0.counters[SignalingLimit.sessions] } == 1)
        harness.disconnect(first)
        #expect(harness.connect() != nil)
    }

    @Test("sessions that wait for their connection count; theirs may come back, new ones may not")
    func sessions() throws {
        let harness = TernHarness { $0.limits.sessionsMax = 2 }
        let first = try harness.greet("ann")
        let token = try harness.resumeToken(first)
        _ = try harness.greet("bob")
        harness.disconnect(first)
        let refused = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1}"#, on: refused)
        #expect(try json(harness.take(refused).first)["retry_after_ms"] as? Int == 10_000)
        #expect(harness.closings[refused] == .init(code: 1013, reason: "quota_exceeded"))
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)"}"#, on: back)
        #expect(try harness.last("welcome", back)["resumed"] as? Bool == true)
        // Who takes the place of a session needs no other one to go.
        let next = try #require(
            harness.connect()
                ?? {
                    harness.disconnect(back)
                    return harness.connect()
                }())
        harness.say(#"{"type":"hello","v":1,"token":"ann","replace":true}"#, on: next)
        #expect(try harness.last("welcome", next)["resumed"] as? Bool == false)
    }
}

extension TernV1Server.LiveCounts {
    static var none: Self { counts(0, 0, 0, 0) }

    static func counts(_ sessions: Int, _ connections: Int, _ rooms: Int, _ participants: Int) -> Self {
        Self(sessions: sessions, connections: connections, rooms: rooms, participants: participants)
    }
}
