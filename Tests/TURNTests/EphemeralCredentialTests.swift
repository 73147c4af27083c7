import Crypto
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("draft-uberti-behave-turn-rest — time-limited credentials")
struct EphemeralCredentialTests {
    // The harness starts at 1,750,000,000.
    private func client(
        _ harness: TURNHarness, _ username: String, secret: String = "north", port: Int = 40_000
    ) -> TestClient {
        harness.client("198.51.100.7:\(port)", .ephemeral(username, secret: secret))
    }

    @Test("the password is base64(HMAC-SHA1(secret, username))", .requirement("RI-rest-1"))
    func vector() {
        // printf '1433895918:myUser' | openssl dgst -sha1 -hmac logen -binary | base64
        let password = EphemeralCredential.password(
            of: Array("1433895918:myUser".utf8), secret: HMACSHA1Key(key: Array("logen".utf8)))
        #expect(String(decoding: password, as: UTF8.self) == "qKqONW8mQOYatLw3SsGoOEP6N4g=")
        let minted = EphemeralCredential.mint(
            user: Array("myUser".utf8), expiresAt: 1_433_895_918, separator: 0x3A,
            secret: HMACSHA1Key(key: Array("logen".utf8)))
        #expect(minted.username == Array("1433895918:myUser".utf8))
        #expect(minted.password == password)
    }

    @Test(
        "a name that has not run out gets in, one that has gets 401", .requirement("RI-rest-2"),
        arguments: [
            ("1750000000:bob", true), ("1750000001:bob", true), ("1749999999:bob", false), ("0:bob", false),
            ("999999999999999999:bob", true), ("1750000600", true), ("1750000600:", true),
            // Not names of this form at all.
            ("9999999999999999999:bob", false), ("bob:1750000600", false), ("1750000600;bob", false), (":bob", false),
            ("-1750000600:bob", false), ("+1750000600:bob", false), ("1750000600 :bob", false), ("1.75e12:bob", false),
        ])
    func expiry(username: String, isAccepted: Bool) {
        let response = client(TURNHarness(.ephemeral(secrets: ["north"])), username).allocate()
        #expect(response?.errorCode == (isAccepted ? nil : 401))
        #expect(response?.has(.nonce) == !isAccepted)
    }

    @Test("the first separator divides, the others belong to the user", .requirement("RI-rest-3"))
    func firstSeparator() {
        let name = EphemeralUsername(parsing: Array("1700000000:@bob:example.org".utf8), separator: 0x3A)
        #expect(name?.expiresAt == 1_700_000_000)
        #expect(name?.user == Array("@bob:example.org".utf8))
        let harness = TURNHarness(.ephemeral(secrets: ["north"]))
        #expect(client(harness, "1750000600:@bob:example.org").allocate()?.isSuccess == true)
        // The very name of the Matrix example has run out by now.
        #expect(client(harness, "1700000000:@bob:example.org", port: 40_001).allocate()?.errorCode == 401)
    }

