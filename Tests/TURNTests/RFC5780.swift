import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 5780 — NAT Behavior Discovery")
struct RFC5780 {
    private static let client = socket("198.51.100.7:40000")

    /// 192.0.2.1 and 192.0.2.2, 2001:db8::1 and ::2, each with ports 3478 and 3479.
    private static func discovery() -> NATDiscovery {
        func pair(_ first: String, _ second: String) -> NATDiscovery.Pair? {
            NATDiscovery.Pair(
                .init(local: ip(first), advertised: ip(first)), .init(local: ip(second), advertised: ip(second)))
        }
        let pairs = [pair("192.0.2.1", "192.0.2.2"), pair("2001:db8::1", "2001:db8::2")].compactMap { $0 }
        return NATDiscovery(pairs: pairs, port: 3478, alternatePort: 3479)
    }

    private static let setup = TestSetup().with { $0.settings.discovery = discovery() }

    private let harness = TURNHarness(Self.setup)

    private func path(_ server: String, _ client: String = "198.51.100.7:40000") -> FiveTuple {
        FiveTuple(client: ClientAddress(socket(client)), server: socket(server), transport: .udp)
    }

    private static func change(_ flags: UInt8) -> Attribute { Attribute(type: 0x0003, [0, 0, 0, flags]) }
    private static func responsePort(_ port: UInt16) -> Attribute { Attribute(type: 0x0027, port.wire + [0, 0]) }
    private static func padding(_ count: Int) -> Attribute {
        Attribute(type: 0x0026, [UInt8](repeating: 7, count: count))
    }

    private func ask(
        _ attributes: [Attribute] = [], of server: String = "192.0.2.1:3478",
        from client: String = "198.51.100.7:40000",
        fingerprint: Bool = false
    ) -> TestResponse? {
        var request = TestRequest(.binding, id: harness.transactionID())
        request.attributes = attributes
        request.addsFingerprint = fingerprint
        return harness.receive(request.encoded, on: path(server, client))
    }

    @Test(
        "an answer has both forms of the client's address, its own source, and the other address",
        .requirement("R5780-6.1-1"), .requirement("R5780-6.1-4"), .requirement("R5780-6.1-5"))
    func plain() {
        let request = hex("0001 0000 2112A442 B7E7A701BC34D686FA87DFAE")
        // 198.51.100.7:40000, plain and with the cookie; 192.0.2.1:3478; 192.0.2.2:3479.
        let expected = hex(
            """
            0101 0030 2112A442 B7E7A701BC34D686FA87DFAE
            0001 0008 0001 9C40 C6336407  0020 0008 0001 BD52 E721C045
            802B 0008 0001 0D96 C0000201  802C 0008 0001 0D97 C0000202
            """)
        let response = harness.receive(request, on: path("192.0.2.1:3478"))
        #expect(response?.bytes == expected)
        #expect(response?.path == path("192.0.2.1:3478"))
    }

    /// RFC 5780 §6.1, table 1, with the flags as they are on the wire.
    @Test(
        "CHANGE-REQUEST chooses the source of the answer", .requirement("R5780-6.1-3"), .requirement("R5780-7.2-1"),
        arguments: [
            ("192.0.2.1:3478", 0, "192.0.2.1:3478", "192.0.2.2:3479"),
            ("192.0.2.1:3478", 2, "192.0.2.1:3479", "192.0.2.2:3479"),
            ("192.0.2.1:3478", 4, "192.0.2.2:3478", "192.0.2.2:3479"),
            ("192.0.2.1:3478", 6, "192.0.2.2:3479", "192.0.2.2:3479"),
            ("192.0.2.1:3479", 6, "192.0.2.2:3478", "192.0.2.2:3478"),
            ("192.0.2.2:3478", 4, "192.0.2.1:3478", "192.0.2.1:3479"),
            ("192.0.2.2:3479", 2, "192.0.2.2:3478", "192.0.2.1:3478"),
            ("192.0.2.2:3479", 6, "192.0.2.1:3478", "192.0.2.1:3478"),
            ("192.0.2.1:3478", 0xF9, "192.0.2.1:3478", "192.0.2.2:3479"),
        ] as [(String, UInt8, String, String)])
    func source(server: String, flags: UInt8, source: String, other: String) {
        let response = ask([Self.change(flags)], of: server)
        #expect(response?.isSuccess == true)
        #expect(response?.path == path(source))
        #expect(response?.plain(.responseOrigin) == socket(source))
        #expect(response?.plain(.otherAddress) == socket(other))
        #expect(response?.mapped == Self.client)
    }

