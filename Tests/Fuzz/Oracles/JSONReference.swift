import JSON

/// A second reading of RFC 8259, written for plainness: recursive, and with a copy of everything.
struct JSONReference {
    indirect enum Value {
        case null
        case bool(Bool)
        /// As it is spelled.
        case number([UInt8])
        /// In UTF-16, as §7 defines escapes.
        case string([UInt16])
        case array([Value])
        case object([(name: [UInt16], value: Value)])
    }

    private var rest: ArraySlice<UInt8>
    private let limits: JSONLimits
    private var values = 0

    init(_ text: [UInt8], _ limits: JSONLimits) {
        rest = text[...]
        self.limits = limits
    }

    /// The value that the whole text is; nil when it is none.
    mutating func read() -> Value? {
        guard let value = value(depth: 0) else { return nil }
        skipBlanks()
        return rest.isEmpty ? value : nil
    }

    private mutating func skipBlanks() { rest = rest.drop { [0x20, 0x09, 0x0A, 0x0D].contains($0) } }

    /// Takes the character, behind blanks, if it is there.
    private mutating func take(_ character: Character) -> Bool {
        skipBlanks()
        guard rest.first == character.asciiValue else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func value(depth: Int) -> Value? {
        skipBlanks()
        values += 1
        guard values <= limits.valuesMax, let first = rest.first else { return nil }
        for (word, value) in [("true", Value.bool(true)), ("false", .bool(false)), ("null", .null)]
        where rest.starts(with: word.utf8) {
            rest = rest.dropFirst(word.utf8.count)
            return value
        }
        switch Character(UnicodeScalar(first)) {
        case "\"": return string().map { .string($0) }
        case "[": return depth < limits.depthMax ? array(depth: depth + 1) : nil
        case "{": return depth < limits.depthMax ? object(depth: depth + 1) : nil
        default: return number()
        }
    }

    private mutating func array(depth: Int) -> Value? {
        var elements: [Value] = []
        guard take("[") else { return nil }
        if take("]") { return .array([]) }
        repeat {
            guard let element = value(depth: depth) else { return nil }
            elements.append(element)
        } while take(",")
        return take("]") ? .array(elements) : nil
    }

    private mutating func object(depth: Int) -> Value? {
        var members: [(name: [UInt16], value: Value)] = []
        guard take("{") else { return nil }
        if take("}") { return .object([]) }
        repeat {
            skipBlanks()
            guard let name = string(), take(":"), let value = value(depth: depth) else { return nil }
            guard !members.contains(where: { $0.name == name }) else { return nil }
            members.append((name, value))
        } while take(",")
        return take("}") ? .object(members) : nil
    }

    private mutating func number() -> Value? {
        let text = rest.prefix { "+-.0123456789eE".utf8.contains($0) }
        guard
            let match = String(decoding: text, as: UTF8.self).wholeMatch(
                of: /-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/)
        else { return nil }
        rest = rest.dropFirst(text.count)
        return .number(Array(match.0.utf8))
    }

    private mutating func string() -> [UInt16]? {
        guard rest.first == UInt8(ascii: "\"") else { return nil }
        rest = rest.dropFirst()
        var units: [UInt16] = []
        while let byte = rest.first {
            switch byte {
            case UInt8(ascii: "\""):
                rest = rest.dropFirst()
                return units
            case UInt8(ascii: "\\"):
                guard let unit = escape() else { return nil }
                units.append(unit)
            case 0..<0x20: return nil
            default:
                guard let character = character() else { return nil }
                units += character.utf16
            }
        }
        return nil
    }

    private mutating func escape() -> UInt16? {
        guard let letter = rest.dropFirst().first else { return nil }
        if letter == UInt8(ascii: "u") {
            let digits = rest.dropFirst(2).prefix(4)
            guard digits.count == 4, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit && $0 < 0x80 }) else {
                return nil
            }
            rest = rest.dropFirst(6)
            return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
        }
        rest = rest.dropFirst(2)
        let meanings: [Character: UInt16] = [
            "\"": 0x22, "\\": 0x5C, "/": 0x2F, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9,
        ]
        return meanings[Character(UnicodeScalar(letter))]
    }

    /// The library says what is UTF-8: the shortest prefix that it takes is a character.
    private mutating func character() -> String? {
        for count in 1...4 {
            guard let text = String(validating: rest.prefix(count), as: UTF8.self) else { continue }
            rest = rest.dropFirst(count)
            return text
        }
        return nil
    }
}
