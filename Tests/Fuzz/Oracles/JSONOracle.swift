import JSON
import NetworkPrimitives

/// Any bytes: we take the texts that a second reading of RFC 8259 takes, and see the same values in them.
package func checkJSON(_ input: RawSpan) {
    let text = input.array()
    // Below the depth at which the second reading would run out of stack, and with every limit within reach.
    let limits = JSONLimits(depthMax: 8, valuesMax: 200)
    var reference = JSONReference(text, limits)
    let expected = reference.read()
    guard let document = try? JSONDocument(parsing: text, limits: limits) else {
        require(expected == nil, "we take what the RFC takes")
        return
    }
    guard let expected else { fatalError("broken promise: we take nothing that the RFC does not take") }
    checkValue(document.root, expected)

    var writer = JSONWriter()
    write(document.root, with: &writer)
    guard let again = try? JSONDocument(parsing: writer.bytes, limits: limits) else {
        fatalError("broken promise: what is written can be read")
    }
    checkValue(again.root, expected)
    checkString(String(decoding: text, as: UTF8.self))
}

private func checkValue(_ value: JSONValue, _ expected: JSONReference.Value) {
    let raw = Array(value.rawBytes)
    require((try? JSONDocument(parsing: raw)) != nil, "a value is a text of its own")
    switch expected {
    case .null: require(value.isNull && value.kind == .null, "null")
    case .bool(let bool): require(value.bool == bool, "true and false")
    case .number(let digits):
        require(value.kind == .number && raw == digits, "a number keeps its spelling")
        let text = String(decoding: digits, as: UTF8.self)
        // The library takes `-0` for an integer as we do.
        require(value.integer == Int(text), "an integer is one for the library too")
        require(value.double == Double(text).flatMap { $0.isFinite ? $0 : nil }, "and so is a number")
    case .string(let units):
        require(value.kind == .string, "a string")
        let text = String(validating: units, as: UTF16.self)
        require(value.string == text, "a string is what its UTF-16 is")
        require(value.utf8 == text.map { Array($0.utf8) }, "its bytes are those of the string")
        if let text { require(value.equals(text), "a string equals itself") }
    case .array(let elements):
        require(value.kind == .array && value.count == elements.count, "an array")
        for (element, expected) in zip(value.elements, elements) { checkValue(element, expected) }
        require(Array(value.elements).count == elements.count, "all elements are there")
    case .object(let members):
        require(value.kind == .object && value.count == members.count, "an object")
        for (member, expected) in zip(value.members, members) {
            checkValue(member.name, .string(expected.name))
            checkValue(member.value, expected.value)
            if let name = member.name.string {
                require(value[name]?.rawBytes == member.value.rawBytes, "a member is found by its name")
            }
        }
    }
}

private func write(_ value: JSONValue, with writer: inout JSONWriter) {
    switch value.kind {
    case .null: writer.null()
    case .bool: writer.bool(value.bool ?? false)
    case .number:
        // `-0` loses its sign as an integer.
        if let integer = value.integer, integer != 0 { writer.integer(integer) } else { writer.raw(value.rawBytes) }
    case .string: if let text = value.string { writer.string(text) } else { writer.raw(value.rawBytes) }
    case .array:
        writer.beginArray()
        for element in value.elements { write(element, with: &writer) }
        writer.endArray()
    case .object:
        writer.beginObject()
        // A name that is no string cannot be written as one.
        for member in value.members where member.name.string == nil { return writeRaw(value, with: &writer) }
        for member in value.members {
            writer.name(member.name.string ?? "")
            write(member.value, with: &writer)
        }
        writer.endObject()
    }
}

/// Ends an object that was begun with the members of `value` as they were.
private func writeRaw(_ value: JSONValue, with writer: inout JSONWriter) {
    for member in value.members {
        // The name is written with its colon, which no comma may follow.
        writer.raw(member.name.rawBytes + [UInt8(ascii: ":")] + member.value.rawBytes)
    }
    writer.endObject()
}

private func checkString(_ text: String) {
    var writer = JSONWriter()
    writer.string(text)
    var fromBytes = JSONWriter()
    fromBytes.string(utf8: Array(text.utf8))
    require(writer.bytes == fromBytes.bytes, "a string and its bytes are written alike")
    require(writer.bytes.allSatisfy { $0 >= 0x20 }, "no control byte is written")
    guard let document = try? JSONDocument(parsing: writer.bytes) else {
        fatalError("broken promise: every string can be written")
    }
    require(document.root.string == text, "a string survives being written and read")
}
