// What a reload does with which option, as a part of `Docs/Operating/Reload.md`.

extension ReloadEffect {
    /// When another value holds, in a few words.
    package var summary: String {
        switch self {
        case .atOnce: "at once"
        case .forNew(let things): "new \(things)"
        case .whileEncrypted: "new sessions of TLS and DTLS; the first certificate, and the last: restart"
        case .atRestart: "restart"
        }
    }
}

/// Writes the table of `Docs/Operating/Reload.md`; what is around it is written by hand.
package enum ReloadReference {
    /// The lines between which the table stands.
    package static let begin =
        "<!-- Generated from OptionTable: TERN_WRITE_REFERENCE=1 swift test --filter ConfigurationTests -->"
    package static let end = "<!-- End of what is generated. -->"

    /// Every option that acts, by what a reload does with it.
    package static func table() -> String {
        var effects: [ReloadEffect] = []
        var names: [ReloadEffect: [String]] = [:]
        for option in OptionTable.all {
            guard let effect = option.reload else { continue }
            if names[effect] == nil { effects.append(effect) }
            names[effect, default: []].append("`\(option.name)`")
        }
        // What an operator has to know first: what a reload does not do.
        let ordered = effects.filter { $0 == .atRestart } + effects.filter { $0 != .atRestart }
        let rows = ordered.map { "| \($0.summary) | \((names[$0] ?? []).joined(separator: ", ")) |" }
        return (["| another value holds | options |", "|---|---|"] + rows).joined(separator: "\n")
    }

    /// The page with a new table; nil when it has no place for one.
    package static func updated(_ page: String) -> String? {
        let lines = page.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard let first = lines.firstIndex(of: begin), let last = lines.firstIndex(of: end), first < last else {
            return nil
        }
        return (lines[...first] + ["", table(), ""] + lines[last...]).joined(separator: "\n")
    }
}
