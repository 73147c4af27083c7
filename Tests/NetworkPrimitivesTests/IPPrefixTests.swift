import NetworkPrimitives
import Testing

@Suite("Blocks of addresses")
struct IPPrefixTests {
    @Test(
        "the first and the last address belong to the block, their neighbours do not",
        arguments: [
            ("192.0.2.7/0", "0.0.0.0", "255.255.255.255", [] as [String]),
            ("192.0.2.7/1", "128.0.0.0", "255.255.255.255", ["127.255.255.255", "0.0.0.0"]),
            ("10.1.2.3/8", "10.0.0.0", "10.255.255.255", ["9.255.255.255", "11.0.0.0"]),
            ("192.0.2.7/31", "192.0.2.6", "192.0.2.7", ["192.0.2.5", "192.0.2.8"]),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.7", ["192.0.2.6", "192.0.2.8"]),
            ("::/0", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", []),
            ("8000::/1", "8000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ["7fff:ffff::", "::"]),
            ("fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ["fbff::", "fe00::"]),
            (
                "2001:db8:0:2::5/63", "2001:db8:0:2::", "2001:db8:0:3:ffff:ffff:ffff:ffff",
                ["2001:db8:0:1:ffff::", "2001:db8:0:4::"]
            ),
            (
                "2001:db8::5/64", "2001:db8::", "2001:db8::ffff:ffff:ffff:ffff",
                ["2001:db7:ffff:ffff:ffff::", "2001:db8:0:1::"]
            ),
            (
                "2001:db8::8000:0:0:5/65", "2001:db8::8000:0:0:0", "2001:db8::ffff:ffff:ffff:ffff",
                ["2001:db8::7fff:0:0:0", "2001:db8:0:1:8000::"]
            ),
            ("2001:db8::7/127", "2001:db8::6", "2001:db8::7", ["2001:db8::5", "2001:db8::8"]),
            ("2001:db8::7/128", "2001:db8::7", "2001:db8::7", ["2001:db8::6", "2001:db8::8", "2001:db9::7"]),
        ])
    func edges(text: String, first: String, last: String, outside: [String]) throws {
        let prefix = try #require(IPPrefix(text))
        #expect(prefix.address == IPAddress(first), "host bits are cleared")
        #expect(prefix.contains(try #require(IPAddress(first))))
        #expect(prefix.contains(try #require(IPAddress(last))))
        for neighbour in outside { #expect(!prefix.contains(try #require(IPAddress(neighbour))), "\(neighbour)") }
    }

    @Test("a block of one family holds no address of the other, not even a mapped one")
    func families() throws {
        let all4 = try #require(IPPrefix("0.0.0.0/0"))
        let all6 = try #require(IPPrefix("::/0"))
        #expect(!all4.contains(try #require(IPAddress("::ffff:192.0.2.1"))))
        #expect(!all6.contains(try #require(IPAddress("192.0.2.1"))))
    }

    @Test("the length fits the family: the largest is taken, one more is not")
    func lengthLimits() {
        #expect(IPPrefix(.any(.ipv4), length: 32) != nil)
        #expect(IPPrefix(.any(.ipv4), length: 33) == nil)
        #expect(IPPrefix(.any(.ipv6), length: 128) != nil)
        #expect(IPPrefix(.any(.ipv6), length: 129) == nil)
        #expect(IPPrefix(.any(.ipv4), length: 0) != nil)
        #expect(IPPrefix(.any(.ipv4), length: -1) == nil)
        #expect(IPPrefix(.any(.ipv6), length: -1) == nil)
        #expect(IPPrefix(.any(.ipv6), length: .max) == nil)
    }

    @Test("text in, text out")
    func text() {
        #expect(IPPrefix("10.1.2.3/8")?.description == "10.0.0.0/8")
        #expect(IPPrefix("2001:DB8::1/32")?.description == "2001:db8::/32")
        #expect(IPPrefix("192.0.2.1")?.description == "192.0.2.1/32")
        #expect(IPPrefix("::1")?.description == "::1/128")
    }

    @Test(
        "anything else is refused; 010 would be eight to some readers and ten to others",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/ 8",
            "10.0.0.0/8 ",
            "10.0.0.0/010", "10.0.0.0/08", "::/064", "10.0.0.0/00", "10/8", "10.0.0/8", "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0", "10.0.0.0/0x8", "10.0.0.0/99999999999999999999", "fe80::%1/64", "[::1]/128",
        ])
    func refused(text: String) { #expect(IPPrefix(text) == nil) }
}

@Suite("Ranges of addresses")
struct IPRangeTests {
    private func range(_ first: String, _ last: String) throws -> IPRange? {
        IPRange(first: try #require(IPAddress(first)), last: try #require(IPAddress(last)))
    }

    @Test("both ends belong to it, their neighbours do not")
    func edges() throws {
        let range = try #require(try range("10.0.0.5", "10.0.1.2"))
        for text in ["10.0.0.5", "10.0.0.200", "10.0.1.0", "10.0.1.2"] {
            #expect(range.contains(try #require(IPAddress(text))), "\(text)")
        }
        for text in ["10.0.0.4", "10.0.1.3", "::a00:5", "::ffff:10.0.0.5"] {
            #expect(!range.contains(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test("an IPv6 range is one 128-bit interval, though single bytes lie outside those of the ends")
    func asOneNumber() throws {
        // 1:ff belongs to 0:80...2:10, yet its second group exceeds that of both ends.
        let range = try #require(try range("2001:db8::80", "2001:db8:2::10"))
        for text in ["2001:db8::ff", "2001:db8:1::", "2001:db8:1:ffff::ffff", "2001:db8:2::", "2001:db8:2::10"] {
            #expect(range.contains(try #require(IPAddress(text))), "\(text)")
        }
        for text in ["2001:db8::7f", "2001:db8::", "2001:db8:2::11", "2001:db8:3::5", "2001:db7:1::90"] {
            #expect(!range.contains(try #require(IPAddress(text))), "\(text)")
        }
    }

    @Test("a single address is a range; ends out of order or of two families are none")
    func creation() throws {
        #expect(try range("10.0.0.1", "10.0.0.1")?.description == "10.0.0.1")
        #expect(try range("10.0.0.1", "10.0.0.2")?.description == "10.0.0.1-10.0.0.2")
        #expect(try range("10.0.0.2", "10.0.0.1") == nil)
        #expect(try range("1::", "::ffff") == nil)
        #expect(try range("::2", "::1") == nil)
        #expect(try range("10.0.0.1", "::ffff:10.0.0.2") == nil)
        #expect(try range("::1", "10.0.0.1") == nil)
    }

    @Test("the widest ranges hold everything of their family")
    func widest() throws {
        let all4 = try #require(try range("0.0.0.0", "255.255.255.255"))
        let all6 = try #require(try range("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"))
        #expect(all4.contains(.any(.ipv4)) && all4.contains(.loopback(.ipv4)))
        #expect(all6.contains(.any(.ipv6)) && all6.contains(.loopback(.ipv6)))
    }
}
