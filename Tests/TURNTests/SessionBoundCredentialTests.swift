import Crypto
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

/// One member in the harness: its names are issued at 1,750,000,000 and run out 100 seconds later, its session is told
/// of by hand.
@Suite("Session-bound credentials")
struct SessionBoundCredentialTests {
    private static let user = Array("tern.3.m-abcdefghijklmnop".utf8)
    private let name = "1750000100:tern.3.m-abcdefghijklmnop"
    private let members = TestMembers()
    private let harness: TURNHarness

    init() { harness = TURNHarness(.ephemeral(secrets: ["north"]), members: members) }

    private func client(_ username: String, port: Int = 40_000) -> TestClient {
        harness.client("198.51.100.7:\(port)", .ephemeral(username, secret: "north"))
    }

    private func enter() {
        #expect(members.enter(Self.user, at: harness.now))
        issue(until: 1_750_000_100)
    }

    private func issue(until expiry: Int64) {
        members.issued(
            Self.user, expiresAt: UnixTime(seconds: expiry), at: harness.now, unixTime: harness.unixTime)
    }

    private func leave(graceSeconds: UInt32, deletes: Bool = false) {
        members.leave(Self.user, graceUntil: harness.now.advanced(bySeconds: graceSeconds), deletes: deletes)
    }

    @discardableResult
    private func revoke(_ scope: CredentialScope = .user(user), until: Int64 = 1_750_000_100) -> Bool {
        let isKept = members.revoke(
            scope, until: UnixTime(seconds: until), at: harness.now, unixTime: harness.unixTime)
        harness.revoke(scope)
        return isKept
    }

    // MARK: - Names

    @Test(
        "a member's name is a minted one whose tag begins with m-", .requirement("RI-member-1"),
        arguments: [
            ("tern.3.m-abcdefghijklmnop", true), ("tern.0.m-abcdefghijklmnop", true), ("tern.3.m-", true),
            ("tern.3.m", false), ("tern.3.M-abc", false), ("m-abc", false), ("tern.m-abc", false),
            ("tern.1000000.m-abc", false), ("tern..m-abc", false), ("tern.3.xm-abc", false),
            ("tern.3.bob.m-abc", false),
            ("", false),
        ])
    func memberNames(user: String, isMember: Bool) {
        let name = EphemeralUsername(parsing: Array("1750000600:\(user)".utf8), separator: 0x3A)
        #expect(name?.isMember == isMember)
    }

    @Test("what is made for a member reads as a member's", .requirement("RI-member-1"))
    func memberUser() {
        let user = EphemeralCredential.memberUser(tag: Array("abcdefghijklmnop".utf8), quota: 3)
        #expect(user == Self.user)
    }

    // MARK: - Present

    @Test("an Allocate needs a name that has not run out, whoever is present", .requirement("RI-member-2"))
    func allocateByExpiry() {
        enter()
        #expect(client(name).allocate()?.isSuccess == true)
        harness.advance(.seconds(101))
        #expect(client(name, port: 40_001).allocate()?.errorCode == 401)
        // Nor any other request where there is no allocation.
        #expect(client(name, port: 40_001).refresh()?.errorCode == 401)
        issue(until: 1_750_000_700)
        #expect(client("1750000700:tern.3.m-abcdefghijklmnop", port: 40_002).allocate()?.isSuccess == true)
    }

    @Test("while a member is present its allocation goes on past the expiry", .requirement("RI-member-3"))
    func presentGoesOn() {
        enter()
        let client = client(name)
        client.allocate()
        for _ in 0..<20 {
            harness.advance(.seconds(500))
            #expect(client.refresh()?.lifetime == 600)
        }
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        #expect(client.refresh(0)?.lifetime == 0)
    }

