import Containers
import Crypto

/// 128 random bits that name somebody or prove something; as text 22 characters of base64url (RFC 4648 §5).
package struct Identifier: Hashable, Sendable, CustomStringConvertible {
    package static let textByteCount = 22

    package let high: UInt64
    package let low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// Nil unless the text is exactly what `text` would be: one identifier has one text.
    package init?(text: some Collection<UInt8>) { self.init(text: Array(text)[...]) }

    /// The same without a generic call: ids are read in every message.
    package init?(text: ArraySlice<UInt8>) {
        guard text.count == Self.textByteCount else { return nil }
        var bits = UInt128(0)
        var count = 0
        for character in text {
            guard let sextet = Self.value(of: character) else { return nil }
            count += 1
            guard count == Self.textByteCount else {
                bits = bits << 6 | UInt128(sextet)
                continue
            }
            // 21 characters are 126 bits; the last one has two of its own, and its other four are zero.
            guard sextet & 0x0F == 0 else { return nil }
            bits = bits << 2 | UInt128(sextet >> 4)
        }
        high = UInt64(truncatingIfNeeded: bits >> 64)
        low = UInt64(truncatingIfNeeded: bits)
    }

    package var description: String {
        var text: [UInt8] = []
        appendText(to: &text)
        return String(decoding: text, as: UTF8.self)
    }

    /// Appends the 22 characters.
    package func appendText(to text: inout [UInt8]) {
        for index in 0..<10 { text.append(Self.character(high >> UInt64(58 - 6 * index))) }
        // Four bits are left of the upper word.
        text.append(Self.character(high << 2 | low >> 62))
        for index in 0..<10 { text.append(Self.character(low >> UInt64(56 - 6 * index))) }
        text.append(Self.character(low << 4))
    }

    /// Whether both are the same, in a time that does not depend on where they differ.
    package func equalsInConstantTime(_ other: Identifier) -> Bool { (high ^ other.high) | (low ^ other.low) == 0 }

    static func character(_ bits: UInt64) -> UInt8 {
        let sextet = UInt8(truncatingIfNeeded: bits & 0x3F)
        switch sextet {
        case 0..<26: return UInt8(ascii: "A") + sextet
        case 26..<52: return UInt8(ascii: "a") + sextet - 26
        case 52..<62: return UInt8(ascii: "0") + sextet - 52
        case 62: return UInt8(ascii: "-")
        default: return UInt8(ascii: "_")
        }
    }

    private static func value(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }
}

extension Identifier: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { mix(high ^ seed, 0xE703_7ED1_A0B4_28DB).hash(seed: seed ^ low) }
}

/// Makes identifiers that nobody can guess without its secret: HMAC-SHA256 over a purpose and a counter.
package struct IdentifierSource: Sendable {
    private let key: HMACSHA256Key
    private let purpose: UInt8
    private var counter: UInt64 = 0

    /// The secret is 32 random bytes. Sources of one secret differ in their purpose and so make different identifiers.
    package init(secret: [UInt8], purpose: UInt8) {
        precondition(secret.count == 32, "the secret is as long as the digest")
        key = HMACSHA256Key(key: secret)
        self.purpose = purpose
    }

    /// The next identifier.
    package mutating func next() -> Identifier {
        counter += 1
        var message = InlineArray<9, UInt8>(repeating: purpose)
        for index in 0..<8 { message[index + 1] = UInt8(truncatingIfNeeded: counter >> UInt64(8 * index)) }
        return unsafe key.authenticate(message.span.bytes).withRawSpan { bytes in
            unsafe Identifier(
                high: bytes.unsafeLoadUnaligned(fromByteOffset: 0, as: UInt64.self),
                low: bytes.unsafeLoadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
    }
}
