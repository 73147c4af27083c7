/// The inside of strings: where plain text ends, how long escapes and sequences of UTF-8 are, what they stand for.
enum JSONText {
    /// The first byte from `start` on that is a quote, a backslash, a control byte or not ASCII; or the end.
    static func endOfPlainRun(in text: Span<UInt8>, from start: Int) -> Int {
        var position = start
        let bytes = unsafe text.bytes
        let count = text.count
        // Eight bytes at a time: session descriptions are strings of thousands of bytes.
        while position + 8 <= count {
            let word = unsafe UInt64(
                littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: position, as: UInt64.self))
            let marks = markSpecial(word)
            guard marks == 0 else { return position + marks.trailingZeroBitCount / 8 }
            position += 8
        }
        while position < count, !isSpecial(text[position]) { position += 1 }
        return position
    }

    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte >= 0x80 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Sets the high bit of bytes that are special. Subtraction may also mark a byte above a marked one, never one
    /// below, so the lowest mark is right.
    private static func markSpecial(_ word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = word ^ (ones * 0x22)
        let backslashes = word ^ (ones * 0x5C)
        // reason: borrows beyond the top byte are meant to vanish
        let control = (word &- ones * 0x20) & ~word
        // reason: as above
        let quote = (quotes &- ones) & ~quotes
        // reason: as above
        let backslash = (backslashes &- ones) & ~backslashes
        return (control | quote | backslash | word) & (ones * 0x80)
    }

    // MARK: - Escapes

    /// How long the escape at `position`, where a backslash stands, is: 2 or 6.
    static func escapeByteCount(in text: Span<UInt8>, at position: Int) throws(JSONError) -> Int {
        guard position + 1 < text.count else { throw .truncated }
        let letter = text[position + 1]
        if letter == UInt8(ascii: "u") {
            for offset in 2..<6 {
                guard position + offset < text.count else { throw .truncated }
                guard hexadecimalValue(text[position + offset]) != nil else { throw .malformedString }
            }
            return 6
        }
        guard meaning(ofEscape: letter) != nil else { throw .malformedString }
        return 2
    }

    private static func meaning(ofEscape letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): letter
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        default: nil
        }
    }

    private static func hexadecimalValue(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }

    /// The four digits behind `\u`.
    private static func codeUnit(in text: Span<UInt8>, at position: Int) -> UInt16 {
        (2..<6).reduce(0) { $0 << 4 | (hexadecimalValue(text[position + $1]) ?? 0) }
    }

    /// What the text between two quotes stands for. `loneSurrogate` is true when an escape names half of a character,
    /// which UTF-8 cannot spell (RFC 8259 §8.2); its place holds the three bytes that the scheme would give it, so that
    /// different texts stay different.
    static func unescape(_ text: Span<UInt8>) -> (bytes: [UInt8], loneSurrogate: Bool) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var hasLoneSurrogate = false
        var position = 0
        while position < text.count {
            guard text[position] == UInt8(ascii: "\\"), position + 1 < text.count else {
                bytes.append(text[position])
                position += 1
                continue
            }
            if let byte = meaning(ofEscape: text[position + 1]) {
                bytes.append(byte)
                position += 2
                continue
            }
            var scalar = UInt32(codeUnit(in: text, at: position))
            position += 6
            if scalar & 0xFC00 == 0xD800, let low = lowSurrogate(in: text, at: position) {
                scalar = 0x1_0000 + (scalar & 0x3FF) << 10 + UInt32(low & 0x3FF)
                position += 6
            } else if scalar & 0xF800 == 0xD800 {
                hasLoneSurrogate = true
            }
            appendUTF8(scalar, to: &bytes)
        }
        return (bytes, hasLoneSurrogate)
    }

    private static func lowSurrogate(in text: Span<UInt8>, at position: Int) -> UInt16? {
        guard position + 6 <= text.count, text[position] == UInt8(ascii: "\\"),
            text[position + 1] == UInt8(ascii: "u")
        else { return nil }
        let unit = codeUnit(in: text, at: position)
        return unit & 0xFC00 == 0xDC00 ? unit : nil
    }

    private static func appendUTF8(_ scalar: UInt32, to bytes: inout [UInt8]) {
        func append(_ value: UInt32) { bytes.append(UInt8(truncatingIfNeeded: value)) }
        switch scalar {
        case ..<0x80: append(scalar)
        case ..<0x800:
            append(0xC0 | scalar >> 6)
            append(0x80 | scalar & 0x3F)
        case ..<0x1_0000:
            append(0xE0 | scalar >> 12)
            append(0x80 | scalar >> 6 & 0x3F)
            append(0x80 | scalar & 0x3F)
        default:
            append(0xF0 | scalar >> 18)
            append(0x80 | scalar >> 12 & 0x3F)
            append(0x80 | scalar >> 6 & 0x3F)
            append(0x80 | scalar & 0x3F)
        }
    }

    // MARK: - UTF-8

    /// How long the character at `position`, which is not ASCII, is (RFC 3629 §4: no longer than needed, no surrogates,
    /// nothing beyond U+10FFFF).
    static func sequenceByteCount(in text: Span<UInt8>, at position: Int) throws(JSONError) -> Int {
        let second: ClosedRange<UInt8>
        let count: Int
        switch text[position] {
        case 0xC2...0xDF: (count, second) = (2, 0x80...0xBF)
        case 0xE0: (count, second) = (3, 0xA0...0xBF)
        case 0xED: (count, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: (count, second) = (3, 0x80...0xBF)
        case 0xF0: (count, second) = (4, 0x90...0xBF)
        case 0xF1...0xF3: (count, second) = (4, 0x80...0xBF)
        case 0xF4: (count, second) = (4, 0x80...0x8F)
        default: throw .malformedUTF8
        }
        for offset in 1..<count {
            guard position + offset < text.count else { throw .truncated }
            let allowed: ClosedRange<UInt8> = offset == 1 ? second : 0x80...0xBF
            guard allowed.contains(text[position + offset]) else { throw .malformedUTF8 }
        }
        return count
    }
}
