/// Every figure of every run, a column for each.
struct HTMLTable {
    let runs: [RunRecord]
    let names: [String]

    var html: String {
        let head = names.map { "<th scope=\"col\">\(HTML.escape($0))</th>" }.joined()
        let titles: [(String, @Sendable (RunRecord) -> String?)] = runs.count > 1 ? [("Run", \.title)] : []
        let rows = (titles + Self.rows).compactMap { label, value -> String? in
            let cells = runs.map(value)
            guard cells.contains(where: { $0 != nil }) else { return nil }
            let columns = cells.map { "<td>\(HTML.escape($0 ?? "–"))</td>" }.joined()
            return "<tr><th scope=\"row\">\(HTML.escape(label))</th>\(columns)</tr>"
        }
        return """
            <div class="scroll"><table>
            \(runs.count > 1 ? "<thead><tr><th></th>\(head)</tr></thead>" : "")
            <tbody>
            \(rows.joined(separator: "\n"))
            </tbody></table></div>
            """
    }

    private static let rows: [(String, @Sendable (RunRecord) -> String?)] = [
        ("Delivered", { "\(Figure.grouped(Double($0.delivered))) in \(Figure.fixed($0.seconds, 2)) s" }),
        ("A second", { Figure.grouped($0.perSecond) }),
        ("Payload", { $0.goodput.map(Figure.bits) }),
        (
            "Lost of all sent",
            { run in
                guard run.sentInAll > 0 else { return nil }
                let share = Double(run.lostInAll) / Double(run.sentInAll)
                return "\(Figure.grouped(Double(run.lostInAll))) of \(Figure.grouped(Double(run.sentInAll))) "
                    + "(\(Figure.percent(share)))"
            }
        ),
        ("Dropped by the generator's sockets", { $0.sentInAll > 0 ? Figure.grouped(Double($0.generatorDrops)) : nil }),
        ("Dropped by the server's sockets", { $0.serverDrops.map { Figure.grouped(Double($0)) } }),
        ("Server CPU", { run in run.serverMicroseconds.map { "\(Figure.fixed($0, 2)) µs a \(run.unit)" } }),
        ("– of a core", { $0.serverMicroseconds == nil ? nil : Figure.percent($0.serverShare) }),
        ("– outside the kernel", { $0.serverUserShare.map(Figure.percent) }),
        ("Processor given up", { run in run.voluntarySwitches.map { "\(Figure.fixed($0, 4)) times a \(run.unit)" } }),
        ("Processor taken", { run in run.involuntarySwitches.map { "\(Figure.fixed($0, 4)) times a \(run.unit)" } }),
        ("Resident memory", { $0.residentBytes.map { Figure.bytes(Double($0)) } }),
        ("Memory of an allocation", { $0.bytesPerAllocation.map { "\(Figure.grouped(Double($0))) bytes" } }),
        ("CPU while idle", { $0.idleCPUShare.map(Figure.percent) }),
        ("Latency", { $0.latency.map(latency) }),
        ("Generator's lateness", { $0.lateness.map(latency) }),
        (
            "Probe",
            { run in
                run.probe.map {
                    "\($0.request): \($0.answered) of \($0.sent) answered, \($0.prompt) within 50 ms, "
                        + "\($0.unanswered) unanswered, \($0.retransmissions) retransmissions"
                }
            }
        ),
        ("Latency of the probe", { $0.probe?.latency.map(latency) }),
        (
            "Allocations opened meanwhile",
            { run in
                run.churn.map {
                    "\(Figure.grouped(Double($0.opened))), \($0.failures) failed, \($0.retransmissions) retransmissions"
                }
            }
        ),
        ("– time to set one up", { $0.churn?.setUp.map(latency) }),
        ("Generator busy", { "\(Figure.percent($0.generatorShare)) of a core" }),
        ("Others", { "\(Figure.percent($0.foreignShare)) of the machine" }),
    ]

    private static func latency(_ latency: RunRecord.Latency) -> String {
        [
            ("p50", latency.p50), ("p90", latency.p90), ("p99", latency.p99), ("p99.9", latency.p999),
            ("max", latency.maximum),
        ].map { "\($0) \(Figure.duration($1))" }.joined(separator: ", ")
    }
}
