/// Polling by script elements and forms, for browsers that had nothing better: `j=N` in the query of revision 3.
package enum JSONPolling {
    /// A script that hands the payload to the callback. The payload is UTF-8.
    package static func script(_ payload: [UInt8], index: UInt32) -> [UInt8] {
        var script = Array("___eio[\(index)](\"".utf8)
        script.reserveCapacity(payload.count + payload.count / 8 + 24)
        for (position, byte) in payload.enumerated() {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): script += [UInt8(ascii: "\\"), byte]
            case 0x0A: script.append(contentsOf: "\\n".utf8)
            case 0x0D: script.append(contentsOf: "\\r".utf8)
            case 0x09: script.append(contentsOf: "\\t".utf8)
            case 0x00..<0x20, 0x7F:
                script.append(contentsOf: (byte < 0x10 ? "\\u000" : "\\u00").utf8)
                script.append(contentsOf: String(byte, radix: 16).utf8)
            // Not even in a comment may the script contain the end of its own element.
            case UInt8(ascii: "<"): script.append(contentsOf: "\\u003c".utf8)
            case 0xA8, 0xA9:
                // U+2028 and U+2029 end a line of script (E2 80 A8 and E2 80 A9).
                guard position >= 2, payload[position - 1] == 0x80, payload[position - 2] == 0xE2 else {
                    script.append(byte)
                    continue
                }
                script.removeLast(2)
                script.append(contentsOf: (byte == 0xA8 ? "\\u2028" : "\\u2029").utf8)
            default: script.append(byte)
            }
        }
        script.append(contentsOf: "\");".utf8)
        return script
    }

    /// The payload in the field `d` of a form; nil when there is none or its encoding is broken.
    ///
    /// Textareas change line ends, so the client escapes them once more: `\n` stands for a line feed, `\\n` for `\n`.
    package static func payload(ofForm body: ArraySlice<UInt8>) -> [UInt8]? {
        for field in body.split(separator: UInt8(ascii: "&")) where field.starts(with: "d=".utf8) {
            return decode(field.dropFirst(2)).map(restoreLineFeeds)
        }
        return nil
    }

    /// `application/x-www-form-urlencoded`.
    private static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count)
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(0x20)
            case UInt8(ascii: "%"):
                guard let high = hexadecimal(rest.popFirst()), let low = hexadecimal(rest.popFirst()) else {
                    return nil
                }
                bytes.append(high << 4 | low)
            default: bytes.append(byte)
            }
        }
        return bytes
    }

    private static func hexadecimal(_ character: UInt8?) -> UInt8? {
        switch character {
        case .some(let digit) where (0x30...0x39).contains(digit): digit - 0x30
        case .some(let letter) where (0x41...0x46).contains(letter & 0xDF): (letter & 0xDF) - 0x41 + 10
        default: nil
        }
    }

    private static func restoreLineFeeds(_ text: [UInt8]) -> [UInt8] {
        let backslash = UInt8(ascii: "\\")
        var restored: [UInt8] = []
        restored.reserveCapacity(text.count)
        var position = 0
        while position < text.count {
            let rest = text[position...]
            if rest.starts(with: [backslash, backslash, UInt8(ascii: "n")]) {
                restored += [backslash, UInt8(ascii: "n")]
                position += 3
            } else if rest.starts(with: [backslash, UInt8(ascii: "n")]) {
                restored.append(0x0A)
                position += 2
            } else {
                restored.append(text[position])
                position += 1
            }
        }
        return restored
    }
}
