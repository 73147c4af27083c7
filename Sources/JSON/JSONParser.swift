/// Reads one text. Open containers are linked through `JSONNode.next`, so depth costs no stack.
struct JSONParser {
    private(set) var nodes: [JSONNode] = []
    private let limits: JSONLimits
    private var position = 0
    private var valuesLeft: Int
    private var depth = 0
    /// The innermost open container; meaningless at depth 0.
    private var open = 0

    init(limits: JSONLimits, byteCount: Int) {
        self.limits = limits
        valuesLeft = limits.valuesMax
        // A message of signaling has a value every ten to twenty bytes.
        nodes.reserveCapacity(min(byteCount / 12 + 4, limits.valuesMax + 1))
    }

    mutating func parse(_ text: Span<UInt8>) throws(JSONError) {
        try parseValue(text)
        while depth > 0 {
            // A value has just ended, or a container has just begun.
            try continueContainer(text)
        }
        skipWhitespace(text)
        guard position == text.count else { throw .trailingBytes }
    }

    /// White space of §2, and the byte behind it, which is not taken yet.
    private mutating func nextByte(_ text: Span<UInt8>) throws(JSONError) -> UInt8 {
        skipWhitespace(text)
        guard position < text.count else { throw .truncated }
        return text[position]
    }

    private mutating func skipWhitespace(_ text: Span<UInt8>) {
        while position < text.count {
            switch text[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    /// Reads a scalar whole, and of a container the bracket that begins it.
    private mutating func parseValue(_ text: Span<UInt8>) throws(JSONError) {
        let byte = try nextByte(text)
        guard valuesLeft > 0 else { throw .tooManyValues }
        valuesLeft -= 1
        switch byte {
        case UInt8(ascii: "\""): try parseString(text)
        case UInt8(ascii: "{"): try begin(.object)
        case UInt8(ascii: "["): try begin(.array)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try parseNumber(text)
        case UInt8(ascii: "t"): try parseLiteral("true", .yes, text)
        case UInt8(ascii: "f"): try parseLiteral("false", .no, text)
        case UInt8(ascii: "n"): try parseLiteral("null", .null, text)
        default: throw .unexpectedByte(at: position)
        }
    }

    // MARK: - Containers

    private mutating func begin(_ kind: JSONNode.Kind) throws(JSONError) {
        guard depth < limits.depthMax else { throw .tooDeep }
        nodes.append(JSONNode(kind, start: position, end: position, next: open))
        open = nodes.count - 1
        depth += 1
        position += 1
    }

    private mutating func continueContainer(_ text: Span<UInt8>) throws(JSONError) {
        let isObject = nodes[open].kind == .object
        let isFirst = nodes[open].count == 0
        let byte = try nextByte(text)
        if byte == (isObject ? UInt8(ascii: "}") : UInt8(ascii: "]")) {
            try end(text)
            return
        }
        if !isFirst {
            guard byte == UInt8(ascii: ",") else { throw .unexpectedByte(at: position) }
            position += 1
        }
        nodes[open].addChild()
        if isObject { try parseName(text) }
        try parseValue(text)
    }

    private mutating func parseName(_ text: Span<UInt8>) throws(JSONError) {
        guard try nextByte(text) == UInt8(ascii: "\"") else { throw .unexpectedByte(at: position) }
        try parseString(text)
        guard try nextByte(text) == UInt8(ascii: ":") else { throw .unexpectedByte(at: position) }
        position += 1
    }

    private mutating func end(_ text: Span<UInt8>) throws(JSONError) {
        position += 1
        let closed = open
        open = Int(nodes[closed].next)
        depth -= 1
        nodes[closed].end = UInt32(truncatingIfNeeded: position)
        nodes[closed].next = UInt32(truncatingIfNeeded: nodes.count)
        guard nodes[closed].kind == .object else { return }
        guard JSONNames.areDistinct(in: nodes.span, ofObjectAt: closed, text) else { throw .duplicateName }
    }

    // MARK: - Scalars

    private mutating func append(_ kind: JSONNode.Kind, from start: Int) {
        nodes.append(JSONNode(kind, start: start, end: position, next: nodes.count + 1))
    }

    private mutating func parseLiteral(
        _ word: String, _ kind: JSONNode.Kind, _ text: Span<UInt8>
    ) throws(JSONError) {
        let start = position
        for letter in word.utf8 {
            guard position < text.count else { throw .truncated }
            guard text[position] == letter else { throw .unexpectedByte(at: position) }
            position += 1
        }
        append(kind, from: start)
    }

    /// `-`, digits without a leading zero, a fraction, an exponent (§6).
    private mutating func parseNumber(_ text: Span<UInt8>) throws(JSONError) {
        let start = position
        if text[position] == UInt8(ascii: "-") { position += 1 }
        let isZero = position < text.count && text[position] == UInt8(ascii: "0")
        let integerCount = try skipDigits(text)
        guard integerCount == 1 || !isZero else { throw .malformedNumber }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            _ = try skipDigits(text)
        }
        if position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < text.count, text[position] == UInt8(ascii: "+") || text[position] == UInt8(ascii: "-") {
                position += 1
            }
            _ = try skipDigits(text)
        }
        append(.number, from: start)
    }

    /// At least one digit; how many there were.
    private mutating func skipDigits(_ text: Span<UInt8>) throws(JSONError) -> Int {
        let start = position
        while position < text.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(text[position]) { position += 1 }
        guard position == start else { return position - start }
        throw position == text.count ? .truncated : .malformedNumber
    }

    private mutating func parseString(_ text: Span<UInt8>) throws(JSONError) {
        let start = position
        position += 1
        var kind = JSONNode.Kind.plainString
        while true {
            position = JSONText.endOfPlainRun(in: text, from: position)
            guard position < text.count else { throw .truncated }
            switch text[position] {
            case UInt8(ascii: "\""):
                position += 1
                append(kind, from: start)
                return
            case UInt8(ascii: "\\"):
                kind = .escapedString
                position += try JSONText.escapeByteCount(in: text, at: position)
            case 0x80...:
                position += try JSONText.sequenceByteCount(in: text, at: position)
            default:
                // §7: control bytes are written as escapes.
                throw .malformedString
            }
        }
    }
}
