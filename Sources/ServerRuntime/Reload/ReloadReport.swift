package import Configuration
package import Telemetry

/// What became of a reload, for the log and for whoever asked for it. It holds no secrets: options, lines and reasons.
package struct ReloadReport: Sendable {
    /// False: there are errors, and nothing has changed.
    package let isApplied: Bool
    /// Options whose new value holds from now on.
    package let adopted: [ChangedOption]
    /// Options whose new value holds after a restart, and not before.
    package let awaitingRestart: [ChangedOption]
    /// Everything there is to say about the file.
    package let diagnostics: [Diagnostic]

    init(_ change: ConfigurationChange, _ diagnostics: [Diagnostic]) {
        isApplied = true
        adopted = change.adopted
        awaitingRestart = change.awaitingRestart
        self.diagnostics = diagnostics
    }

    init(_ refusal: ConfigurationRefusal) {
        isApplied = false
        adopted = []
        awaitingRestart = []
        diagnostics = refusal.diagnostics
    }

    package var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }

    /// More names than this are counted only.
    private static let namesMax = 40

    /// The lines for the log. Warnings that `known` has were said before.
    package func lines(leavingOut known: [Diagnostic]) -> [(level: LogLevel, text: String)] {
        guard isApplied else {
            return errors.map { (.error, "\($0)") }
                + [(.error, "the configuration was not reloaded, and stays as it was: correct the errors above")]
        }
        var lines: [(level: LogLevel, text: String)] = []
        for warning in diagnostics where warning.severity == .warning {
            let isKnown = known.contains { $0.option == warning.option && $0.message == warning.message }
            if !isKnown { lines.append((.warning, "\(warning)")) }
        }
        lines.append(
            (.notice, "the configuration was reloaded: \(adopted.isEmpty ? "no change" : Self.listed(adopted))"))
        if !awaitingRestart.isEmpty {
            lines.append((.warning, "changed but needs a restart: \(Self.listed(awaitingRestart))"))
        }
        return lines
    }

    private static func listed(_ options: [ChangedOption]) -> String {
        let shown = options.prefix(namesMax).map(\.description).joined(separator: ", ")
        return options.count > namesMax ? "\(shown) and \(options.count - namesMax) more" : shown
    }
}
