import ServerRuntime

/// What `--help` prints.
enum Help {
    static var overview: String {
        let width = CommandTable.all.map(\.usage.count).max() ?? 0
        var lines = ["Tern \(Version.number), a STUN and TURN server with signaling"]
        for group in CommandDescription.Group.allCases {
            lines += ["", "\(group.rawValue):"]
            for command in CommandTable.all where command.group == group {
                let padding = String(repeating: " ", count: width - command.usage.count)
                lines.append("  \(command.usage)\(padding)  \(command.summary)")
            }
        }
        lines += ["", "'tern COMMAND --help' says more about each, 'tern --version' which one this is.", "", ending]
        return lines.joined(separator: "\n")
    }

    private static let ending = """
        'tern serve --help' lists the options of the configuration. They are coturn's: a turnserver.conf and a
        turnserver command line work as they are, and a link named turnserver to this program behaves as 'tern serve'.
        """

    /// Of a command of the table.
    static func page(_ name: String) -> String { CommandTable.command(named: name)?.help ?? overview }
}
