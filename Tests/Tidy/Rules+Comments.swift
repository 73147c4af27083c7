extension Rule {
    /// What has to be said in a comment, and what must not stay there.
    static let comments: [Rule] = [
        Rule(
            "documented-types",
            check: { tree in
                tree.swift(under: "Sources/").flatMap { file, source in
                    source.types.filter { $0.modifiers.contains("package") && !source.isDocumented($0) }.map {
                        Finding(file, $0.line, "say in a doc comment what \($0.name) is")
                    }
                }
            },
            examples: [
                Example("Sources/A/A.swift", "package struct A {}\n\n/// B.\npackage final class B {}", lines: [1]),
                Example("Sources/A/A.swift", "/// A.\n@frozen\n@available(*, unavailable)\npackage enum A {}"),
                Example("Sources/A/A.swift", "@usableFromInline\n/// A.\npackage enum A {}\nstruct B {}"),
                Example("Sources/A/A.swift", "// Not for the documentation.\npackage typealias A = Int", lines: [2]),
                Example("Sources/A/A.swift", "@usableFromInline package indirect enum A {}", lines: [1]),
            ]),
        Rule(
            "documented-files",
            check: { tree in
                tree.files.compactMap { file in
                    guard let line = file.firstUndocumentedLine else { return nil }
                    return Finding(file, line, "begin with a comment that says what this is for")
                }
            },
            examples: [
                Example("Sources/A/A.swift", "import B\n\nextension C {}", lines: [3]),
                Example("Sources/A/A.swift", "// Why.\nimport B\n\nextension C {}"),
                Example("Sources/A/A.swift", "import B\n\n// Why.\n\nextension C {}"),
                Example("Sources/A/A.swift", "package import B\n\n/// C.\n@frozen\nstruct C {}"),
                Example("Sources/A/A.swift", "extension C {\n    /// D.\n    func d() {}\n}"),
                Example(
                    "Sources/A/A.swift", "extension C {\n    func d() {}\n    /// E.\n    func e() {}\n}", lines: [1]),
                Example("Tests/A/A.swift", "import Testing\n\nlet a = 1\n\n@Suite(\"A\")\nstruct A {}"),
                Example("Tests/A/A.swift", "import Testing\n\nlet a = 1\n/// B.\nstruct B {}"),
                Example("Tests/A/A.swift", "import Testing\n\nstruct A {}", lines: [3]),
                Example("Sources/A/a.c", "#include <a.h>\n", lines: [1]),
                Example("Sources/A/a.h", "// A.\n#pragma once\n"),
                Example("Scripts/a", "#!/bin/sh\n# Does it.\nset -e\n"),
                Example("Scripts/a", "#!/bin/sh\nset -e\n", lines: [2]),
                Example("Tests/a.py", "\"\"\"Does it.\"\"\"\n"),
                Example("Tests/a.py", "import sys\n", lines: [1]),
            ]),
        Rule(
            "nothing-left-to-do",
            check: { tree in
                tree.files.filter { !$0.path.hasPrefix("Tests/Tidy/") }.flatMap { file in
                    file.linesOfProse.flatMap { line, text in
                        ["TODO", "FIXME", "XXX"].filter { text.containsWord($0) }.map {
                            Finding(file, line, "\($0): do it, or write down in Docs what is missing and why")
                        }
                    }
                }
            },
            examples: [
                Example("Sources/A/A.swift", "// TODO: later\n/// FIXME\nlet a = 1 // XXX", lines: [1, 2, 3]),
                Example("Sources/A/A.swift", "let TODO = \"TODO\"\n// mktemp XXXXXX and todo"),
                Example("Docs/A.md", "a\nTODO\n", lines: [2]),
                Example("Scripts/a", "#!/bin/sh\n# FIXME\n", lines: [2]),
            ]),
    ]

    /// Words that could stand for anything.
    static let names: [Rule] = [
        Rule(
            "telling-names",
            check: { tree in
                tree.swift().flatMap { file, source in
                    source.types.compactMap { type in
                        let words = type.name.camelCaseWords
                        guard
                            let empty = ["Manager", "Helper", "Helpers", "Util", "Utils", "Utility", "Utilities"]
                                .first(where: words.contains)
                        else { return nil }
                        return Finding(file, type.line, "\(type.name): say what it does instead of \(empty)")
                    }
                }
            },
            examples: [
                Example(
                    "Sources/A/A.swift", "struct SocketManager {}\nenum Utils {}\nclass URLHelperBase {}",
                    lines: [1, 2, 3]),
                Example(
                    "Sources/A/A.swift",
                    "struct Utilization {}\nstruct A { class func managerUtil() {} }\nlet x: Helper"),
            ]),
        Rule(
            "no-placeholders",
            check: { tree in
                tree.files.filter { $0.name.hasPrefix("Placeholder") }.map {
                    Finding($0, 1, "delete it: the target has sources of its own by now")
                }
            },
            examples: [
                Example("Tests/A/Placeholder.swift", "", lines: [1]), Example("Tests/A/A.swift", "let Placeholder = 1"),
            ]),
    ]
}