    @Test("IPv6 has a pair of its own", .requirement("R5780-6.1-3"))
    func ipv6() {
        let response = ask([Self.change(6)], of: "[2001:db8::2]:3478", from: "[2001:db8::7]:40000")
        #expect(response?.path == path("[2001:db8::1]:3479", "[2001:db8::7]:40000"))
        #expect(response?.plain(.otherAddress) == socket("[2001:db8::1]:3479"))
    }

    @Test("behind a NAT clients are told the addresses that they can reach", .requirement("R5780-6.1-5"))
    func advertised() {
        let pair = NATDiscovery.Pair(
            .init(local: ip("10.0.0.1"), advertised: ip("192.0.2.1")),
            .init(local: ip("10.0.0.2"), advertised: ip("192.0.2.2")))
        let harness = TURNHarness(
            TestSetup().with {
                $0.settings.discovery = NATDiscovery(pairs: [pair].compactMap { $0 }, port: 3478, alternatePort: 5000)
            })
        var request = TestRequest(.binding, id: harness.transactionID())
        request.attributes = [Self.change(4)]
        let response = harness.receive(request.encoded, on: path("10.0.0.1:3478"))
        #expect(response?.path == path("10.0.0.2:3478"))
        #expect(response?.plain(.responseOrigin) == socket("192.0.2.2:3478"))
        #expect(response?.plain(.otherAddress) == socket("192.0.2.2:5000"))
    }

    @Test("addresses that clients could not tell apart are no pair", .requirement("R5780-7.4-1"))
    func noPair() {
        let one = NATDiscovery.Address(local: ip("10.0.0.1"), advertised: ip("192.0.2.1"))
        let two = NATDiscovery.Address(local: ip("10.0.0.2"), advertised: ip("192.0.2.1"))
        let six = NATDiscovery.Address(local: ip("2001:db8::1"), advertised: ip("2001:db8::1"))
        #expect(NATDiscovery.Pair(one, two) == nil)
        #expect(NATDiscovery.Pair(one, one) == nil)
        #expect(NATDiscovery.Pair(one, six) == nil)
    }

    @Test(
        "a listener without an alternate knows none of it: 420, and no OTHER-ADDRESS", .requirement("R5780-6.1-2"),
        .requirement("R5780-7.4-1"), arguments: ["192.0.2.3:3478", "192.0.2.1:443", "[2001:db8::3]:3478"])
    func otherListener(server: String) {
        let client = server.hasPrefix("[") ? "[2001:db8::7]:40000" : "198.51.100.7:40000"
        let refused = ask([Self.change(2), Self.padding(4), Self.responsePort(1)], of: server, from: client)
        #expect(refused?.errorCode == 420)
        #expect(refused?[.unknownAttributes] == [0, 3, 0, 0x26, 0, 0x27])
        let answered = ask(of: server, from: client)
        #expect(answered?.isSuccess == true)
        #expect(answered?.has(.otherAddress) == false)
        #expect(answered?.has(.responseOrigin) == false)
        #expect(answered?.has(.mappedAddress) == false)
    }

    @Test("420 names what is unknown and not what discovery knows", .requirement("R5780-6.1-2"))
    func unknownBeside() {
        let response = ask([Self.change(2), Attribute(type: 0x7FFF), Self.padding(4)])
        #expect(response?.errorCode == 420)
        #expect(response?[.unknownAttributes] == [0x7F, 0xFF])
    }

