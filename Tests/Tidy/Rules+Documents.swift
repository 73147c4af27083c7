import Configuration

extension Rule {
    /// What the pages promise.
    static let documents: [Rule] = [
        Rule("links-lead-somewhere", check: brokenLinks, examples: linkExamples),
        Rule(
            "decisions-numbered", check: decisions,
            examples: [
                Example([
                    "Docs/Decisions/0001-a.md": "# A\n\n## Context\n\n## Decision\n\n## How we would know\n",
                    "Docs/Decisions/0002-b.md":
                        "# B\n\n## Context and options\n\n## Decision\n\n## How we would know\n",
                    "Docs/Decisions/README.md": "# Decisions\n",
                ]),
                Example(
                    [
                        "Docs/Decisions/0001-a.md": "# A\n\n## Context\n",
                        "Docs/Decisions/0003-b.md": "# B\n\n## Context\n\n## Decision\n\n## How we would know\n",
                        "Docs/Decisions/Notes.md": "## Context\n\n## Decision\n\n## How we would know\n",
                    ],
                    findings: [
                        "Docs/Decisions/0001-a.md:1", "Docs/Decisions/0003-b.md:1", "Docs/Decisions/Notes.md:1",
                    ]),
                Example(
                    [
                        "Docs/Decisions/0001-a.md": "## Context\n## Decision\n\n## How we would know\n",
                        "Docs/Decisions/0001-b.md": "## Context\n## Decision\n\n## How we would know\n",
                    ], findings: ["Docs/Decisions/0001-b.md:1"]),
            ]),
        Rule(
            "two-commands",
            check: { tree in
                let text = tree.file("README.md")?.text ?? ""
                return ["Scripts/run", "Scripts/test"].filter { !text.contains($0) || !tree.contains($0) }.map {
                    Finding("README.md", 1, "name \($0), which is how to begin, and keep the script")
                }
            },
            examples: [
                Example(["README.md": "Scripts/run and Scripts/test\n", "Scripts/run": "", "Scripts/test": ""]),
                Example("README.md", "Scripts/run and Scripts/test\n", lines: [1]),
                Example(
                    ["README.md": "Scripts/run\n", "Scripts/run": "", "Scripts/test": ""], findings: ["README.md:1"]),
            ]),
        // That the two files are word by word what the table generates is shown by ConfigurationTests.
        Rule(
            "options-documented",
            check: { tree in
                [
                    (path: "turnserver.conf.example", names: OptionTable.all.map(\.name)),
                    (path: "Docs/Operating/Configuration.md", names: OptionTable.allNames),
                ].flatMap { path, names in
                    let text = tree.file(path)?.text ?? ""
                    let words = Set(text.split { !($0.isLetter || $0.isNumber || "-_".contains($0)) })
                    return names.filter { !words.contains(Substring($0)) }.map {
                        Finding(
                            path, 1,
                            "\($0) is missing: run TERN_WRITE_REFERENCE=1 swift test --filter ConfigurationTests")
                    }
                }
            },
            examples: [
                Example([
                    "turnserver.conf.example": OptionTable.all.map { "#\($0.name)=\n" }.joined(),
                    "Docs/Operating/Configuration.md": OptionTable.allNames.map { "`\($0)`\n" }.joined(),
                ]),
                Example(
                    [
                        "turnserver.conf.example": OptionTable.all.dropFirst().map { "#\($0.name)=\n" }.joined(),
                        "Docs/Operating/Configuration.md": OptionTable.allNames.map { "`\($0)s`\n" }.joined(),
                    ], findings: ["turnserver.conf.example:1", "Docs/Operating/Configuration.md:1"]),
            ]),
    ]

    // MARK: - Links

