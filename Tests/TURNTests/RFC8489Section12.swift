import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8489 §12 — Basic Server Behavior")
struct RFC8489Section12 {
    private let request = hex("0001 0000 2112A442 B7E7A701BC34D686FA87DFAE")

    private func path(_ client: String) -> FiveTuple {
        FiveTuple(client: ClientAddress(socket(client)), server: TURNHarness.serverAddress, transport: .udp)
    }

    @Test("XOR-MAPPED-ADDRESS tells where the request came from", .requirement("R8489-12-1"))
    func mapped() {
        let harness = TURNHarness()
        // The address and port of RFC 5769 §2.2, with its transaction id.
        let response = harness.receive(request, on: path("192.0.2.1:32853"))
        #expect(
            response?.bytes == hex("0101 000C 2112A442 B7E7A701BC34D686FA87DFAE 0020 0008 0001 A147 E112A643"))
        // RFC 5769 §2.3.
        let six = harness.receive(request, on: path("[2001:db8:1234:5678:11:2233:4455:6677]:32853"))
        #expect(
            six?.bytes
                == hex(
                    """
                    0101 0018 2112A442 B7E7A701BC34D686FA87DFAE 0020 0014 0002 A147
                    0113A9FA A5D3F179 BC25F4B5 BED2B9D9
                    """))
    }

    @Test("nobody needs credentials for Binding, unless the operator says so", .requirement("R8489-12-2"))
    func credentials() {
        let open = TURNHarness().client()
        #expect(open.send(open.bare(.binding))?.isSuccess == true)

        let harness = TURNHarness(TestSetup().with { $0.settings.requiresAuthenticationForBinding = true })
        let client = harness.client()
        let challenge = client.send(client.bare(.binding))
        #expect(challenge?.errorCode == 401)
        #expect(challenge?.has(.nonce) == true)
        let success = client.request(.binding)
        #expect(success?.mapped == socket("198.51.100.7:40000"))
        #expect(success?.isProtected(sha1: client.credentials.md5Key) == true)
        client.credentials.password = [1]
        #expect(client.request(.binding)?.errorCode == 401)
    }

    @Test("an error response to an authenticated Binding request carries integrity", .requirement("R8489-9.2.4-16"))
    func protectedError() {
        let client = TURNHarness(TestSetup().with { $0.settings.requiresAuthenticationForBinding = true }).client()
        let response = client.request(.binding, [Attribute(type: 0x7FFF)])
        #expect(response?.errorCode == 420)
        #expect(response?.isProtected(sha1: client.credentials.md5Key) == true)
    }

    @Test("a Binding indication is not answered and leaves nothing", .requirement("R8489-12-3"))
    func indication() {
        let harness = TURNHarness()
        let client = harness.client()
        #expect(client.send(client.bare(.binding, .indication)) == nil)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.server.nextDeadline == nil)
    }

    @Test("a retransmission is answered like the request, and nothing is kept for it", .requirement("R8489-6.3-9"))
    func retransmission() {
        let harness = TURNHarness()
        let first = harness.receive(request, on: path("198.51.100.7:40000"))
        harness.advance(.seconds(30))
        let second = harness.receive(request, on: path("198.51.100.7:40000"))
        #expect(first?.bytes != nil)
        #expect(first?.bytes == second?.bytes)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("the answer leaves from the address that was asked", .requirement("R8489-6.3.1.1-1"))
    func answersFromWhereItWasAsked() {
        let harness = TURNHarness()
        for server in ["192.0.2.1:3478", "192.0.2.2:3479", "[2001:db8::1]:443"] {
            let path = FiveTuple(
                client: ClientAddress(socket("198.51.100.7:40000")), server: socket(server), transport: .udp)
            #expect(harness.receive(request, on: path)?.path.server == socket(server))
        }
    }

    @Test("an unverified source gets little more than it sent", .requirement("RI-amplification-1"))
    func sizes() {
        let harness = TURNHarness(TestSetup().with { $0.settings.software = Array("Tern".utf8) })
        #expect(harness.receive(request, on: path("198.51.100.7:1"))?.bytes.count == 32)
        #expect(harness.receive(request, on: path("[2001:db8::7]:1"))?.bytes.count == 44)
        // Allocate with REQUESTED-TRANSPORT: 28 bytes. The challenge: header 20, ERROR-CODE 8, REALM 4 + 12,
        // NONCE 4 + 32, PASSWORD-ALGORITHMS 12.
        let client = harness.client()
        let allocate = client.bare(.allocate, .request, [.udp])
        #expect(allocate.encoded.count == 28)
        let challenge = client.send(allocate)
        #expect(challenge?.bytes.count == 92)
        #expect(challenge?.has(.software) == false)
        // 438 answers a request that is longer than itself.
        let stale = client.make(.allocate, [.udp])
        harness.advance(.seconds(3601))
        let answer = client.send(stale)
        #expect(answer?.errorCode == 438)
        #expect((answer?.bytes.count ?? .max) <= stale.encoded.count)
    }

    @Test("Binding is answered only so often a source, then in silence", .requirement("RI-amplification-2"))
    func bindingRate() {
        let harness = TURNHarness(TestSetup().with { $0.settings.bindingRepliesPerSecond = 2 })
        func answered() -> Bool { harness.receive(request, on: path("198.51.100.7:40000")) != nil }
        // A burst of five seconds' worth, whatever the port.
        for _ in 0..<10 { #expect(answered()) }
        #expect(!answered())
        #expect(harness.receive(request, on: path("198.51.100.7:5")) == nil)
        #expect(harness.receive(request, on: path("198.51.100.8:5")) != nil)
        #expect(harness.server.counters.drops[.overReplyRate] == 2)
        harness.advance(.milliseconds(499))
        #expect(!answered())
        harness.advance(.milliseconds(1))
        #expect(answered())
    }

    @Test("the operator can turn Binding off", .requirement("RI-operation-1"))
    func disabled() {
        let harness = TURNHarness(TestSetup().with { $0.settings.answersBinding = false })
        #expect(harness.receive(request, on: path("198.51.100.7:40000")) == nil)
        #expect(harness.server.counters.drops[.disabled] == 1)
        #expect(harness.client().allocate()?.isSuccess == true)
    }

    @Test("a STUN-only server answers no TURN request", .requirement("RI-operation-2"))
    func stunOnly() {
        let harness = TURNHarness(TestSetup().with { $0.settings.access = .stunOnly })
        let client = harness.client()
        #expect(client.send(client.bare(.binding))?.isSuccess == true)
        for method in [.allocate, .refresh, .createPermission, .channelBind] as [STUN.Method] {
            #expect(client.send(client.bare(method)) == nil)
        }
        #expect(harness.server.counters.drops[.disabled] == 4)
    }

    // MARK: - RFC 3489 clients

    private let classic = hex("0001 0000 00112233445566778899AABBCCDDEEFF")

    @Test("a request without the cookie is dropped, unless RFC 3489 is served", .requirement("R8489-11-1"))
    func classicOff() {
        let harness = TURNHarness()
        #expect(harness.receive(classic, on: path("192.0.2.9:32853")) == nil)
        #expect(harness.server.counters.drops[.notForUs] == 1)
    }

    @Test("the answer to RFC 3489 has the sixteen bytes of id and a plain MAPPED-ADDRESS", .requirement("R5389-12.2-1"))
    func classicOn() {
        let harness = TURNHarness(TestSetup().with { $0.settings.answersClassicBinding = true })
        let path = path("192.0.2.9:32853")
        // Read by hand: the response does not have the cookie that `TestResponse` insists on.
        var buffer = [UInt8](repeating: 0xEE, count: TURNServer.replyByteCountMax)
        func answer(_ datagram: [UInt8], _ path: FiveTuple) -> [UInt8]? {
            var span = buffer.mutableSpan
            let reply = harness.server.receive(
                datagram.span.bytes, on: path, at: harness.now, unixTime: harness.unixTime, reply: span.mutableBytes)
            return reply.map { Array(buffer.prefix($0.byteCount)) }
        }
        #expect(
            answer(classic, path)
                == hex("0101 000C 00112233445566778899AABBCCDDEEFF 0001 0008 0001 8055 C0000209"))
        #expect(
            answer(classic, self.path("[2001:db8::9]:32853"))
                == hex(
                    """
                    0101 0018 00112233445566778899AABBCCDDEEFF 0001 0014 0002 8055
                    20010DB8000000000000000000000009
                    """))
        // Only Binding, only as a request, only of the length that it says.
        #expect(answer(hex("0003 0000 00112233445566778899AABBCCDDEEFF"), path) == nil)
        #expect(answer(hex("0011 0000 00112233445566778899AABBCCDDEEFF"), path) == nil)
        #expect(answer(hex("0001 0004 00112233445566778899AABBCCDDEEFF"), path) == nil)
        #expect(answer(hex("0001 0000 00112233445566778899AABBCCDDEEFF 00"), path) == nil)
        #expect(answer(hex("0001 0000 00112233445566778899AABBCCDDEE"), path) == nil)
    }

    @Test(
        "RFC 3489 clients have no credentials, so they get nothing where all need them", .requirement("RI-operation-20")
    )
    func classicWithoutCredentials() {
        let harness = TURNHarness(
            TestSetup().with {
                $0.settings.answersClassicBinding = true
                $0.settings.requiresAuthenticationForBinding = true
            })
        #expect(harness.receive(classic, on: path("198.51.100.7:40000")) == nil)
        #expect(harness.server.counters.drops[.disabled] == 1)
    }

    @Test("STUN alone can be for those with credentials", .requirement("RI-operation-2"))
    func stunOnlyWithCredentials() {
        let harness = TURNHarness(
            TestSetup().with {
                $0.settings.servesTURN = false
                $0.settings.requiresAuthenticationForBinding = true
            })
        let client = harness.client()
        #expect(client.request(.binding)?.mapped == socket("198.51.100.7:40000"))
        #expect(client.request(.allocate, [.udp]) == nil)
    }

    @Test("RFC 3489 requests share the meter of Binding", .requirement("RI-amplification-3"))
    func classicRate() {
        let harness = TURNHarness(
            TestSetup().with {
                $0.settings.answersClassicBinding = true
                $0.settings.bindingRepliesPerSecond = 1
            })
        for _ in 0..<5 { #expect(harness.receive(request, on: path("198.51.100.7:40000")) != nil) }
        #expect(harness.receive(classic, on: path("198.51.100.7:40000")) == nil)
        #expect(harness.server.counters.drops[.overReplyRate] == 1)
    }
}
