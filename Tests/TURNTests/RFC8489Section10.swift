import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8489 §10 — ALTERNATE-SERVER Mechanism")
struct RFC8489Section10 {
    private static let first = AlternateServer(socket("203.0.113.1:3478"))
    private static let second = AlternateServer(socket("203.0.113.2:3478"))
    private static let six = AlternateServer(socket("[2001:db8:1::1]:3478"))
    private static let named = AlternateServer(socket("203.0.113.9:5349"), domain: Array("b.example.org".utf8))

    private func harness(_ alternates: AlternateServers) -> TURNHarness {
        TURNHarness(TestSetup.dual.with { $0.settings.alternates = alternates })
    }

    @Test(
        "an Allocate with valid integrity gets 300, ALTERNATE-SERVER and integrity",
        .requirement("R8489-10-1"), .requirement("R8489-14.8-4"), .requirement("R8489-14.15-1"),
        .requirement("R8656-7.2-35"))
    func redirects() {
        let harness = harness(AlternateServers(udp: [Self.first]))
        let client = harness.client()
        let response = client.allocate()
        #expect(response?.errorCode == 300)
        // 203.0.113.1:3478 in the form of MAPPED-ADDRESS.
        #expect(response?[.alternateServer] == hex("0001 0D96 CB007101"))
        #expect(response?.has(.alternateDomain) == false)
        #expect(response?.isProtected(sha1: client.credentials.md5Key) == true)
        #expect(harness.server.counters.errorResponses(.tryAlternate) == 1)
        // Neither quota nor port was taken.
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
    }

    @Test("MESSAGE-INTEGRITY-SHA256 is answered in kind", .requirement("R8489-14.8-4"))
    func modern() {
        let client = harness(AlternateServers(udp: [Self.first])).client()
        client.style = .modern
        let response = client.allocate()
        #expect(response?.errorCode == 300)
        #expect(response?.isProtected(sha256: client.credentials.sha256Key) == true)
    }

    @Test("nobody is redirected who has not shown credentials", .requirement("R8489-14.8-3"))
    func strangers() {
        let client = harness(AlternateServers(udp: [Self.first], tcp: [Self.first])).client()
        let challenge = client.challenge()
        #expect(challenge?.errorCode == 401)
        #expect(challenge?.has(.alternateServer) == false)
        client.credentials.password = [1]
        #expect(client.allocate()?.errorCode == 401)
        #expect(client.send(client.bare(.binding))?.isSuccess == true)
    }

    @Test("where nobody needs credentials nobody is redirected", .requirement("R8489-14.8-3"))
    func anonymous() {
        let harness = TURNHarness(
            TestSetup().with {
                $0.settings.access = .anonymous
                $0.settings.alternates = AlternateServers(udp: [Self.first])
            })
        let client = harness.client()
        #expect(client.send(client.bare(.allocate, .request, [.udp]))?.isSuccess == true)
    }

    @Test("a request that is wrong is told so", .requirement("R8489-10-1"))
    func wrongRequests() {
        let client = harness(AlternateServers(udp: [Self.first])).client()
        #expect(client.request(.allocate)?.errorCode == 400)
        #expect(client.allocate([Attribute(type: 0x7FFF)])?.errorCode == 420)
        #expect(client.refresh()?.errorCode == 437)
    }

