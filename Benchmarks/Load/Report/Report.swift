/// A run, to be told: in words here, in one line of JSON in the other file.
struct Report {
    let options: Options
    let outcome: Outcome
    let command: [String]

    /// What was run, in a line.
    var title: String {
        let shape = "\(options.payload) B" + (options.burst > 1 ? ", bursts of \(options.burst)" : "")
        let relaying = "\(options.direction.rawValue), \(options.allocations) allocations, \(shape)"
        let what =
            switch options.mode {
            case .channel: "ChannelData " + relaying
            case .indication: "indications " + relaying
            case .churn: "ChannelData \(relaying), \(options.churnRate) others a second"
            case .binding: "Binding, \(options.allocations) clients"
            case .refresh: "Refresh, \(options.allocations) allocations"
            case .allocate: "allocation cycles"
            case .idle: "idle, \(options.allocations) \(options.isBare ? "connections" : "allocations")"
            case .handshake: options.resumes ? "handshakes, resumed" : "handshakes"
            }
        let way = options.transport == .udp ? "" : " over \(options.transport.rawValue)"
        return what + way + pace + (options.isDirect ? ", without a server" : "")
    }

    private var pace: String {
        guard options.mode != .idle, options.mode != .allocate, options.mode != .handshake else { return "" }
        return switch options.pace {
        case .flood: ", flood"
        case .rate(let perSecond): ", \(Figure.grouped(Double(perSecond)))/s"
        case .window(let size): ", window \(size)"
        }
    }

    /// What one of the things that were done is called.
    var unit: String {
        switch options.mode {
        case .channel, .indication, .churn: "datagram"
        case .binding, .refresh: "request"
        case .allocate: "cycle"
        case .idle: options.isBare ? "connection" : "allocation"
        case .handshake: options.transport == .tcp ? "connection" : "handshake"
        }
    }

    private var eachUnit: String { (unit == "allocation" ? "an " : "a ") + unit }

    var goodputBitsPerSecond: Double? {
        guard options.mode.isRelaying, outcome.interval.seconds > 0 else { return nil }
        return Double(outcome.interval.delivered * options.payload * 8) / outcome.interval.seconds
    }

    /// How many of what was done a second of the server's CPU suffices for.
    var perServerSecond: Double? { outcome.interval.microsecondsPerOperation.map { 1e6 / max($0, 1e-9) } }

    var bytesPerAllocation: Int? {
        outcome.memory.map { ($0.open - $0.before) / options.allocations }
    }

    var serverName: String {
        options.name ?? (options.isDirect ? "direct" : options.pid.flatMap(Machine.name(of:)) ?? "\(options.server)")
    }

    // MARK: - In words

    var text: String {
        var lines = ["\(serverName): \(title)"]
        for (label, value) in rows {
            lines.append("  " + label + String(repeating: " ", count: max(1, 14 - label.count)) + value)
        }
        for caveat in caveats { lines.append("  ! " + caveat) }
        return lines.joined(separator: "\n")
    }

    private var rows: [(String, String)] {
        let interval = outcome.interval
        var rows = [("done", doneText)]
        if outcome.sent > 0 {
            let share = Double(outcome.lost) / Double(outcome.sent)
            rows.append(
                (
                    "lost",
                    "\(Figure.grouped(Double(outcome.lost))) of \(Figure.grouped(Double(outcome.sent))) "
                        + "(\(Figure.percent(share)))\(dropsText)"
                ))
        }
        if let cost = interval.microsecondsPerOperation {
            let split = interval.userShare.map { ", \(Figure.percent($0)) of it outside the kernel" } ?? ""
            rows.append(
                (
                    "server CPU",
                    "\(Figure.fixed(cost, 2)) µs \(eachUnit), \(Figure.percent(interval.serverShare)) of a core" + split
                ))
        }
        if options.mode == .handshake { rows += handshakeRows }
        if let name = outcome.protocolName { rows.append(("encryption", name)) }
        if let voluntary = interval.voluntarySwitches, let involuntary = interval.involuntarySwitches {
            rows.append(
                (
                    "switches",
                    "\(perUnit(voluntary)) given up, \(perUnit(involuntary)) taken, \(eachUnit)"
                ))
        }
        if let resident = outcome.resident { rows.append(("resident", Figure.bytes(Double(resident)))) }
        rows.append(("latency", outcome.latency.map(latencyText) ?? latencyMissing))
        if let lateness = outcome.lateness {
            rows.append(("generator late", latencyText(lateness) + (outcome.skipped > 0 ? leftOut : "")))
        }
        if let memory = outcome.memory { rows += memoryRows(memory) }
        if let probe = outcome.probe { rows.append(("probe", probeText(probe))) }
        if let churn = outcome.churn { rows.append(("churn", churnText(churn))) }
        rows.append(
            (
                "generator",
                "\(Figure.percent(interval.generatorShare)) of a core busy; others used "
                    + "\(Figure.percent(interval.foreignShare)) of the machine"
            ))
        return rows.filter { !$0.1.isEmpty }
    }

