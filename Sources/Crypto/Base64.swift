/// Base 64 with the standard alphabet (RFC 4648 §4).
package enum Base64 {
    private static let padding = UInt8(ascii: "=")

    /// The text of `bytes`, padded to a multiple of four characters.
    package static func encode(_ bytes: RawSpan) -> [UInt8] {
        var text = encodeUnpadded(bytes)
        while text.count % 4 != 0 {
            text.append(padding)
        }
        return text
    }

    /// The text of `bytes`, padded to a multiple of four characters.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        unsafe encode(bytes.span.bytes)
    }

    /// The text of `bytes` without padding, where the length is known from elsewhere (RFC 4648 §3.2).
    package static func encodeUnpadded(_ bytes: RawSpan) -> [UInt8] {
        var text: [UInt8] = []
        // Room for the padding as well: `encode` appends it to the same storage.
        text.reserveCapacity((bytes.byteCount + 2) / 3 * 4)
        var accumulator: UInt32 = 0
        var bitCount = 0
        for offset in 0..<bytes.byteCount {
            let byte = unsafe bytes.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            accumulator = accumulator << 8 | UInt32(byte)
            bitCount += 8
            while bitCount >= 6 {
                bitCount -= 6
                text.append(character(for: accumulator >> UInt32(bitCount)))
            }
        }
        if bitCount > 0 {
            text.append(character(for: accumulator << UInt32(6 - bitCount)))
        }
        return text
    }

    /// The text of `bytes` without padding, where the length is known from elsewhere (RFC 4648 §3.2).
    package static func encodeUnpadded(_ bytes: [UInt8]) -> [UInt8] {
        unsafe encodeUnpadded(bytes.span.bytes)
    }

    /// The bytes that `text` stands for, or nil when it is not exactly what `encode` would have written.
    ///
    /// No line breaks, no missing padding, no characters after it, and no stray bits in the last character
    /// (RFC 4648 §3.3 and §3.5): one value has one text, so comparing texts is comparing values.
    package static func decode(_ text: RawSpan) -> [UInt8]? {
        guard text.byteCount % 4 == 0 else { return nil }
        let paddingCount = paddingCount(of: text)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.byteCount / 4 * 3 - paddingCount)
        var accumulator: UInt32 = 0
        var bitCount = 0
        for offset in 0..<(text.byteCount - paddingCount) {
            let character = unsafe text.unsafeLoad(fromByteOffset: offset, as: UInt8.self)
            guard let sextet = value(of: character) else { return nil }
            accumulator = accumulator << 6 | sextet
            bitCount += 6
            if bitCount >= 8 {
                bitCount -= 8
                bytes.append(UInt8(truncatingIfNeeded: accumulator >> UInt32(bitCount)))
            }
        }
        let strayBits = accumulator & (1 << UInt32(bitCount) - 1)
        return strayBits == 0 ? bytes : nil
    }

    /// The bytes that `text` stands for, or nil when it is not exactly what `encode` would have written.
    package static func decode(_ text: [UInt8]) -> [UInt8]? {
        unsafe decode(text.span.bytes)
    }

    /// The 24 bits that four characters from `offset` on stand for; nil when one of them is padding or no character.
    package static func decode24(_ text: RawSpan, at offset: Int) -> UInt32? {
        var bits: UInt32 = 0
        for index in offset..<offset + 4 {
            guard let sextet = value(of: unsafe text.unsafeLoad(fromByteOffset: index, as: UInt8.self)) else {
                return nil
            }
            bits = bits << 6 | sextet
        }
        return bits
    }

    /// The four characters for 24 bits, the first one in the highest byte.
    package static func encode24(_ bits: UInt32) -> UInt32 {
        UInt32(character(for: bits >> 18)) << 24 | UInt32(character(for: bits >> 12)) << 16
            | UInt32(character(for: bits >> 6)) << 8 | UInt32(character(for: bits))
    }

    /// How many of the last two characters are padding. A third one is left to fail as a character.
    private static func paddingCount(of text: RawSpan) -> Int {
        var count = 0
        while count < min(2, text.byteCount) {
            let last = unsafe text.unsafeLoad(fromByteOffset: text.byteCount - 1 - count, as: UInt8.self)
            guard last == padding else { break }
            count += 1
        }
        return count
    }

    /// The character for the low six bits of `bits`.
    private static func character(for bits: UInt32) -> UInt8 {
        let sextet = UInt8(truncatingIfNeeded: bits & 0x3F)
        switch sextet {
        case 0..<26: return UInt8(ascii: "A") + sextet
        case 26..<52: return UInt8(ascii: "a") + sextet - 26
        case 52..<62: return UInt8(ascii: "0") + sextet - 52
        case 62: return UInt8(ascii: "+")
        default: return UInt8(ascii: "/")
        }
    }

    private static func value(of character: UInt8) -> UInt32? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(character - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(character - UInt8(ascii: "a") + 26)
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(character - UInt8(ascii: "0") + 52)
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }
}
