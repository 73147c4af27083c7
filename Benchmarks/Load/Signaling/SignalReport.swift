/// A run with signaling in words, or in one line of JSON.
struct SignalReport {
    let options: SignalOptions
    let outcome: SignalOutcome

    var text: String {
        let interval = outcome.interval
        var lines = [title]
        lines.append(
            "  \(interval.delivered) in \(Self.rounded(interval.seconds)) s: "
                + "\(Int(Double(interval.delivered) / interval.seconds)) a second")
        if let cost = interval.microsecondsPerOperation {
            let own = interval.userMicrosecondsPerOperation.map { ", \(Self.rounded($0)) of them outside the kernel" }
            lines.append(
                "  server CPU: \(Self.rounded(cost)) µs each\(own ?? ""); \(Self.percent(serverShare)) of a core")
        }
        lines.append(
            "  generator: \(Self.percent(interval.generatorShare)) of a core; "
                + "others: \(Self.percent(interval.foreignShare)) of the machine")
        if let memory = outcome.memory {
            lines.append(
                "  memory: \(memory.before / 1024) KB before, \(memory.open / 1024) KB open, "
                    + "\(memory.kept / 1024) KB after \(options.seconds) s")
            lines.append(
                "  \(bytesPerMember(memory.open) ?? 0) bytes each at once, \(bytesPerMember(memory.kept) ?? 0) later")
            if let share = memory.idleCPUShare { lines.append("  idle CPU: \(Self.percent(share)) of a core") }
        }
        if outcome.lost > 0 { lines.append("  lost: \(outcome.lost)") }
        if interval.isSaturated {
            lines.append("  The generator was at its limit: this says more about it than about the server.")
        }
        return lines.joined(separator: "\n")
    }

    var json: String {
        let interval = outcome.interval
        var fields: [(String, String)] = [
            ("mode", "\"\(options.mode.rawValue)\""), ("message", "\"\(options.message.rawValue)\""),
            ("rooms", "\(options.rooms)"), ("members", "\(options.members)"), ("payload", "\(options.payload)"),
            ("burst", "\(options.burst)"),
            ("seconds", "\(interval.seconds)"), ("delivered", "\(interval.delivered)"),
            ("perSecond", "\(Double(interval.delivered) / interval.seconds)"),
            ("serverMicroseconds", interval.microsecondsPerOperation.map { "\($0)" } ?? "null"),
            ("userMicroseconds", interval.userMicrosecondsPerOperation.map { "\($0)" } ?? "null"),
            ("serverShare", "\(serverShare)"), ("generatorShare", "\(interval.generatorShare)"),
            ("foreignShare", "\(interval.foreignShare)"), ("saturated", "\(interval.isSaturated)"),
            ("sentInAll", "\(max(1, outcome.sent))"), ("lostInAll", "\(outcome.lost)"), ("failures", "0"),
        ]
        if let memory = outcome.memory {
            fields += [
                ("residentBefore", "\(memory.before)"), ("residentOpen", "\(memory.open)"),
                ("residentKept", "\(memory.kept)"),
                ("bytesPerMemberAtOnce", "\(bytesPerMember(memory.open) ?? 0)"),
                ("bytesPerMember", "\(bytesPerMember(memory.kept) ?? 0)"),
                ("idleCPUShare", memory.idleCPUShare.map { "\($0)" } ?? "null"),
            ]
        }
        return "{" + fields.map { "\"\($0.0)\":\($0.1)" }.joined(separator: ",") + "}"
    }

    private var title: String {
        let rooms = "\(options.rooms) rooms of \(options.members)"
        return switch options.mode {
        case .idle: options.staysOutside ? "idle, in no room" : "idle, \(rooms)"
        case .relay: "\(options.message.rawValue), \(rooms), \(options.payload) bytes, bursts of \(options.burst)"
        case .join: "join storms, \(rooms)"
        case .issue: "credentials over HTTP"
        }
    }

    private var serverShare: Double { (outcome.interval.server ?? 0) / outcome.interval.seconds }

    private func bytesPerMember(_ resident: Int) -> Int? {
        outcome.memory.map { (resident - $0.before) / $0.members }
    }

    private static func percent(_ share: Double) -> String { "\((share * 1000).rounded() / 10) %" }

    private static func rounded(_ value: Double) -> String { "\((value * 100).rounded() / 100)" }
}
