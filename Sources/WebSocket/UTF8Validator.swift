import NetworkPrimitives

/// Checks UTF-8 that arrives in pieces, and notices the first byte that cannot stand where it stands.
///
/// RFC 6455 §8.1 fails a connection for invalid text. Doing so at the first bad byte, in the middle of a fragment,
/// keeps a stranger from having us collect a message that can no longer become valid.
package struct UTF8Validator: Equatable, Sendable {
    /// How many bytes the current scalar still lacks.
    private var missing: UInt8 = 0
    /// What the next one of them may be. Only the byte after the first has narrower limits than 80..BF: they exclude
    /// surrogates, scalars above U+10FFFF, and longer spellings than necessary (RFC 3629 §4).
    private var lower: UInt8 = 0x80
    private var upper: UInt8 = 0xBF

    /// Before the first byte.
    package init() {}

    /// Whether the text may end here.
    package var isBetweenScalars: Bool { missing == 0 }

    /// Reads on; false when a byte is bad. The validator is then of no further use.
    package mutating func accepts(_ bytes: RawSpan) -> Bool {
        let count = bytes.byteCount
        var index = 0
        while index < count {
            if missing == 0 {
                // Most text is ASCII: eight bytes at a time while it is.
                while index <= count - 8, bytes.bigEndianUInt64(at: index) & highBits == 0 { index += 8 }
                guard index < count else { return true }
            }
            guard accepts(bytes.byte(at: index)) else { return false }
            index += 1
        }
        return true
    }

    private mutating func accepts(_ byte: UInt8) -> Bool {
        if missing > 0 {
            guard byte >= lower, byte <= upper else { return false }
            missing -= 1
            expect(missing)
            return true
        }
        switch byte {
        case 0x00...0x7F: break
        case 0xC2...0xDF: expect(1)
        case 0xE0: expect(2, from: 0xA0)
        case 0xE1...0xEC, 0xEE, 0xEF: expect(2)
        case 0xED: expect(2, to: 0x9F)
        case 0xF0: expect(3, from: 0x90)
        case 0xF1...0xF3: expect(3)
        case 0xF4: expect(3, to: 0x8F)
        default: return false
        }
        return true
    }

    private mutating func expect(_ count: UInt8, from lower: UInt8 = 0x80, to upper: UInt8 = 0xBF) {
        missing = count
        self.lower = lower
        self.upper = upper
    }
}

/// The bits that no ASCII character has, in eight bytes.
let highBits: UInt64 = 0x8080_8080_8080_8080
