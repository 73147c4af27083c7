import NetworkPrimitives

/// FINGERPRINT: CRC-32 of the message before it, xored with "STUN" (RFC 8489 §14.7).
package enum Fingerprint {
    package static let mask: UInt32 = 0x5354_554E

    /// Whether the FINGERPRINT whose attribute header stands at `offset` fits the bytes before it.
    package static func matches(_ bytes: RawSpan, upTo offset: Int) -> Bool {
        bytes.bigEndianUInt32(at: offset + 4) == CRC32.checksum(bytes.extracting(0..<offset)) ^ mask
    }
}

/// CRC-32 of ISO 3309, as in Ethernet and zlib: reflected polynomial 0xEDB88320. Eight table look-ups advance eight
/// bytes, so that a FINGERPRINT on a media datagram costs tenths of a microsecond rather than several.
package enum CRC32 {
    private static let tables: [UInt32] = makeTables()

    package static func checksum(_ bytes: RawSpan) -> UInt32 {
        let tables = tables.span
        var crc = UInt32.max
        var offset = 0
        while bytes.byteCount - offset >= 8 {
            let low = bytes.bigEndianUInt32(at: offset).byteSwapped ^ crc
            let high = bytes.bigEndianUInt32(at: offset + 4).byteSwapped
            crc = tables[index(7, low)] ^ tables[index(6, low >> 8)] ^ tables[index(5, low >> 16)]
            crc ^= tables[index(4, low >> 24)] ^ tables[index(3, high)] ^ tables[index(2, high >> 8)]
            crc ^= tables[index(1, high >> 16)] ^ tables[index(0, high >> 24)]
            offset += 8
        }
        while offset < bytes.byteCount {
            crc = crc >> 8 ^ tables[index(0, crc ^ UInt32(bytes.byte(at: offset)))]
            offset += 1
        }
        return ~crc
    }

    private static func index(_ table: Int, _ value: UInt32) -> Int { table << 8 | Int(value & 0xFF) }

    private static func makeTables() -> [UInt32] {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 0 ? value >> 1 : value >> 1 ^ 0xEDB8_8320 }
            tables[byte] = value
        }
        for position in 256..<tables.count {
            let previous = tables[position - 256]
            tables[position] = previous >> 8 ^ tables[Int(previous & 0xFF)]
        }
        return tables
    }
}