    @Test("the operator chooses the separator", .requirement("RI-rest-4"))
    func otherSeparator() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"], separator: UInt8(ascii: "|")))
        #expect(client(harness, "1750000600|bob").allocate()?.isSuccess == true)
        #expect(client(harness, "1750000600:bob", port: 40_001).allocate()?.errorCode == 401)
    }

    @Test("any of several secrets will do", .requirement("RI-rest-5"))
    func secrets() {
        let harness = TURNHarness(.ephemeral(secrets: ["north", "south"]))
        #expect(client(harness, "1750000600:a", secret: "north", port: 1).allocate()?.isSuccess == true)
        let second = client(harness, "1750000600:b", secret: "south", port: 2)
        second.style = .modern
        #expect(second.allocate()?.isSuccess == true)
        #expect(client(harness, "1750000600:c", secret: "east", port: 3).allocate()?.errorCode == 401)
    }

    @Test("the same name may hold allocations under the old secret and the new one", .requirement("RI-rest-6"))
    func secretsOfOneName() {
        let harness = TURNHarness(.ephemeral(secrets: ["south", "north"]))
        let old = client(harness, "1750000600:a", secret: "north", port: 1)
        let new = client(harness, "1750000600:a", secret: "south", port: 2)
        #expect(old.allocate()?.isSuccess == true)
        #expect(new.allocate()?.isSuccess == true)
        #expect(old.refresh()?.lifetime == 600)
        #expect(new.refresh()?.lifetime == 600)
        #expect(old.permit("8.0.0.1")?.isSuccess == true)
    }

    @Test("a static user counts before a minted name", .requirement("RI-rest-7"))
    func staticFirst() {
        let user = StaticUser(name: Array("1000000000:bob".utf8), secret: .password(Array("own".utf8)))
        let harness = TURNHarness(.ephemeral(secrets: ["north"], users: [user]))
        #expect(client(harness, "1000000000:bob").allocate()?.errorCode == 401)
        let own = harness.client("198.51.100.7:40001", TestCredentials("1000000000:bob", "own"))
        #expect(own.allocate()?.isSuccess == true)
    }

    @Test("a session outlives its name, but no new one begins", .requirement("RI-rest-8"))
    func lenient() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"]))
        let client = client(harness, "1750000100:bob")
        #expect(client.allocate()?.isSuccess == true)
        harness.advance(.seconds(101))
        #expect(client.refresh()?.lifetime == 600)
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        #expect(self.client(harness, "1750000100:bob", port: 40_001).allocate()?.errorCode == 401)
        // Nor by Allocate on the five-tuple that is in use.
        #expect(client.allocate()?.errorCode == 401)
        #expect(client.refresh(0)?.lifetime == 0)
        #expect(client.allocate()?.errorCode == 401)
    }

    @Test("in strict mode a name that has run out is refused everywhere", .requirement("RI-rest-9"))
    func strict() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"], strict: true))
        let client = client(harness, "1750000100:bob")
        #expect(client.allocate()?.isSuccess == true)
        harness.advance(.seconds(100))
        #expect(client.refresh()?.lifetime == 600)
        harness.advance(.seconds(1))
        #expect(client.refresh()?.errorCode == 401)
        #expect(client.permit("8.0.0.1")?.errorCode == 401)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.errorCode == 401)
        // What was granted lasts as long as it was granted for.
        #expect(harness.sessions.count == 1)
        harness.advance(.seconds(600))
        #expect(harness.sessions.isEmpty)
    }

    @Test("names expire by the wall clock, sessions by the monotonic one", .requirement("RI-clock-3"))
    func clockJumps() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"]))
        let client = client(harness, "1750000100:bob")
        #expect(client.allocate()?.isSuccess == true)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        for jump in [86_400, -86_400, 1 << 33, -(1 << 40)] as [Int64] {
            harness.clockJump = jump
            harness.advance(.seconds(1))
            #expect(harness.routes.counts == [1, 1, 1])
            #expect(client.refresh()?.lifetime == 600)
        }
        harness.clockJump = 86_400
        #expect(self.client(harness, "1750000100:eve", port: 40_001).allocate()?.errorCode == 401)
        harness.clockJump = -86_400
        #expect(self.client(harness, "1750000100:eve", port: 40_001).allocate()?.isSuccess == true)
    }

    @Test("quotas count by the user part, so that a new name is not a new quota", .requirement("RI-rest-10"))
    func quotaKey() {
        let harness = TURNHarness(TestSetup.ephemeral(secrets: ["north"]).with { $0.quota.perUser = 2 })
        #expect(client(harness, "1750000600:bob", port: 1).allocate()?.isSuccess == true)
        #expect(client(harness, "1750000601:bob", port: 2).allocate()?.isSuccess == true)
        #expect(client(harness, "1750000602:bob", port: 3).allocate()?.errorCode == 486)
        #expect(client(harness, "1750000602:bobby", port: 4).allocate()?.isSuccess == true)
        // A name without a user part counts by itself.
        #expect(client(harness, "1750000600", port: 5).allocate()?.isSuccess == true)
        #expect(client(harness, "1750000600:", port: 6).allocate()?.isSuccess == true)
        #expect(client(harness, "1750000601", port: 7).allocate()?.isSuccess == true)
    }

    @Test("a minted name brings its own quota along", .requirement("RI-rest-11"))
    func mintedQuota() {
        let harness = TURNHarness(TestSetup.ephemeral(secrets: ["north"]))
        let user = String(decoding: EphemeralCredential.mintedUser(tag: [0x78], quota: 3), as: UTF8.self)
        #expect(user == "tern.3.x")
        for port in 1...3 { #expect(client(harness, "1750000600:tern.3.x", port: port).allocate()?.isSuccess == true) }
        #expect(client(harness, "1750000601:tern.3.x", port: 4).allocate()?.errorCode == 486)
        #expect(harness.ledger.refusals == [.userQuota])
        // A quota of zero is none.
        #expect(client(harness, "1750000600:tern.0.y", port: 5).allocate()?.isSuccess == true)
    }

    @Test("the quota of a minted name does not lift that of the server", .requirement("RI-rest-11"))
    func bothQuotas() {
        let harness = TURNHarness(TestSetup.ephemeral(secrets: ["north"]).with { $0.quota.perUser = 1 })
        #expect(client(harness, "1750000600:tern.3.x", port: 1).allocate()?.isSuccess == true)
        #expect(client(harness, "1750000600:tern.3.x", port: 2).allocate()?.errorCode == 486)
    }

    @Test(
        "only a positive number of up to six digits is a minted quota", .requirement("RI-rest-12"),
        arguments: [
            ("tern.5.a", 5), ("tern.999999.a", 999_999), ("tern.0.a", nil), ("tern.007.", 7), ("tern.1000000.a", nil),
            ("tern.5", nil), ("tern..a", nil), ("tern.-1.a", nil), ("tern.5x.a", nil), ("Tern.5.a", nil), ("tern", nil),
            ("xtern.5.a", nil), ("tern.5.a.b", 5),
        ] as [(String, Int?)])
    func mintedQuotaText(user: String, quota: Int?) {
        let name = EphemeralUsername(parsing: Array("1750000600:\(user)".utf8), separator: 0x3A)
        #expect(name?.user == Array(user.utf8))
        #expect(name?.mintedQuota == quota)
    }
}
