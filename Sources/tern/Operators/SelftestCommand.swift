import Configuration
import JSON
import LinuxSockets
import NetworkPrimitives
import OperatorClient
import ServerRuntime

/// `tern selftest`: uses the server as its clients do, and says what does not work.
enum SelftestCommand {
    static let options = [
        OptionDescription(
            "--host", "NAME",
            "try it from outside: the name or address by which clients reach the server; without it "
                + "every listener of the configuration is tried on this host"),
        OptionDescription("--port", "N", "with --host: default 3478, or the listening-port of the configuration"),
        OptionDescription(
            "--tls-port", "N", "with --host: try TLS and DTLS on this port; default 5349 where they are asked for"),
        OptionDescription(
            "--transport", "LIST", .words(transports.map(\.rawValue)),
            "of udp, tcp, tls, dtls, with commas between; default with --host and no configuration: udp,tcp"),
        OptionDescription(
            "--user", "NAME", "a user of the server, with --password-file; default: of the configuration"),
        OptionDescription("--password-file", "FILE", .files, "holds the password of --user"),
        OptionDescription("--secret-file", "FILE", .files, "holds a static-auth-secret, in place of --user"),
        OptionDescription("--ca", "FILE", .files, "PEM of the authorities that are believed; default: the system's"),
        OptionDescription("--timeout", "SECONDS", "until something that does not answer is given up; default 3"),
        OptionDescription(
            "-c", "FILE", .files,
            "the configuration; default: turnserver.conf in the usual places, unless --host and "
                + "credentials are given"),
        OptionDescription("--json", "print the results for programs"),
    ]

    static let notes = """
        Ends with 0 when nothing is wrong, 1 when there is a fault, 2 when the command line makes no sense. It allocates
        for a moment, and asks once with expired credentials when it has a secret, so a line about 401 in the server's
        log is its.
        """

    private static let transports: [Link.Transport] = [.udp, .tcp, .tls, .dtls]

    private typealias Problem = CommandWords.Problem

    static func run(_ arguments: [String]) -> ExitStatus {
        guard let command = CommandTable.command(named: "selftest") else { return .usage }
        do throws(CommandWords.Problem) {
            let words = try CommandWords(arguments, for: command)
            if words.wantsHelp {
                Console.write(command.help)
                return .success
            }
            guard let plan = try plan(words) else { return .failure }
            let report = Selftest.run(plan)
            Console.write(words.has("--json") ? SelftestReportText.json(report) : SelftestReportText.text(report))
            return report.count(.fault) == 0 ? .success : .failure
        } catch {
            Console.complain("tern selftest: \(error.message)")
            Console.complain("usage: \(command.usage); 'tern selftest --help' says more")
            return .usage
        }
    }

    // MARK: - The plan

    /// Nil when something is missing, which was said.
    private static func plan(_ words: CommandWords) throws(CommandWords.Problem) -> SelftestPlan? {
        let configuration: ServerConfiguration?
        switch configured(words) {
        case .failure: return nil
        case .success(let found): configuration = found
        }
        var plan = SelftestPlan()
        plan.host = words["--host"]
        plan.authorities = words["--ca"]
        plan.milliseconds = try (words.number("--timeout", in: 1...60) ?? 3) * 1000
        plan.relayPorts = configuration?.relay.ports.bounds
        plan.ownAddresses = plan.isOutside ? [] : NetworkInterfaces.addresses()
        guard let credentials = try credentials(words, configuration) else { return nil }
        plan.credentials = credentials.value
        let asked = try askedTransports(words)
        if let host = plan.host {
            guard let endpoints = try outsideEndpoints(host, words, configuration, asked) else { return nil }
            plan.endpoints = endpoints
        } else {
            guard let configuration else {
                throw CommandWords.Problem(message: "there is no configuration; write -c FILE, or --host NAME")
            }
            plan.endpoints = SelftestEndpoints.inside(configuration, plan.ownAddresses).filter { endpoint in
                asked?.contains(endpoint.transport) ?? true
            }
        }
        guard !plan.endpoints.isEmpty else {
            Console.complain("there is nothing to try: the configuration has no listener of these transports")
            return nil
        }
        return plan
    }

