import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8489 §9.2.4 — Receiving a Request (long-term credentials)")
struct RFC8489Section9_2_4 {
    private let harness = TURNHarness()
    private static let methods: [STUN.Method] = [.allocate, .refresh, .createPermission, .channelBind]

    /// A challenge, complete and without anything that the client could not verify yet.
    private func expectChallenge(_ response: TestResponse?, _ code: Int) {
        #expect(response?.errorCode == code)
        #expect(response?[.realm] == Array("example.org".utf8))
        #expect(response?.nonce?.count == 29)
        #expect(response?.isProtected == false)
        #expect(response?.has(.username) == false)
    }

    @Test(
        "a request without integrity gets 401 with REALM and NONCE", .requirement("R8489-9.2.4-1"), arguments: methods)
    func withoutIntegrity(method: STUN.Method) {
        let client = harness.client()
        expectChallenge(client.challenge(method), 401)
        // Names alone prove nothing.
        var request = client.make(method, [.udp])
        request.protection = .none
        expectChallenge(client.send(request), 401)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test(
        "integrity without USERNAME, REALM or NONCE gets 400 without REALM and NONCE", .requirement("R8489-9.2.4-2"),
        arguments: [AttributeType.username, .realm, .nonce])
    func incomplete(missing: AttributeType) {
        for method in Self.methods {
            let client = harness.client()
            client.challenge()
            var request = client.make(method, [.udp])
            request.attributes.removeAll { $0.type == missing.rawValue }
            let response = client.send(request)
            #expect(response?.errorCode == 400)
            #expect(response?.has(.realm) == false)
            #expect(response?.has(.nonce) == false)
            #expect(response?.isProtected == false)
        }
    }

    @Test("an unknown user gets 401 with REALM and NONCE", .requirement("R8489-9.2.4-3"))
    func unknownUser() {
        let client = harness.client("198.51.100.7:40000", TestCredentials("mallory", "x"))
        client.challenge()
        expectChallenge(client.send(client.make(.allocate, [.udp])), 401)
        #expect(
            harness.outputs == [
                .authenticationFailed(
                    client: client.path.client, username: Array("mallory".utf8), .unauthenticated,
                    isAddressProven: true)
            ])
    }

    /// Whether the only failure that was reported came from where it says.
    private func isProven() -> Bool? {
        guard harness.outputs.count == 1, case .authenticationFailed(_, _, _, let isProven)? = harness.outputs.first
        else { return nil }
        return isProven
    }

    @Test(
        "who fails with a nonce of another's, or of nobody's, may have borrowed the address",
        .requirement("RI-service-3"))
    func borrowedAddress() {
        let other = harness.client("198.51.100.8:40000")
        other.challenge()
        for nonce in [other.nonce, Array("nonsense".utf8)] {
            harness.outputs = []
            let client = harness.client("198.51.100.7:40000", TestCredentials("mallory", "x"))
            client.nonce = nonce
            expectChallenge(client.send(client.make(.allocate, [.udp])), 401)
            #expect(isProven() == false)
        }
    }

    @Test("a flood in the name of a client with an allocation proves nothing against it")
    func borrowedAddressOfClient() {
        let client = harness.client()
        client.allocate()
        let nonce = client.nonce
        client.credentials.password = [1]
        for (shown, isExpected) in [(Array("nonsense".utf8), false), (nonce ?? [], true)] {
            harness.outputs = []
            client.nonce = shown
            expectChallenge(client.send(client.make(.refresh)), 401)
            #expect(isProven() == isExpected)
        }
    }

    @Test(
        "a name is compared whole: case, NUL and blanks count", .requirement("R8489-9.2.4-4"),
        arguments: ["alice\0", "alice\0x", "Alice", " alice", "alice ", "alic", ""])
    func names(name: String) {
        let client = harness.client("198.51.100.7:40000", TestCredentials(name, "wonderland"))
        client.challenge()
        expectChallenge(client.send(client.make(.allocate, [.udp])), 401)
        // Nor does the key of the right name help.
        var request = client.make(.allocate, [.udp])
        request.protection = .sha1(key: TestCredentials.alice.md5Key)
        expectChallenge(client.send(request), 401)
    }

