/// All options, by section. `OptionTable+….swift` hold the rows.
package enum OptionTable {
    /// The rows of one section, in the order in which an operator wants to read them.
    package static func options(of section: OptionSection) -> [Option] {
        switch section {
        case .listeners: listeners
        case .relay: relay
        case .authentication: authentication
        case .quotas: quotas
        case .peers: peers
        case .protocolSwitches: protocolSwitches
        case .signaling: signaling
        case .logging: logging
        case .process: process
        case .tls: tls
        case .databases: databases
        case .balancing: balancing
        case .administration: administration
        case .retired: retired
        }
    }

    /// Every option, in the order of the sections.
    package static let all: [Option] = OptionSection.allCases.flatMap(options(of:))

    /// The option with this long name. Names are case-sensitive: `Verbose` is not `verbose`.
    package static func option(named name: String) -> Option? {
        guard let index = indexByName[name] else { return nil }
        return all[index]
    }

    /// The option behind this letter on the command line.
    package static func option(short: Character) -> Option? {
        all.first { $0.short == short }
    }

    /// Every long name in the order of the table, aliases included.
    package static let allNames: [String] = all.flatMap(\.names)

    private static let indexByName: [String: Int] = {
        var result: [String: Int] = [:]
        for (index, option) in all.enumerated() {
            for name in option.names { result[name] = index }
        }
        return result
    }()
}
