import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8489 §14.2 — XOR-MAPPED-ADDRESS", .requirement("R8489-14.2-1"))
struct RFC8489Section14_2 {
    private func decode(_ hexadecimal: String) -> SocketAddress? {
        bytes(hexadecimal).withRawSpan { XORAddress.decode($0, transactionID: transactionID) }
    }

    @Test("the port is xored with the cookie's first half, an IPv4 address with the cookie")
    func ipv4() {
        #expect(decode("0001 A147 E112A643") == v4("192.0.2.1", 32853))
        #expect(decode("0001 2112 2112A442") == v4("0.0.0.0", 0))
        #expect(decode("0001 DEED DEED5BBD") == v4("255.255.255.255", 65535))
    }

    @Test("an IPv6 address is xored with the cookie and the transaction id")
    func ipv6() {
        #expect(
            decode("0002 A147 0113A9FA A5D3F179 BC25F4B5 BED2B9D9") == v6("2001:db8:1234:5678:11:2233:4455:6677", 32853)
        )
        #expect(decode("0002 2112 2112A442 B7E7A701 BC34D686 FA87DFAE") == v6("::", 0))
    }

    @Test("is written in a response, also for an address that is its own mask")
    func written() {
        let response = write(MessageType(.binding, .success)) { writer in
            writer.appendXORAddress(.xorMappedAddress, v4("192.0.2.1", 32853))
            writer.appendXORAddress(.xorRelayedAddress, v6("2001:db8:1234:5678:11:2233:4455:6677", 32853))
            writer.appendXORAddress(.xorPeerAddress, v4("33.18.164.66", 0x2112))
        }
        #expect(
            response
                == message(
                    0x0101, attribute(0x0020, "0001 A147 E112A643"),
                    attribute(0x0016, "0002 A147 0113A9FA A5D3F179 BC25F4B5 BED2B9D9"),
                    attribute(0x0012, "0001 0000 00000000")))
    }

    @Test("the first byte is reserved and ignored")
    func reservedByte() {
        #expect(decode("FF01 A147 E112A643") == v4("192.0.2.1", 32853))
    }

    @Test(
        "a wrong family, or a length that does not fit the family, is malformed", .requirement("R8489-14.2-2"),
        arguments: [
            "", "00", "0001", "0001A1", "0001A147", "0001A147 E112A6", "0001A147 E112A643 00", "0000A147 E112A643",
            "0003A147 E112A643", "FFFFA147 E112A643", "0002A147 E112A643",
            "0001A147 0113A9FA A5D3F179 BC25F4B5 BED2B9D9", "0002A147 0113A9FA A5D3F179 BC25F4B5 BED2B9",
            "0002A147 0113A9FA A5D3F179 BC25F4B5 BED2B9D9 00",
        ])
    func malformed(value: String) { #expect(decode(value) == nil) }

    @Test("says how long its value is")
    func lengths() {
        #expect(XORAddress.byteCount(.ipv4) == 8)
        #expect(XORAddress.byteCount(.ipv6) == 20)
    }
}

@Suite("RFC 5389 §12.2 — Backwards Compatibility with RFC 3489", .requirement("R5389-12.2-1"))
struct RFC5389Section12_2 {
    private let request = bytes("00010000 00112233 44556677 8899AABB CCDDEEFF")

    @Test("a Binding request without the cookie is one, with attributes or without")
    func recognised() {
        #expect(request.withRawSpan { ClassicBinding.isRequest($0) })
        let changeRequest = bytes("00010008 00112233 44556677 8899AABB CCDDEEFF 0003000400000000")
        #expect(changeRequest.withRawSpan { ClassicBinding.isRequest($0) })
    }

    @Test(
        "other bytes are not",
        arguments: [
            "", "0001000000112233445566778899AABBCCDDEE",  // 19 bytes
            "00010000 2112A442 44556677 8899AABB CCDDEEFF",  // the cookie
            "00030000 00112233 44556677 8899AABB CCDDEEFF",  // Allocate
            "01010000 00112233 44556677 8899AABB CCDDEEFF",  // a response
            "00110000 00112233 44556677 8899AABB CCDDEEFF",  // an indication
            "00010004 00112233 44556677 8899AABB CCDDEEFF",  // too long
            "00010000 00112233 44556677 8899AABB CCDDEEFF 00000000",  // bytes behind
            "00010002 00112233 44556677 8899AABB CCDDEEFF 0000",  // no multiple of four
        ])
    func notRecognised(text: String) {
        #expect(!bytes(text).withRawSpan { ClassicBinding.isRequest($0) })
    }

    private func response(to source: SocketAddress) -> [UInt8] {
        var buffer = [UInt8](repeating: 0xEE, count: ClassicBinding.responseByteCountMax)
        var span = buffer.mutableSpan
        var raw = span.mutableBytes
        let count = request.withRawSpan { ClassicBinding.respond(to: $0, source: source, into: &raw) }
        return Array(buffer[..<count])
    }

    @Test("the response echoes sixteen bytes and carries MAPPED-ADDRESS alone, in the clear")
    func answered() {
        #expect(
            response(to: v4("192.0.2.1", 32853))
                == bytes("0101000C 00112233 44556677 8899AABB CCDDEEFF 00010008 00018055 C0000201"))
        #expect(
            response(to: v6("2001:db8::1", 1))
                == bytes(
                    """
                    01010018 00112233 44556677 8899AABB CCDDEEFF
                    00010014 00020001 20010DB8 00000000 00000000 00000001
                    """))
    }
}