    private var leftOut: String { "; \(Figure.grouped(Double(outcome.skipped))) left out" }

    private var doneText: String {
        let interval = outcome.interval
        let rate = Double(interval.delivered) / max(interval.seconds, 1e-9)
        let goodput = goodputBitsPerSecond.map { ", \(Figure.bits($0)) of payload" } ?? ""
        let count = Figure.grouped(Double(interval.delivered))
        return "\(count) \(unit)s in \(Figure.fixed(interval.seconds, 2)) s, \(Figure.grouped(rate))/s" + goodput
    }

    private var dropsText: String {
        guard outcome.lost > 0 || outcome.generatorDrops > 0 || (outcome.serverDrops ?? 0) > 0 else { return "" }
        var parts = ["the generator's sockets dropped \(Figure.grouped(Double(outcome.generatorDrops)))"]
        if let drops = outcome.serverDrops { parts.append("the server's \(Figure.grouped(Double(drops)))") }
        if outcome.refusedBySystem > 0 {
            parts.append("the system refused \(Figure.grouped(Double(outcome.refusedBySystem)))")
        }
        return "; " + parts.joined(separator: ", ")
    }

    private var latencyMissing: String {
        options.hasStamps ? "" : "not measured: a payload of \(options.payload) B has no room for a time of 12 B"
    }

    private func perUnit(_ count: Int) -> String {
        Figure.fixed(Double(count) / Double(max(1, outcome.interval.delivered)), 4)
    }

    private func latencyText(_ histogram: LatencyHistogram) -> String {
        let marks: [(String, Double)] = [("p50", 50), ("p90", 90), ("p99", 99), ("p99.9", 99.9), ("max", 100)]
        return marks.compactMap { name, percent in
            histogram.percentile(percent).map { "\(name) \(Figure.duration($0 / 1000))" }
        }.joined(separator: ", ")
    }

    private func memoryRows(_ memory: Outcome.Memory) -> [(String, String)] {
        var rows = [
            (
                "memory",
                "\(bytesPerAllocation.map { Figure.grouped(Double($0)) } ?? "–") B \(eachUnit); "
                    + "\(Figure.bytes(Double(memory.before))) before, \(Figure.bytes(Double(memory.open))) open, "
                    + "\(Figure.bytes(Double(memory.afterwards))) released"
            )
        ]
        if let share = memory.idleCPUShare { rows.append(("idle CPU", "\(Figure.percent(share)) of a core")) }
        return rows
    }

    private var handshakeRows: [(String, String)] {
        var rows: [(String, String)] = []
        if let count = perServerSecond { rows.append(("CPU second", "\(Figure.grouped(count)) \(unit)s")) }
        if let handshakes = outcome.handshakes, options.transport != .tcp {
            let (finished, resumed) = (Double(handshakes.finished), Double(handshakes.resumed))
            rows.append(("resumed", "\(Figure.grouped(resumed)) of \(Figure.grouped(finished))"))
        }
        return rows
    }

    private func probeText(_ probe: Outcome.Probe) -> String {
        let request = probe.isRefresh ? "Refresh" : "Binding"
        return "\(request): \(probe.answered) of \(probe.sent) answered, \(probe.prompt) within 50 ms, "
            + "\(probe.unanswered) unanswered, \(probe.retransmissions) retransmissions; "
            + latencyText(probe.latency)
    }

    private func churnText(_ churn: Outcome.Churn) -> String {
        let refusals = churn.refusals.isEmpty ? "" : " \(churn.refusals)"
        return "\(Figure.grouped(Double(churn.opened))) opened, \(Figure.grouped(Double(churn.released))) released, "
            + "\(churn.failures) failed\(refusals), \(churn.retransmissions) retransmissions; "
            + latencyText(churn.setUp)
    }

    /// What somebody has to know before believing the figures.
    var caveats: [String] {
        var caveats: [String] = []
        if outcome.interval.isSaturated {
            caveats.append("The generator was at its limit: this says more about it than about the server.")
        }
        if outcome.isLate {
            caveats.append("The generator could not keep the schedule: latencies of its lateness are its own.")
        }
        if outcome.interval.foreignShare > 0.08 {
            caveats.append("Others used \(Figure.percent(outcome.interval.foreignShare)) of the machine meanwhile.")
        }
        if outcome.failures > 0 {
            let first = outcome.refusals.isEmpty ? outcome.loss ?? "no answer" : "\(outcome.refusals)"
            caveats.append("Refused: \(Figure.grouped(Double(outcome.failures))), the first with \(first).")
        }
        if outcome.unexpected > 0 {
            caveats.append("\(Figure.grouped(Double(outcome.unexpected))) datagrams were not what had been sent.")
        }
        if outcome.stalls > 0 {
            caveats.append("Nothing arrived for 50 ms and the window was filled anew; so often: \(outcome.stalls).")
        }
        if outcome.endedConnections > 0 {
            caveats.append("Connections that the server ended meanwhile: \(outcome.endedConnections).")
        }
        if outcome.generatorDrops > 0 { caveats.append("Some of the loss is the generator's own.") }
        return caveats
    }
}
