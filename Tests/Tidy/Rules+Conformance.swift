extension Rule {
    /// The ledgers in Docs/Conformance, the tests that cite them, and the list of deviations.
    static let conformance: [Rule] = [
        Rule("ledger-cited", check: uncitedRows, examples: citationExamples),
        Rule(
            "ledger-rows", check: brokenRows,
            examples: [
                Example([ledgerPath: head + row("R1-2-1", "A.swift", "B.swift") + row("R1-2-2", "open", "")]),
                Example(["Docs/A.md": "no table\n"], findings: ["\(ledgerPath):1"]),
                Example([ledgerPath: head], findings: ["\(ledgerPath):1"]),
                Example(
                    [ledgerPath: head + row("R1-2-1", "A", "B") + row("R1-2-1", "A", "B") + row("R1-2-2", "A", "")],
                    findings: ["\(ledgerPath):4", "\(ledgerPath):5"]),
                Example(
                    [ledgerPath: head + row("R1-2-1", "exception: see Deviations", "")], findings: ["\(ledgerPath):3"]),
                Example([ledgerPath: head + "| R1-2-1 | MUST | half a row |\n"], findings: ["\(ledgerPath):3"]),
                Example([ledgerPath: head + "| `R1-2-1` | MUST | a \\| b | `A` | `B` |\n"]),
            ]),
        Rule(
            "ledger-leads-somewhere", check: misleadingRows,
            examples: [
                Example(
                    [
                        ledgerPath: head + row("R1-2-1", "`Server.receive`, `…SHA256`", "`ATests/A`, `ATests/B`")
                            + row("R1-2-2", "`Server.forget(_:)`", "`ATests/A`")
                            + row("R1-2-3", "`Server`", "`ATests/C`") + row("R1-2-4", "`Server`", "`ATests/B`")
                            + row("R1-2-5", "open", "`ATests/C`") + row("R1-2-6", "`Server`", "`ATests/B`"),
                        "Sources/A/A.swift": "struct Server { func receive() {} }  // forget",
                        "Tests/ATests/A.swift": """
                        @Test(.requirement("R1-2-1"), .requirement("R1-2-2"), .requirement("R1-2-6"))
                        """,
                        "Tests/ATests/B.swift": "",
                    ], findings: ["\(ledgerPath):4", "\(ledgerPath):5", "\(ledgerPath):8"])
            ]),
        Rule(
            "deviations-explained", check: unexplainedDeviations,
            examples: [
                Example([
                    ledgerPath: head + row("R1-2-1", "exception: see Deviations \"DF\"", ""),
                    Ledger.deviationsPath: "# Deviations\n\n## `DF`\n\nWhy.\n",
                ]),
                Example(
                    [
                        ledgerPath: head + "| R1-2-1 | MAY | words | exception: see Deviations \"DF\" |\n",
                        Ledger.deviationsPath: "# Deviations\n\n## Other\n\nDF\n",
                    ], findings: ["\(ledgerPath):3"]),
                Example(
                    [ledgerPath: head + row("R1-2-1", "exception: see Deviations \"DF\"", "")],
                    findings: ["\(ledgerPath):3"]),
            ]),
    ]

    private static let ledgerPath = "Docs/Conformance/README.md"
    private static let head = "| id | level | in our words | code | test |\n| --- | --- | --- | --- | --- |\n"
    private static func row(_ id: String, _ code: String, _ test: String) -> String {
        "| \(id) | MUST | words | \(code) | \(test) |\n"
    }

    private static let citationExamples = [
        Example(
            [
                ledgerPath: head + row("R1-2-1", "A", "B") + row("RI-quota-1", "A", "B") + row("R1-2-3", "A", "B")
                    + row("R1-2-4", "not applicable: no TCP", "") + row("R1-2-5", "open", "")
                    + row("R1-2-6", "exception: see Deviations \"X\"", ""),
                "Tests/A/A.swift": """
                @Test("a", .requirement("R1-2-1"), .requirement("RI-quota-1")) func a() {}
                // .requirement("R1-2-3") in a comment does not count.
                @Test("b", .requirement("R1-2-9")) func b() {}
                """,
            ], findings: ["\(ledgerPath):5", "Tests/A/A.swift:3"]),
        Example([
            ledgerPath: head + row("R1-2-1", "A", "B") + row("R1-2-2", "open", ""),
            "Tests/A/A.swift": "@Suite(.requirement(\"R1-2-1\"), .requirement(\"R1-2-2\")) struct A {}\n",
        ]),
    ]

    /// What the ledger says is met has a test that cites it, and what a test cites is in the ledger.
    private static func uncitedRows(in tree: Tree) -> [Finding] {
        let ledger = Ledger(tree)
        let cited = Set(ledger.citations.map(\.id))
        let known = Set(ledger.rows.map(\.id))
        return ledger.rows.filter { $0.state == .met && !cited.contains($0.id) }.map {
            Finding($0.path, $0.line, "no test cites \($0.id): write one, or call the row open")
        }
            + ledger.citations.filter { !known.contains($0.id) }.map {
                Finding($0.file, $0.line, "\($0.id) has no row in Docs/Conformance")
            }
    }

    /// The symbols and the files that a row names are there, and the test that cites it is in one of those files.
    private static func misleadingRows(in tree: Tree) -> [Finding] {
        let ledger = Ledger(tree)
        let sources = tree.files(under: "Sources/").compactMap(\.source)
        let words = Set(sources.flatMap { $0.tokens.lazy.filter { $0.kind == .word }.map(\.text) })
        let citing = Dictionary(grouping: ledger.citations, by: \.id).mapValues { Set($0.map(\.file.path)) }
        return ledger.rows.filter { $0.state == .met }.flatMap { row -> [Finding] in
            var advice = row.symbols.filter { !words.contains($0) }.map { "the sources have no \($0)" }
            let files = row.tests.map { "Tests/\($0).swift" }
            advice += files.filter { tree.file($0) == nil }.map { "\($0) does not exist" }
            if let citing = citing[row.id], advice.isEmpty, citing.isDisjoint(with: files) {
                advice.append("\(row.id) is cited in \(citing.sorted().joined(separator: ", ")): name that")
            }
            return advice.map { Finding(row.path, row.line, $0) }
        }
    }

    private static func brokenRows(in tree: Tree) -> [Finding] {
        let ledger = Ledger(tree)
        guard !ledger.rows.isEmpty else {
            return [Finding(ledgerPath, 1, "Docs/Conformance has no table | id | level | in our words | code | test |")]
        }
        var seen: Set<String> = []
        return ledger.rows.compactMap { row in
            if !seen.insert(row.id).inserted { return Finding(row.path, row.line, "\(row.id) is there twice") }
            guard row.state == .unreadable else { return nil }
            return Finding(
                row.path, row.line,
                "say where the code and the test are, or: exception: see Deviations \"heading\", not applicable, open")
        }
    }

    private static func unexplainedDeviations(in tree: Tree) -> [Finding] {
        let ledger = Ledger(tree)
        return ledger.rows.compactMap { row in
            guard case .exception(let heading) = row.state, !ledger.deviations.contains(heading) else { return nil }
            return Finding(row.path, row.line, "\(Ledger.deviationsPath) has no heading \"\(heading)\"")
        }
    }
}
