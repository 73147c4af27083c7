import NetworkPrimitives
import Testing

@Suite("IP addresses")
struct IPAddressTests {
    @Test("an IPv4-mapped IPv6 address is the IPv4 host that it names")
    func unmapped() throws {
        let mapped = try #require(IPAddress("::ffff:192.0.2.1"))
        #expect(mapped.family == .ipv6)
        #expect(mapped.unmapped == IPAddress("192.0.2.1"))
        #expect(SocketAddress(ip: mapped, port: 7).unmapped == SocketAddress("192.0.2.1:7"))
    }

    @Test(
        "nothing else is unmapped",
        arguments: ["::192.0.2.1", "::fffe:192.0.2.1", "1::ffff:c000:201", "::1", "10.0.0.1"])
    func keptAsIs(text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.unmapped == address)
    }

    @Test("loopback is all of 127/8, and ::1 alone")
    func loopback() throws {
        for text in ["127.0.0.0", "127.0.0.1", "127.255.255.255", "::1"] {
            #expect(try #require(IPAddress(text)).isLoopback, "\(text)")
        }
        for text in ["126.255.255.255", "128.0.0.0", "::", "::2", "1::1", "::ffff:127.0.0.1"] {
            #expect(!(try #require(IPAddress(text)).isLoopback), "\(text)")
        }
    }

    @Test("unspecified is zero of either family")
    func unspecified() throws {
        for text in ["0.0.0.0", "::"] { #expect(try #require(IPAddress(text)).isUnspecified, "\(text)") }
        for text in ["0.0.0.1", "1.0.0.0", "::1", "1::"] {
            #expect(!(try #require(IPAddress(text)).isUnspecified), "\(text)")
        }
    }

    @Test("the named addresses of each family")
    func named() {
        #expect(IPAddress.any(.ipv4).description == "0.0.0.0")
        #expect(IPAddress.any(.ipv6).description == "::")
        #expect(IPAddress.loopback(.ipv4).description == "127.0.0.1")
        #expect(IPAddress.loopback(.ipv6).description == "::1")
    }

    @Test("a socket address changes its port and nothing else")
    func withPort() {
        #expect(SocketAddress("192.0.2.1:1")?.with(port: 65535) == SocketAddress("192.0.2.1:65535"))
    }
}
