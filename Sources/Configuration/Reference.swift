// The reference page and the example file, generated from the option table so that neither can fall behind it.

/// Writes `Docs/Operating/Configuration.md`.
package enum ReferencePage {
    /// The page as it has to be in the tree.
    package static func markdown() -> String {
        let sections = OptionSection.allCases.map { section in
            "## \(section.rawValue)\n\n" + table(of: OptionTable.options(of: section))
        }
        return ([introduction, commandLine] + sections).joined(separator: "\n\n") + "\n"
    }

    private static let introduction = """
        # Configuration reference

        <!-- Generated from OptionTable: TERN_WRITE_REFERENCE=1 swift test --filter ConfigurationTests -->

        Tern reads coturn's `turnserver.conf` as it is. This page lists every option by topic; `turnserver.conf.example`
        has the same in the form of a file.

        ## How the file is read

        - One option a line: `name=value`, `name value`, or `name` alone. Names are case-sensitive.
        - A line that begins with `#` is a comment. So is the rest of a line from a blank and `#` on, outside of double
          quotes; but not in `user`, keys and secrets, where `#` may belong to the value.
        - One pair of double quotes around a value is removed.
        - A flag is on when its name stands alone or with `1` to `9`, `yes`, `true`, `on` (or a word that begins with
          `y` or `t`), off with `0`, `no`, `false`, `off`.
        - The order of lines does not matter. If an option that cannot be repeated occurs twice, the last one holds.
        - All mistakes are reported at once, with file and line. A malformed value stops the start; an unknown name is a
          warning that names the nearest known one. Messages never contain secrets.
        - The file is UTF-8 and at most 4 MiB.

        **Effect** says what an option does: *yes*; *later*, when it is read now and takes effect with a later release;
        *none*, when it is accepted so that existing files work; *refused*, when the server does not start with it.
        Options marked **Tern** are not known to coturn.

        **Reload** says when another value holds in a server that runs and reads the file again: *at once*; for *new*
        allocations, connections or sessions, while those that exist keep what they began with; or after a *restart*.
        [Reload.md](Reload.md) has the details.
        """

    private static var commandLine: String {
        let letters = CommandLineOptions.ownLetters.map { "- `-\($0.letter)`: \($0.summary)" }
        let directories = CommandLineOptions.searchPath
            .map { "`\($0.isEmpty ? "./" : $0)`" }.joined(separator: ", ")
        return """
            ## Command line

            Every option is also one of the command line: `--name=value`, `--name value`, `--flag`, or its letter:
            `-p 3478`, `-p3478`, `-vn`. The command line is applied after the file: it replaces single values and adds
            to those that can be repeated. What is unknown there is an error. Secrets on a command line can be read by
            every user of the host; write them in the file.

            \(letters.joined(separator: "\n"))

            Without `-c` and `-n` the first `turnserver.conf` in these directories is read: \(directories).
            """
    }

    /// The options as `--help` lists them: what acts, by topic.
    package static func commandLineSummary() -> String {
        let sections = OptionSection.allCases.compactMap { section -> String? in
            let lines = OptionTable.options(of: section).compactMap { option -> String? in
                guard case .acts = option.support else { return nil }
                let short = option.short.map { "-\($0), " } ?? "    "
                let value = option.kind.takesValue ? "=VALUE" : ""
                return "  \(short)--\(option.name)\(value)\n" + wrapped(option.summary)
            }
            return lines.isEmpty ? nil : ([section.rawValue] + lines).joined(separator: "\n")
        }
        return sections.joined(separator: "\n\n")
            + "\n\nDocs/Operating/Configuration.md has the defaults, and lists what is accepted without effect."
    }

    /// The text in lines of at most 96 columns, indented below an option.
    private static func wrapped(_ text: String) -> String {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + word.count + 1 > 86 {
                lines.append(line)
                line = ""
            }
            line += line.isEmpty ? String(word) : " \(word)"
        }
        lines.append(line)
        return lines.map { "          \($0)" }.joined(separator: "\n")
    }

    private static func table(of options: [Option]) -> String {
        let rows = options.map { option in
            "| \(names(of: option)) | \(value(of: option)) | \(fallback(of: option)) | \(effect(of: option)) "
                + "| \(reload(of: option)) | \(escaped(option.summary)) |"
        }
        return (["| Option | Value | Default | Effect | Reload | Meaning |", "|---|---|---|---|---|---|"] + rows)
            .joined(separator: "\n")
    }

    private static func names(of option: Option) -> String {
        var parts = option.names.map { "`\($0)`" }
        if let short = option.short { parts.append("`-\(short)`") }
        return parts.joined(separator: ", ") + (option.origin == .tern ? " **Tern**" : "")
    }

    private static func value(of option: Option) -> String {
        escaped(option.kind.summary) + (option.repeats ? ", repeatable" : "")
    }

    private static func fallback(of option: Option) -> String {
        switch option.fallback {
        case .none: "–"
        case .text(let text): "`\(text)`"
        case .described(let words): escaped(words)
        }
    }

    private static func effect(of option: Option) -> String {
        switch option.support {
        case .acts: "yes"
        case .later(let feature): "later: \(escaped(feature))"
        case .noEffect(let reason), .silent(let reason): "none: \(escaped(reason))"
        case .refused(let reason): "**refused**: \(escaped(reason))"
        }
    }

    private static func reload(of option: Option) -> String { option.reload?.summary ?? "–" }

    private static func escaped(_ text: String) -> String {
        text.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|")
    }
}

