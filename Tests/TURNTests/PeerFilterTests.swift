import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §21 — which peers are relayed to")
struct PeerFilterTests {
    private func filter(
        _ rules: [PeerRule] = [], loopback: Bool = false, relays: [RelayAddress] = [TestSetup.ipv4],
        own: [String] = ["192.0.2.1"], deniesLowPorts: Bool = false
    ) -> PeerFilter {
        PeerFilter(
            rules: rules, relayAddresses: relays,
            ports: PeerPortPolicy(
                ownAddresses: own.map { ip($0) }, listenerPorts: [3478, 5349], deniesLowPorts: deniesLowPorts),
            allowsLoopback: loopback)
    }

    private func allow(_ text: String) -> PeerRule {
        PeerRule(.allow, .prefix(IPPrefix(text)!), source: "conf:1: allowed-peer-ip=\(text)")
    }

    private func deny(_ text: String) -> PeerRule {
        PeerRule(.deny, .prefix(IPPrefix(text)!), source: "conf:2: denied-peer-ip=\(text)")
    }

    @Test("without rules the Internet is open and everything else is not", .requirement("RI-peers-7"))
    func defaults() {
        let filter = filter()
        #expect(filter.decide(ip("8.8.8.8")) == .allowed(by: "built in: a public address"))
        #expect(filter.decide(ip("2600::1")) == .allowed(by: "built in: a public address"))
        #expect(
            filter.decide(ip("10.0.0.1"))
                == .denied(by: "built in: private (10.0.0.0/8) is internal; allowed-peer-ip opens it"))
        #expect(
            filter.decide(ip("127.0.0.1")) == .denied(by: "built in: loopback; allow-loopback-peers opens it for tests")
        )
        #expect(
            filter.decide(ip("169.254.169.254"))
                == .denied(by: "built in: link-local and metadata (169.254.0.0/16) is never relayed to"))
        #expect(
            filter.decide(ip("::ffff:8.8.8.8"))
                == .denied(by: "built in: IPv4-mapped IPv6 (::ffff:0:0/96) is never relayed to"))
    }

    @Test(
        "a rule about a relay address closes it under both of its names; one about a block does not",
        .requirement("RI-peers-16"))
    func closedRelayAddress() {
        let behindNAT = [RelayAddress(local: ip("10.0.0.5"), advertised: ip("5.6.7.8"))]
        // external-ip=5.6.7.8/10.0.0.5 opens 10.0.0.5 on the side.
        for name in ["10.0.0.5", "5.6.7.8"] {
            let closed = filter([allow("10.0.0.5"), deny(name)], relays: behindNAT)
            #expect(closed.decide(ip("10.0.0.5")) == .denied(by: "conf:2: denied-peer-ip=\(name)"))
            #expect(closed.decide(ip("5.6.7.8")) == .denied(by: "conf:2: denied-peer-ip=\(name)"))
        }
        let block = filter([allow("10.0.0.5"), deny("10.0.0.0/8")], relays: behindNAT)
        #expect(block.decide(ip("5.6.7.8")).isAllowed)
        #expect(!block.decide(ip("10.0.0.6")).isAllowed)
    }

    @Test("the operator may open what is internal, and is named", .requirement("RI-peers-8"))
    func allowed() {
        let filter = filter([allow("10.1.0.0/16"), allow("fd00::/8")])
        #expect(filter.decide(ip("10.1.2.3")) == .allowed(by: "conf:1: allowed-peer-ip=10.1.0.0/16"))
        #expect(!filter.decide(ip("10.2.0.1")).isAllowed)
        #expect(filter.decide(ip("fd00:1::1")).isAllowed)
        #expect(!filter.decide(ip("fc00:1::1")).isAllowed)
        // Opening a network does not open its other spellings, nor what hides in it.
        #expect(!filter.decide(ip("::ffff:10.1.2.3")).isAllowed)
        #expect(!filter.decide(ip("64:ff9b::10.1.2.3")).isAllowed)
        #expect(!filter.decide(ip("fd00:ec2::254")).isAllowed)
        #expect(!filter.decide(ip("fd00:1::5efe:7f00:1")).isAllowed)
    }

    @Test(
        "no rule opens what is never relayed to", .requirement("RI-peers-9"),
        arguments: [
            "0.0.0.0", "0.1.2.3", "169.254.169.254", "224.0.0.1", "255.255.255.255", "::", "fe80::1", "ff02::1",
            "2001::1", "2002:808:808::1", "fd00:ec2::254", "::ffff:8.8.8.8", "::8.8.8.8", "64:ff9b::127.0.0.1",
            "::ffff:0:127.0.0.1", "64:ff9b:1::169.254.169.254", "2600::5efe:127.0.0.1",
        ])
    func never(text: String) {
        let open = filter([allow("0.0.0.0/0"), allow("::/0")], loopback: true)
        #expect(!open.decide(ip(text)).isAllowed)
        #expect(!open.decide(SocketAddress(ip: ip(text), port: 9)).isAllowed)
    }

    @Test("loopback is opened by its own option, and by no rule", .requirement("RI-peers-10"))
    func loopback() {
        #expect(!filter([allow("127.0.0.0/8"), allow("::1")]).decide(ip("127.0.0.1")).isAllowed)
        #expect(!filter([allow("127.0.0.0/8"), allow("::1")]).decide(ip("::1")).isAllowed)
        let open = filter(loopback: true)
        #expect(open.decide(ip("127.0.0.1")) == .allowed(by: "allow-loopback-peers"))
        #expect(open.decide(ip("127.255.255.254")).isAllowed)
        #expect(open.decide(ip("::1")).isAllowed)
        #expect(!filter([deny("127.0.0.0/8")], loopback: true).decide(ip("127.0.0.1")).isAllowed)
        // Even then not our own ports.
        #expect(!open.decide(socket("127.0.0.1:3478")).isAllowed)
        #expect(!open.decide(socket("[::1]:5349")).isAllowed)
        #expect(!open.decide(socket("127.0.0.1:22")).isAllowed)
        #expect(open.decide(socket("127.0.0.1:4000")).isAllowed)
    }

    @Test("allow comes before deny, whatever their order in the file", .requirement("RI-peers-11"))
    func order() {
        for rules in [[allow("8.8.8.8"), deny("8.8.8.0/24")], [deny("8.8.8.0/24"), allow("8.8.8.8")]] {
            let filter = filter(rules)
            #expect(filter.decide(ip("8.8.8.8")) == .allowed(by: "conf:1: allowed-peer-ip=8.8.8.8"))
            #expect(filter.decide(ip("8.8.8.9")) == .denied(by: "conf:2: denied-peer-ip=8.8.8.0/24"))
            #expect(filter.decide(ip("8.8.9.8")).isAllowed)
        }
    }

    @Test("of several rules the first that holds is named", .requirement("RI-peers-12"))
    func firstIsNamed() {
        let filter = filter([deny("9.9.0.0/16"), deny("9.9.9.0/24"), deny("::/0")])
        #expect(filter.decide(ip("9.9.9.9")) == .denied(by: "conf:2: denied-peer-ip=9.9.0.0/16"))
        #expect(filter.decide(ip("2600::1")) == .denied(by: "conf:2: denied-peer-ip=::/0"))
    }

    @Test("a range holds from its first address to its last", .requirement("RI-peers-13"))
    func ranges() {
        let v4 = IPRange(first: ip("8.0.0.255"), last: ip("8.0.2.0"))!
        // Byte by byte this range would be empty, as in coturn before 4.16.
        let v6 = IPRange(first: ip("2600::1:ffff"), last: ip("2600::2:0001"))!
        let filter = filter([
            PeerRule(.deny, .range(v4), source: "r4"), PeerRule(.deny, .range(v6), source: "r6"),
        ])
        for (text, isDenied) in [
            ("8.0.0.254", false), ("8.0.0.255", true), ("8.0.1.0", true), ("8.0.2.0", true), ("8.0.2.1", false),
            ("2600::1:fffe", false), ("2600::1:ffff", true), ("2600::2:0", true), ("2600::2:1", true),
            ("2600::2:2", false),
        ] {
            #expect(filter.decide(ip(text)).isAllowed == !isDenied, "\(text)")
        }
        #expect(filter.decide(ip("8.0.1.1")) == .denied(by: "r4"))
    }

    @Test("relay addresses are peers, other addresses of this server are not", .requirement("RI-peers-14"))
    func ownAddresses() {
        let filter = filter(relays: [TestSetup.mapped], own: ["10.0.0.5", "10.0.0.6", "8.8.4.4"])
        #expect(filter.decide(ip("10.0.0.5")) == .allowed(by: "built in: a relay address of this server"))
        #expect(filter.decide(ip("192.0.2.1")).isAllowed)
        #expect(!filter.decide(ip("10.0.0.6")).isAllowed)
        #expect(
            filter.decide(ip("8.8.4.4")) == .denied(by: "built in: an address of this server that does not relay"))
        // A deny rule closes relay addresses too.
        let closed = self.filter([deny("192.0.2.0/24")], relays: [TestSetup.mapped], own: ["10.0.0.5"])
        #expect(!closed.decide(ip("192.0.2.1")).isAllowed)
    }

    @Test(
        "ports that are nobody's, a listener's or a system's", .requirement("RI-peers-15"),
        arguments: [
            ("8.8.8.8:0", false, false), ("8.8.8.8:1", true, false), ("8.8.8.8:1023", true, false),
            ("8.8.8.8:1024", true, true), ("8.8.8.8:3478", true, true), ("192.0.2.1:0", false, false),
            ("192.0.2.1:443", false, false), ("192.0.2.1:1023", false, false), ("192.0.2.1:1024", true, true),
            ("192.0.2.1:3478", false, false), ("192.0.2.1:5349", false, false), ("192.0.2.1:3479", true, true),
            ("192.0.2.1:65535", true, true),
        ])
    func ports(text: String, isAllowed: Bool, withoutLowPorts: Bool) {
        #expect(filter().decide(socket(text)).isAllowed == isAllowed)
        #expect(filter(deniesLowPorts: true).decide(socket(text)).isAllowed == withoutLowPorts)
    }

    @Test("a refused port is named", .requirement("RI-peers-15"))
    func portName() {
        #expect(
            filter().decide(socket("192.0.2.1:3478"))
                == .denied(by: "built in: port 3478 of this address is not relayed to"))
    }

    @Test("permissions and channels are judged alike", .requirement("R8656-12.2-9"))
    func sameJudgement() {
        let client = TURNHarness(.dual).client()
        client.allocate([.additionalIPv6])
        let refused = [
            "0.0.0.0", "10.0.0.1", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1",
            "224.0.0.1", "255.255.255.255", "::", "::1", "::ffff:8.8.8.8", "::ffff:127.0.0.1", "::127.0.0.1",
            "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001::1", "fe80::1", "fc00::1", "ff02::1",
            "fd00:ec2::254", "2001:db8:ffff::1", "::ffff:0:7f00:1", "2600::5efe:7f00:1",
        ]
        for text in refused {
            #expect(client.permit(text)?.errorCode == 403, "\(text)")
            #expect(
                client.request(.channelBind, [.channel(0x4000)], peers: [SocketAddress(ip: ip(text), port: 9)])?
                    .errorCode == 403, "\(text)")
        }
        #expect(client.harness.routes.counts == [1, 0, 0])
        #expect(client.permit("8.8.8.8", "2600::1", "64:ff9b::808:808")?.isSuccess == true)
    }
}
