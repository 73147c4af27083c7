/// Cuts Swift, and well enough C, into tokens. It knows nested comments, raw and multi-line strings and
/// interpolations; it does not know bare regular expressions, which the project does not use.
struct Lexer {
    let bytes: [UInt8]
    let language: SourceText.Language
    private(set) var tokens: [Token] = []
    private(set) var comments: [Int: String] = [:]
    private var position = 0
    private var line = 1

    init(bytes: [UInt8], language: SourceText.Language) {
        self.bytes = bytes
        self.language = language
    }

    mutating func run() {
        while position < bytes.count { lexCode() }
    }

    private func byte(_ offset: Int = 0) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    private func text(from start: Int) -> String { String(decoding: bytes[start..<position], as: UTF8.self) }

    private func hasPrefix(_ prefix: StaticString) -> Bool {
        prefix.withUTF8Buffer { position + $0.count <= bytes.count && bytes[position...].starts(with: $0) }
    }

    private mutating func advance() {
        if bytes[position] == UInt8(ascii: "\n") { line += 1 }
        position += 1
    }

    /// Code up to the end of the file, or up to the parenthesis that ends an interpolation.
    private mutating func lexCode(interpolation: Bool = false) {
        var depth = 0
        while let current = byte() {
            if interpolation, current == UInt8(ascii: ")"), depth == 0 { return }
            if current == UInt8(ascii: "(") { depth += 1 }
            if current == UInt8(ascii: ")") { depth -= 1 }
            lexOne(current)
        }
    }

    private mutating func lexOne(_ current: UInt8) {
        switch current {
        case UInt8(ascii: " "), UInt8(ascii: "\t"), UInt8(ascii: "\r"), UInt8(ascii: "\n"):
            advance()
        case _ where hasPrefix("//"):
            lexLineComment()
        case _ where hasPrefix("/*"):
            lexBlockComment()
        case UInt8(ascii: "\""), UInt8(ascii: "#"):
            lexStringOrSymbol()
        case UInt8(ascii: "'") where language == .c:
            lexCharacter()
        case _ where Self.isWord(current):
            let start = position
            while let next = byte(), Self.isWord(next) { position += 1 }
            append(.word, from: start)
        default:
            position += 1
            append(.symbol, from: position - 1)
        }
    }

    private mutating func append(_ kind: Token.Kind, from start: Int) {
        tokens.append(Token(kind: kind, text: text(from: start), line: line, start: start, end: position))
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "`"), UInt8(ascii: "$"), 0x80...:
            true
        default: false
        }
    }

    private mutating func lexLineComment() {
        let start = position
        while let next = byte(), next != UInt8(ascii: "\n") { position += 1 }
        comments[line, default: ""] += text(from: start)
    }

    private mutating func lexBlockComment() {
        var depth = 0
        var start = position
        repeat {
            if hasPrefix("/*") {
                depth += 1
                position += 2
            } else if hasPrefix("*/") {
                depth -= 1
                position += 2
            } else {
                if byte() == UInt8(ascii: "\n") {
                    comments[line, default: ""] += text(from: start)
                    start = position + 1
                }
                advance()
            }
            if language == .c { depth = min(depth, 1) }
        } while depth > 0 && position < bytes.count
        comments[line, default: ""] += text(from: start)
    }

    private mutating func lexCharacter() {
        let start = position
        position += 1
        while let next = byte(), next != UInt8(ascii: "'"), next != UInt8(ascii: "\n") {
            position += next == UInt8(ascii: "\\") ? 2 : 1
        }
        position = min(position + 1, bytes.count)
        append(.string, from: start)
    }

    /// A `#` begins a raw string when quotes follow; otherwise it is punctuation, as in `#if` and `#expect`.
    private mutating func lexStringOrSymbol() {
        var hashes = 0
        while byte(hashes) == UInt8(ascii: "#") { hashes += 1 }
        guard byte(hashes) == UInt8(ascii: "\"") else {
            position += 1
            append(.symbol, from: position - 1)
            return
        }
        let start = position
        position += hashes
        let isMultiline = language == .swift && hasPrefix("\"\"\"")
        position += isMultiline ? 3 : 1
        lexString(from: start, quotes: isMultiline ? 3 : 1, hashes: hashes)
    }

    private mutating func lexString(from start: Int, quotes: Int, hashes: Int) {
        let index = tokens.count
        tokens.append(Token(kind: .string, text: "", line: line, start: start, end: start))
        var content: [UInt8] = []
        let end =
            Array(repeating: UInt8(ascii: "\""), count: quotes) + Array(repeating: UInt8(ascii: "#"), count: hashes)
        let escape = [UInt8(ascii: "\\")] + Array(repeating: UInt8(ascii: "#"), count: hashes)
        while let current = byte() {
            if bytes[position...].starts(with: end) {
                position += end.count
                break
            }
            if quotes == 1, current == UInt8(ascii: "\n") { break }
            if current == UInt8(ascii: "\\"), bytes[position...].starts(with: escape) {
                position += escape.count
                lexEscape(&content)
            } else {
                content.append(current)
                advance()
            }
        }
        tokens[index].text = String(decoding: content, as: UTF8.self)
        tokens[index].end = position
    }

    private mutating func lexEscape(_ content: inout [UInt8]) {
        guard let escaped = byte() else { return }
        if escaped == UInt8(ascii: "("), language == .swift {
            position += 1
            lexCode(interpolation: true)
            if position < bytes.count { position += 1 }
        } else {
            content.append(escaped)
            advance()
        }
    }
}
