import NetworkPrimitives
import ProxyProtocol
import TestSupport
import Testing

private let signature = "0d0a0d0a000d0a515549540a"

private func read(_ bytes: [UInt8]) -> ProxyHeader.Reading { ProxyHeader.read(bytes.span.bytes) }

private func read(_ text: String) -> ProxyHeader.Reading { read(Array(text.utf8)) }

private func read(hexadecimal text: String) -> ProxyHeader.Reading { read(bytes(text)) }

private func address(_ text: String) -> SocketAddress { SocketAddress(text)! }

private func header(_ source: String, _ destination: String, _ byteCount: Int) -> ProxyHeader.Reading {
    .header(source: address(source), destination: address(destination), byteCount: byteCount)
}

@Suite("PROXY protocol version 1", .requirement("RI-proxy-1"))
struct ProxyTextHeaderTests {
    private static let line = "PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\r\n"

    @Test("addresses of both families")
    func addresses() {
        #expect(read(Self.line) == header("192.0.2.1:51234", "198.51.100.1:443", 45))
        #expect(
            read("PROXY TCP6 2001:db8::1 2001:db8::2 1 65535\r\n")
                == header("[2001:db8::1]:1", "[2001:db8::2]:65535", 44))
        #expect(
            read("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.1 5 6\r\n")
                == header("192.0.2.1:5", "198.51.100.1:6", 53))
    }

    @Test("what is behind the line belongs to the client")
    func rest() {
        #expect(read(Self.line + "GET / HTTP/1.1\r\n") == header("192.0.2.1:51234", "198.51.100.1:443", 45))
    }

    @Test("nothing is known before the line has ended")
    func fragments() {
        let bytes = Array(Self.line.utf8)
        for count in 0..<bytes.count { #expect(read(Array(bytes[..<count])) == .incomplete) }
    }

    @Test("an unknown client leaves the addresses of the connection, whatever stands behind the word")
    func unknown() {
        #expect(read("PROXY UNKNOWN\r\n") == .local(byteCount: 15))
        #expect(read("PROXY UNKNOWN ffff::1 - \u{7F} 8 8 8\r\n") == .local(byteCount: 33))
    }

    @Test("a line has 107 bytes at most")
    func longest() {
        let longest = "PROXY UNKNOWN " + String(repeating: "a", count: 91) + "\r\n"
        #expect(longest.utf8.count == 107)
        #expect(read(longest) == .local(byteCount: 107))
        #expect(read(String(longest.dropLast())) == .incomplete)
        #expect(read("PROXY UNKNOWN " + String(repeating: "a", count: 92) + "\r\n") == .malformed)
        #expect(read("PROXY UNKNOWN " + String(repeating: "a", count: 92)) == .incomplete)
        #expect(read("PROXY UNKNOWN " + String(repeating: "a", count: 93)) == .malformed)
    }

    @Test(
        "what is no such line",
        arguments: [
            "P\r\n", "PROXY\r\n", "PROXY \r\n", "PROXY  TCP4", "proxy TCP4 192.0.2.1 198.51.100.1 1 2\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 51234 443\n", "PROXY TCP4 192.0.2.1 198.51.100.1 51234\r\n",
            "PROXY TCP4 192.0.2.1 198.51.100.1 51234 443 \r\n", "PROXY TCP4  192.0.2.1 198.51.100.1 51234 443\r\n",
            "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1 2001:db8::2 1 2\r\n", "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 65536 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 -2\r\n",
            "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2  2\r\n",
            "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UNKNOWNX\r\n", "PUT / HTTP/1.1\r\n",
            "PROXY TCP4 \u{0}\r\n",
        ])
    func malformed(line: String) {
        if line.hasPrefix("PROXY  ") {
            #expect(read(line) == .incomplete && read(line + "\r\n") == .malformed)
        } else {
            #expect(read(line) == .malformed)
        }
    }
}

@Suite("PROXY protocol version 2", .requirement("RI-proxy-1"))
struct ProxyBinaryHeaderTests {
    /// 192.0.2.1:51234 to 198.51.100.1:443.
    private static let addresses = "c0000201 c6336401 c822 01bb"
    private static let plain = signature + "2111000c" + addresses

