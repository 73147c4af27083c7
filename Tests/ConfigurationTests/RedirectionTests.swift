import NetworkPrimitives
import Testing

@testable import Configuration

@Suite("Configuration of NAT discovery, redirection, further listeners and devices")
struct RedirectionTests {
    private static func address(_ text: String) throws -> SocketAddress { try #require(SocketAddress(text)) }

    private static func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    // MARK: - NAT discovery

    private static let two = "no-auth\nlistening-ip=192.0.2.1\nlistening-ip=192.0.2.2\n"

    @Test("two addresses of a family are a pair, with the next port unless another is written")
    func discovery() throws {
        #expect(try configuration(Self.two).discovery == nil)
        let plain = try #require(try configuration(Self.two + "rfc5780").discovery)
        #expect(plain.alternatePort == 3479)
        #expect(plain.pairs == [.init(first: try Self.ip("192.0.2.1"), second: try Self.ip("192.0.2.2"))])
        let written = try configuration(Self.two + "rfc5780\nlistening-port=443\nalt-listening-port=80")
        #expect(written.discovery?.alternatePort == 80)
        let both = try configuration(
            Self.two + "listening-ip=2001:db8::1\nlistening-ip=192.0.2.3\nlistening-ip=2001:db8::2\nrfc5780")
        #expect(both.discovery?.pairs.map(\.second) == [try Self.ip("192.0.2.2"), try Self.ip("2001:db8::2")])
    }

    @Test("no-rfc5780 and rfc5780=off switch it off", arguments: ["rfc5780\nno-rfc5780", "rfc5780=off"])
    func discoveryOff(text: String) throws {
        let result = load(Self.two + text)
        #expect(try #require(result.configuration).discovery == nil)
        #expect(result.warnings.count == 1)  // no-auth
    }

    @Test(
        "what cannot be served is off, and said",
        arguments: [
            ("rfc5780", "it needs two listening-ip of one family"),
            ("rfc5780\nlistening-ip=192.0.2.1\nlistening-ip=2001:db8::1", "it needs two listening-ip of one family"),
            ("rfc5780\nlistening-ip=192.0.2.1\nlistening-ip=0.0.0.0", "it needs two listening-ip of one family"),
            ("rfc5780\nno-stun\nlistening-ip=192.0.2.1\nlistening-ip=192.0.2.2", "no-stun leaves unanswered"),
            (
                "rfc5780\nlistening-ip=10.0.0.1\nlistening-ip=10.0.0.2\nexternal-ip=192.0.2.1",
                "10.0.0.1 and 10.0.0.2 are both known as 192.0.2.1"
            ),
        ])
    func noDiscovery(text: String, words: String) throws {
        let result = load("user=a:b\n" + text)
        #expect(try #require(result.configuration).discovery == nil)
        #expect(result.warnings.contains { $0.contains("rfc5780") && $0.contains(words) })
    }

    @Test(
        "the second port is another one", arguments: ["listening-port=65535", "alt-listening-port=3478"])
    func alternatePort(text: String) {
        #expect(load(Self.two + "rfc5780\n" + text).errors.count == 1)
        #expect(load(Self.two + text).errors.isEmpty)
        #expect(load(Self.two + "rfc5780\nalt-listening-port=x").errors.count == 1)
    }

    // MARK: - Redirection

    @Test("each list is for its transports, with the port of the field")
    func redirection() throws {
        #expect(try configuration("user=a:b").redirection.isEmpty)
        let value = try configuration(
            """
            user=a:b
            alternate-server=192.0.2.1
            alternate-server=[2001:db8::1]:99
            alternate-server=192.0.2.1:3478
            udp-alternate-server=192.0.2.3
            tls-alternate-server=192.0.2.4
            """
        ).redirection
        #expect(value.udp.map(\.address) == [try Self.address("192.0.2.3:3478")])
        #expect(value.tcp.map(\.address) == [try Self.address("192.0.2.1:3478"), try Self.address("[2001:db8::1]:99")])
        #expect(value.secure == [.init(address: try Self.address("192.0.2.4:5349"), name: nil)])
    }

    @Test("a name is that of another certificate than ours")
    func names() throws {
        let text = """
            user=a:b
            server-name=A.example.org
            tls-alternate-server=B.example.org@192.0.2.4:443
            tls-alternate-server=a.example.org@192.0.2.5
            tls-alternate-server=b.example.org@2001:db8::4
            """
        let servers = try configuration(text).redirection.secure
        #expect(servers.map(\.name) == ["b.example.org", nil, "b.example.org"])
        #expect(servers.map(\.address.port) == [443, 5349, 5349])
        #expect(load("user=a:b\nalternate-server=b.example.org@192.0.2.4").lines.count == 1)
    }

    @Test(
        "what no client could reach is an error",
        arguments: [
            "turn.example.org", "192.0.2.1:0", "192.0.2.1:65536", "0.0.0.0", "[::]:5349", "@192.0.2.1", "a b@192.0.2.1",
            "192.0.2.1@192.0.2.1", "a@", "a@b@192.0.2.1",
        ])
    func badServers(text: String) {
        #expect(load("user=a:b\ntls-alternate-server=\(text)").errors.count == 1)
    }

    @Test("sixty-four servers of a list, and no more")
    func serverLimit() throws {
        let lines = (1...64).map { "alternate-server=192.0.2.\($0)" }.joined(separator: "\n")
        #expect(try configuration("user=a:b\n" + lines).redirection.udp.count == 64)
        #expect(load("user=a:b\n" + lines + "\nalternate-server=192.0.2.65").errors.count == 1)
    }

    @Test("without credentials nobody is redirected, which is said")
    func anonymous() {
        #expect(load("no-auth\nalternate-server=192.0.2.1").warnings.contains { $0.contains("alternate-server") })
    }

    // MARK: - Further listeners

    @Test("aux-server adds what is not listened on already")
    func auxiliary() throws {
        let text = """
            user=a:b
            listening-ip=192.0.2.1
            aux-server=192.0.2.1:80
            aux-server=[2001:db8::1]:3478
            aux-server=192.0.2.1:80
            aux-server=0.0.0.0:443
            """
        let expected = ["192.0.2.1:80", "[2001:db8::1]:3478", "0.0.0.0:443"]
        #expect(try configuration(text).listeners.auxiliary == expected.map { try Self.address($0) })
        for known in ["listening-ip=192.0.2.1", "listening-ip=0.0.0.0", ""] {
            let result = load("user=a:b\n\(known)\naux-server=192.0.2.1:3478")
            #expect(try #require(result.configuration).listeners.auxiliary.isEmpty)
            #expect(result.warnings.count == 1)
        }
    }

    @Test("aux-server needs a port", arguments: ["192.0.2.1", "192.0.2.1:0", "[::1]", "x:80"])
    func auxiliaryPort(text: String) {
        #expect(load("user=a:b\naux-server=\(text)").errors.count == 1)
    }

    @Test("sixty-four of them, and no more")
    func auxiliaryLimit() throws {
        let lines = (1...64).map { "aux-server=192.0.2.1:\($0)" }.joined(separator: "\n")
        #expect(try configuration("user=a:b\n" + lines).listeners.auxiliary.count == 64)
        #expect(load("user=a:b\n" + lines + "\naux-server=192.0.2.1:65").errors.count == 1)
    }

    @Test("devices of listeners and of relay sockets are two things")
    func devices() throws {
        let value = try configuration("user=a:b\nlistening-device=eth0\nrelay-device=eth1")
        #expect(value.listeners.device == "eth0")
        #expect(value.relay.device == "eth1")
    }

    // MARK: - Switches

    @Test(
        "secure-stun says when it leaves clients without an answer, or does nothing",
        arguments: [
            ("user=a:b", 0), ("static-auth-secret=x", 0), ("stun-only\nuser=a:b", 0), ("lt-cred-mech", 2),
            ("signaling-port=8080\nsignaling-anonymous-rooms=a", 0), ("no-auth", 2),
            ("user=a:b\nrfc3489-compatibility", 1),
        ])
    func secureSTUN(text: String, warnings: Int) {
        #expect(load("secure-stun\n" + text).warnings.count == warnings)
    }

    @Test("stun-only and no-stun together serve nobody")
    func nothingLeft() {
        #expect(load("stun-only\nno-stun").errors.count == 1)
        #expect(load("user=a:b\nno-stun").errors.isEmpty)
    }
}