    @Test("the alternates have their turns, those of each family by themselves", .requirement("R8489-14.15-1"))
    func turns() {
        let harness = harness(AlternateServers(udp: [Self.first, Self.six, Self.second]))
        var counts: [[UInt8]: Int] = [:]
        for number in 0..<10 {
            let four = harness.client("198.51.100.7:\(40_000 + number)").allocate()
            let six = harness.client("[2001:db8::7]:\(40_000 + number)", server: socket("[2001:db8::1]:3478"))
                .allocate()
            for response in [four, six] {
                #expect(response?.errorCode == 300)
                counts[response?[.alternateServer] ?? [], default: 0] += 1
            }
        }
        #expect(
            counts == [
                hex("0001 0D96 CB007101"): 5, hex("0001 0D96 CB007102"): 5,
                hex("0002 0D96 20010DB8000100000000000000000001"): 10,
            ])
    }

    @Test("a client of a family without an alternate is served here", .requirement("R8489-14.15-1"))
    func otherFamily() {
        let harness = harness(AlternateServers(udp: [Self.six]))
        #expect(harness.client().allocate()?.isSuccess == true)
    }

    @Test("nobody is sent to where they are, by whichever name", .requirement("RI-redirection-1"))
    func itself() {
        let own = AlternateServer(TURNHarness.serverAddress)
        #expect(harness(AlternateServers(udp: [own])).client().allocate()?.isSuccess == true)
        let mapped = TURNHarness(
            TestSetup(relays: [TestSetup.mapped]).with { $0.settings.alternates = AlternateServers(udp: [own]) })
        #expect(mapped.client(server: socket("10.0.0.5:3478")).allocate()?.isSuccess == true)
        let both = harness(AlternateServers(udp: [own, Self.first]))
        for number in 0..<4 {
            let response = both.client("198.51.100.7:\(40_000 + number)").allocate()
            #expect(response?[.alternateServer] == hex("0001 0D96 CB007101"))
        }
    }

    @Test("each transport has its own alternates", .requirement("RI-redirection-2"))
    func transports() {
        let harness = harness(AlternateServers(udp: [Self.first], tcp: [Self.second], secure: [Self.named]))
        let expected: [(ClientTransport, [UInt8])] = [
            (.udp, hex("0001 0D96 CB007101")), (.tcp, hex("0001 0D96 CB007102")),
            (.tls, hex("0001 14E5 CB007109")), (.dtls, hex("0001 14E5 CB007109")),
        ]
        for (transport, address) in expected {
            #expect(harness.client(over: transport).allocate()?[.alternateServer] == address)
        }
    }

    @Test(
        "ALTERNATE-DOMAIN is told over TLS and DTLS, by SHA-256", .requirement("R8489-10-2"),
        .requirement("R8489-14.16-1"))
    func domain() {
        let harness = harness(AlternateServers(udp: [Self.named], tcp: [Self.named], secure: [Self.named]))
        for transport in [ClientTransport.udp, .tcp, .tls, .dtls] {
            let classic = harness.client("198.51.100.7:1", over: transport).allocate()
            #expect(classic?.errorCode == 300)
            #expect(classic?.has(.alternateDomain) == false)
            let client = harness.client("198.51.100.7:2", over: transport)
            client.style = .modern
            let response = client.allocate()
            #expect(response?.errorCode == 300)
            let expected = transport == .tls || transport == .dtls ? Array("b.example.org".utf8) : nil
            #expect(response?[.alternateDomain] == expected)
        }
    }

    @Test("who has an allocation goes on with it", .requirement("RI-redirection-3"))
    func ongoing() {
        let harness = harness(.none)
        let client = harness.client()
        #expect(client.allocate()?.isSuccess == true)
        let other = harness.client("198.51.100.7:40002")
        let token = other.allocate([.evenPortAndNext])?.token
        harness.server.alternates = AlternateServers(udp: [Self.first])
        #expect(client.refresh()?.isSuccess == true)
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        #expect(client.allocate()?.errorCode == 437)
        // The port that the token stands for is here.
        let third = harness.client("198.51.100.7:40003")
        #expect(third.allocate([.token(token ?? [])])?.isSuccess == true)
        #expect(harness.client("198.51.100.7:40004").allocate()?.errorCode == 300)
        harness.server.alternates = .none
        #expect(harness.client("198.51.100.7:40005").allocate()?.isSuccess == true)
    }

    @Test("the longest name fits", .requirement("R8489-14.16-1"))
    func longestName() {
        let name = [UInt8](repeating: 0x61, count: 255)
        let client = harness(AlternateServers(secure: [AlternateServer(socket("203.0.113.9:5349"), domain: name)]))
            .client(over: .tls)
        client.style = .modern
        #expect(client.allocate()?[.alternateDomain] == name)
    }
}
