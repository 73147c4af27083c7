/// Base 64 with the alphabet for URLs and file names, without padding (RFC 4648 §5, RFC 7515 §2).
package enum Base64URL {
    /// The text of `bytes`, without padding.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text = Base64.encodeUnpadded(bytes)
        for index in text.indices {
            switch text[index] {
            case UInt8(ascii: "+"): text[index] = UInt8(ascii: "-")
            case UInt8(ascii: "/"): text[index] = UInt8(ascii: "_")
            default: break
            }
        }
        return text
    }

    /// The bytes that `text` stands for, or nil when it is not exactly what `encode` would have written.
    ///
    /// No padding, white space or characters of the other alphabet, and no stray bits in the last character: one value
    /// has one text, so nobody can make a second text of something that was signed.
    package static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var padded: [UInt8] = []
        padded.reserveCapacity(text.count + 2)
        for character in text {
            switch character {
            case UInt8(ascii: "-"): padded.append(UInt8(ascii: "+"))
            case UInt8(ascii: "_"): padded.append(UInt8(ascii: "/"))
            case UInt8(ascii: "+"), UInt8(ascii: "/"), UInt8(ascii: "="): return nil
            default: padded.append(character)
            }
        }
        while padded.count % 4 != 0 {
            padded.append(UInt8(ascii: "="))
        }
        return Base64.decode(padded)
    }
}
