/// The bytes that `text` spells in hexadecimal; blanks and line ends may stand anywhere between digits.
///
/// A test that spells something else is broken, so this ends it.
package func bytes(_ text: String) -> [UInt8] {
    let digits = text.utf8.filter { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
    precondition(digits.count % 2 == 0, "half a byte in \(text)")
    return stride(from: 0, to: digits.count, by: 2).map { index in
        digitValue(digits[index]) << 4 | digitValue(digits[index + 1])
    }
}

/// Two lower-case digits a byte, without blanks.
package func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
    bytes.map { byte in String(byte >> 4, radix: 16) + String(byte & 0x0F, radix: 16) }.joined()
}

private func digitValue(_ character: UInt8) -> UInt8 {
    switch character {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): character - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): character - UInt8(ascii: "A") + 10
    default: preconditionFailure("not a hexadecimal digit: \(character)")
    }
}
