import NetworkPrimitives
import Testing

@Suite("IPv4 text is read in one spelling only")
struct IPv4ReadingTests {
    @Test(
        "four decimal numbers are taken",
        arguments: [
            ("0.0.0.0", 0x0000_0000), ("127.0.0.1", 0x7F00_0001), ("192.0.2.1", 0xC000_0201),
            ("255.255.255.255", 0xFFFF_FFFF), ("10.20.30.40", 0x0A14_1E28), ("1.2.3.4", 0x0102_0304),
        ] as [(String, UInt32)])
    func taken(text: String, value: UInt32) {
        #expect(IPv4Address(text) == IPv4Address(rawValue: value))
        #expect(IPv4Address(rawValue: value).description == text)
        #expect(IPAddress(text) == .v4(IPv4Address(rawValue: value)))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", " ", ".", "...", "1.2.3", "127.1", "1.2.3.", ".1.2.3", "1..2.3", "1.2.3.4.5", "1.2.3.4.",
            "256.0.0.1", "1.2.3.256", "1.2.3.999", "1.2.3.1000",
            "010.0.0.1", "0x7f.0.0.1", "1.2.3.04", "00.0.0.0", "0300.0250.0.1",
            "+1.2.3.4", "-1.2.3.4", "1.2.3.+4", "1.2.3.-0", " 1.2.3.4", "1.2.3.4 ", "1.2. 3.4", "1.2.3.4\n",
            "1.2.3.4\0",
            "1.2.3.4/32", "1.2.3.4:80", "2130706433", "0x7f000001", "localhost", "a.b.c.d",
            "\u{0661}.0.0.1", "\u{FF11}.0.0.1", "1\u{3002}2.3.4", "1.2.3.4\u{301}",
        ])
    func refused(text: String) {
        #expect(IPv4Address(text) == nil)
        #expect(IPAddress(text) == nil)
    }
}

@Suite("RFC 4291 §2.2 — Text Representation of Addresses")
struct RFC4291Section2_2 {
    @Test(
        "the three forms are taken",
        arguments: [
            ("::", 0, 0), ("::1", 0, 1), ("1::", 0x0001_0000_0000_0000, 0),
            ("2001:db8::8:800:200c:417a", 0x2001_0DB8_0000_0000, 0x0008_0800_200C_417A),
            ("2001:DB8:0:0:8:800:200C:417A", 0x2001_0DB8_0000_0000, 0x0008_0800_200C_417A),
            ("ff01:0:0:0:0:0:0:101", 0xFF01_0000_0000_0000, 0x101),
            ("0001:0002:0003:0004:0005:0006:0007:0008", 0x0001_0002_0003_0004, 0x0005_0006_0007_0008),
            ("1:2:3:4:5:6:7::", 0x0001_0002_0003_0004, 0x0005_0006_0007_0000),
            ("::2:3:4:5:6:7:8", 0x0000_0002_0003_0004, 0x0005_0006_0007_0008),
            ("1:2:3::5:6:7:8", 0x0001_0002_0003_0000, 0x0005_0006_0007_0008),
            ("::13.1.68.3", 0, 0x0D01_4403), ("::ffff:129.144.52.38", 0, 0xFFFF_8190_3426),
            ("64:ff9b::192.0.2.33", 0x0064_FF9B_0000_0000, 0xC000_0221),
            ("1:2:3:4:5:6:192.0.2.1", 0x0001_0002_0003_0004, 0x0005_0006_C000_0201),
            ("0000:0000:0000:0000:0000:ffff:255.255.255.255", 0, 0xFFFF_FFFF_FFFF),
        ] as [(String, UInt64, UInt64)])
    func taken(text: String, high: UInt64, low: UInt64) {
        #expect(IPv6Address(text) == IPv6Address(high: high, low: low))
        #expect(IPAddress(text) == .v6(IPv6Address(high: high, low: low)))
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ":", ":::", "::::", "1", "1:", ":1", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:",
            ":1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7::8:9", "1:2:3:4::5:6:7:8", "::1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8::",
            "1::2::3", "::1::", "1:::2", ":::1", "1:::",
            "12345::", "::00001", "::g", "::-1", "::+1", ":: 1", " ::1", "::1 ", "::0x1",
            "fe80::1%eth0", "fe80::1%1", "[::1]", "::1/128", "[::1]:80",
            "::1.2.3", "::1.2.3.4.5", "::1.2.3.256", "::01.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "1.2.3.4:5::",
            "1:1.2.3.4",
            "1:2:3:4:5:6:7:1.2.3.4", "1:2:3:4:5:1.2.3.4", "::1:2:3:4:5:6:7:1.2.3.4",
            "::\u{0661}", "::\u{FF11}", "::1\u{301}", ":\u{301}:1", "::1\0",
            "0000:0000:0000:0000:0000:0000:0000:0000:0000:0000", "00000000000000000000000000000000000000000000000000",
        ])
    func refused(text: String) {
        #expect(IPv6Address(text) == nil)
        #expect(IPAddress(text) == nil)
    }

    @Test("an endless text is refused without being looked at")
    func endless() {
        #expect(IPv6Address(String(repeating: "1:", count: 500_000)) == nil)
        #expect(IPv4Address(String(repeating: "1.", count: 500_000)) == nil)
    }
}

@Suite("Socket address text")
struct SocketAddressTextTests {
    @Test(
        "the address, a colon, and a port without leading zeros",
        arguments: [
            ("192.0.2.1:3478", "192.0.2.1", 3478), ("0.0.0.0:0", "0.0.0.0", 0),
            ("255.255.255.255:65535", "255.255.255.255", 65535),
            ("[2001:db8::1]:3478", "2001:db8::1", 3478), ("[::]:0", "::", 0), ("[::1]:65535", "::1", 65535),
        ] as [(String, String, UInt16)])
    func taken(text: String, host: String, port: UInt16) throws {
        let address = try #require(SocketAddress(text))
        #expect(address.ip == IPAddress(host))
        #expect(address.port == port)
        #expect(address.description == text)
    }

    @Test(
        "anything else is refused",
        arguments: [
            "", ":", "192.0.2.1", "192.0.2.1:", ":3478", "192.0.2.1:65536", "192.0.2.1:99999999999999999999",
            "192.0.2.1:+1", "192.0.2.1:-1", "192.0.2.1: 1", "192.0.2.1:1 ", "192.0.2.1:0x10", "192.0.2.1:\u{0661}",
            "192.0.2.1:03478", "192.0.2.1:00", "192.0.2.1:1:2",
            "::1:80", "[::1]", "[::1]80", "[::1:80", "::1]:80", "[192.0.2.1]:80", "[]:80", "[[::1]]:80", "[::1%lo]:80",
            "localhost:80", "010.0.0.1:80",
        ])
    func refused(text: String) { #expect(SocketAddress(text) == nil) }
}
