import Testing

/// Something to change, and where.
struct Finding: Hashable, Sendable {
    let path: String
    let line: Int
    /// What to do, for a reader who does not know the rule.
    let advice: String

    init(_ path: String, _ line: Int, _ advice: String) {
        self.path = path
        self.line = line
        self.advice = advice
    }

    init(_ file: TrackedFile, _ line: Int, _ advice: String) {
        self.init(file.path, line, advice)
    }

    var place: String { "\(path):\(line)" }
}

/// A small tree, and the places in it that a rule must find: all of them, and no others.
struct Example: Sendable {
    let tree: Tree
    let findings: [String]

    /// A single file, and the lines of it that break the rule.
    init(_ path: String, _ text: String, lines: [Int] = []) {
        tree = Tree([path: text])
        findings = lines.map { "\(path):\($0)" }
    }

    /// Several files, and the places as `path:line`.
    init(_ texts: [String: String], findings: [String] = []) {
        tree = Tree(texts)
        self.findings = findings
    }
}

/// A law of the house that a program can check. Its examples show what it catches and what it lets pass.
struct Rule: Sendable, CustomTestStringConvertible {
    let name: String
    let check: @Sendable (Tree) -> [Finding]
    let examples: [Example]

    init(_ name: String, check: @escaping @Sendable (Tree) -> [Finding], examples: [Example]) {
        self.name = name
        self.check = check
        self.examples = examples
    }

    var testDescription: String { name }

    /// The rules, by what they look at.
    static let all: [Rule] =
        layering + identifiers + lengths + comments + names + text + documents + monitoring + conformance + fuzzing
}
