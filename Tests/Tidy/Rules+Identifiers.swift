extension Rule {
    /// Words that need a reason, or have no place where they stand.
    static let identifiers: [Rule] = [
        Rule(
            "no-clock-chance-threads-output", check: impurities,
            examples: [
                Example(
                    "Sources/TURN/A.swift", "let a = ContinuousClock()\nlet b = SuspendingClock.now", lines: [1, 2]),
                Example("Sources/STUN/A.swift", "var g = SystemRandomNumberGenerator()", lines: [1]),
                Example(
                    "Sources/TURN/A.swift",
                    "let a = Int.random(in: 0..<9)\nlet b = Int.random(in: f(1), using: &g)\nlet c = x.shuffled()",
                    lines: [1, 3]),
                Example("Sources/TURN/A.swift", "Task { }\nTask.detached { }\nDispatchQueue.main", lines: [1, 2, 3]),
                Example("Sources/TURN/A.swift", "print(1)\nself.print(1)\nfunc print(x: Int)\n// print(1)", lines: [1]),
                Example(
                    "Sources/Crypto/A.swift", "clock_gettime(1, &t)\ngetrandom(p, 1, 0)\nDate()", lines: [1, 2, 3]),
                Example("Sources/tern/A.swift", "print(1)"),
            ]),
        Rule("no-forced", check: forced, examples: forcedExamples),
        Rule(
            "no-unchecked",
            check: { unlessReasoned(in: $0, advice: uncheckedAdvice) },
            examples: [
                Example("Sources/A/A.swift", "final class A: @unchecked Sendable {}", lines: [1]),
                Example("Sources/A/A.swift", "nonisolated(unsafe) var a = 1\nnonisolated var b = 1", lines: [1]),
                Example(
                    "Sources/A/A.swift", "let a = b &+ c\nlet d = e &- f &* g\nh &+= 1\nif a && +b, a & b {}",
                    lines: [1, 2, 3]),
                Example(
                    "Sources/A/A.swift",
                    "let a = b &+ c  // reason: modular\n// reason: the same\n// again\nlet d = e &* f\nlet g = h &- i",
                    lines: [5]),
                Example("Tests/A/A.swift", "let a = b &+ c"),
            ]),
        Rule(
            "no-public",
            check: { tree in
                tree.swift(under: "Sources/", "Benchmarks/").flatMap { file, source in
                    source.tokens.indices.compactMap { index in
                        let word = source.tokens[index]
                        guard word.isWord("public") || word.isWord("open"), source.isModifier(index) else { return nil }
                        return Finding(file, word.line, "say package: nobody outside of this package uses it")
                    }
                }
            },
            examples: [
                Example("Sources/A/A.swift", "public struct A {}\nopen class B {}\npublic import C", lines: [1, 2]),
                Example("Sources/A/A.swift", "public private(set) var a = 1\n@frozen public enum A {}", lines: [1, 2]),
                Example("Sources/A/A.swift", "open(path)\nlet open = 1\nopen.close()\ncase .open: f(open: 1)"),
            ]),
    ]

    /// The core gets time, chance and bytes as arguments, and answers with values: that is what makes it replayable.
    private static func impurities(in tree: Tree) -> [Finding] {
        let names: Set = [
            "ContinuousClock", "SuspendingClock", "SystemRandomNumberGenerator", "DispatchQueue", "clock_gettime",
            "gettimeofday", "getrandom", "arc4random", "Thread", "Task",
        ]
        let calls: Set = ["print", "debugPrint", "dump", "Date", "time"]
        let draws: Set = ["random", "shuffled", "shuffle", "randomElement"]
        let folders = Layer.table.filter { [.foundations, .protocols].contains($0.ring) }.map { "Sources/\($0.name)/" }
        return folders.flatMap { tree.swift(under: $0) }.flatMap { file, source in
            source.tokens.indices.compactMap { index in
                let word = source.tokens[index]
                guard word.kind == .word else { return nil }
                let isMember = source.token(index - 1)?.isSymbol(".") == true
                let isCall = source.token(index + 1)?.isSymbol("(") == true
                let isDeclared = source.token(index - 1)?.isWord("func") == true
                if names.contains(word.text) || (calls.contains(word.text) && isCall && !isMember && !isDeclared) {
                    return Finding(
                        file, word.line, "\(word.text) does not belong into the core: take it as an argument")
                }
                if draws.contains(word.text), isCall, isMember, !source.call(at: index + 1, hasLabel: "using") {
                    return Finding(file, word.line, "say `using:`: the core does not choose its own chance")
                }
                return nil
            }
        }
    }

    private static func forced(in tree: Tree) -> [Finding] {
        tree.swift(under: "Sources/").flatMap { file, source in
            source.tokens.indices.compactMap { index in
                guard source.isForcing(index), !source.givesReason(at: source.tokens[index].line) else { return nil }
                return Finding(
                    file, source.tokens[index].line,
                    "unwrap with guard, or say after `// reason:` why it cannot fail")
            }
        }
    }

    private static let forcedExamples = [
        Example("Sources/A/A.swift", "let a = b!\nlet c = d()!\nlet e = f[0]!.g\nlet h = i?.j!", lines: [1, 2, 3, 4]),
        Example(
            "Sources/A/A.swift", "let a = try! b()\nlet c = d as! E\nvar f: G!\nh! = i\nj!.k", lines: [1, 2, 3, 4, 5]),
        Example("Sources/A/A.swift", "let text = \"a\\(b!)c\"\nlet other = \"\"\"\n  \\(c!)\n  \"\"\"", lines: [1, 3]),
        Example(
            "Sources/A/A.swift",
            "if a != b, !c, (!d), [!e], f&&(!g), h!=i {}\n#if !os(Linux)\n#endif\n// a!\nlet x = \"y!\" // z!\n/* w! */"
        ),
        Example("Sources/A/A.swift", "try? a()\nlet b = c as? D\nreturn !e"),
        Example("Sources/A/A.swift", "let a = b! // reason: set one line above\nlet c = d!", lines: [2]),
        Example("Tests/A/A.swift", "let a = b!"),
    ]

    private static func unlessReasoned(in tree: Tree, advice: (SourceText, Int) -> String?) -> [Finding] {
        tree.swift(under: "Sources/").flatMap { file, source in
            source.tokens.indices.compactMap { index in
                guard let text = advice(source, index) else { return nil }
                let line = source.tokens[index].line
                return source.givesReason(at: line) ? nil : Finding(file, line, text)
            }
        }
    }

    private static func uncheckedAdvice(_ source: SourceText, _ index: Int) -> String? {
        let token = source.tokens[index]
        guard let next = source.token(index + 1) else { return nil }
        if token.isSymbol("@"), next.isWord("unchecked") {
            return "let the compiler check it, or say after `// reason:` why it is safe to share"
        }
        if token.isWord("nonisolated"), next.isSymbol("("), source.token(index + 2)?.isWord("unsafe") == true {
            return "give it an owner, or say after `// reason:` why it is safe to share"
        }
        let isOperator = ["+", "-", "*"].contains(next.text) && next.kind == .symbol && token.touches(next)
        let isAlone = source.token(index - 1).map { !($0.isSymbol("&") && $0.touches(token)) } ?? true
        if token.isSymbol("&"), isOperator, isAlone {
            return "check for overflow, or say after `// reason:` why it wraps"
        }
        return nil
    }
}