    @Test("a strict server keeps a present member's allocation too", .requirement("RI-member-3"))
    func presentAndStrict() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"], strict: true), members: members)
        #expect(members.enter(Self.user, at: harness.now))
        let client = harness.client("198.51.100.7:40000", .ephemeral(name, secret: "north"))
        client.allocate()
        let other = harness.client("198.51.100.7:40001", .ephemeral("1750000100:bob", secret: "north"))
        other.allocate()
        harness.advance(.seconds(101))
        #expect(client.refresh()?.lifetime == 600)
        #expect(other.refresh()?.errorCode == 401)
    }

    @Test("a session carries its credentials so long and no longer", .requirement("RI-member-4"))
    func cap() {
        let members = TestMembers(sessionSecondsMax: 1_000)
        let harness = TURNHarness(.ephemeral(secrets: ["north"]), members: members)
        #expect(members.enter(Self.user, at: harness.now))
        let client = harness.client("198.51.100.7:40000", .ephemeral(name, secret: "north"))
        client.allocate()
        harness.advance(.seconds(500))
        // To enter again does not begin it anew.
        members.leave(Self.user, graceUntil: harness.now.advanced(bySeconds: 60), deletes: false)
        #expect(members.enter(Self.user, at: harness.now))
        #expect(client.refresh()?.lifetime == 600)
        harness.advance(.milliseconds(499_999))
        #expect(client.refresh()?.lifetime == 600)
        harness.advance(.milliseconds(1))
        #expect(client.refresh()?.errorCode == 401)
        // A name that has not run out is as good as ever.
        let fresh = harness.client(
            "198.51.100.7:40001", .ephemeral("1750002000:tern.3.m-abcdefghijklmnop", secret: "north"))
        #expect(fresh.allocate()?.isSuccess == true)
    }

    @Test("names of one member are not one another, but count as one", .requirement("RI-member-11"))
    func renewedName() {
        enter()
        let old = client(name, port: 1)
        #expect(old.allocate()?.isSuccess == true)
        issue(until: 1_750_000_700)
        let renewed = "1750000700:tern.3.m-abcdefghijklmnop"
        // RFC 8656 §5: the allocation belongs to the name that made it.
        let mixed = client(renewed, port: 1)
        #expect(mixed.refresh()?.errorCode == 441)
        #expect(mixed.permit("8.0.0.1")?.errorCode == 441)
        #expect(old.refresh()?.lifetime == 600)
        #expect(client(renewed, port: 2).allocate()?.isSuccess == true)
        #expect(client(renewed, port: 3).allocate()?.isSuccess == true)
        #expect(client(renewed, port: 4).allocate()?.errorCode == 486)
    }

    // MARK: - Left

    @Test("within its grace a member is as present as before", .requirement("RI-member-5"))
    func grace() {
        enter()
        let client = client(name)
        client.allocate()
        harness.advance(.seconds(60))
        leave(graceSeconds: 60)
        #expect(self.client(name, port: 40_001).allocate()?.isSuccess == true)
        harness.advance(.milliseconds(59_999))
        #expect(client.refresh()?.lifetime == 600)
        harness.advance(.milliseconds(1))
        #expect(client.refresh()?.errorCode == 401)
    }

    @Test("who has left begins nothing, and what exists ends with its name", .requirement("RI-member-5"))
    func left() {
        enter()
        let client = client(name)
        client.allocate()
        leave(graceSeconds: 10)
        harness.advance(.seconds(10))
        #expect(self.client(name, port: 40_001).allocate()?.errorCode == 401)
        harness.advance(.seconds(90))
        #expect(client.refresh()?.lifetime == 600)
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        harness.advance(.seconds(1))
        #expect(client.refresh()?.errorCode == 401)
        #expect(client.permit("8.0.0.1")?.errorCode == 401)
        // What was granted lasts as long as it was granted for.
        #expect(harness.sessions.count == 1)
        harness.advance(.seconds(600))
        #expect(harness.closed.map(\.end) == [.expired])
    }

    @Test("who comes back is present again", .requirement("RI-member-5"))
    func comesBack() {
        enter()
        let client = client(name)
        client.allocate()
        leave(graceSeconds: 10)
        harness.advance(.seconds(20))
        #expect(members.enter(Self.user, at: harness.now))
        #expect(self.client(name, port: 40_001).allocate()?.isSuccess == true)
        harness.advance(.seconds(100))
        #expect(client.refresh()?.lifetime == 600)
    }

    @Test("leaving for good ends everything when the grace is over", .requirement("RI-member-6"))
    func deletes() {
        enter()
        let client = client(name)
        client.allocate()
        leave(graceSeconds: 10, deletes: true)
        #expect(members.handleDeadline(at: harness.now, unixTime: harness.unixTime).isEmpty)
        harness.advance(.seconds(9))
        #expect(client.refresh()?.lifetime == 600)
        harness.advance(.seconds(1))
        // Nobody waits for the timer to be handled.
        #expect(client.refresh()?.errorCode == 401)
        #expect(!members.enter(Self.user, at: harness.now))
        harness.advance(.milliseconds(2))
        #expect(
            members.handleDeadline(at: harness.now, unixTime: harness.unixTime) == [.user(Self.user)])
        harness.revoke(.user(Self.user))
        #expect(harness.closed.map(\.end) == [.revoked])
    }

    // MARK: - Revoked

    @Test("to who is revoked every answer is 401, as if there were no such name", .requirement("RI-member-7"))
    func revokedEverywhere() {
        enter()
        let client = client(name)
        client.allocate()
        revoke()
        for response in [
            client.allocate(), client.refresh(), client.permit("8.0.0.1"), client.bind(0x4000, "8.0.0.1:9"),
        ] {
            #expect(response?.errorCode == 401)
            #expect(response?.nonce != nil)
            #expect(response?[.messageIntegrity] == nil)
        }
        issue(until: 1_750_000_700)
        #expect(self.client("1750000700:tern.3.m-abcdefghijklmnop", port: 1).allocate()?.errorCode == 401)
        #expect(self.client("1750000100:tern.3.m-abcdefghijklmnoq", port: 2).allocate()?.isSuccess == true)
        #expect(!members.enter(Self.user, at: harness.now))
    }

    @Test("a revocation deletes what there is, at once, and gives it all back", .requirement("RI-member-8"))
    func revocationDeletes() {
        enter()
        let first = client(name, port: 1)
        let second = client("1750000099:tern.3.m-abcdefghijklmnop", port: 2)
        let other = client("1750000100:tern.3.m-other-other-othe", port: 3)
        for client in [first, second, other] {
            #expect(client.allocate()?.isSuccess == true)
            #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        }
        let relay = first.relay()
        #expect(first.channelData(0x4000, [1]) != .dropped(.noAllocation))
        revoke()
        #expect(harness.closed.map(\.end) == [.revoked, .revoked])
        #expect(harness.closed.first?.traffic.toPeerPackets == 1)
        #expect(harness.routes.counts == [1, 1, 1])
        #expect(harness.sockets.count == 1)
        #expect(harness.ledger.liveCounts == (1, 1))
        #expect(harness.server.counters.allocationsRevoked == 2)
        #expect(first.channelData(0x4000, [1]) == .dropped(.noAllocation))
        #expect(second.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noAllocation))
        #expect(harness.peerSends([1], from: socket("8.0.0.1:9"), to: relay!) == .nobodyThere)
        #expect(other.channelData(0x4000, [1]) != .dropped(.noAllocation))
        // Nothing more comes of it.
        revoke()
        #expect(harness.outputs.isEmpty)
    }

    @Test("the port held beside a revoked allocation goes with it", .requirement("RI-member-8"))
    func revocationEndsReservation() {
        enter()
        #expect(client(name).allocate([.evenPortAndNext])?.isSuccess == true)
        #expect(harness.ledger.liveCounts == (2, 2))
        revoke()
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.held.isEmpty)
        harness.advance(.seconds(31))
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("a redeemed port is its new owner's", .requirement("RI-member-8"))
    func redeemedReservationStays() {
        enter()
        let token = client(name).allocate([.evenPortAndNext])?.token ?? []
        let bob = client("1750000100:bob", port: 1)
        #expect(bob.allocate([.token(token)])?.isSuccess == true)
        revoke()
        #expect(harness.ledger.liveCounts == (1, 1))
        #expect(bob.refresh()?.lifetime == 600)
    }

    @Test("both families of an allocation are ended", .requirement("RI-member-8"))
    func revocationOfBothFamilies() {
        var setup = TestSetup.ephemeral(secrets: ["north"])
        setup.settings.relayAddresses = TestSetup.dual.settings.relayAddresses
        setup.settings.fallbackRelayAddresses = TestSetup.dual.settings.relayAddresses
        let harness = TURNHarness(setup, members: members)
        let client = harness.client("198.51.100.7:40000", .ephemeral(name, secret: "north"))
        #expect(client.allocate([.additionalIPv6])?.relayed.count == 2)
        harness.revoke(.name(Array(name.utf8)))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.closed.map(\.end) == [.revoked])
    }

    @Test("who is revoked while a relay is being opened gets nothing of it", .requirement("RI-member-12"))
    func revokedWhileOpening() {
        enter()
        harness.opensLater = true
        let client = client(name)
        #expect(client.allocate([.evenPortAndNext]) == nil)
        revoke()
        #expect(harness.settleNextRelay() == nil)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.sockets.isEmpty && harness.held.isEmpty && harness.closed.isEmpty)
        #expect(client.allocate()?.errorCode == 401)
    }

    @Test("nor when the relay could not be opened", .requirement("RI-member-12"))
    func revokedWhileFailing() {
        enter()
        harness.opensLater = true
        harness.scriptedFailures = [.addressInUse, .outOfResources]
        #expect(client(name).allocate() == nil)
        revoke()
        #expect(harness.settleNextRelay() == nil)
        #expect(harness.settleNextRelay() == nil)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
    }

    @Test("a sweep by the register finds whoever is revoked", .requirement("RI-member-8"))
    func sweepByRegister() {
        enter()
        client(name, port: 1).allocate()
        client("1750000100:bob", port: 2).allocate()
        harness.revokeByRegister()
        #expect(harness.sessions.count == 2)
        members.leave(Self.user, graceUntil: harness.now, deletes: true)
        harness.revokeByRegister()
        #expect(harness.closed.map(\.end) == [.revoked])
        #expect(harness.sessions.count == 1)
    }

    // MARK: - Others

    @Test("a member that nobody here knows goes by its expiry, strictly", .requirement("RI-member-9"))
    func unknownMember() {
        for harness in [harness, TURNHarness(.ephemeral(secrets: ["north"]))] {
            let client = harness.client("198.51.100.7:40000", .ephemeral(name, secret: "north"))
            #expect(client.allocate()?.isSuccess == true)
            harness.advance(.seconds(100))
            #expect(client.refresh()?.lifetime == 600)
            harness.advance(.seconds(1))
            #expect(client.refresh()?.errorCode == 401)
            #expect(client.permit("8.0.0.1")?.errorCode == 401)
            #expect(client.bind(0x4000, "8.0.0.1:9")?.errorCode == 401)
        }
    }

    @Test("a name of another issuer is revoked by its user part, or alone", .requirement("RI-member-10"))
    func otherNames() {
        let first = client("1750000600:bob", port: 1)
        let second = client("1750000601:bob", port: 2)
        let third = client("1750000600:eve", port: 3)
        for client in [first, second, third] { client.allocate() }
        #expect(revoke(.name(Array("1750000600:bob".utf8)), until: 1_750_000_600))
        #expect(first.refresh()?.errorCode == 401)
        #expect(second.refresh()?.lifetime == 600)
        #expect(revoke(.user(Array("bob".utf8)), until: 1_750_000_700))
        #expect(second.refresh()?.errorCode == 401)
        #expect(client("1750000700:bob", port: 4).allocate()?.errorCode == 401)
        #expect(third.refresh()?.lifetime == 600)
        #expect(harness.closed.map(\.end) == [.revoked, .revoked])
        // A user is not a name: "1:1750000600:bob" has the user part "1750000600:bob".
        #expect(client("1750000600:1750000600:bob", port: 5).allocate()?.isSuccess == true)
        #expect(client("1750000600", port: 6).allocate()?.isSuccess == true)
        #expect(revoke(.name(Array("1750000600".utf8)), until: 1_750_000_600))
        #expect(client("1750000600", port: 6).refresh()?.errorCode == 401)
    }

    @Test("a static user is never revoked, and never asked for", .requirement("RI-member-10"))
    func staticUser() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"], users: TestSetup.users), members: members)
        let alice = harness.client()
        alice.allocate()
        let scope = CredentialScope.user(Array("alice".utf8))
        #expect(revoke(scope))
        harness.revoke(scope, .name(Array("alice".utf8)))
        #expect(alice.refresh()?.lifetime == 600)
        #expect(members.asked.isEmpty)
    }

    @Test("the register is asked for those who have shown their key, once a request", .requirement("RI-member-13"))
    func askedSeldom() {
        enter()
        harness.client("198.51.100.7:40000", .ephemeral(name, secret: "south")).allocate()
        let client = client(name)
        client.challenge()
        #expect(members.asked.isEmpty)
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        #expect(members.asked.map(\.quotaKey) == [Self.user, Self.user])
        for _ in 0..<10 { _ = client.channelData(0x4000, [1]) }
        _ = client.sendIndication([1], to: "8.0.0.1:9")
        #expect(members.asked.count == 2)
    }

    @Test("a wall clock that jumps ends no member's call and forgives no revocation", .requirement("RI-member-14"))
    func clockJumps() {
        enter()
        let client = client(name)
        client.allocate()
        for jump in [86_400, -86_400, 1 << 33, -(1 << 40)] as [Int64] {
            harness.clockJump = jump
            harness.advance(.seconds(1))
            #expect(members.handleDeadline(at: harness.now, unixTime: harness.unixTime).isEmpty)
            #expect(client.refresh()?.lifetime == 600)
        }
        harness.clockJump = 0
        revoke()
        // By the wall clock the name has run out, and then it has not.
        harness.clockJump = 86_400
        harness.advance(.seconds(50))
        members.handleDeadline(at: harness.now, unixTime: harness.unixTime)
        harness.advance(.seconds(100))
        members.handleDeadline(at: harness.now, unixTime: harness.unixTime)
        harness.clockJump = -86_400
        #expect(self.client(name, port: 1).allocate()?.errorCode == 401)
        harness.advance(.seconds(10_000))
        members.handleDeadline(at: harness.now, unixTime: harness.unixTime)
        #expect(self.client(name, port: 2).allocate()?.errorCode == 401)
        #expect(members.count == 1)
        // When both clocks say that nobody can use it any more, nobody needs to remember.
        harness.clockJump = 0
        harness.advance(.seconds(3_700))
        members.handleDeadline(at: harness.now, unixTime: harness.unixTime)
        #expect(members.count == 0)
    }
}
