/// The lines from the keyword of a function to its closing brace.
struct FunctionSpan: Equatable, Sendable {
    let name: String
    let firstLine: Int
    let lastLine: Int

    var lineCount: Int { lastLine - firstLine + 1 }
}

/// A type where it is declared, not where it is extended.
struct TypeDeclaration: Sendable {
    let name: String
    /// The line of its keyword.
    let line: Int
    /// The line of its first attribute or modifier.
    let firstLine: Int
    let modifiers: Set<String>
}

extension SourceText {
    /// The modules that the file imports, with their lines.
    var imports: [(module: String, line: Int)] {
        let kinds: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
        return tokens.indices.compactMap { index in
            guard tokens[index].isWord("import"), let next = token(index + 1), next.kind == .word else { return nil }
            guard next.line == tokens[index].line, token(index - 1)?.isSymbol(".") != true else { return nil }
            let module = kinds.contains(next.text) ? token(index + 2) ?? next : next
            return (module.text, next.line)
        }
    }

    /// The types that the file declares.
    var types: [TypeDeclaration] {
        let keywords: Set = ["struct", "enum", "class", "actor", "protocol", "typealias"]
        let notNames: Set = ["func", "var", "let", "subscript", "init", "override", "final"]
        return tokens.indices.compactMap { index in
            let keyword = tokens[index]
            guard keyword.kind == .word, keywords.contains(keyword.text) else { return nil }
            guard let name = token(index + 1), name.kind == .word, !notNames.contains(name.text) else { return nil }
            guard token(index - 1)?.isSymbol(".") != true, token(index - 1)?.isWord("import") != true else {
                return nil
            }
            let (first, modifiers) = modifiers(before: index)
            return TypeDeclaration(
                name: name.text, line: keyword.line, firstLine: tokens[first].line, modifiers: modifiers)
        }
    }

    /// Walks back over `@attribute(…)` and `package final` to the first token of a declaration.
    private func modifiers(before index: Int) -> (first: Int, words: Set<String>) {
        let known: Set = [
            "package", "public", "internal", "private", "fileprivate", "final", "indirect", "open", "nonisolated",
        ]
        var first = index
        var words: Set<String> = []
        while let previous = token(first - 1) {
            if previous.kind == .word, known.contains(previous.text) {
                words.insert(previous.text)
                first -= 1
            } else if previous.kind == .word, token(first - 2)?.isSymbol("@") == true {
                first -= 2
            } else if previous.isSymbol(")"), let open = partner[first - 1], token(open - 2)?.isSymbol("@") == true {
                first = open - 2
            } else {
                break
            }
        }
        return (first, words)
    }

    /// Every function, initialiser, subscript and computed property that has a body.
    var functions: [FunctionSpan] {
        tokens.indices.compactMap { index in
            guard tokens[index].kind == .word, token(index - 1)?.isSymbol(".") != true else { return nil }
            guard let body = bodyOfDeclaration(at: index), let end = partner[body] else { return nil }
            let isNamed = ["func", "var"].contains(tokens[index].text)
            let name = isNamed ? token(index + 1)?.text ?? "" : tokens[index].text
            return FunctionSpan(name: name, firstLine: tokens[index].line, lastLine: tokens[end].line)
        }
    }

    private func bodyOfDeclaration(at index: Int) -> Int? {
        let next = token(index + 1)
        switch tokens[index].text {
        case "func":
            guard let parameters = tokens[index...].firstIndex(where: { $0.isSymbol("(") }) else { return nil }
            // The operator `(` cannot be declared, so the first parenthesis opens the parameters.
            return bodyAfterParameters(parameters)
        case "init", "subscript":
            guard let next, next.kind == .symbol, ["(", "<", "?", "!"].contains(next.text) else { return nil }
            guard let parameters = tokens[index...].firstIndex(where: { $0.isSymbol("(") }) else { return nil }
            return bodyAfterParameters(parameters)
        case "deinit":
            return next?.isSymbol("{") == true ? index + 1 : nil
        case "var":
            let bindings: Set = ["if", "guard", "while", "case", ",", "("]
            guard !bindings.contains(token(index - 1)?.text ?? "") else { return nil }
            return brace(from: index + 1, continuations: [])
        default:
            return nil
        }
    }

    private func bodyAfterParameters(_ parameters: Int) -> Int? {
        guard let close = partner[parameters] else { return nil }
        return brace(from: close + 1, continuations: ["{", "where", "-", "throws", "async", "rethrows"])
    }

    /// The opening brace of a declaration, unless the declaration ends at the end of a line before it.
    private func brace(from start: Int, continuations: Set<String>) -> Int? {
        var index = start
        while let current = token(index), let previous = token(index - 1) {
            if current.line > previous.line, !previous.isSymbol(","), !continuations.contains(current.text) {
                return nil
            }
            if current.isSymbol("{") { return index }
            if current.isSymbol("}") || current.isSymbol(")") { return nil }
            if current.isSymbol("(") || current.isSymbol("[") {
                guard let close = partner[index] else { return nil }
                index = close
            }
            index += 1
        }
        return nil
    }

    /// The functions of a C file: braces at the outermost level that follow a parameter list.
    var functionsOfC: [FunctionSpan] {
        var spans: [FunctionSpan] = []
        var index = 0
        while index < tokens.count {
            if tokens[index].isSymbol("{"), let end = partner[index] {
                if token(index - 1)?.isSymbol(")") == true, let open = partner[index - 1] {
                    let name = token(open - 1) ?? tokens[open]
                    spans.append(
                        FunctionSpan(name: name.text, firstLine: name.line, lastLine: tokens[end].line))
                }
                index = end
            }
            index += 1
        }
        return spans
    }
}
