/// Base 16 (RFC 4648 §8).
package enum Hex {
    /// The bytes that `text` spells, two digits of either case each; nil when it holds anything else or half a byte.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var highDigit: UInt8?
        for character in text {
            guard let digit = value(of: character) else { return nil }
            if let high = highDigit {
                bytes.append(high << 4 | digit)
                highDigit = nil
            } else {
                highDigit = digit
            }
        }
        return highDigit == nil ? bytes : nil
    }

    /// Two lower-case digits for each byte.
    package static func encode(_ bytes: some Collection<UInt8>) -> String {
        var text = ""
        text.reserveCapacity(bytes.count * 2)
        for byte in bytes {
            text.unicodeScalars.append(digit(for: byte >> 4))
            text.unicodeScalars.append(digit(for: byte & 0x0F))
        }
        return text
    }

    /// Two lower-case digits for each byte.
    package static func encode(_ bytes: RawSpan) -> String {
        unsafe bytes.withUnsafeBytes { unsafe encode($0) }
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func digit(for value: UInt8) -> Unicode.Scalar {
        Unicode.Scalar(value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10)
    }
}