/// Writes `turnserver.conf.example`.
package enum ExampleFile {
    /// What is not commented out: enough to start, too little to relay for anybody.
    private static let core: Set<String> = [
        "listening-port", "min-port", "max-port", "fingerprint", "no-multicast-peers", "stale-nonce",
    ]

    private static let introduction = """
        # turnserver.conf for Tern: every option, with its default.
        #
        # As it stands the file starts a STUN server on port 3478. To relay, set external-ip if the host is behind a
        # NAT, realm, and either static-auth-secret (with credentials computed by your application) or user lines.
        #
        # name=value, name value, or name alone; docs in Docs/Operating/Configuration.md.
        # Generated from the option table.
        """

    /// The file as it has to be in the tree.
    package static func text() -> String {
        let sections = OptionSection.allCases.map { section in
            let heading = "# ---- \(section.rawValue) " + String(repeating: "-", count: 70 - section.rawValue.count)
            return ([heading] + OptionTable.options(of: section).map(entry(for:))).joined(separator: "\n\n")
        }
        return ([introduction] + sections).joined(separator: "\n\n") + "\n"
    }

    private static func entry(for option: Option) -> String {
        let comment = wrapped(option.summary + remark(on: option)).map { "# \($0)" }
        let value = sample(for: option)
        let assignment = value.map { "\(option.name)=\($0)" } ?? option.name
        return (comment + [(core.contains(option.name) ? "" : "#") + assignment]).joined(separator: "\n")
    }

    private static func remark(on option: Option) -> String {
        var words = ""
        if option.repeats { words += " May be repeated." }
        if option.origin == .tern { words += " (Tern's own.)" }
        switch option.support {
        case .acts: break
        case .later(let feature): words += " Takes effect with a later release: \(feature)."
        case .noEffect(let reason), .silent(let reason):
            if option.origin != .retired { words += " No effect: \(reason)." }
        case .refused(let reason): words += " Refused: \(reason)."
        }
        switch option.fallback {
        case .none, .text("off"): break
        case .text(let text): words += " Default: \(text)."
        case .described(let text): words += " Default: \(text)."
        }
        return words
    }

    /// The value to show; nil for a flag that is off unless written.
    private static func sample(for option: Option) -> String? {
        if option.kind == .flag, option.fallback == "off" { return nil }
        if case .text(let text) = option.fallback { return text }
        return samplesByName[option.name] ?? sample(for: option.kind)
    }

    private static let samplesByName: [String: String] = [
        "external-ip": "203.0.113.1/192.0.2.1", "realm": "turn.example.org", "server-name": "turn.example.org",
        "relay-threads": "4", "cpus": "4", "log-file": "/var/log/turnserver.log", "pidfile": "/run/turnserver.pid",
        "proc-user": "turnserver", "proc-group": "turnserver", "tcp-proxy-port": "5555", "ec-curve-name": "X25519",
        "prometheus-address": "127.0.0.1", "secret-ts-exp-time": "86400", "ne": "1",
        "acme-redirect": "http://acme.example.org/",
        "denied-peer-ip": "10.0.0.0-10.255.255.255", "allowed-peer-ip": "192.0.2.8",
        "signaling-trusted-proxy": "192.0.2.7", "static-root": "/var/www/html", "credential-quota": "12",
    ]

    private static func sample(for kind: ValueKind) -> String {
        switch kind {
        case .flag: "on"
        case .port: "3478"
        case .integer(let range), .bytes(let range): String(range.lowerBound)
        case .seconds(let range, let whenBare): String(whenBare ?? range.lowerBound)
        case .bytesPerSecond: "0"
        case .address: "192.0.2.1"
        case .endpoint, .alternate: "192.0.2.1:3478"
        case .externalAddress: "203.0.113.1"
        case .peers: "10.0.0.0/8"
        case .credentials: "alice:choose-a-password"
        case .secret: "choose-a-long-random-text"
        case .connection: "host=127.0.0.1 dbname=turn"
        case .character: ":"
        case .choice(let choices): choices[0]
        case .string: "text"
        case .device: "eth0"
        case .path: "/etc/turnserver/file.pem"
        case .apiKey: "app:\(LongSecret.sample)"
        case .longSecret: LongSecret.sample
        case .origin: "https://app.example.org"
        case .roomPattern: "lobby-*"
        case .tokenIssuer: "https://login.example.org:/etc/turnserver/issuer.pem"
        case .host: "turn.example.org"
        case .dialect: "simple-peer:8081"
        }
    }

    /// Lines of at most 98 characters, broken at blanks.
    private static func wrapped(_ text: String) -> [String] {
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ") {
            if !line.isEmpty, line.count + 1 + word.count > 98 {
                lines.append(line)
                line = ""
            }
            line += (line.isEmpty ? "" : " ") + word
        }
        return line.isEmpty ? lines : lines + [line]
    }
}

