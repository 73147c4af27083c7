package import JSON

/// An event of an application of Socket.IO, as its dialects get it and say it: the JSON array `["event",argument,…]`.
/// What is around it on the wire is the transport's business.
package struct ApplicationEvent: Sendable {
    /// What is said, a string.
    package let name: JSONValue
    package let arguments: [JSONValue]

    /// Depth and number of the values in one event; the array itself is a level.
    package static let jsonLimits = JSONLimits(depthMax: 17, valuesMax: 4096)
    /// Clients send three at most.
    package static let argumentsMax = 16

    /// Nil when the value is no event.
    package init?(_ value: JSONValue) {
        guard value.kind == .array, (1...Self.argumentsMax + 1).contains(value.count) else { return nil }
        var elements = value.elements
        guard let name = elements.next(), name.kind == .string else { return nil }
        self.name = name
        arguments = Array(elements)
    }

    /// Nil when the text is no event.
    package init?(parsing text: [UInt8]) {
        guard let document = try? JSONDocument(parsing: text, limits: Self.jsonLimits) else { return nil }
        self.init(document.root)
    }

    /// The argument at a place; nil when there is none, or it is `null`, as JavaScript writes what is missing.
    package subscript(position: Int) -> JSONValue? {
        guard arguments.indices.contains(position), !arguments[position].isNull else { return nil }
        return arguments[position]
    }

    /// What a value says when it names something, as a room or a person: a string, or a number by its digits, because
    /// some applications call their rooms by numbers. Nil for other values.
    package static func word(_ value: JSONValue?) -> [UInt8]? {
        guard let value else { return nil }
        return switch value.kind {
        case .string: value.utf8
        case .number: Array(value.rawBytes)
        case .null, .bool, .array, .object: nil
        }
    }

    /// The text of an event with these arguments, which are JSON already.
    package static func text(_ name: String, _ arguments: ArraySlice<UInt8>...) -> [UInt8] {
        text(name, arguments: arguments)
    }

    /// The text of an event with these arguments, which are JSON already.
    package static func text(_ name: String, arguments: [ArraySlice<UInt8>]) -> [UInt8] {
        var writer = JSONWriter(reserving: arguments.reduce(name.utf8.count + 8) { $0 + $1.count + 1 })
        writer.beginArray()
        writer.string(name)
        for argument in arguments { writer.raw(argument) }
        writer.endArray()
        return writer.bytes
    }

    /// A string as an argument.
    package static func argument(_ text: String) -> ArraySlice<UInt8> { argument(utf8: Array(text.utf8)) }

    /// A string of bytes that are UTF-8 as an argument.
    package static func argument(utf8: [UInt8]) -> ArraySlice<UInt8> {
        var writer = JSONWriter(reserving: utf8.count + 8)
        writer.string(utf8: utf8)
        return writer.bytes[...]
    }
}