    @Test("a wrong password gets 401 with REALM and NONCE", .requirement("R8489-9.2.4-5"), arguments: methods)
    func wrongPassword(method: STUN.Method) {
        let client = harness.client()
        client.allocate()
        client.credentials.password = Array("wonderlanD".utf8)
        expectChallenge(client.send(client.make(method, [.udp])), 401)
        #expect(harness.sessions.count == 1)
    }

    @Test("every byte of the integrity counts", .requirement("R8489-14.5-1"))
    func tamperedIntegrity() {
        let client = harness.client()
        client.challenge()
        let request = client.make(.allocate, [.udp]).encoded
        for offset in request.count - 20..<request.count {
            var tampered = request
            tampered[offset] ^= 0x01
            expectChallenge(client.send(bytes: tampered), 401)
        }
        #expect(client.send(bytes: request)?.isSuccess == true)
    }

    @Test("every byte before the integrity is covered by it", .requirement("R8489-14.5-1"))
    func tamperedMessage() {
        let client = harness.client()
        client.challenge()
        let request = client.make(.allocate, [.udp, .lifetime(700)]).encoded
        for offset in 8..<request.count - 24 {
            var tampered = request
            tampered[offset] ^= 0x10
            #expect(client.send(bytes: tampered)?.isSuccess != true)
            #expect(harness.server.liveCounts.allocations == 0)
        }
    }

    @Test(
        "MESSAGE-INTEGRITY of another length than 20 is wrong", .requirement("R8489-14.5-4"),
        arguments: [0, 4, 16, 19, 21, 24, 32])
    func integrityLength(count: Int) {
        let client = harness.client()
        client.challenge()
        var request = client.make(.allocate, [.udp])
        request.protection = .none
        request.attributes.append(Attribute(.messageIntegrity, [UInt8](repeating: 0, count: count)))
        expectChallenge(client.send(request), 401)
    }

    @Test("a stale nonce with the right password gets 438 and a nonce that works", .requirement("R8489-9.2.4-6"))
    func staleNonce() {
        let client = harness.client()
        client.challenge()
        let old = client.nonce
        harness.advance(.seconds(3601))
        expectChallenge(client.send(client.make(.allocate, [.udp])), 438)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(client.nonce != old)
        #expect(client.send(client.make(.allocate, [.udp]))?.isSuccess == true)
    }

    @Test("a nonce that was good goes on being judged: it grows old, and a changed one is none of ours")
    func nonceOfAllocation() throws {
        let client = harness.client()
        client.allocate()
        let nonce = try #require(client.nonce)
        #expect(client.send(client.make(.refresh, [.lifetime(700)]))?.isSuccess == true)
        for place in [9, 13, 16, 17, 24, 28] {
            client.nonce = nonce
            client.nonce?[place] = nonce[place] == 0x41 ? 0x42 : 0x41
            #expect(client.send(client.make(.refresh))?.errorCode == 438)
        }
        for seconds in [600, 600, 600, 600, 600, 599] {
            harness.advance(.seconds(seconds))
            client.nonce = nonce
            #expect(client.send(client.make(.refresh, [.lifetime(700)]))?.isSuccess == true)
        }
        harness.advance(.seconds(2))
        #expect(client.send(client.make(.refresh))?.errorCode == 438)
        // The one that came with 438 takes its place.
        #expect(client.send(client.make(.refresh))?.isSuccess == true)
    }

