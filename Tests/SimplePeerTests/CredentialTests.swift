import DialectSupport
import NetworkPrimitives
import Signaling
import Testing

@Suite("simple-peer: credentials")
struct CredentialTests {
    private func options(_ harness: Meshes, _ count: Int, expiresAt: Int64 = 1_800_000_600) -> String {
        #"["simple peer options",{"config":{"iceServers":\#(harness.gate.iceServers(count, expiresAt: expiresAt))}}]"#
    }

    @Test("options with credentials of its own come before each join and joined, and are never compressed")
    func fresh() throws {
        let harness = meshes { $0.sendsIceServers = true }
        let a = try harness.enter("A")
        // Nobody to connect with.
        #expect(harness.take(a) == [#"["created","room0","A"]"#])
        let b = try harness.enter("B")
        #expect(harness.take(b) == [options(harness, 1), #"["joined","room0","B"]"#, #"["ready"]"#])
        #expect(harness.take(a) == [options(harness, 2), #"["join","room0"]"#, #"["ready"]"#])
        let c = try harness.enter("C")
        #expect(
            harness.take(c) == [
                options(harness, 3), #"["created","room1","C"]"#, #"["join","room1"]"#, #"["created","room2","C"]"#,
                #"["join","room2"]"#,
            ])
        #expect(harness.take(a) == [options(harness, 4), #"["joined","room1","A"]"#])
        #expect(harness.take(b) == [options(harness, 5), #"["joined","room2","B"]"#])
        #expect(harness.confidential == (1...5).map { options(harness, $0) })
    }

    @Test("a newcomer an hour later makes those who wait be given credentials that have not run out")
    func later() throws {
        let harness = meshes { $0.sendsIceServers = true }
        let a = try harness.enter("A")
        harness.advance(milliseconds: 3_600_000)
        #expect(harness.take(a) == [#"["created","room0","A"]"#])
        let b = try harness.enter("B")
        #expect(harness.take(b).first == options(harness, 1, expiresAt: 1_800_004_200))
        #expect(harness.take(a).first == options(harness, 2, expiresAt: 1_800_004_200))
        #expect(harness.faults == [])
    }

    @Test("options are renewed before they run out, for pages that connect when somebody presses a button")
    func renewed() throws {
        let harness = meshes { $0.sendsIceServers = true }
        let (a, b) = (try harness.enter("A"), try harness.enter("B"))
        _ = (harness.take(a), harness.take(b))
        harness.advance(milliseconds: 520_000)
        #expect(harness.take(a).count == 1)
        #expect(harness.take(b).count == 1)
        #expect(harness.confidential.count == 4)
        #expect(harness.query { $0.counters.credentialsRenewed } == 2)
        harness.say(#"["hangup"]"#, on: a)
        harness.advance(milliseconds: 520_000)
        #expect(harness.take(a) == [])
        #expect(harness.take(b).count == 1)
    }

    @Test("credentials end with the connection, and are taken back from who is sent away")
    func members() throws {
        let harness = meshes { $0.sendsIceServers = true }
        let (a, _) = (try harness.enter("A"), try harness.enter("B"))
        let tags = harness.takeMembers().compactMap { change -> MemberTag? in
            if case .entered(let tag) = change { tag } else { nil }
        }
        guard tags.count == 2 else {
            Issue.record("two have entered: \(tags)")
            return
        }
        harness.disconnect(a)
        #expect(harness.takeMembers() == [.left(tags[1], keepsGrace: true)])
        #expect(harness.act { $0.closeRoom(RoomName("lobby".utf8)!, reason: "late", at: $1) })
        #expect(harness.takeMembers() == [.revoked(tags[0])])
    }

    @Test("without the right to relay, or when the gate issues none, the page's own options stay")
    func none() throws {
        let harness = meshes { $0.sendsIceServers = true }
        harness.gate.issues = false
        let (a, b) = (try harness.enter("A"), try harness.enter("B"))
        #expect(harness.take(a) == [#"["created","room0","A"]"#, #"["join","room0"]"#, #"["ready"]"#])
        #expect(harness.take(b) == [#"["joined","room0","B"]"#, #"["ready"]"#])
        #expect(harness.confidential == [])
    }
}
