/// Header fields in the order in which they came or are to be sent (RFC 9110 §5).
///
/// The fields are ranges of one block of bytes, which for a request is what arrived: a request of any number of headers
/// costs two arrays, and a String is made of what somebody reads. Names are compared without regard to case; those of a
/// request are lower-case.
package struct HTTPHeaders: Sendable {
    /// Where a field stands in `bytes`.
    struct Field: Sendable {
        var name: Range<UInt32>
        var value: Range<UInt32>
    }

    private var bytes: [UInt8] = []
    private var fields: [Field] = []

    package init() {}

    /// The fields of a head that was checked.
    init(bytes: [UInt8], fields: [Field]) {
        self.bytes = bytes
        self.fields = fields
    }

    /// Adds a field behind the others. The name is spelled in the source, so it cannot come from outside.
    package mutating func append(_ name: StaticString, _ value: HTTPFieldValue) {
        let start = UInt32(bytes.count)
        name.withUTF8Buffer { unsafe bytes.append(contentsOf: $0) }
        let middle = UInt32(bytes.count)
        bytes.append(contentsOf: value.text.utf8)
        fields.append(Field(name: start..<middle, value: middle..<UInt32(bytes.count)))
    }

    // MARK: - Queries

    package var count: Int { fields.count }

    /// The first value of the field, without the white space around it. What is not UTF-8 in it is replaced.
    package subscript(_ name: String) -> String? {
        guard let field = fields.first(where: { isNamed($0, name) }) else { return nil }
        return text(field.value)
    }

    package func has(_ name: String) -> Bool { fields.contains { isNamed($0, name) } }

    /// Every value of the field, in order.
    package func values(of name: String) -> [String] {
        fields.filter { isNamed($0, name) }.map { text($0.value) }
    }

    /// The members of the comma-separated lists that the field's values are (RFC 9110 §5.6.1), as they are spelled.
    package func list(_ name: String) -> [String] {
        values(of: name).flatMap { value in
            value.utf8.split(separator: UInt8(ascii: ",")).map { String(decoding: $0.trimmed, as: UTF8.self) }
        }.filter { !$0.isEmpty }
    }

    /// The members of the field's lists in lower case, for names that are compared without regard to case.
    package func tokens(of name: String) -> [String] { list(name).map { $0.lowercased() } }

    /// Whether `token` is a member of the field's lists, without regard to case.
    package func contains(token: String, in name: String) -> Bool { tokens(of: name).contains(token.lowercased()) }

    /// Every field as name and value.
    package var all: [(name: String, value: String)] { fields.map { (text($0.name), text($0.value)) } }

    // MARK: - Bytes

    private func isNamed(_ field: Field, _ name: String) -> Bool {
        field.name.count == name.utf8.count
            && zip(field.name, name.utf8).allSatisfy { ASCII.lowercased(bytes[Int($0)]) == ASCII.lowercased($1) }
    }

    private func text(_ range: Range<UInt32>) -> String {
        String(decoding: bytes[Int(range.lowerBound)..<Int(range.upperBound)], as: UTF8.self)
    }

    /// Writes the fields as lines, except those that `isLeftOut` takes by their lower-case name.
    func write(to output: inout [UInt8], except isLeftOut: (String) -> Bool) {
        for field in fields where !isLeftOut(text(field.name).lowercased()) {
            output.append(contentsOf: bytes[Int(field.name.lowerBound)..<Int(field.name.upperBound)])
            output.append(contentsOf: ": ".utf8)
            output.append(contentsOf: bytes[Int(field.value.lowerBound)..<Int(field.value.upperBound)])
            output.append(contentsOf: "\r\n".utf8)
        }
    }
}

extension HTTPHeaders: Equatable {
    /// The same names, but for case, and the same values in the same order.
    package static func == (left: HTTPHeaders, right: HTTPHeaders) -> Bool {
        left.fields.count == right.fields.count
            && zip(left.all, right.all).allSatisfy {
                $0.name.lowercased() == $1.name.lowercased() && $0.value == $1.value
            }
    }
}