    @Test("a request with a stale nonce changes nothing", .requirement("R8489-9.2.4-7"), arguments: methods)
    func staleNonceChangesNothing(method: STUN.Method) {
        let client = harness.client()
        client.allocate([.lifetime(3600)])
        client.permit("8.0.0.9")
        client.nonce = Array("nonsense".utf8)
        var request = client.make(method, [.channel(0x4000), .lifetime(0)], peers: [socket("8.0.0.1:9")])
        if method == .allocate { request = client.make(.allocate, [.udp]) }
        expectChallenge(client.send(request), 438)
        #expect(harness.routes.counts == [1, 1, 0])
        #expect(client.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noPermission))
    }

    @Test("a wrong password with a stale nonce gets 401, every time", .requirement("R8489-9.2.4-8"))
    func wrongAndStale() {
        let client = harness.client()
        client.challenge()
        client.credentials.password = [1]
        harness.advance(.seconds(3601))
        let request = client.make(.allocate, [.udp])
        for _ in 0..<3 { expectChallenge(client.send(request), 401) }
    }

    @Test(
        "a REALM that is not the server's gets 401", .requirement("R8489-9.2.4-9"),
        arguments: ["example.com", "", "example.org ", "EXAMPLE.ORG"])
    func otherRealm(realm: String) {
        let client = harness.client("198.51.100.7:40000", TestCredentials("alice", "wonderland", realm: realm))
        client.challenge()
        expectChallenge(client.send(client.make(.allocate, [.udp])), 401)
    }

    @Test("answers to authenticated requests carry MESSAGE-INTEGRITY, errors too", .requirement("R8489-9.2.4-10"))
    func protectedAnswers() {
        let client = harness.client()
        let key = TestCredentials.alice.md5Key
        let answers = [
            client.refresh(), client.request(.allocate), client.request(.allocate, [.udp, Attribute(type: 0x7FFF)]),
            client.allocate(), client.allocate(), client.permit("8.0.0.1"), client.permit("127.0.0.1"),
            client.bind(0x4000, "8.0.0.1:9"), client.bind(0x3FFF, "8.0.0.1:9"), client.refresh(0),
        ]
        #expect(answers.map { $0?.errorCode } == [437, 400, 420, nil, 437, nil, 403, nil, 400, nil])
        for answer in answers {
            #expect(answer?.isProtected(sha1: key) == true)
            #expect(answer?.has(.messageIntegritySHA256) == false)
        }
    }

    @Test("SOFTWARE is told to nobody who has not proved who they are", .requirement("RI-amplification-4"))
    func software() {
        let harness = TURNHarness(TestSetup().with { $0.settings.software = Array("Tern".utf8) })
        let client = harness.client()
        #expect(client.send(client.bare(.binding))?.has(.software) == false)
        #expect(client.challenge()?.has(.software) == false)
        var malformed = client.make(.allocate)
        malformed.attributes.removeAll { $0.type == AttributeType.nonce.rawValue }
        #expect(client.send(malformed)?.has(.software) == false)
        #expect(client.allocate()?[.software] == Array("Tern".utf8))
    }

    @Test(
        "USERNAME is at most 508 bytes long", .requirement("R8489-14.3-1"),
        arguments: [(508, 401), (509, 400), (513, 400), (763, 400)])
    func longUsername(count: Int, code: Int) {
        let client = harness.client("198.51.100.7:40000", TestCredentials(String(repeating: "a", count: count), "x"))
        client.challenge()
        #expect(client.send(client.make(.allocate, [.udp]))?.errorCode == code)
    }

    @Test("a user of 508 bytes gets in", .requirement("R8489-14.3-2"))
    func longestUsername() {
        let name = String(repeating: "é", count: 254)
        let user = StaticUser(name: Array(name.utf8), secret: .password([1]))
        let setup = TestSetup.ephemeral(secrets: [], users: [user])
        var credentials = TestCredentials(name, "")
        credentials.password = [1]
        #expect(TURNHarness(setup).client("198.51.100.7:1", credentials).allocate()?.isSuccess == true)
    }