    private static func brokenLinks(in tree: Tree) -> [Finding] {
        let pages = tree.files.filter { $0.isMarkdown && ($0.path == "README.md" || !$0.path.hasPrefix("Sources/")) }
        return pages.flatMap { page in
            page.proseLines.flatMap { line, text in
                linkTargets(in: text).compactMap { target in
                    guard let path = resolve(target, from: page.path) else {
                        return Finding(page, line, "\(target) leads out of the repository")
                    }
                    return tree.contains(path) ? nil : Finding(page, line, "\(target) does not exist")
                }
            }
        }
    }

    /// The relative targets of `[text](target)` and `[name]: target`, without their fragments.
    private static func linkTargets(in line: String) -> [String] {
        var targets: [Substring] = []
        var rest = Substring(line)
        while let open = rest.firstRange(of: "](") {
            rest = rest[open.upperBound...]
            guard let close = rest.firstIndex(of: ")") else { break }
            targets.append(rest[..<close])
        }
        if line.hasPrefix("["), let separator = line.firstRange(of: "]: ") {
            targets.append(line[separator.upperBound...])
        }
        return targets.compactMap { target in
            let path = target.prefix { $0 != "#" && $0 != " " }
            return path.isEmpty || path.contains(":") ? nil : String(path)
        }
    }

    /// The path from the root, or nil when it leads out of the tree.
    private static func resolve(_ target: String, from page: String) -> String? {
        guard !target.hasPrefix("/") else { return nil }
        var parts = page.split(separator: "/").dropLast()
        for part in target.split(separator: "/") where part != "." {
            if part != ".." {
                parts.append(part)
            } else if parts.popLast() == nil {
                return nil
            }
        }
        return parts.joined(separator: "/")
    }

    private static let linkExamples = [
        Example(
            [
                "README.md": "[a](Docs/A.md#part), [b](https://example.org/x), [c](#here)\n[d](Docs/B.md)\n[e](../f)\n",
                "Docs/A.md": "[r](../README.md) [s](./A.md) [f](Sub) [w](wrong.md)\n[x]: missing.md\n",
                "Docs/Sub/C.md": "`[a](b)`\n```\n[a](b)\n```\n[a](b)\n",
            ], findings: ["README.md:2", "README.md:3", "Docs/A.md:1", "Docs/A.md:2", "Docs/Sub/C.md:5"])
    ]

    // MARK: - Decisions

    private static func decisions(in tree: Tree) -> [Finding] {
        let records = tree.files(under: "Docs/Decisions/").filter { $0.name != "README.md" }
        var expected = 1
        var findings: [Finding] = []
        for record in records {
            let number = record.name.prefix { $0.isNumber }
            guard number.count == 4, record.name.dropFirst(4).hasPrefix("-"), record.isMarkdown else {
                findings.append(Finding(record, 1, "call it NNNN-title.md"))
                continue
            }
            if Int(number) != expected { findings.append(Finding(record, 1, "the next number is \(expected)")) }
            expected = (Int(number) ?? expected) + 1
            for wanted in ["Context", "Decision", "How we would know"]
            where !record.headings.contains(where: { $0.hasPrefix(wanted) }) {
                findings.append(Finding(record, 1, "give it a heading \"\(wanted)\""))
            }
        }
        return findings
    }
}

extension TrackedFile {
    /// The lines of a page outside of code, with their numbers; code within a line is cut out.
    var proseLines: [(line: Int, text: String)] {
        var isInCode = false
        return lines.enumerated().compactMap { offset, text in
            if text.drop(while: { $0 == " " }).hasPrefix("```") {
                isInCode.toggle()
                return nil
            }
            guard !isInCode else { return nil }
            let outside = text.split(separator: "`", omittingEmptySubsequences: false).enumerated()
                .filter { $0.offset.isMultiple(of: 2) }
            return (offset + 1, outside.map { String($0.element) }.joined(separator: "`"))
        }
    }

    /// The headings of a page, without their marks.
    var headings: [String] {
        lines.filter { $0.hasPrefix("#") }.map { line in
            let text = line.drop { $0 == "#" || $0 == " " }
            return String(text.filter { $0 != "`" })
        }
    }
}
