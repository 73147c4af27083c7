/// A word, a literal or one character of punctuation, as far as the rules need to tell them apart.
struct Token: Equatable, Sendable {
    enum Kind: Sendable {
        /// An identifier, a keyword or a number.
        case word
        /// A string literal. Its text is what stands between the quotes, without interpolations.
        case string
        /// One character of an operator or a bracket.
        case symbol
    }

    let kind: Kind
    var text: String
    let line: Int
    /// Where it begins and ends in the file, to tell `a! = b` from `a != b`.
    let start: Int
    var end: Int

    func isSymbol(_ text: String) -> Bool { kind == .symbol && self.text == text }
    func isWord(_ text: String) -> Bool { kind == .word && self.text == text }
    func touches(_ next: Token) -> Bool { end == next.start }
}

/// A source file cut into tokens and comments, so that no rule trips over a word in a comment or in a string.
struct SourceText: Sendable {
    var tokens: [Token] = []
    /// The comment that stands on a line, from its slashes on.
    var comments: [Int: String] = [:]
    /// For each opening bracket the index of its closing one, and the reverse. Brackets that do not match are missing.
    private(set) var partner: [Int: Int] = [:]

    enum Language { case swift, c }

    init(_ text: String, language: Language = .swift) {
        var lexer = Lexer(bytes: Array(text.utf8), language: language)
        lexer.run()
        tokens = lexer.tokens
        comments = lexer.comments
        var open: [Int] = []
        for (index, token) in tokens.enumerated() where token.kind == .symbol {
            switch token.text {
            case "(", "[", "{":
                open.append(index)
            case ")", "]", "}":
                guard let opening = open.popLast() else { continue }
                partner[opening] = index
                partner[index] = opening
            default: break
            }
        }
    }

    /// The token there, or nil outside of the file.
    func token(_ index: Int) -> Token? { tokens.indices.contains(index) ? tokens[index] : nil }

    /// Whether the author gives a `reason:` on this line or in the comment that ends on the line above.
    func givesReason(at line: Int) -> Bool {
        if comments[line]?.contains("reason:") == true { return true }
        let linesOfCode = Set(tokens.lazy.filter { $0.line < line && $0.line > line - 10 }.map(\.line))
        var above = line - 1
        while let comment = comments[above], !linesOfCode.contains(above) {
            if comment.contains("reason:") { return true }
            above -= 1
        }
        return false
    }
}