    @Test("only Binding knows the attributes", .requirement("R5780-7-1"))
    func otherMethods() {
        for method in [.allocate, .refresh, .createPermission, .channelBind] as [STUN.Method] {
            let client = harness.client()
            #expect(client.request(method, [Self.change(2)])?.errorCode == 420)
        }
    }

    @Test(
        "over a connection there is no other source: 420; the other address is told", .requirement("R5780-6-1"),
        arguments: [ClientTransport.tcp, .tls, .dtls])
    func connections(transport: ClientTransport) {
        let client = harness.client(over: transport)
        let refused = client.send(client.bare(.binding, .request, [Self.change(4)]))
        #expect(refused?.errorCode == 420)
        #expect(refused?[.unknownAttributes] == [0, 3])
        #expect(client.send(client.bare(.binding, .request, [Self.responsePort(5000)]))?.errorCode == 420)
        let answered = client.send(client.bare(.binding))
        #expect(answered?.plain(.responseOrigin) == socket("192.0.2.1:3478"))
        #expect(answered?.plain(.otherAddress) == socket("192.0.2.2:3479"))
    }

    @Test(
        "RESPONSE-PORT names another port of the same address, and no other address",
        .requirement("R5780-7.5-1"), .requirement("RI-amplification-20"))
    func responsePort() {
        let response = ask([Self.responsePort(5000), Self.change(4)])
        #expect(response?.path == path("192.0.2.2:3478", "198.51.100.7:5000"))
        // What the client asks about is where it came from.
        #expect(response?.mapped == Self.client)
        // Two bytes are a port as well; 0 is none.
        #expect(ask([Attribute(type: 0x0027, [0x13, 0x88])])?.path == path("192.0.2.1:3478", "198.51.100.7:5000"))
        let refused = ask([Self.responsePort(0)])
        #expect(refused?.errorCode == 400)
        #expect(refused?.path == path("192.0.2.1:3478"))
    }

    @Test(
        "attributes of the wrong length are 400, of two the first counts", .requirement("R5780-7.2-1"),
        .requirement("R5780-7.5-1"))
    func malformed() {
        for value in [[], [0, 0, 6], [0, 0, 0, 6, 0]] as [[UInt8]] {
            #expect(ask([Attribute(type: 0x0003, value)])?.errorCode == 400)
        }
        for value in [[], [1], [1, 2, 3], [1, 2, 3, 4, 5]] as [[UInt8]] {
            #expect(ask([Attribute(type: 0x0027, value)])?.errorCode == 400)
        }
        #expect(ask([Self.change(2), Self.change(4)])?.path == path("192.0.2.1:3479"))
        #expect(ask([Attribute(type: 0x0003), Self.change(4)])?.errorCode == 400)
    }

    @Test("PADDING with RESPONSE-PORT is 400, in either order", .requirement("R5780-6.1-7"))
    func paddingElsewhere() {
        for attributes in [[Self.padding(4), Self.responsePort(5)], [Self.responsePort(5), Self.padding(0)]] {
            let response = ask(attributes)
            #expect(response?.errorCode == 400)
            #expect(response?.path == path("192.0.2.1:3478"))
        }
    }

    @Test(
        "PADDING is answered with as much as makes the answer no longer than the request",
        .requirement("R5780-6.1-6"), .requirement("R5780-7.6-1"), .requirement("RI-amplification-21"),
        arguments: [
            // The answer without padding has 20 + 4 · 12 bytes, and the header of PADDING 4 more.
            (0, 0), (44, 0), (48, 0), (52, 4), (53, 8), (100, 52), (1500, 1452), (1576, 1528), (1580, 1528),
            (2000, 1528),
        ])
    func padding(sent: Int, received: Int) {
        let response = ask([Self.padding(sent)])
        let value = response?[AttributeType(rawValue: 0x0026)]
        #expect(value == [UInt8](repeating: 0, count: received))
        let requestByteCount = 20 + 4 + (sent + 3) / 4 * 4
        #expect(response?.bytes.count ?? .max <= max(72, min(requestByteCount, 1600)))
    }