extension ValueKind {
    /// The form of the value in a few words.
    package var summary: String {
        switch self {
        case .flag: "flag"
        case .port: "port, 0…65535"
        case .integer(let range): "number, \(range.lowerBound)…\(range.upperBound)"
        case .seconds(let range, _): "seconds, \(range.lowerBound)…\(range.upperBound)"
        case .bytes(let range): "bytes, \(range.lowerBound)…\(range.upperBound)"
        case .bytesPerSecond: "bytes per second"
        case .address: "IP address"
        case .endpoint: "address or address:port"
        case .alternate: "address or address:port, or name@ before it"
        case .externalAddress: "public or public/private address"
        case .peers: "address, first-last, or address/length"
        case .credentials: "name:password or name:0xkey"
        case .secret: "secret text"
        case .connection: "connection text"
        case .character: "one character"
        case .choice(let choices): choices.map { "`\($0)`" }.joined(separator: ", ")
        case .string: "text"
        case .device: "interface name"
        case .path: "path"
        case .apiKey: "id:secret"
        case .longSecret: "secret text, 32 bytes or more"
        case .origin: "`https://host[:port]`, `null`, or `*`"
        case .roomPattern: "name, `prefix*`, or `*`"
        case .tokenIssuer: "issuer:/path"
        case .host: "host name or IP address"
        case .dialect: "name or name:port"
        }
    }
}
