/// A JSON text (RFC 8259) and where its values stand in it.
///
/// Parsing is one pass over the bytes and makes two arrays, whatever is in the text. The values stay text until
/// somebody asks for them, so what is only passed on is passed on as it was written: order of members, spelling of
/// numbers, escapes.
package struct JSONDocument: Sendable {
    let bytes: [UInt8]
    let nodes: [JSONNode]

    /// Takes exactly one value with white space around it.
    package init(parsing text: [UInt8], limits: JSONLimits = JSONLimits()) throws(JSONError) {
        guard text.count <= Int(Int32.max) else { throw .tooManyValues }
        var parser = JSONParser(limits: limits, byteCount: text.count)
        try parser.parse(text.span)
        bytes = text
        nodes = parser.nodes
    }

    /// The value that is the text.
    package var root: JSONValue { JSONValue(document: self, index: 0) }
}