    @Test("FINGERPRINT stands behind PADDING and counts", .requirement("R5780-6.1-6"))
    func paddingAndFingerprint() {
        let response = ask([Self.padding(1500)], fingerprint: true)
        #expect(response?.bytes.count == 20 + 4 + 1500 + 8)
        #expect(response?.hasFingerprint == true)
    }

    @Test("with credentials demanded, the answer is protected", .requirement("R5780-6.1-9"))
    func protected() {
        let harness = TURNHarness(
            Self.setup.with {
                $0.settings.requiresAuthenticationForBinding = true
                $0.settings.software = Array("Tern".utf8)
            })
        let client = harness.client()
        #expect(client.challenge(.binding)?.errorCode == 401)
        let response = harness.receive(
            client.make(.binding, [Self.change(6), Self.padding(1500)]).encoded, on: client.path)
        #expect(response?.path == path("192.0.2.2:3479"))
        #expect(response?.isProtected(sha1: client.credentials.md5Key) == true)
        #expect(client.request(.binding, [Self.responsePort(0)])?.isProtected == true)
    }

    @Test("answers count to the rate of Binding, wherever they go", .requirement("RI-amplification-22"))
    func rate() {
        let harness = TURNHarness(Self.setup.with { $0.settings.bindingRepliesPerSecond = 1 })
        func answer(_ number: Int) -> TestResponse? {
            var request = TestRequest(.binding, id: harness.transactionID())
            request.attributes = [number % 2 == 0 ? Self.responsePort(UInt16(number + 1)) : Self.change(6)]
            return harness.receive(request.encoded, on: path("192.0.2.1:3478"))
        }
        for number in 0..<5 { #expect(answer(number) != nil) }
        #expect(answer(5) == nil)
        #expect(answer(6) == nil)
    }

    @Test(
        "whatever is asked, nobody but the source is answered, and not with more than it sent",
        .requirement("RI-amplification-20"), .requirement("RI-amplification-21"))
    func randomWishes() {
        let harness = TURNHarness(Self.setup.with { $0.settings.bindingRepliesPerSecond = 0 })
        var random = SeededRandom(seed: 5780)
        let types: [UInt16] = [0x0003, 0x0026, 0x0027, 0x0003, 0x8022, 0x0006]
        let servers = ["192.0.2.1:3478", "192.0.2.2:3478", "192.0.2.1:3479", "192.0.2.2:3479"].map { socket($0) }
        for number in 0..<2_000 {
            var request = TestRequest(.binding, id: harness.transactionID())
            request.addsFingerprint = number % 3 == 0
            for _ in 0..<Int(random.next() % 4) {
                let longest: UInt64 = random.next() % 4 == 0 ? 600 : 6
                let value = (0..<Int(random.next() % longest)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
                request.attributes.append(Attribute(type: types[Int(random.next() % 6)], value))
            }
            let datagram = request.encoded
            let response = harness.receive(datagram, on: path("192.0.2.1:3478"))
            #expect(response?.path.client.socketAddress.ip == Self.client.ip)
            #expect(response.map { servers.contains($0.path.server) } == true)
            // 68 bytes of addresses, a header of PADDING, FINGERPRINT.
            #expect(response?.bytes.count ?? .max <= max(80, datagram.count))
        }
    }

    @Test("what stands behind the integrity asks for nothing", .requirement("R5780-7.2-1"))
    func behindIntegrity() {
        var request = TestRequest(.binding, id: harness.transactionID())
        request.protection = .sha1(key: [1])
        request.trailing = [Self.change(6)]
        #expect(harness.receive(request.encoded, on: path("192.0.2.1:3478"))?.path == path("192.0.2.1:3478"))
    }
}
