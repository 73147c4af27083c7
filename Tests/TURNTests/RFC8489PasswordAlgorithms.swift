import Crypto
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8489 §9.2, §14.4, §14.6, §14.11 — password algorithms, SHA-256 and USERHASH")
struct RFC8489PasswordAlgorithms {
    private let harness = TURNHarness()
    private let both = hex("0002 0000 0001 0000")

    private func challenged(_ setup: TestSetup = TestSetup()) -> TestClient {
        let client = TURNHarness(setup).client()
        client.style = .modern
        client.challenge()
        return client
    }

    /// A request of today with PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM replaced, or left out when nil.
    private func request(_ client: TestClient, list: [UInt8]?, choice: [UInt8]?) -> TestRequest {
        var request = client.make(.allocate, [.udp])
        request.attributes.removeAll { $0.type == 0x8002 || $0.type == 0x001D }
        if let list { request.attributes.append(Attribute(.passwordAlgorithms, list)) }
        if let choice { request.attributes.append(Attribute(.passwordAlgorithm, choice)) }
        return request
    }

    @Test("401 and 438 offer SHA-256 and MD5, and the nonce says so", .requirement("R8489-14.11-1"))
    func offer() {
        let client = harness.client()
        let first = client.challenge()
        #expect(first?[.passwordAlgorithms] == both)
        // Bits 0 and 1 of 24: password algorithms, username anonymity (0xC00000).
        #expect(first?.nonce.map { String(decoding: $0.prefix(13), as: UTF8.self) } == "obMatJos2wAAA")
        harness.advance(.seconds(3601))
        let stale = client.send(client.make(.allocate, [.udp]))
        #expect(stale?.errorCode == 438)
        #expect(stale?[.passwordAlgorithms] == both)
    }

