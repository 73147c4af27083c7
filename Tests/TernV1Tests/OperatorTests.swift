import NetworkPrimitives
import Signaling
import Testing

@testable import TernV1

@Suite("tern.v1: operators, and the end of the server")
struct OperatorTests {
    private let lobby = RoomName("lobby".utf8)!

    @Test("rooms and sessions can be looked at")
    func inspection() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        let bob = try harness.enter("lobby", "bob")
        let session = try #require(try harness.last("welcome", ann)["session"] as? String)
        harness.disconnect(bob)
        #expect(harness.query { $0.roomSummaries(limit: 5) }.map(\.participantCount) == [2])
        let room = try #require(harness.query { $0.room(lobby) })
        #expect(room.participants.map(\.identity?.subject) == ["ann", "bob"])
        #expect(room.participants.map(\.isConnected) == [true, false])
        #expect(room.participants[0].session.description == session)
        let detail = try #require(harness.query { $0.session(session) })
        #expect(detail.identity?.subject == "ann" && detail.isConnected && detail.visitor == TernHarness.visitor)
        #expect(detail.since == UnixTime(seconds: 1_800_000_000) && detail.messagesSent == 2)
        #expect(detail.seats.map(\.participant.description) == [try harness.participant(ann)])
        for id in ["", "x", "AAECAwQFBgcICQoLDA0ODw"] { #expect(harness.query { $0.session(id) } == nil) }
        #expect(harness.query { $0.room(RoomName("none".utf8)!) } == nil)
    }

    @Test("a closed room is left by all, with the reason, and may be opened again")
    func closeRoom() throws {
        let harness = TernHarness()
        let all = [try harness.enter("lobby", "ann"), try harness.enter("lobby", "bob")]
        for connection in all { _ = harness.take(connection) }
        _ = harness.takeMembers()
        #expect(harness.act { $0.closeRoom(lobby, reason: "the \"end\"", at: harness.now) })
        for connection in all {
            #expect(
                harness.take(connection) == [
                    #"{"type":"left","room":"lobby","reason":"closed","message":"the \"end\""}"#
                ])
        }
        #expect(harness.takeMembers().allSatisfy { if case .revoked = $0 { true } else { false } })
        #expect(!harness.act { $0.closeRoom(lobby, reason: "", at: harness.now) })
        harness.say(#"{"type":"join","room":"lobby"}"#, on: all[0])
        _ = try harness.participant(all[0])
    }

    @Test(
        "a session that an operator ends is told why, loses its credentials and cannot come back",
        arguments: [true, false])
    func endSession(isConnected: Bool) throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        let bob = try harness.enter("lobby", "bob")
        let session = try #require(try harness.last("welcome", ann)["session"] as? String)
        let token = try harness.resumeToken(ann)
        if !isConnected { harness.disconnect(ann) }
        for connection in [ann, bob] { _ = harness.take(connection) }
        _ = harness.takeMembers()
        #expect(harness.act { $0.endSession(session, reason: "spam", at: harness.now) })
        if isConnected {
            let error = try json(harness.take(ann).first)
            #expect(error["message"] as? String == "spam" && error["fatal"] as? Bool == true)
            #expect(harness.closings[ann]?.code == 4003)
        }
        #expect(try json(harness.take(bob).first)["reason"] as? String == "kicked")
        let members = harness.takeMembers()
        #expect(members.count == 1)
        if case .revoked? = members.first {} else { Issue.record("\(members)") }
        #expect(!harness.act { $0.endSession(session, reason: "", at: harness.now) })
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)"}"#, on: back)
        #expect(try harness.last("welcome", back)["resumed"] as? Bool == false)
    }

    @Test("a draining server takes nobody new, sends everybody away at different times, and ends at its deadline")
    func drain() throws {
        let harness = TernHarness()
        let all = try (0..<20).map { _ in try harness.enter("open") }
        let silent = try #require(harness.connect())
        let gone = try harness.enter("open")
        harness.disconnect(gone)
        for connection in all { _ = harness.take(connection) }
        _ = harness.takeMembers()
        harness.drainServer(seconds: 60)
        #expect(harness.connect() == nil)
        var waits: Set<Int> = []
        for connection in all {
            let texts = harness.take(connection)
            #expect(texts.count == 1)
            let draining = try json(texts.first)
            #expect(draining["type"] as? String == "draining" && draining["deadline_ms"] as? Int == 60_000)
            waits.insert(try #require(draining["reconnect_after_ms"] as? Int))
        }
        #expect(waits.count > 15 && waits.allSatisfy { (0..<60_000).contains($0) })
        harness.say(#"{"type":"hello","v":1}"#, on: silent)
        #expect(try harness.takeError(silent) == "server_draining")
        #expect(harness.closings[silent]?.code == 1001)
        // Who is there may still work.
        harness.say(#"{"type":"broadcast","room":"open","data":1}"#, on: all[0])
        #expect(harness.take(all[1]).count == 1)
        for connection in all { _ = harness.take(connection) }
        harness.advance(milliseconds: 59_990)
        #expect(harness.closings.count == 1)
        for connection in all { _ = harness.take(connection) }
        harness.advance(milliseconds: 20)
        #expect(all.allSatisfy { harness.closings[$0] == .init(code: 1001, reason: "server_draining") })
        // Nobody is told of everybody else's going.
        #expect(all.allSatisfy { harness.take($0) == [] })
        #expect(harness.takeMembers().count == 21)
        #expect(harness.query { $0.liveCounts } == .none)
        #expect(harness.query { $0.nextDeadline } == nil)
    }

    @Test("a server that drains at once ends at once")
    func drainNow() throws {
        let harness = TernHarness()
        let ann = try harness.enter("open")
        harness.drainServer(seconds: 0)
        #expect(try harness.last("draining", ann)["reconnect_after_ms"] as? Int == 0)
        harness.advance(milliseconds: 0)
        #expect(harness.closings[ann]?.code == 1001)
    }

    @Test("every code and every limit has a counter of its own")
    func counters() {
        var counters = SignalingCounters()
        for code in ErrorCode.allCases { counters.count(code) }
        for limit in SignalingLimit.allCases { counters.count(limit) }
        #expect(ErrorCode.allCases.allSatisfy { counters[$0] == 1 })
        #expect(SignalingLimit.allCases.allSatisfy { counters[$0] == 1 })
    }
}
