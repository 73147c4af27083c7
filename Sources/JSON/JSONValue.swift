/// A value within a document. It keeps the document alive, and costs two references to copy.
package struct JSONValue: Sendable {
    /// What a value is (RFC 8259 §3).
    package enum Kind: Hashable, Sendable {
        case null, bool, number, string, array, object
    }

    private let document: JSONDocument
    private let index: Int

    init(document: JSONDocument, index: Int) {
        self.document = document
        self.index = index
    }

    private var node: JSONNode { document.nodes[index] }

    package var kind: Kind {
        switch node.kind {
        case .null: .null
        case .no, .yes: .bool
        case .number: .number
        case .plainString, .escapedString: .string
        case .array: .array
        case .object: .object
        }
    }

    /// The value as it stands in the text, with its quotes or brackets and without the white space around it.
    package var rawBytes: ArraySlice<UInt8> { document.bytes[Int(node.start)..<Int(node.end)] }

    // MARK: - Scalars

    package var isNull: Bool { node.kind == .null }

    package var bool: Bool? {
        switch node.kind {
        case .yes: true
        case .no: false
        default: nil
        }
    }

    /// Whether a program in JavaScript takes the value for true where it asks `if (value)`. Numbers and empty strings
    /// that some clients send as flags are read so by the servers that they were written for.
    package var isTrueToJavaScript: Bool {
        switch node.kind {
        case .null, .no: false
        case .yes, .array, .object: true
        case .number: double.map { $0 != 0 } ?? true
        // Two bytes are the quotes of an empty string.
        case .plainString, .escapedString: rawBytes.count > 2
        }
    }

    /// A string without its escapes; nil for other kinds, and for one that names half of a character (`"\uD800"`).
    package var string: String? {
        switch node.kind {
        case .plainString: String(decoding: document.bytes[content], as: UTF8.self)
        case .escapedString: utf8.map { String(decoding: $0, as: UTF8.self) }
        default: nil
        }
    }

    /// As `string`, in bytes.
    package var utf8: [UInt8]? {
        switch node.kind {
        case .plainString: return Array(document.bytes[content])
        case .escapedString:
            let (bytes, loneSurrogate) = JSONText.unescape(document.bytes.span.extracting(content))
            return loneSurrogate ? nil : bytes
        default: return nil
        }
    }

    /// Whether this is the string `text`. Comparing so does not make a string of what the document says.
    package func equals(_ text: String) -> Bool {
        switch node.kind {
        case .plainString: Self.isEqual(document.bytes.span.extracting(content), text)
        // Not as strings, which are also equal when they only look alike.
        case .escapedString: utf8?.elementsEqual(text.utf8) == true
        default: false
        }
    }

    /// Where the text between the quotes stands.
    private var content: Range<Int> { Int(node.start) + 1..<Int(node.end) - 1 }

    /// Names are compared for each member of each message, and mostly differ in length or in the first bytes.
    private static func isEqual(_ bytes: Span<UInt8>, _ text: String) -> Bool {
        let wanted = text.utf8.span
        guard bytes.count == wanted.count else { return false }
        for index in bytes.indices where bytes[index] != wanted[index] { return false }
        return true
    }

    /// A number that is written without fraction and exponent and fits into 64 bits; nil for any other value.
    package var integer: Int? {
        guard node.kind == .number else { return nil }
        var digits = rawBytes
        let isNegative = digits.first == UInt8(ascii: "-")
        if isNegative { digits.removeFirst() }
        var magnitude = 0
        for byte in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            // Counting below zero reaches the least value too.
            let (product, overflows) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, overflowsAgain) = product.subtractingReportingOverflow(Int(byte - UInt8(ascii: "0")))
            guard !overflows, !overflowsAgain else { return nil }
            magnitude = sum
        }
        if isNegative { return magnitude }
        return magnitude == .min ? nil : -magnitude
    }

    /// A number; nil for other kinds, and for one that is beyond the largest finite number.
    package var double: Double? {
        guard node.kind == .number, let number = Double(String(decoding: rawBytes, as: UTF8.self)),
            number.isFinite
        else { return nil }
        return number
    }

    // MARK: - Containers

    /// Elements of an array, members of an object, zero for a scalar.
    package var count: Int { node.count }

    /// The value of the member with this name; nil when there is none, or this is no object.
    package subscript(_ name: String) -> JSONValue? {
        guard node.kind == .object else { return nil }
        var position = index + 1
        for _ in 0..<node.count {
            let candidate = document.nodes[position]
            if matches(candidate, name) { return JSONValue(document: document, index: position + 1) }
            position = Int(document.nodes[position + 1].next)
        }
        return nil
    }

    private func matches(_ candidate: JSONNode, _ name: String) -> Bool {
        let content = Int(candidate.start) + 1..<Int(candidate.end) - 1
        if candidate.kind == .plainString {
            return Self.isEqual(document.bytes.span.extracting(content), name)
        }
        return JSONText.unescape(document.bytes.span.extracting(content)).bytes.elementsEqual(name.utf8)
    }

    /// The values of an array in their order; none for another kind.
    package var elements: Elements {
        Elements(document: document, position: index + 1, left: node.kind == .array ? node.count : 0)
    }

    /// The members of an object in their order; none for another kind.
    package var members: Members {
        Members(document: document, position: index + 1, left: node.kind == .object ? node.count : 0)
    }

    /// A name and its value.
    package struct Member: Sendable {
        /// The name as the string that it is; `name.string` is nil where the name holds half of a character.
        package let name: JSONValue
        package let value: JSONValue
    }

    /// Walks over the values of an array.
    package struct Elements: Sequence, IteratorProtocol, Sendable {
        fileprivate let document: JSONDocument
        fileprivate var position: Int
        fileprivate var left: Int

        package mutating func next() -> JSONValue? {
            guard left > 0 else { return nil }
            left -= 1
            defer { position = Int(document.nodes[position].next) }
            return JSONValue(document: document, index: position)
        }

        package var underestimatedCount: Int { left }
    }

    /// Walks over the members of an object.
    package struct Members: Sequence, IteratorProtocol, Sendable {
        fileprivate let document: JSONDocument
        fileprivate var position: Int
        fileprivate var left: Int

        package mutating func next() -> Member? {
            guard left > 0 else { return nil }
            left -= 1
            defer { position = Int(document.nodes[position + 1].next) }
            return Member(
                name: JSONValue(document: document, index: position),
                value: JSONValue(document: document, index: position + 1))
        }

        package var underestimatedCount: Int { left }
    }
}