extension SourceText {
    /// Whether a doc comment ends directly above the declaration, or stands among its attributes.
    fileprivate func isDocumented(_ type: TypeDeclaration) -> Bool {
        (type.firstLine - 1..<type.line).contains { comments[$0]?.hasPrefix("///") == true }
    }
}

extension TrackedFile {
    /// The line where a file begins to explain nothing; nil when it does explain itself, or needs not.
    fileprivate var firstUndocumentedLine: Int? {
        if isSwift, let source { return source.firstUndocumentedLine }
        if isC, let source {
            return source.comments[1] == nil && !source.tokens.isEmpty ? 1 : nil
        }
        if isScript, lines.count > 1 { return lines[1].hasPrefix("#") || lines[1].hasPrefix("\"\"\"") ? nil : 2 }
        if path.hasSuffix(".py") { return lines.first?.hasPrefix("\"\"\"") == true ? nil : 1 }
        return nil
    }

    /// The comments of a source file; every line of another text file.
    fileprivate var linesOfProse: [(line: Int, text: String)] {
        if let source { return source.comments.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }
        return lines.enumerated().map { ($0.offset + 1, String($0.element)) }
    }
}

extension SourceText {
    /// The first type or, in a file of extensions only, the first declaration has to say something; so may the head.
    fileprivate var firstUndocumentedLine: Int? {
        guard let opening = tokens.first, comments[1] == nil || opening.line == 1 else { return nil }
        let lastImport = imports.last?.line ?? 0
        guard let first = tokens.firstIndex(where: { $0.line > lastImport }) else { return nil }
        if (lastImport + 1..<tokens[first].line + 1).contains(where: { comments[$0] != nil }) { return nil }
        if let type = types.first {
            let isSuite = (type.firstLine...type.line).contains { line in
                tokens.contains { $0.line == line && $0.isWord("Suite") }
            }
            return isSuite || isDocumented(type) || hasCommentAbove(type.firstLine) ? nil : type.firstLine
        }
        guard tokens[first].isWord("extension"), let body = tokens[first...].firstIndex(where: { $0.isSymbol("{") })
        else { return tokens[first].line }
        return token(body + 1).map { hasCommentAbove($0.line) } == true ? nil : tokens[first].line
    }

    private func hasCommentAbove(_ line: Int) -> Bool {
        comments[line - 1] != nil && !tokens.contains { $0.line == line - 1 }
    }
}

extension String {
    /// Whether the word occurs, and not as a part of a longer one.
    fileprivate func containsWord(_ word: String) -> Bool {
        split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { $0 == word }
    }

    /// `URLHelperBase` is `URL`, `Helper` and `Base`.
    fileprivate var camelCaseWords: [String] {
        var words: [String] = []
        var word = ""
        let letters = Array(self)
        for (index, letter) in letters.enumerated() {
            let isFollowedByLower = letters.indices.contains(index + 1) && letters[index + 1].isLowercase
            let startsWord = letter.isUppercase && (word.last?.isUppercase != true || isFollowedByLower)
            if startsWord, !word.isEmpty {
                words.append(word)
                word = ""
            }
            word.append(letter)
        }
        return words + [word]
    }
}
