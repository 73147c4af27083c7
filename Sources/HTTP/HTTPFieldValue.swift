/// The value of a header field that cannot end its line: neither CR, LF and NUL (RFC 9110 §5.5), nor another control
/// byte but the tab. Having one is the proof, so a response cannot be split by what a stranger said.
package struct HTTPFieldValue: Hashable, Sendable, ExpressibleByStringLiteral, CustomStringConvertible {
    package let text: String

    /// Nil for a text with control bytes.
    package init?(_ text: String) {
        guard text.utf8.allSatisfy(Self.isAllowed) else { return nil }
        self.text = text
    }

    /// A text of ours, spelled in the source.
    package init(stringLiteral text: String) {
        precondition(text.utf8.allSatisfy(Self.isAllowed), "a header value is written without control characters")
        self.text = text
    }

    package init(_ number: Int) { text = String(number) }

    /// Any text, with a space for each control byte, as RFC 9110 §5.5 suggests.
    package init(cleaning text: String) {
        self.text = String(decoding: text.utf8.map { Self.isAllowed($0) ? $0 : 0x20 }, as: UTF8.self)
    }

    package var description: String { text }

    static func isAllowed(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7F || byte == 0x09 }
}
