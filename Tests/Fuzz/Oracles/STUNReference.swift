/// What RFC 8489 §5 and §14 say of bytes, written down a second time: slowly, with arrays, and without the code under
/// test. The oracle compares the two.
struct STUNReference {
    struct Attribute: Equatable {
        let type: UInt16
        let header: Int
        let value: Range<Int>
    }

    /// In the order of the message, duplicates and those behind the integrity included.
    private(set) var attributes: [Attribute] = []

    /// Nil when the bytes are not a STUN message that a server may look at.
    init?(_ bytes: [UInt8]) {
        guard bytes.count >= 20, bytes[0] & 0xC0 == 0, Array(bytes[4..<8]) == [0x21, 0x12, 0xA4, 0x42] else {
            return nil
        }
        guard bytes.count % 4 == 0, bytes.count - 20 == Self.uint16(bytes, 2) else { return nil }
        var offset = 20
        while offset < bytes.count {
            let length = Self.uint16(bytes, offset + 2)
            let end = offset + 4 + (length + 3) / 4 * 4
            guard end <= bytes.count else { return nil }
            let type = UInt16(Self.uint16(bytes, offset))
            if type == 0x8028 {
                guard end == bytes.count, length == 4 else { return nil }
                let crc = Self.crc32(bytes[..<offset]) ^ 0x5354_554E
                guard Array(bytes[(offset + 4)...]) == Self.bigEndian(crc) else { return nil }
            }
            attributes.append(Attribute(type: type, header: offset, value: offset + 4..<offset + 4 + length))
            offset = end
        }
    }

    /// Those that count: nothing behind MESSAGE-INTEGRITY but MESSAGE-INTEGRITY-SHA256 and FINGERPRINT, nothing behind
    /// MESSAGE-INTEGRITY-SHA256 but FINGERPRINT (RFC 8489 §14.5, §14.6).
    var counting: [Attribute] {
        var result: [Attribute] = []
        for attribute in attributes {
            let types = result.map(\.type)
            if types.contains(0x001C), attribute.type != 0x8028 { continue }
            if types.contains(0x0008), attribute.type != 0x8028, attribute.type != 0x001C { continue }
            result.append(attribute)
        }
        return result
    }

    /// The first of this type that counts (RFC 8489 §14).
    func first(_ type: UInt16) -> Attribute? { counting.first { $0.type == type } }

    static func uint16(_ bytes: [UInt8], _ offset: Int) -> Int { Int(bytes[offset]) << 8 | Int(bytes[offset + 1]) }

    static func bigEndian(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    /// CRC-32 bit by bit (RFC 8489 §14.7 points to ITU-T V.42).
    static func crc32(_ bytes: ArraySlice<UInt8>) -> UInt32 {
        var crc = UInt32.max
        for byte in bytes {
            crc ^= UInt32(byte)
            for _ in 0..<8 { crc = crc & 1 == 0 ? crc >> 1 : crc >> 1 ^ 0xEDB8_8320 }
        }
        return ~crc
    }
}
