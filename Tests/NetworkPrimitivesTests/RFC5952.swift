import NetworkPrimitives
import Testing

@Suite("RFC 5952 — Recommendation for IPv6 Text Representation")
struct RFC5952 {
    @Test(
        "§4: lower case, no leading zeros, the longest run of zeros shortened, the first of equals",
        arguments: [
            ("2001:0db8:0000:0000:0000:0000:0002:0001", "2001:db8::2:1"),
            ("2001:DB8::AAAA", "2001:db8::aaaa"),
            ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
            ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"),
            ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
            ("0:0:1:0:0:0:0:0", "0:0:1::"),
            ("1:0:0:0:0:0:0:0", "1::"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("0:0:0:0:0:0:0:0", "::"),
            ("1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"),
            ("0:0:3:4:5:6:7:8", "::3:4:5:6:7:8"),
            ("0:2:3:4:5:6:7:0", "0:2:3:4:5:6:7:0"),
            ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
            ("10:100:1000:0:a:b0:c00:d000", "10:100:1000:0:a:b0:c00:d000"),
        ])
    func canonical(text: String, printed: String) throws {
        let address = try #require(IPv6Address(text))
        #expect(address.description == printed)
        #expect(IPv6Address(printed) == address)
    }

    @Test("§5: an IPv4-mapped address shows its IPv4 address, others with zeros in front do not")
    func mapped() {
        #expect(IPv6Address("::ffff:c000:201")?.description == "::ffff:192.0.2.1")
        #expect(IPv6Address("::192.0.2.1")?.description == "::c000:201")
        #expect(IPv6Address("::fffe:c000:201")?.description == "::fffe:c000:201")
    }
}