    private static func configured(_ words: CommandWords) -> Result<ServerConfiguration?, ConfigurationLoading.Failure>
    {
        // Who says where and who needs nothing of a configuration that may be of another server.
        let needsNone = words.has("--host") && (words.has("--user") || words.has("--secret-file"))
        let choice = words["-c"].map { CommandLineOptions.FileChoice.path($0) } ?? (needsNone ? .none : .search)
        do {
            guard let file = try ConfigurationLoading.file(choice) else { return .success(nil) }
            let result = ServerConfiguration.load(file: file, outside: .ofHost)
            guard let configuration = result.configuration else {
                let reason = "\(file.name) has errors; 'tern check-config \(file.name)' lists them"
                Console.complain(reason)
                return .failure(.unreadable(reason))
            }
            return .success(configuration)
        } catch {
            if case .unreadable(let reason) = error { Console.complain(reason) }
            return .failure(error)
        }
    }

    private static func askedTransports(_ words: CommandWords) throws(CommandWords.Problem) -> [Link.Transport]? {
        guard let text = words["--transport"] else { return nil }
        var asked: [Link.Transport] = []
        for name in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let transport = transports.first(where: { $0.rawValue == name }) else {
                throw CommandWords.Problem(message: "--transport is of udp, tcp, tls, dtls, with commas between")
            }
            if !asked.contains(transport) { asked.append(transport) }
        }
        return asked
    }

    private static func outsideEndpoints(
        _ host: String, _ words: CommandWords, _ configuration: ServerConfiguration?, _ asked: [Link.Transport]?
    ) throws(CommandWords.Problem) -> [SelftestEndpoint]? {
        let ports = 1...65_535
        let plain = try words.number("--port", in: ports).map { UInt16($0) }
        let secure = try words.number("--tls-port", in: ports).map { UInt16($0) }
        var services = SelftestEndpoints.Services(configuration)
        if let plain { services.port = plain }
        if let secure {
            services.securePort = secure
            if !services.transports.contains(where: \.isEncrypted) { services.transports += [.tls, .dtls] }
        }
        if let asked { services.transports = asked }
        do {
            return services.endpoints(at: try Link.resolve(host))
        } catch {
            Console.complain("there is no address for \(Console.shown(host)): \(SelftestWords.of(error))")
            return nil
        }
    }

    // MARK: - Credentials

    /// Credentials, or that there are none.
    private struct Choice {
        let value: SelftestCredentials?
    }

    /// Nil when a file cannot be read, which was said.
    private static func credentials(
        _ words: CommandWords, _ configuration: ServerConfiguration?
    ) throws(CommandWords.Problem) -> Choice? {
        let separator = configuration?.authentication.restSeparator ?? UInt8(ascii: ":")
        if let path = words["--secret-file"] {
            guard !words.has("--user"), !words.has("--password-file") else {
                throw CommandWords.Problem(message: "--secret-file or --user, not both")
            }
            return Secrets.firstLine(of: path).map { Choice(value: .secret($0, separator: separator)) }
        }
        if let user = words["--user"] {
            guard let path = words["--password-file"] else {
                throw CommandWords.Problem(message: "--user needs --password-file FILE")
            }
            return Secrets.firstLine(of: path).map { Choice(value: .password(user: user, password: $0)) }
        }
        guard !words.has("--password-file") else {
            throw CommandWords.Problem(message: "--password-file needs --user NAME")
        }
        let found = configuration.flatMap { ofConfiguration($0.authentication) }
        if found == nil {
            Console.complain(
                "no credentials: only Binding requests are tried; --user and --password-file, or --secret-file, let it "
                    + "allocate")
        }
        return Choice(value: found)
    }

    private static func ofConfiguration(
        _ authentication: ServerConfiguration.Authentication
    ) -> SelftestCredentials? {
        if authentication.anonymous { return .anonymous }
        if let secret = authentication.sharedSecrets.first {
            return .secret(secret, separator: authentication.restSeparator)
        }
        for user in authentication.staticUsers {
            switch user.secret {
            case .password(let password): return .password(user: user.name, password: password)
            case .md5Key(let key): return .key(user: user.name, key: key)
            // A key of SHA-256 needs an integrity that the test does not speak.
            case .sha256Key: continue
            }
        }
        return nil
    }
}
