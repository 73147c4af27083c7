import NetworkPrimitives
import STUN
import TestSupport
import Testing

@Suite("RFC 8489 §14.7 — FINGERPRINT")
struct RFC8489Section14_7 {
    /// A Binding request with FINGERPRINT; the CRC was computed by an independent program.
    private let wire = bytes("00010008 2112A442 B7E7A701 BC34D686 FA87DFAE 80280004 FDF6AE02")

    @Test("is the CRC-32 of all before it, xored with 0x5354554E", .requirement("R8489-14.7-1"))
    func readAndWritten() throws {
        #expect(try parse(wire).range(of: .fingerprint) == 24..<28)
        #expect(write(MessageType(.binding, .request)) { $0.appendFingerprint() } == wire)
    }

    @Test("a wrong one spoils the message", .requirement("R8489-14.7-2"))
    func wrong() {
        for index in [0, 1, 8, 19, 24, 25, 26, 27] {
            var changed = wire
            changed[index] ^= 0x01
            #expect(throws: STUNParseError.badFingerprint) { try parse(changed) }
        }
    }

    @Test("one that is not last spoils the message", .requirement("R8489-14.7-3"))
    func notLast() {
        var followed = wire + attribute(0x8022, Array("abcd".utf8))
        followed[3] = 16
        #expect(throws: STUNParseError.badFingerprint) { try parse(followed) }
        var twice = wire + attribute(0x8028, "00000000")
        twice[3] = 16
        #expect(throws: STUNParseError.badFingerprint) { try parse(twice) }
    }

    @Test(
        "one that is not four bytes long spoils the message", .requirement("R8489-14.7-4"), arguments: [0, 1, 3, 5, 8])
    func wrongLength(count: Int) {
        #expect(throws: STUNParseError.badFingerprint) {
            try parse(message(0x0001, attribute(0x8028, [UInt8](repeating: 0, count: count))))
        }
    }

    @Test("one that runs past the end is an overrun", .requirement("R8489-14-1"))
    func overrun() {
        #expect(throws: STUNParseError.attributeOverrun) { try parse(message(0x0001, bytes("80280004"))) }
    }

    @Test("counts behind both kinds of integrity, and is checked there", .requirement("R8489-14.7-2"))
    func behindIntegrity() {
        let mac = attribute(0x0008, [UInt8](repeating: 0, count: 20))
        #expect(throws: STUNParseError.badFingerprint) {
            try parse(message(0x0001, mac, attribute(0x8028, "00000000")))
        }
    }
}

@Suite("CRC-32, ISO 3309", .requirement("R8489-14.7-1"))
struct CRC32Tests {
    @Test("the check value of the catalogue, and of nothing")
    func checkValue() {
        #expect(CRC32.checksum(Array("123456789".utf8).span.bytes) == 0xCBF4_3926)
        #expect(CRC32.checksum([UInt8]().span.bytes) == 0)
        #expect(CRC32.checksum([UInt8](repeating: 0, count: 1).span.bytes) == 0xD202_EF8D)
        #expect(CRC32.checksum([UInt8](repeating: 0xFF, count: 32).span.bytes) == 0xFF6C_AB0B)
    }

    @Test("eight bytes a step and one bit a step agree, at every length and alignment", arguments: 0...70)
    func againstBitwise(count: Int) {
        var random = SeededRandom(seed: 32)
        let data = random.bytes(count + 8)
        for start in 0..<8 {
            let part = Array(data[start..<start + count])
            var expected = UInt32.max
            for byte in part {
                for bit in 0..<8 {
                    let low = (expected ^ UInt32(byte >> bit)) & 1
                    expected = expected >> 1 ^ low * 0xEDB8_8320
                }
            }
            #expect(CRC32.checksum(data.span.bytes.extracting(start..<start + count)) == ~expected)
        }
    }
}
