extension Rule {
    /// Files that may be longer than 600 lines, and why. A file that has become shorter leaves the list.
    private static let longFiles: [String: String] = [:]

    /// What fits on a screen, and what one file can be read for.
    static let lengths: [Rule] = [
        Rule(
            "file-length",
            check: { tree in
                tree.files.compactMap { file in
                    guard file.isCode, longFiles[file.path] == nil, file.lines.count > 600 else { return nil }
                    return Finding(
                        file, 601, "\(file.lines.count) lines: split it, or exempt a table in Rules+Lengths.swift")
                }
                    + longFiles.keys.sorted().compactMap { path in
                        guard let file = tree.file(path), file.lines.count <= 600 else { return nil }
                        return Finding(file, 1, "no longer long: take it off the list in Rules+Lengths.swift")
                    }
            },
            examples: [
                Example("Sources/A/A.swift", String(repeating: "\n", count: 600)),
                Example("Sources/A/A.swift", String(repeating: "\n", count: 601), lines: [601]),
                Example("Docs/A.md", String(repeating: "\n", count: 601)),
            ]),
        Rule(
            "function-length",
            check: { tree in
                tree.files.flatMap { file -> [Finding] in
                    guard let source = file.source else { return [] }
                    let functions = file.isSwift ? source.functions : source.functionsOfC
                    return functions.filter { $0.lineCount > 60 }.map {
                        Finding(file, $0.firstLine, "\($0.name) has \($0.lineCount) lines, 60 are a screen: split it")
                    }
                }
            },
            examples: [
                Example("Sources/A/A.swift", functionText("func f(a: Int) -> Int {", lines: 60)),
                Example("Sources/A/A.swift", functionText("func f(a: Int) -> Int {", lines: 61), lines: [1]),
                Example("Sources/A/A.swift", functionText("struct S {\n    init() {", lines: 61) + "}", lines: [2]),
                Example("Tests/A/A.swift", functionText("var body: Int {", lines: 61), lines: [1]),
                Example("Sources/A/A.swift", functionText("struct S {", lines: 700)),
                Example("Sources/A/a.c", functionText("int f(int a) {", lines: 61), lines: [1]),
                Example("Sources/A/a.c", functionText("int f(int a) {", lines: 60)),
            ]),
        Rule(
            "line-length",
            check: { tree in
                tree.files.filter(\.isCode).flatMap { file in
                    file.lines.indices.filter { file.lines[$0].utf8.count > 120 && file.lines[$0].count > 120 }.map {
                        Finding(file, $0 + 1, "\(file.lines[$0].count) columns: wrap it at 120")
                    }
                }
            },
            examples: [
                Example("Sources/A/A.swift", String(repeating: "a", count: 120)),
                Example("Sources/A/A.swift", "\n" + String(repeating: "é", count: 120)),
                Example("Sources/A/A.swift", "\n" + String(repeating: "a", count: 121), lines: [2]),
                Example("Scripts/a", "#!/bin/sh\n# " + String(repeating: "a", count: 121), lines: [2]),
                Example("Docs/A.md", String(repeating: "a", count: 121)),
            ]),
    ]

    private static func functionText(_ head: String, lines: Int) -> String {
        head + String(repeating: "\n    a()", count: lines - 2) + "\n}\n"
    }
}
