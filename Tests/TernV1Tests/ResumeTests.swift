import NetworkPrimitives
import Signaling
import Testing

@testable import TernV1

@Suite("tern.v1: connections that break")
struct ResumeTests {
    /// Resumes on a new connection; answers it.
    private func resume(
        _ harness: TernHarness, _ token: String, received: Int? = nil, fields: String = ""
    ) throws -> UInt64 {
        let connection = try #require(harness.connect())
        let count = received.map { #","received":\#($0)"# } ?? ""
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)"\#(count)\#(fields)}"#, on: connection)
        return connection
    }

    private func isResumed(_ harness: TernHarness, _ connection: UInt64) throws -> Bool {
        try harness.last("welcome", connection)["resumed"] as? Bool == true
    }

    @Test("who comes back in time has its session, its seats and what it missed, in order")
    func resumes() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        let session = try #require(try harness.last("welcome", ann)["session"] as? String)
        // Behind the welcome ann was sent `joined` and `participant-joined`.
        #expect(harness.take(ann).count == 3)
        harness.disconnect(ann)
        _ = harness.take(bob)
        for number in 1...3 { harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob) }
        // The others notice nothing.
        #expect(harness.take(bob) == [])
        harness.advance(milliseconds: 29_000)
        let back = try resume(harness, token, received: 2, fields: #","id":9"#)
        let texts = harness.take(back)
        let welcome = try json(texts.first)
        #expect(welcome["resumed"] as? Bool == true && welcome["session"] as? String == session)
        #expect(welcome["id"] as? Int == 9)
        #expect(welcome["resume"] as? String != token)
        #expect(texts[1...3].map { $0.suffix(2) } == ["1}", "2}", "3}"])
        #expect(texts[4...] == [#"{"type":"ok","id":9}"#])
        harness.say(#"{"type":"broadcast","room":"open","data":4}"#, on: bob)
        #expect(harness.take(back).count == 1)
        #expect(harness.query { $0.liveCounts } == .counts(2, 2, 1, 2))
        #expect(harness.query { $0.counters.resumes } == 1)
    }

    @Test("the client says how much it has had, and gets exactly the rest", arguments: 0...6)
    func exactRest(received: Int) throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        for number in 3...5 { harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob) }
        let all = Array(harness.take(ann).dropFirst())
        #expect(all.count == 5)
        let back = try resume(harness, token, received: received)
        // Nobody has had more than was sent: that is another session's count.
        #expect(try isResumed(harness, back) == (received <= 5))
        #expect(Array(harness.take(back).dropFirst()) == Array(all.dropFirst(received <= 5 ? received : 5)))
        // The server had not noticed that the first connection was gone.
        #expect(harness.closings[ann]?.code == 4009)
    }

    @Test("credentials that are sent again are as confidential as before")
    func confidential() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        harness.disconnect(ann)
        let before = harness.confidential.count
        _ = try resume(harness, token, received: 0)
        #expect(harness.confidential.count == before + 2)
    }

    @Test("a resume token is good once, and only while the session waits")
    func once() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        harness.disconnect(ann)
        let back = try resume(harness, token, received: 1)
        let next = try harness.resumeToken(back)
        #expect(try isResumed(harness, back))
        // Somebody has the old one; the session is not theirs.
        let thief = try resume(harness, token, received: 1)
        #expect(try !isResumed(harness, thief))
        #expect(harness.closings[back] == nil)
        harness.disconnect(back)
        harness.advance(milliseconds: 30_002)
        let late = try resume(harness, next, received: 1)
        #expect(try !isResumed(harness, late))
        #expect(harness.query { $0.counters.resumesFailed } == 2)
    }

    @Test(
        "what is no resume token begins a new session",
        arguments: ["", "x", String(repeating: "A", count: 44), String(repeating: "A", count: 256)])
    func nonsense(token: String) throws {
        let harness = TernHarness()
        #expect(try !isResumed(harness, try resume(harness, token, received: 3)))
    }

    @Test("who does not come back in time loses its seats, and the others are told")
    func window() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let annID = try harness.participant(ann)
        _ = harness.take(bob)
        harness.disconnect(ann)
        harness.advance(milliseconds: 29_999)
        #expect(harness.take(bob) == [])
        harness.advance(milliseconds: 3)
        #expect(
            harness.take(bob) == [
                #"{"type":"participant-left","room":"open","id":"\#(annID)","reason":"timeout"}"#
            ])
        #expect(harness.query { $0.counters[SignalingLimit.resumeWindow] } == 1)
        #expect(harness.query { $0.liveCounts } == .counts(1, 1, 1, 1))
    }

    @Test("without a window the session ends with its connection")
    func noWindow() throws {
        let harness = TernHarness { $0.limits.resumeSeconds = 0 }
        harness.disconnect(try harness.enter("open"))
        #expect(harness.query { $0.liveCounts } == .none)
    }

    @Test("a newer token of the same person takes the place of the older one; another's or a bad one does not")
    func newToken() throws {
        let harness = TernHarness()
        harness.gate.passes["ann2"] = Pass(
            issuer: "key", subject: "ann", rooms: RoomPattern("only"), expiresAt: UnixTime(seconds: 1_900_000_000))
        let ann = try harness.greet("ann")
        var token = try harness.resumeToken(ann)
        for (other, isTaken) in [("bob", false), ("unknown", false), ("ann2", true)] {
            let back = try resume(harness, token, received: 0, fields: #","token":"\#(other)""#)
            #expect(try isResumed(harness, back))
            token = try harness.resumeToken(back)
            _ = harness.take(back)
            harness.say(#"{"type":"join","room":"any"}"#, on: back)
            if isTaken { #expect(try harness.takeError(back) == "forbidden") }
            harness.say(#"{"type":"leave","room":"any"}"#, on: back)
            _ = harness.take(back)
        }
    }

    // MARK: - The bounds of the replay

    @Test("what is missed beyond the limit of messages ends the session", arguments: [4, 5])
    func overflow(count: Int) throws {
        let harness = TernHarness { $0.limits.replayMessagesMax = 4 }
        let ann = try harness.greet()
        let token = try harness.resumeToken(ann)
        harness.say(#"{"type":"join","room":"open"}"#, on: ann)
        let bob = try harness.enter("open")
        harness.pong(ann)
        harness.disconnect(ann)
        _ = harness.take(bob)
        for number in 1...count { harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob) }
        let heard = harness.take(bob)
        #expect(heard.isEmpty == (count == 4))
        let back = try resume(harness, token, received: 2)
        #expect(try isResumed(harness, back) == (count == 4))
        #expect(harness.take(back).count == (count == 4 ? 5 : 1))
        #expect(harness.query { $0.liveCounts.sessions } == 2)
    }

    @Test("what is missed beyond the limit of bytes ends the session")
    func overflowOfBytes() throws {
        let harness = TernHarness { $0.limits.replayByteCountMax = 1000 }
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        harness.disconnect(ann)
        let data = String(repeating: "x", count: 1000)
        harness.say(#"{"type":"broadcast","room":"open","data":"\#(data)"}"#, on: bob)
        #expect(harness.query { $0.liveCounts.sessions } == 1)
        #expect(harness.query { $0.counters[SignalingLimit.replay] } == 1)
    }

    @Test("a kick is a kick, even if its message is one more than is kept for who was kicked")
    func overflowByKick() throws {
        let harness = TernHarness { $0.limits.replayMessagesMax = 1 }
        let bob = try harness.enter("lobby", "bob")
        let mod = try harness.enter("lobby", "mod")
        let bobID = try harness.participant(bob)
        harness.disconnect(bob)
        harness.say(#"{"type":"broadcast","room":"lobby","data":1}"#, on: mod)
        _ = harness.takeMembers()
        harness.say(#"{"type":"kick","room":"lobby","to":"\#(bobID)"}"#, on: mod)
        let members = harness.takeMembers()
        #expect(members.count == 1)
        if case .revoked? = members.first {} else { Issue.record("\(members)") }
        #expect(harness.query { $0.liveCounts.sessions } == 1)
    }

    @Test("what may have arrived before the connection broke may go first")
    func evictsArrived() throws {
        let harness = TernHarness { $0.limits.replayMessagesMax = 4 }
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        for number in 3...5 { harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob) }
        harness.disconnect(ann)
        for number in 6...8 { harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob) }
        let back = try resume(harness, token, received: 5)
        #expect(try isResumed(harness, back))
        #expect(harness.take(back).dropFirst().map { $0.suffix(2) } == ["6}", "7}", "8}"])
    }

    @Test("who comes back for what is no longer there begins anew, and the old session ends at once")
    func unresumable() throws {
        let harness = TernHarness { $0.limits.replayMessagesMax = 4 }
        let ann = try harness.enter("open")
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        for number in 3...9 { harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob) }
        harness.disconnect(ann)
        _ = harness.take(bob)
        let back = try resume(harness, token, received: 4)
        #expect(try !isResumed(harness, back))
        #expect(try json(harness.take(bob).first)["reason"] as? String == "timeout")
        #expect(harness.query { $0.liveCounts } == .counts(2, 2, 1, 1))
    }

    @Test("a pong, or the client's count, empties the buffer: an idle session holds nothing")
    func confirmation() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        harness.pong(ann)
        let bob = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        harness.advance(milliseconds: 30_000, silent: [bob])
        #expect(harness.pings[ann] == 2)
        harness.say(#"{"type":"broadcast","room":"open","data":3}"#, on: bob)
        // A pong that no ping asked for proves nothing.
        harness.pong(ann)
        harness.disconnect(ann)
        // 1 and 2 are known to have arrived and are gone; 3 is there.
        let back = try resume(harness, token, received: 2)
        #expect(harness.take(back).dropFirst().map { $0.suffix(2) } == ["3}"])
        harness.say(#"{"type":"ping","received":3}"#, on: back)
        // Nobody can confirm what was not sent.
        harness.say(#"{"type":"ping","received":9223372036854775807}"#, on: back)
        _ = harness.take(back)
        harness.disconnect(back)
        #expect(harness.query { $0.liveCounts.sessions } == 2)
    }

    @Test("a ping behind `joined` and its `ok` asks whether they have arrived", arguments: [1, 2])
    func pingBehindJoined(received: Int) throws {
        let harness = TernHarness()
        let ann = try harness.greet()
        #expect(harness.pings[ann] == nil)
        harness.say(#"{"type":"join","id":1,"room":"open"}"#, on: ann)
        #expect(harness.pings[ann] == 1)
        // One unanswered ping is enough.
        harness.say(#"{"type":"join","room":"open-2"}"#, on: ann)
        #expect(harness.pings[ann] == 1)
        harness.pong(ann)
        harness.say(#"{"type":"join","room":"open-3"}"#, on: ann)
        #expect(harness.pings[ann] == 2)
        let token = try harness.resumeToken(ann)
        harness.disconnect(ann)
        // The pong spoke of what was sent before its ping, 1 and 2; the other two are there.
        let back = try resume(harness, token, received: received)
        #expect(try isResumed(harness, back) == (received == 2))
        let rooms = try harness.take(back).dropFirst().map { try json($0)["room"] as? String }
        #expect(rooms == (received == 2 ? ["open-2", "open-3"] : []))
    }

    @Test("when much was sent, a ping asks early whether it has arrived")
    func earlyPing() throws {
        let harness = TernHarness { $0.limits.replayMessagesMax = 8 }
        let ann = try harness.enter("open")
        harness.pong(ann)
        let bob = try harness.enter("open")
        for number in 0..<50 {
            harness.say(#"{"type":"broadcast","room":"open","data":\#(number)}"#, on: bob)
            if harness.pings[ann] != 1 { break }
        }
        #expect(harness.pings[ann] == 2)
        // `welcome`, `joined`, and the four that have not arrived for all that the server knows.
        #expect(harness.take(ann).count == 1 + 1 + 4)
    }

    // MARK: - Heartbeat

    @Test("who misses two pings is gone, and may come back; who answers stays")
    func heartbeat() throws {
        let harness = TernHarness()
        let ghost = try harness.enter("open")
        let alive = try harness.enter("open")
        let token = try harness.resumeToken(ghost)
        _ = harness.take(alive)
        // The first ping came behind `joined`, the second after 25 seconds; after 50 both are missed.
        #expect(harness.pings[ghost] == 1)
        harness.advance(milliseconds: 44_000, silent: [ghost])
        #expect(harness.pings[ghost] == 2)
        #expect(harness.closings.isEmpty)
        harness.advance(milliseconds: 12_000, silent: [ghost])
        #expect(harness.closings == [ghost: .init(code: 1008, reason: "no pong")])
        #expect(harness.pings[ghost] == 2)
        #expect(harness.query { $0.counters[SignalingLimit.heartbeat] } == 1)
        #expect(harness.take(alive) == [])
        #expect(try isResumed(harness, try resume(harness, token, received: 2)))
        harness.advance(milliseconds: 200_000)
        #expect(harness.closings.count == 1)
    }

    @Test("who cannot take what it is sent is closed with 4008, and may come back")
    func slowConsumer() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        let token = try harness.resumeToken(ann)
        _ = harness.take(ann)
        harness.slowConsumer(ann)
        #expect(harness.closings[ann] == .init(code: 4008, reason: "slow_consumer"))
        harness.slowConsumer(ann)
        harness.disconnect(ann)
        #expect(harness.query { $0.counters[SignalingLimit.queue] } == 1)
        #expect(try isResumed(harness, try resume(harness, token, received: 1)))
    }

    // MARK: - The buffer itself

    @Test("messages are numbered from 1 on and kept until they have arrived")
    func buffer() {
        var buffer = ReplayBuffer()
        #expect(buffer.firstNumber == 1 && buffer.canResume(after: 0) && !buffer.canResume(after: 1))
        func append(_ count: Int) -> UInt64 {
            let entry = ReplayBuffer.Entry(text: [UInt8](repeating: 1, count: count), isConfidential: false)
            return buffer.append(entry, messagesMax: 3, bytesMax: 100)
        }
        #expect((0..<3).map { _ in append(10) } == [0, 0, 0])
        #expect(append(10) == 1)
        #expect(buffer.firstNumber == 2 && buffer.sentCount == 4 && buffer.byteCount == 30)
        #expect(!buffer.canResume(after: 0) && buffer.canResume(after: 1) && buffer.canResume(after: 4))
        #expect(!buffer.canResume(after: 5))
        // Exactly the limit of bytes stays; one more byte makes the oldest go.
        #expect(append(80) == 2 && buffer.byteCount == 100)
        #expect(append(1) == 3 && buffer.entries.count == 3 && buffer.byteCount == 91)
        // One that is larger than everything goes itself.
        #expect(append(101) == 7 && buffer.entries.isEmpty && buffer.byteCount == 0)
        #expect(buffer.canResume(after: 7) && !buffer.canResume(after: 6))
        buffer.confirm(upTo: 100)
        #expect(buffer.sentCount == 7 && buffer.entries.isEmpty)
        #expect(append(1) == 0)
        buffer.confirm(upTo: 7)
        #expect(buffer.entries.count == 1)
        buffer.confirm(upTo: .max)
        #expect(buffer.entries.capacity == 0 && buffer.canResume(after: 8))
        #expect(!buffer.canResume(after: .max))
    }
}
