// What a server that runs can take from another reading of its configuration.

import NetworkPrimitives

/// What a configuration was made of, option by option, so that a later reading can be compared with it.
package struct ConfigurationSource: Sendable {
    let settings: Settings
}

/// An option that somebody wrote, as it may be shown.
package struct ShownOption: Hashable, Sendable {
    package let name: String
    /// As the file would have it; nil for what may be or contain a secret.
    package let value: String?
    /// Where it stands, such as `turnserver.conf:12`.
    package let place: String
}

extension ConfigurationSource {
    /// What was written, in the order of the table, without any secret.
    package var shownOptions: [ShownOption] {
        OptionTable.all.flatMap { option in
            settings.written(option.name).map { entry in
                ShownOption(
                    name: option.name, value: option.kind.isConfidential ? nil : entry.value.written,
                    place: "\(entry.place)")
            }
        }
    }
}

extension OptionValue {
    /// As a file would have it. Not to be asked of secrets.
    fileprivate var written: String? {
        switch self {
        case .flag(let isOn): isOn ? "on" : "off"
        case .integer(let number): "\(number)"
        case .address(let address): "\(address)"
        case .endpoint(let ip, let port): port.map { "\(SocketAddress(ip: ip, port: $0))" } ?? "\(ip)"
        case .alternate(let name, let ip, let port):
            (name.map { "\($0)@" } ?? "") + (port.map { "\(SocketAddress(ip: ip, port: $0))" } ?? "\(ip)")
        case .external(let address): "\(address.publicAddress)" + (address.relayAddress.map { "/\($0)" } ?? "")
        case .peers(let matcher): matcher.asWritten
        case .tokenIssuer(let issuer): "\(issuer.issuer):\(issuer.publicKeyPath)"
        case .host(let host): host.uriText
        case .dialect(let dialect): dialect.name.rawValue + (dialect.port.map { ":\($0)" } ?? "")
        case .text(let text): text
        case .user, .apiKey: nil
        }
    }
}

extension ConfigurationSource: CustomStringConvertible, CustomReflectable {
    /// Nothing of what it holds, which may be secrets.
    package var description: String { "the options of a configuration" }

    package var customMirror: Mirror { Mirror(self, children: ["description": description]) }
}

/// An option that has another value than before.
package struct ChangedOption: Hashable, Sendable {
    package let name: String
    /// Where the first value stands that is new; nil when there are only fewer than before.
    package let place: Place?
}

extension ChangedOption: CustomStringConvertible {
    package var description: String { "\(name) (\(place.map(\.description) ?? "removed"))" }
}

/// What a reload changes, and what it leaves for a restart.
package struct ConfigurationChange: Sendable {
    /// What holds from now on: the new reading, with the running values of all that needs a restart.
    package let configuration: ServerConfiguration
    /// To be compared with the next reading.
    package let source: ConfigurationSource
    /// In the order of the table.
    package let adopted: [ChangedOption]
    /// Likewise; named again by each reload until the restart.
    package let awaitingRestart: [ChangedOption]
}

/// Why a reading of the configuration cannot be used.
package struct ConfigurationRefusal: Error, Sendable {
    /// At least one of them is an error.
    package let diagnostics: [Diagnostic]

    package init(diagnostics: [Diagnostic]) { self.diagnostics = diagnostics }
}

extension ServerConfiguration.LoadResult {
    /// What this reading changes for a server that runs with `running`.
    ///
    /// The values of options that need a restart are taken from `running`, and the whole is then checked as any
    /// configuration is. So nothing has to be asked about restarts behind this: whatever differs may be adopted.
    package func change(from running: ConfigurationSource) throws(ConfigurationRefusal) -> ConfigurationChange {
        guard configuration != nil else { throw ConfigurationRefusal(diagnostics: diagnostics) }
        let (settings, awaiting) = source.settings.pinned(to: running.settings)
        var log = DiagnosticLog()
        let configuration = ServerConfiguration(settings, log: &log)
        guard !log.hasErrors else {
            throw ConfigurationRefusal(diagnostics: log.finished().map { $0.untilRestart(awaiting) })
        }
        return ConfigurationChange(
            configuration: configuration, source: ConfigurationSource(settings: settings),
            adopted: settings.changes(from: running.settings), awaitingRestart: awaiting)
    }
}

extension Diagnostic {
    /// The same about a mixture of new values and of old ones that only a restart replaces.
    fileprivate func untilRestart(_ awaiting: [ChangedOption]) -> Diagnostic {
        guard severity == .error else { return self }
        let names = awaiting.map(\.name).joined(separator: ", ")
        return Diagnostic(
            severity: severity, place: place, option: option,
            message: "\(message). The file is right by itself, but \(names) changed too and needs a restart: restart")
    }
}

extension Settings {
    /// These settings with the running values of all that needs a restart, and what of it was written anew.
    fileprivate func pinned(to running: Settings) -> (Settings, awaiting: [ChangedOption]) {
        var pinned = self
        pinned.take(from: running) { $0 == .atRestart }
        if ServerConfiguration.Encryption.isWanted(pinned) != ServerConfiguration.Encryption.isWanted(running) {
            pinned.take(from: running) { $0 == .atRestart || $0 == .whileEncrypted }
        }
        return (pinned, changes(from: pinned))
    }

    /// Takes the values of some options over, unless they are the same: then the places are those of the new reading.
    private mutating func take(from other: Settings, where isMeant: (ReloadEffect) -> Bool) {
        for option in OptionTable.all {
            // What says nothing about reloading is not risked.
            guard case .acts = option.support, isMeant(option.reload ?? .atRestart) else { continue }
            if effective(option) != other.effective(option) { replace(option, from: other) }
        }
    }

    /// The options that act and have other values than in `other`, in the order of the table.
    fileprivate func changes(from other: Settings) -> [ChangedOption] {
        OptionTable.all.compactMap { option in
            guard case .acts = option.support else { return nil }
            let (values, before) = (effective(option), other.effective(option))
            guard values != before else { return nil }
            let entries = written(option.name)
            let first = zip(values, before).enumerated().first { $0.element.0 != $0.element.1 }?.offset
            let index = first ?? before.count
            let place = values.count >= before.count && index < entries.count ? entries[index].place : nil
            return ChangedOption(name: option.name, place: place)
        }
    }
}
