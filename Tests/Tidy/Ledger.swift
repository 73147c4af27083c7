/// One row of a conformance ledger: what an RFC requires, or we require of ourselves, and what became of it.
struct LedgerRow: Sendable {
    enum State: Equatable, Sendable {
        /// The requirement is met, and a test must cite it.
        case met
        /// We do otherwise; Deviations.md says why under this heading.
        case exception(heading: String)
        case notApplicable
        case open
        /// Something that the ledger does not know.
        case unreadable
    }

    let id: String
    let level: String
    let state: State
    /// What the cells for code and test quote with backticks: symbols, and files without `Tests/` and `.swift`.
    let code: [String]
    let tests: [String]
    let path: String
    let line: Int

    /// Reads `| id | level | in our words | code | test |`. Nil for lines that are no row, such as the head.
    init?(_ line: Substring, path: String, number: Int) {
        guard line.hasPrefix("|") else { return nil }
        let cells = Self.cells(line)
        guard let id = cells.first?.filter({ $0 != "`" }), Self.isIdentifier(id) else { return nil }
        self.id = id
        level = cells.count > 1 ? cells[1] : ""
        self.path = path
        self.line = number
        state = cells.count >= 4 ? Self.state(cells[3...]) : .unreadable
        code = cells.count >= 4 ? Self.quoted(cells[3]) : []
        tests = cells.count >= 5 ? Self.quoted(cells[4]) : []
    }

    private static func quoted(_ cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { !$0.offset.isMultiple(of: 2) }.map { String($0.element) }
    }

    private static func state(_ cells: ArraySlice<String>) -> State {
        for cell in cells {
            let text = cell.lowercased()
            if text.hasPrefix("not applicable") { return .notApplicable }
            if text.hasPrefix("open") { return .open }
            guard text.hasPrefix("exception") else { continue }
            let quoted = cell.split(separator: "\"", omittingEmptySubsequences: false)
            return quoted.count == 3 ? .exception(heading: quoted[1].filter { $0 != "`" }) : .unreadable
        }
        return cells.count == 2 && cells.allSatisfy { !$0.isEmpty } ? .met : .unreadable
    }

    /// The cells without the spaces around them. A bar within a cell is written `\|`.
    private static func cells(_ line: Substring) -> [String] {
        var cells: [String] = []
        var cell = ""
        var isEscaped = false
        for character in line.dropFirst() {
            if character == "|", !isEscaped {
                cells.append(cell.trimmed)
                cell = ""
            } else {
                cell.append(character)
            }
            isEscaped = character == "\\"
        }
        if !cell.trimmed.isEmpty { cells.append(cell.trimmed) }
        return cells
    }

    /// `R8489-14.5-1`: the RFC, the section, a running number. `RI-quota-1`: our own rule.
    static func isIdentifier(_ text: String) -> Bool {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 2, parts.allSatisfy({ !$0.isEmpty }) else { return false }
        guard parts[0] != "RI" else { return true }
        return parts.count >= 3 && parts[0].hasPrefix("R") && parts[0].count > 1
            && parts[0].dropFirst().allSatisfy(\.isNumber)
    }
}

extension LedgerRow {
    /// The words of what the row names as its code, without arguments and without what it leaves out with `…`.
    var symbols: [String] {
        code.filter { !$0.hasPrefix("…") }.flatMap { name in
            name.prefix { $0 != "(" }.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init)
        }
    }
}

/// The ledgers of a tree, and the tests that cite them.
struct Ledger: Sendable {
    let rows: [LedgerRow]
    let citations: [(id: String, file: TrackedFile, line: Int)]
    let deviations: Set<String>

    static let deviationsPath = "Docs/Conformance/Deviations.md"

    init(_ tree: Tree) {
        rows = tree.files(under: "Docs/Conformance/").filter(\.isMarkdown).flatMap { file in
            file.lines.enumerated().compactMap { LedgerRow($0.element, path: file.path, number: $0.offset + 1) }
        }
        citations = tree.swift(under: "Tests/").flatMap { file, source in
            source.citations.map { ($0.text, file, $0.line) }
        }
        deviations = Set(tree.file(Self.deviationsPath)?.headings ?? [])
    }
}

extension SourceText {
    /// The literals of `.requirement("…")`.
    fileprivate var citations: [Token] {
        tokens.indices.flatMap { index -> [Token] in
            guard tokens[index].isWord("requirement"), token(index - 1)?.isSymbol(".") == true,
                token(index + 1)?.isSymbol("(") == true, let close = partner[index + 1]
            else { return [] }
            return tokens[index..<close].filter { $0.kind == .string }
        }
    }
}

extension String {
    fileprivate var trimmed: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
