/// One block of the textual encoding of keys and certificates (RFC 7468): a label and the DER bytes that it names.
package struct PEM: Equatable, Sendable {
    /// More than any public key has; a file that is longer is something else.
    package static let byteCountMax = 16_384

    /// What stands behind BEGIN, `PUBLIC KEY` for instance.
    package let label: [UInt8]
    package let der: [UInt8]

    /// Reads the first block of `text`; what stands before and behind it is a remark (RFC 7468 §5.2). Nil when there is
    /// none or it is not whole.
    ///
    /// Read here rather than by OpenSSL, which would ask the terminal for a passphrase when a file says that it has
    /// one.
    package init?(firstBlockIn text: [UInt8]) {
        guard text.count <= Self.byteCountMax else { return nil }
        var label: [UInt8]?
        var base64: [UInt8] = []
        for line in text.split(whereSeparator: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) {
            let line = Self.trimmed(line)
            guard let begun = label else {
                label = Self.label(in: line, after: "-----BEGIN ")
                continue
            }
            if let end = Self.label(in: line, after: "-----END ") {
                guard end == begun, let der = Base64.decode(base64), !der.isEmpty else { return nil }
                self.label = begun
                self.der = der
                return
            }
            base64 += line
        }
        return nil
    }

    private static func label(in line: ArraySlice<UInt8>, after opening: StaticString) -> [UInt8]? {
        let opening = Array("\(opening)".utf8)
        let closing = Array("-----".utf8)
        guard line.starts(with: opening), line.count >= opening.count + closing.count,
            line.suffix(closing.count).elementsEqual(closing)
        else { return nil }
        return Array(line.dropFirst(opening.count).dropLast(closing.count))
    }

    private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var line = line.drop(while: isBlank)
        while let last = line.last, isBlank(last) { line.removeLast() }
        return line
    }
}
