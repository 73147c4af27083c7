/// A target as Package.swift declares it.
struct ManifestTarget: Equatable, Sendable {
    let kind: String
    let name: String
    let dependencies: [String]
    let path: String
    let line: Int
}

/// The targets of a manifest. It is read as text: asking SwiftPM while it runs the tests waits for its own lock.
struct Manifest: Sendable {
    let targets: [ManifestTarget]

    init(_ source: SourceText) {
        let kinds: Set = ["target", "executableTarget", "testTarget", "systemLibrary"]
        targets = source.tokens.indices.compactMap { index in
            let kind = source.tokens[index]
            guard kind.kind == .word, kinds.contains(kind.text), source.token(index - 1)?.isSymbol(".") == true,
                source.token(index + 1)?.isSymbol("(") == true, let end = source.partner[index + 1]
            else { return nil }
            let arguments = source.arguments(from: index + 2, to: end)
            // A helper function that makes targets has no literal here; those who call it are not checked.
            guard let name = arguments["name"]?.first else { return nil }
            let folder = kind.text == "testTarget" ? "Tests" : "Sources"
            return ManifestTarget(
                kind: kind.text, name: name, dependencies: arguments["dependencies"] ?? [],
                path: arguments["path"]?.first ?? "\(folder)/\(name)", line: kind.line)
        }
    }
}

extension SourceText {
    /// The labels of a call, each with the string literals of its argument.
    fileprivate func arguments(from start: Int, to end: Int) -> [String: [String]] {
        var result: [String: [String]] = [:]
        var label = ""
        var depth = 0
        for index in start..<end {
            let token = tokens[index]
            if token.kind == .string { result[label, default: []].append(token.text) }
            if ["(", "[", "{"].contains(token.text) { depth += 1 }
            if [")", "]", "}"].contains(token.text) { depth -= 1 }
            if depth == 0, token.kind == .word, self.token(index + 1)?.isSymbol(":") == true { label = token.text }
        }
        return result
    }
}