extension SourceText {
    /// Whether the `!` there says "I know better": it ends an expression, a type, `try` or `as`.
    func isForcing(_ index: Int) -> Bool {
        guard tokens[index].isSymbol("!"), let before = token(index - 1), before.touches(tokens[index]) else {
            return false
        }
        if let next = token(index + 1), tokens[index].touches(next), next.isSymbol("=") { return false }
        switch before.kind {
        case .word: return true
        case .string: return false
        case .symbol: return [")", "]", "}", ">", "?", "!"].contains(before.text)
        }
    }

    /// Whether the word there modifies a declaration, rather than being a name.
    func isModifier(_ index: Int) -> Bool {
        let declarations: Set = [
            "struct", "enum", "class", "actor", "protocol", "typealias", "func", "var", "let", "init", "subscript",
            "extension", "static", "final", "indirect", "mutating", "override", "convenience", "required", "private",
            "internal", "fileprivate", "package", "nonisolated", "lazy", "weak", "borrowing", "consuming",
        ]
        guard let next = token(index + 1), next.kind == .word, token(index - 1)?.isSymbol(".") != true else {
            return false
        }
        return declarations.contains(next.text)
    }

    /// Whether the call with its parenthesis there has an argument with this label.
    func call(at open: Int, hasLabel label: String) -> Bool {
        guard let close = partner[open] else { return false }
        return (open..<close).contains { tokens[$0].isWord(label) && token($0 + 1)?.isSymbol(":") == true }
    }
}