    @Test("username anonymity is not announced where names are minted", .requirement("R8489-9.2-1"))
    func noAnonymity() {
        let client = TURNHarness(.ephemeral(secrets: ["s"])).client()
        #expect(
            client.challenge()?.nonce.map { String(decoding: $0.prefix(13), as: UTF8.self) } == "obMatJos2gAAA")
    }

    @Test("only MD5 is offered where a user has nothing but an MD5 key", .requirement("R8489-9.2.4-11"))
    func storedKey() {
        // RFC 5769 §2.4 and RFC 8489 §9.2.2: MD5("user:realm:pass").
        let user = StaticUser(name: Array("user".utf8), secret: .md5Key(hex("8493fbc53ba582fb4c044c456bdc40eb")))
        var setup = TestSetup()
        setup.settings.realm = Array("realm".utf8)
        setup.settings.access = .credentials(
            CredentialDirectory(realm: setup.settings.realm, users: [user], sharedSecrets: []))
        let client = TURNHarness(setup).client("198.51.100.7:1", TestCredentials("user", "pass", realm: "realm"))
        #expect(client.challenge()?[.passwordAlgorithms] == hex("0001 0000"))
        #expect(client.allocate()?.isSuccess == true)
    }

    @Test("a classic client of SHA-1 and MD5 gets in", .requirement("R8489-9.2.4-12"))
    func classic() {
        let client = harness.client()
        let response = client.allocate()
        #expect(response?.isSuccess == true)
        #expect(response?.isProtected(sha1: TestCredentials.alice.md5Key) == true)
        #expect(response?.has(.messageIntegritySHA256) == false)
    }

    @Test("a client of SHA-256 gets in, and is answered with SHA-256", .requirement("R8489-9.2.4-13"))
    func modern() {
        let client = challenged()
        let response = client.allocate()
        #expect(response?.isSuccess == true)
        #expect(response?.isProtected(sha256: TestCredentials.alice.sha256Key) == true)
        #expect(response?.has(.messageIntegrity) == false)
        #expect(client.refresh()?.isProtected(sha256: TestCredentials.alice.sha256Key) == true)
    }

    @Test("key and integrity are chosen apart", .requirement("R8489-9.2.4-14"))
    func mixed() {
        // MD5 key with MESSAGE-INTEGRITY-SHA256.
        let first = challenged()
        var request = request(first, list: both, choice: hex("0001 0000"))
        request.protection = .sha256(key: TestCredentials.alice.md5Key)
        #expect(first.send(request)?.isProtected(sha256: TestCredentials.alice.md5Key) == true)
        // SHA-256 key with MESSAGE-INTEGRITY.
        let second = challenged()
        request = self.request(second, list: both, choice: hex("0002 0000"))
        request.protection = .sha1(key: TestCredentials.alice.sha256Key)
        #expect(second.send(request)?.isProtected(sha1: TestCredentials.alice.sha256Key) == true)
    }

    @Test("without both attributes the algorithm is MD5", .requirement("R8489-9.2.4-15"))
    func neither() {
        let client = challenged()
        var request = request(client, list: nil, choice: nil)
        request.protection = .sha256(key: TestCredentials.alice.md5Key)
        #expect(client.send(request)?.isSuccess == true)
        let other = challenged()
        request = self.request(other, list: nil, choice: nil)
        request.protection = .sha256(key: TestCredentials.alice.sha256Key)
        #expect(other.send(request)?.errorCode == 401)
    }

    @Test(
        "an offer that is not repeated as it was made gets 400", .requirement("R8489-9.2.1-1"),
        arguments: [
            (nil, "00020000"), ("0002000000010000", nil),
            // Weakened, reordered, lengthened, cut, empty.
            ("00010000", "00010000"), ("0001000000020000", "00020000"), ("000200000001000000030000", "00020000"),
            ("000200000001", "00020000"), ("", "00020000"),
            // Not offered, malformed, with parameters, empty.
            ("0002000000010000", "00030000"), ("0002000000010000", "0002"), ("0002000000010000", "0002000400000000"),
            ("0002000000010000", "00020001"), ("0002000000010000", ""),
        ] as [(String?, String?)])
    func bidDown(list: String?, choice: String?) {
        let client = challenged()
        let response = client.send(request(client, list: list.map(hex), choice: choice.map(hex)))
        #expect(response?.errorCode == 400)
        #expect(response?.has(.nonce) == false)
        #expect(client.harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("an algorithm that is known but was not offered gets 400", .requirement("R8489-9.2.4-17"))
    func knownButNotOffered() {
        let user = StaticUser(name: Array("alice".utf8), secret: .md5Key(TestCredentials.alice.md5Key))
        let client = challenged(.ephemeral(secrets: [], users: [user]))
        #expect(client.offer == hex("0001 0000"))
        #expect(client.send(request(client, list: client.offer, choice: hex("0002 0000")))?.errorCode == 400)
    }

    @Test(
        "MESSAGE-INTEGRITY-SHA256 may be cut to 16, 20, 24 or 28 bytes", .requirement("R8489-14.6-2"),
        arguments: [(16, true), (20, true), (24, true), (28, true), (32, true), (12, false), (15, false), (18, false)])
    func truncated(byteCount: Int, isAccepted: Bool) {
        let client = challenged()
        var request = client.make(.allocate, [.udp])
        request.protection = .sha256(key: TestCredentials.alice.sha256Key, byteCount: byteCount)
        let response = client.send(request)
        #expect(response?.errorCode == (isAccepted ? nil : 401))
        // The answer is never cut.
        if isAccepted { #expect(response?[.messageIntegritySHA256]?.count == 32) }
    }

    @Test("of two integrities the one of SHA-256 decides", .requirement("R8489-9.2.4-18"))
    func twoIntegrities() {
        let key = TestCredentials.alice.sha256Key
        let client = challenged()
        var request = client.make(.allocate, [.udp])
        request.protection = .both(sha1: key, sha256: [1])
        #expect(client.send(request)?.errorCode == 401)
        request.protection = .both(sha1: [1], sha256: key)
        #expect(client.send(request)?.isProtected(sha256: key) == true)
    }

    @Test("USERHASH names a user as well as USERNAME", .requirement("R8489-14.4-1"))
    func userhash() {
        let client = challenged()
        client.usesUserhash = true
        #expect(client.allocate()?.isSuccess == true)
        #expect(client.harness.sessions.values.map(\.username) == [Array("alice".utf8)])
        #expect(client.refresh()?.lifetime == 600)
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        client.usesUserhash = false
        #expect(client.refresh()?.lifetime == 600)
    }

    @Test("USERHASH is SHA-256 of user, colon and realm", .requirement("R8489-14.4-2"))
    func userhashVector() {
        // RFC 8489 B.1: the user is マトリックス in RFC 5769's spelling, the realm example.org.
        let hash = CredentialDirectory.userhash(
            of: hex("E3839EE38388E383AAE38383E382AFE382B9"), realm: Array("example.org".utf8))
        #expect(hash == hex("4A3CF38FEF6992BDA952C6780417DA0F24819415569E60B205C46E41407F1704"))
    }

    @Test("an unknown USERHASH gets 401, one of a wrong length too", .requirement("R8489-9.2.4-19"))
    func unknownUserhash() {
        let client = challenged()
        for hash in [[UInt8](repeating: 0, count: 32), [], Array(TestCredentials.alice.userhash.prefix(31))] {
            var request = client.make(.allocate, [.udp])
            request.attributes.removeAll { $0.type == AttributeType.username.rawValue }
            request.attributes.insert(Attribute(.userhash, hash), at: 0)
            #expect(client.send(request)?.errorCode == 401)
        }
    }

    @Test("a minted name can be named by its hash while it has an allocation", .requirement("R8489-14.4-3"))
    func mintedUserhash() {
        let harness = TURNHarness(.ephemeral(secrets: ["north"]))
        let credentials = TestCredentials.ephemeral("1750009999:carol", secret: "north")
        let client = harness.client("198.51.100.7:40000", credentials)
        client.usesUserhash = true
        client.challenge()
        #expect(client.send(client.make(.allocate, [.udp]))?.errorCode == 401)
        client.usesUserhash = false
        #expect(client.allocate()?.isSuccess == true)
        client.usesUserhash = true
        #expect(client.refresh()?.lifetime == 600)
        #expect(client.refresh(0)?.lifetime == 0)
        #expect(client.send(client.make(.allocate, [.udp]))?.errorCode == 401)
    }
}