    @Test("addresses of both families")
    func families() {
        #expect(read(hexadecimal: Self.plain) == header("192.0.2.1:51234", "198.51.100.1:443", 28))
        let ipv6 =
            signature + "21210024" + "20010db8000000000000000000000001" + "20010db8000000000000000000000002"
            + "c822 01bb"
        #expect(read(hexadecimal: ipv6) == header("[2001:db8::1]:51234", "[2001:db8::2]:443", 52))
        let mapped =
            signature + "21210024" + "00000000000000000000ffffc0000201" + "00000000000000000000ffffc6336401"
            + "c822 01bb"
        #expect(read(hexadecimal: mapped) == header("192.0.2.1:51234", "198.51.100.1:443", 52))
    }

    @Test("nothing is known before its end, and what is behind does not matter")
    func fragments() {
        let whole = bytes(Self.plain)
        for count in 0..<whole.count { #expect(read(Array(whole[..<count])) == .incomplete) }
        #expect(read(whole + [0x16, 0x03, 0x01]) == header("192.0.2.1:51234", "198.51.100.1:443", 28))
    }

    @Test("a proxy that speaks for itself, and one that does not know for whom, leave the addresses as they are")
    func local() {
        #expect(read(hexadecimal: signature + "20000000") == .local(byteCount: 16))
        // Addresses and extensions of LOCAL are skipped, even where they are none.
        #expect(read(hexadecimal: signature + "2011000c" + Self.addresses) == .local(byteCount: 28))
        #expect(read(hexadecimal: signature + "20ff0003ffffff") == .local(byteCount: 19))
        #expect(read(hexadecimal: signature + "21000000") == .local(byteCount: 16))
        #expect(read(hexadecimal: signature + "21000004" + "04000161") == .local(byteCount: 20))
    }

    @Test("extensions are skipped, and a checksum among them is checked")
    func extensions() {
        let skipped = signature + "21110012" + Self.addresses + "040003616263"
        #expect(read(hexadecimal: skipped) == header("192.0.2.1:51234", "198.51.100.1:443", 34))
        // The sum was computed by another program.
        let start = signature + "21110019" + Self.addresses + "040003616263"
        #expect(read(hexadecimal: start + "030004c0a17a75") == header("192.0.2.1:51234", "198.51.100.1:443", 41))
        #expect(read(hexadecimal: start + "03000400000000") == .malformed)
        // A sum that is a byte short, and two of them.
        #expect(read(hexadecimal: signature + "21110012" + Self.addresses + "030003000000") == .malformed)
        #expect(
            read(hexadecimal: signature + "2111001a" + Self.addresses + "03000400000000" + "03000400000000")
                == .malformed)
    }

    @Test("an extension ends where the header does, or is malformed")
    func extensionLengths() {
        #expect(
            read(hexadecimal: signature + "2111000f" + Self.addresses + "040000")
                == header("192.0.2.1:51234", "198.51.100.1:443", 31))
        #expect(read(hexadecimal: signature + "2111000e" + Self.addresses + "0400") == .malformed)
        #expect(read(hexadecimal: signature + "2111000f" + Self.addresses + "040001") == .malformed)
        #expect(read(hexadecimal: signature + "2111000f" + Self.addresses + "04ffff") == .malformed)
    }

    @Test("552 bytes at most")
    func longest() {
        // 536 bytes behind the first 16: twelve for addresses, three for the head of an extension, 521 in it.
        let longest =
            bytes(signature + "21110218" + Self.addresses + "ee0209") + [UInt8](repeating: 7, count: 521)
        #expect(longest.count == ProxyHeader.byteCountMax)
        #expect(read(longest) == header("192.0.2.1:51234", "198.51.100.1:443", 552))
        #expect(read(hexadecimal: signature + "21110219") == .malformed)
        #expect(read(hexadecimal: signature + "2000ffff") == .malformed)
    }

    @Test(
        "what is no such header",
        arguments: [
            "00", "16030100", "0d0a0d0b", "0d0a0d0a000d0a515549540b", signature + "1111000c", signature + "3111000c",
            signature + "2211000c", signature + "2f11000c", signature + "2111000b" + "c0000201c6336401c82201",
            signature + "21210023" + String(repeating: "00", count: 35), signature + "2112000c" + addresses,
            signature + "21220024" + String(repeating: "00", count: 36), signature + "2131000c" + addresses,
            signature + "2110000c" + addresses, signature + "2101000c" + addresses, signature + "2141000c" + addresses,
        ])
    func malformed(text: String) {
        #expect(read(hexadecimal: text) == .malformed)
    }
}
