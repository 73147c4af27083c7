extension Rule {
    /// What dashboards, alerts and pages say of figures.
    static let monitoring: [Rule] = [
        Rule(
            "metrics-documented",
            check: { tree in
                let page = tree.file(Monitoring.page)?.text ?? ""
                return Monitoring.metrics(in: tree).subtracting(Monitoring.words(of: page)).sorted().map {
                    Finding(Monitoring.page, 1, "say what \($0) is")
                }
            },
            examples: [
                Example([Monitoring.source: "\"tern_a_total\"\n", Monitoring.page: "| `tern_a_total` |\n"]),
                Example([Monitoring.source: "\"tern_a_total\"\n"], findings: ["\(Monitoring.page):1"]),
                Example(
                    [Monitoring.source: "\"turn_a\"\n\"process_b\"\n", Monitoring.page: "`turn_a`, `process_bc`\n"],
                    findings: ["\(Monitoring.page):1"]),
            ]),
        Rule(
            "metrics-exist",
            check: { tree in
                let known = Monitoring.metrics(in: tree)
                return tree.files.filter { Monitoring.speaksOfMetrics($0.path) }.flatMap { file in
                    file.lines.enumerated().flatMap { offset, line in
                        Monitoring.words(of: String(line)).filter { Monitoring.isMetric($0) && !known.contains($0) }
                            .sorted().map { Finding(file, offset + 1, "no metric is called \($0)") }
                    }
                }
            },
            examples: [
                Example([
                    Monitoring.source: "text.gauge(\"tern_a\", \"Something.\", 1)\n",
                    "Packaging/grafana/b.json": "\"expr\": \"sum(tern_a{job=~\\\"$job\\\"})\"\n",
                    Monitoring.page: "`tern_a`, [a word](tern_a) turn_\n",
                ]),
                Example(
                    [
                        Monitoring.source: "\"tern_a\"\n",
                        "Packaging/grafana/b.json": "1\n\"rate(tern_b[1m]) / tern_a\"\n",
                        "Packaging/prometheus/c.yml": "expr: tern_a_total > 1\n",
                        Monitoring.page: "`turn_a`\n",
                        "Docs/Other.md": "`tern_c`\n",
                    ],
                    findings: [
                        "Packaging/grafana/b.json:2", "Packaging/prometheus/c.yml:1", "\(Monitoring.page):1",
                    ]),
            ]),
        // The dashboard has a sentence for each reason; without it there would be the name of an enumerator.
        Rule(
            "drops-in-words",
            check: { tree in
                let words = Monitoring.words(of: tree.file(Monitoring.panels)?.text ?? "")
                return Monitoring.dropReasons(in: tree).filter { !words.contains($0) }.map {
                    Finding(Monitoring.panels, 1, "put the reason \($0) into words")
                }
            },
            examples: [
                Example([
                    Monitoring.reasons: "enum DropReason {\n    /// A.\n    case a\n    case bC\n}\n",
                    Monitoring.panels: "{\n  a: [\"A\"],\n  bC: [\"B\"],\n}\n",
                ]),
                Example(
                    [Monitoring.reasons: "    case a\n    case b, c\n", Monitoring.panels: "a: [], b: []\n"],
                    findings: ["\(Monitoring.panels):1"]),
            ]),
    ]
}

/// Where metrics are made, and where they are spoken of.
private enum Monitoring {
    static let source = "Sources/ServerRuntime/Operations/ServerMetrics.swift"
    static let page = "Docs/Operating/Monitoring.md"
    static let reasons = "Sources/TURN/Relay/DropReason.swift"
    static let panels = "Sources/Pages/site/dashboard/panels.js"

    static func speaksOfMetrics(_ path: String) -> Bool {
        path == page || path.hasPrefix("Packaging/grafana/") || path.hasPrefix("Packaging/prometheus/")
    }

    /// The names that stand between quotes where the text for Prometheus is made.
    static func metrics(in tree: Tree) -> Set<String> {
        let parts = (tree.file(source)?.text ?? "").split(separator: "\"", omittingEmptySubsequences: false)
        return Set(parts.map(String.init).filter { isMetric($0) && words(of: $0) == [$0] })
    }

    /// A name of ours, of a process, or of coturn's: `tern_allocations`.
    static func isMetric(_ word: String) -> Bool {
        ["tern_", "process_", "turn_", "stun_"].contains { word.hasPrefix($0) && word.count > $0.count }
    }

    static func words(of text: String) -> Set<String> {
        Set(text.split { !($0.isLetter || $0.isNumber || $0 == "_") }.map(String.init))
    }

    static func dropReasons(in tree: Tree) -> [String] {
        (tree.file(reasons)?.lines ?? []).flatMap { line -> [String] in
            let words = line.split { $0 == " " || $0 == "," }
            return words.first == "case" ? words.dropFirst().map(String.init) : []
        }
    }
}
