import Configuration
import LinuxSockets
import OperatorClient

/// Which running server a command speaks to.
enum ServerChoice {
    static let defaultSocket = "/run/tern/control"

    static let options = [
        OptionDescription(
            "--socket", "PATH", .files,
            "the control-socket of the server; default: that of the configuration, else "
                + defaultSocket),
        OptionDescription("--url", "URL", "http://host:port of signaling, in place of the socket"),
        OptionDescription(
            "--key-file", "FILE", .files,
            "holds the signaling-admin-key for --url; else TERN_ADMIN_KEY in the "
                + "environment"),
        OptionDescription(
            "-c", "FILE", .files,
            "the configuration that names the control-socket; default: turnserver.conf in the "
                + "usual places"),
        OptionDescription("--json", "print what the server answered, for programs"),
    ]

    static let notes = """
        Ends with 0 when the server did it, 1 when it refused and said why, 2 when the command line makes no sense,
        3 when no server answered.
        """

    /// The server that the words name; nil when they name none, which was said.
    static func service(_ words: CommandWords) throws(CommandWords.Problem) -> OperatorService? {
        if let path = words["--socket"] {
            guard !words.has("--url") else { throw CommandWords.Problem(message: "--socket or --url, not both") }
            return .socket(path: path)
        }
        if let text = words["--url"] { return try remote(text, words) }
        if words.has("--key-file") { throw CommandWords.Problem(message: "--key-file goes with --url") }
        guard let path = words["-c"] else { return .socket(path: usualSocket() ?? defaultSocket) }
        let file: ConfigurationFile?
        do { file = try ConfigurationLoading.file(.path(path)) } catch {
            guard case .unreadable(let reason) = error else { return nil }
            Console.complain(reason)
            return nil
        }
        guard let file, let socket = ServerConfiguration.controlSocket(in: file) else {
            Console.complain(
                "\(path) names no control-socket; write 'control-socket=\(defaultSocket)' into it and restart the "
                    + "server, or use --url")
            return nil
        }
        return .socket(path: socket)
    }

    /// That of the configuration in the usual places, whatever else is wrong with it.
    private static func usualSocket() -> String? {
        guard let file = try? ConfigurationLoading.file(.search) else { return nil }
        return ServerConfiguration.controlSocket(in: file)
    }

    private static func remote(_ text: String, _ words: CommandWords) throws(CommandWords.Problem) -> OperatorService? {
        let url: ServiceURL
        do { url = try ServiceURL(parsing: text) } catch {
            let message =
                switch error {
                case .encrypted:
                    "https:// is not spoken here; use an SSH tunnel to the port of signaling, or curl with "
                        + "'Authorization: Bearer …'"
                case .malformed: "--url is like http://127.0.0.1:8080, without a path"
                }
            throw CommandWords.Problem(message: message)
        }
        guard let path = words["--key-file"] else {
            guard let key = Environment.value("TERN_ADMIN_KEY") else {
                throw CommandWords.Problem(
                    message:
                        "--url needs the signaling-admin-key: --key-file FILE, or TERN_ADMIN_KEY in the environment"
                )
            }
            return .url(url, key: key)
        }
        guard let key = Secrets.firstLine(of: path) else { return nil }
        return .url(url, key: key)
    }
}

/// Secrets come from files: a command line is seen by everybody on the host.
enum Secrets {
    private static let byteCountMax = 4096

    /// The first line of a file; nil when there is none, which was said.
    static func firstLine(of path: String) -> String? {
        let bytes: [UInt8]
        do { bytes = try Files.read(path, byteCountMax: byteCountMax) } catch {
            Console.complain("cannot read the secret: \(error)")
            return nil
        }
        let line = bytes.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        guard !line.isEmpty, line.count < byteCountMax, line.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            Console.complain("the first line of \(path) is no secret: printable ASCII without blanks")
            return nil
        }
        return String(decoding: line, as: UTF8.self)
    }
}
