import NetworkPrimitives
import Signaling
import TernV1
import Testing

@Suite("tern.v1: TURN credentials")
struct CredentialTests {
    private func tag(_ change: MemberChange) throws -> MemberTag {
        switch change {
        case .banned: throw NoTag()
        case .entered(let tag), .issued(let tag, _), .left(let tag, _), .revoked(let tag): return tag
        }
    }

    private struct NoTag: Error {}

    @Test("credentials come with the entrance, for a tag that is known before")
    func entrance() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        let joined = try harness.last("joined", ann)
        let ice = try #require(joined["ice"] as? [String: Any])
        #expect(ice["ttl"] as? Int == 600 && ice["expires_at"] as? Int == 1_800_000_600)
        let renewal = try #require(ice["renew_after_s"] as? Int)
        // Four fifths of ten minutes, give or take a twentieth.
        #expect((456...504).contains(renewal))
        let servers = try #require(ice["iceServers"] as? [[String: Any]])
        #expect(Set(servers[0].keys) == ["urls"] && servers[0]["urls"] as? [String] == ["stun:turn.example:3478"])
        #expect(Set(servers[1].keys) == ["urls", "username", "credential"])
        let members = harness.takeMembers()
        #expect(members.count == 2)
        #expect(members.first == .entered(try tag(members[0])))
        #expect(members.last == .issued(try tag(members[0]), expiresAt: UnixTime(seconds: 1_800_000_600)))
        let username = try #require(servers[1]["username"] as? String)
        #expect(username == "1800000600:" + String(decoding: try tag(members[0]).bytes, as: UTF8.self))
        // The welcome and this.
        #expect(harness.confidential.count == 2 && harness.confidential[1].contains("\"credential\""))
    }

    @Test("whoever wants none gets none until it asks; without the grant there are none")
    func unwanted() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann", fields: #","ice":false"#)
        #expect(try harness.last("joined", ann)["ice"] == nil)
        #expect(!harness.gate.calls.contains("issue"))
        harness.advance(milliseconds: 3_600_000)
        #expect(!harness.gate.calls.contains("issue"))
        _ = harness.take(ann)
        harness.say(#"{"type":"credentials","room":"lobby","reason":"ice-restart","id":1}"#, on: ann)
        let texts = harness.take(ann)
        #expect(texts.count == 2 && texts[1] == #"{"type":"ok","id":1}"#)
        let credentials = try json(texts[0])
        #expect(credentials["type"] as? String == "credentials" && credentials["id"] as? Int == 1)
        #expect(credentials["room"] as? String == "lobby" && credentials["ttl"] as? Int == 600)
    }

    @Test("they are renewed unasked, for the same tag, for as long as the session is connected")
    func renewal() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        let first = harness.takeMembers()
        _ = harness.take(ann)
        harness.advance(milliseconds: 455_000)
        #expect(harness.take(ann) == [])
        harness.advance(milliseconds: 50_000)
        let pushed = try harness.take(ann).map { try json($0) }
        #expect(pushed.count == 1 && pushed[0]["type"] as? String == "credentials" && pushed[0]["id"] == nil)
        let renewed = harness.takeMembers()
        #expect(renewed.count == 1)
        #expect(try tag(renewed[0]) == tag(first[0]))
        // A day of it: about one every eight minutes, each before the one before runs out.
        harness.advance(milliseconds: 86_400_000 - 505_000)
        let count = harness.takeMembers().count
        #expect((165...195).contains(count), "\(count)")
        #expect(harness.query { $0.counters.credentialsRenewed } == UInt64(count + 1))
        #expect(harness.query { $0.counters.credentialsIssued } == UInt64(count + 2))
    }

    @Test("the renewals of those who came together are spread")
    func spread() throws {
        let harness = TernHarness()
        var times: Set<Int> = []
        for _ in 0..<40 {
            let joined = try harness.last("joined", try harness.enter("open"))
            times.insert(try #require((joined["ice"] as? [String: Any])?["renew_after_s"] as? Int))
        }
        #expect(times.count > 15)
        #expect(times.allSatisfy { (456...504).contains($0) })
    }

    @Test("a session without its connection gets no new ones until it is back, and then at once")
    func detached() throws {
        let harness = TernHarness {
            $0.limits.resumeSeconds = 3600
            $0.limits.heartbeatSeconds = 3600
        }
        let ann = try harness.enter("lobby", "ann")
        let token = try harness.resumeToken(ann)
        harness.disconnect(ann)
        _ = harness.takeMembers()
        harness.advance(milliseconds: 1_200_000)
        #expect(harness.takeMembers() == [])
        let back = try #require(harness.connect())
        harness.say(#"{"type":"hello","v":1,"resume":"\#(token)","received":1}"#, on: back)
        harness.advance(milliseconds: 2)
        #expect(try harness.last("credentials", back)["ttl"] as? Int == 600)
    }

    @Test("who turns out to be gone gets no new ones first")
    func ghost() throws {
        let harness = TernHarness()
        let ann = try harness.enter("lobby", "ann")
        _ = harness.takeMembers()
        // The ping behind `joined` is missed, and this is the second.
        harness.jump(seconds: 30)
        #expect(harness.pings[ann] == 2)
        // By now the second pong is missed and new credentials are due.
        harness.jump(seconds: 540)
        #expect(harness.closings[ann]?.code == 1008)
        #expect(harness.takeMembers() == [])
    }

    @Test("a server that relays nothing says so, and does not try again")
    func noRelay() throws {
        let harness = TernHarness()
        harness.gate.issues = false
        let ann = try harness.enter("lobby", "ann")
        #expect(try harness.last("joined", ann)["ice"] == nil)
        #expect(harness.takeMembers().count == 1)
        _ = harness.take(ann)
        harness.say(#"{"type":"credentials","room":"lobby"}"#, on: ann)
        #expect(try harness.takeError(ann) == "credentials_denied")
        harness.gate.calls = []
        harness.advance(milliseconds: 3_600_000)
        #expect(harness.gate.calls == [])
    }

    @Test("a tiny lifetime does not keep the server busy", arguments: [(UInt32(0), 59), (1, 59), (.max, 0)])
    func lifetimes(seconds: UInt32, renewals: Int) throws {
        let harness = TernHarness()
        harness.gate.lifetimeSeconds = seconds
        _ = try harness.enter("lobby", "ann")
        harness.gate.calls = []
        harness.advance(milliseconds: 59_500)
        #expect(harness.gate.calls.count == renewals)
    }

    @Test("credentials that a token keeps short are renewed before they end", arguments: [UInt32(2), 5, 10, 12])
    func shortLifetimes(seconds: UInt32) throws {
        let harness = TernHarness()
        harness.gate.lifetimeSeconds = seconds
        let ann = try harness.enter("lobby", "ann")
        let ice = try #require(try harness.last("joined", ann)["ice"] as? [String: Any])
        #expect(try #require(ice["renew_after_s"] as? UInt32) < seconds)
        harness.gate.calls = []
        harness.advance(milliseconds: seconds * 1000)
        #expect(harness.gate.calls == ["issue"])
    }

    @Test("each seat has a tag of its own, which ends as the seat does")
    func ends() throws {
        let harness = TernHarness()
        let mod = try harness.enter("a", "mod")
        let bob = try harness.enter("a", "bob")
        let bobID = try harness.participant(bob)
        harness.say(#"{"type":"join","room":"b"}"#, on: bob)
        let entered = harness.takeMembers().compactMap { if case .entered(let tag) = $0 { tag } else { nil } }
        #expect(Set(entered).count == 3)
        harness.say(#"{"type":"kick","room":"a","to":"\#(bobID)"}"#, on: mod)
        #expect(harness.takeMembers() == [.revoked(entered[1])])
        #expect(harness.act { $0.closeRoom(RoomName("b".utf8)!, reason: "late", at: harness.now) })
        #expect(harness.takeMembers() == [.revoked(entered[2])])
        harness.disconnect(mod)
        #expect(harness.takeMembers() == [])
        harness.advance(milliseconds: 30_002)
        #expect(harness.takeMembers() == [.left(entered[0], keepsGrace: true)])
        #expect(harness.query { $0.liveCounts.rooms } == 0)
    }
}
