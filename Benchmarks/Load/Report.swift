/// A run in words, or in one line of JSON.
struct Report {
    let options: Options
    let outcome: Outcome

    var text: String {
        let interval = outcome.interval
        var lines = [title]
        lines.append(
            "  \(interval.delivered) in \(Self.rounded(interval.seconds, 2)) s: "
                + "\(Int(Double(interval.delivered) / interval.seconds)) a second")
        if let cost = interval.microsecondsPerOperation {
            lines.append("  server CPU: \(Self.rounded(cost, 2)) µs each, \(Self.percent(serverShare)) of a core")
        }
        lines.append(
            "  generator: \(Self.percent(interval.generatorShare)) of a core; "
                + "others: \(Self.percent(interval.foreignShare)) of the machine")
        if let memory = outcome.memory {
            lines.append(
                "  memory: \(memory.before / 1024) KB before, \(memory.open / 1024) KB open, "
                    + "\(memory.afterwards / 1024) KB released; \(bytesPerAllocation ?? 0) bytes an allocation")
            if let share = memory.idleCPUShare { lines.append("  idle CPU: \(Self.percent(share)) of a core") }
        }
        if outcome.lost > 0 { lines.append("  lost: \(outcome.lost) of \(outcome.sent)") }
        if outcome.unexpected > 0 { lines.append("  of another length than expected: \(outcome.unexpected)") }
        if outcome.failures > 0 { lines.append("  refused: \(outcome.failures), with \(outcome.refusals)") }
        if interval.isSaturated {
            lines.append("  The generator was at its limit: this says more about it than about the server.")
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        let interval = outcome.interval
        var fields: [(String, String)] = [
            ("mode", quoted(options.mode.rawValue)), ("direction", quoted(options.direction.rawValue)),
            ("allocations", "\(options.allocations)"), ("payload", "\(options.payload)"),
            ("burst", "\(options.burst)"), ("seconds", "\(interval.seconds)"),
            ("delivered", "\(interval.delivered)"),
            ("perSecond", "\(Double(interval.delivered) / interval.seconds)"),
            ("serverMicroseconds", interval.microsecondsPerOperation.map { "\($0)" } ?? "null"),
            ("serverShare", "\(serverShare)"), ("generatorShare", "\(interval.generatorShare)"),
            ("foreignShare", "\(interval.foreignShare)"), ("saturated", "\(interval.isSaturated)"),
            ("sentInAll", "\(outcome.sent)"), ("lostInAll", "\(outcome.lost)"), ("stalls", "\(outcome.stalls)"),
            ("unexpected", "\(outcome.unexpected)"), ("failures", "\(outcome.failures)"),
        ]
        if let memory = outcome.memory {
            fields += [
                ("residentBefore", "\(memory.before)"), ("residentOpen", "\(memory.open)"),
                ("residentAfterwards", "\(memory.afterwards)"),
                ("bytesPerAllocation", "\(bytesPerAllocation ?? 0)"),
                ("idleCPUShare", memory.idleCPUShare.map { "\($0)" } ?? "null"),
            ]
        }
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private var title: String {
        switch options.mode {
        case .channel, .indication:
            "\(options.mode.rawValue) \(options.direction.rawValue), \(options.allocations) allocations, "
                + "\(options.payload) bytes, bursts of \(options.burst)"
        case .binding: "binding, \(options.allocations) clients"
        case .allocate: "allocation cycles"
        case .idle: "idle, \(options.allocations) allocations"
        }
    }

    private var serverShare: Double { (outcome.interval.server ?? 0) / outcome.interval.seconds }

    private var bytesPerAllocation: Int? {
        outcome.memory.map { ($0.open - $0.before) / options.allocations }
    }

    private func quoted(_ word: String) -> String { "\"\(word)\"" }

    private static func percent(_ share: Double) -> String { "\(rounded(share * 100, 1)) %" }

    private static func rounded(_ value: Double, _ digits: Int) -> String {
        let factor = digits == 2 ? 100.0 : 10.0
        return "\((value * factor).rounded() / factor)"
    }
}