    @Test("unauthenticated requests leave nothing behind", .requirement("RI-state-1"))
    func stateless() {
        let harness = TURNHarness(TestSetup().with { $0.settings.unauthenticatedRepliesPerSecond = 0 })
        for index in 0..<2000 {
            let client = harness.client("198.51.\(index / 256).\(index % 256):\(1024 + index)")
            #expect(client.challenge()?.errorCode == 401)
            #expect(harness.outputs.isEmpty)
        }
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.server.nextDeadline == nil)
    }

    @Test("challenges are given only so often a source, then there is silence", .requirement("RI-amplification-5"))
    func challengeRate() {
        let harness = TURNHarness(TestSetup().with { $0.settings.unauthenticatedRepliesPerSecond = 2 })
        let client = harness.client()
        for _ in 0..<10 { #expect(client.challenge()?.errorCode == 401) }
        #expect(client.challenge() == nil)
        // The source is the address, not the port; wrong passwords and malformed requests draw on the same budget.
        let neighbour = harness.client("198.51.100.7:40001")
        neighbour.nonce = client.nonce
        neighbour.credentials.password = [1]
        #expect(neighbour.send(neighbour.make(.allocate)) == nil)
        // Nobody is told of a failure that was not even answered.
        #expect(harness.outputs.isEmpty)
        #expect(harness.server.counters.drops[.overReplyRate] == 2)
        #expect(harness.client("198.51.100.8:40000").challenge()?.errorCode == 401)
        harness.advance(.milliseconds(500))
        #expect(client.challenge()?.errorCode == 401)
        #expect(client.challenge() == nil)
        // Whoever knows the password is served all the same.
        #expect(client.send(client.make(.allocate, [.udp]))?.isSuccess == true)
    }

    @Test("a flood in a client's name does not keep it from renewing its nonce", .requirement("RI-amplification-9"))
    func floodInTheNameOfAClient() {
        let harness = TURNHarness(TestSetup().with { $0.settings.unauthenticatedRepliesPerSecond = 2 })
        let client = harness.client()
        #expect(client.allocate()?.isSuccess == true)
        let stranger = harness.client("198.51.100.7:40001")
        for _ in 0..<20 { _ = stranger.challenge() }
        #expect(stranger.challenge() == nil)
        client.nonce = Array("run out".utf8)
        #expect(client.send(client.make(.refresh))?.errorCode == 438)
        #expect(client.refresh(600)?.isSuccess == true)
        // Without the key the same five-tuple gets nothing more than anybody. The success gave one token back.
        client.credentials.password = [1]
        #expect(client.send(client.make(.refresh))?.errorCode == 401)
        #expect(client.send(client.make(.refresh)) == nil)
    }

    @Test("whoever answers its challenge does not use up its budget", .requirement("RI-amplification-6"))
    func refund() {
        let harness = TURNHarness(TestSetup().with { $0.settings.unauthenticatedRepliesPerSecond = 1 })
        for port in 0..<50 {
            let client = harness.client("198.51.100.7:\(40000 + port)")
            #expect(client.allocate()?.isSuccess == true)
        }
        let strict = TURNHarness(
            TestSetup().with {
                $0.settings.unauthenticatedRepliesPerSecond = 1
                $0.settings.requiresAuthenticationForBinding = true
            })
        for port in 0..<50 {
            #expect(strict.client("198.51.100.7:\(40000 + port)").request(.binding)?.isSuccess == true)
        }
    }

    @Test("an anonymous server serves requests without credentials", .requirement("RI-operation-3"))
    func anonymous() {
        let harness = TURNHarness(TestSetup().with { $0.settings.access = .anonymous })
        let client = harness.client()
        let response = client.send(client.bare(.allocate, .request, [.udp]))
        #expect(response?.isSuccess == true)
        #expect(response?.isProtected == false)
        #expect(client.send(client.bare(.refresh, .request, [.lifetime(0)]))?.lifetime == 0)
    }
}
