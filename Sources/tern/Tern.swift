import Configuration
import LinuxSockets
import ServerRuntime

/// Serves, and answers an operator's questions about a server.
@main
enum Tern {
    static func main() {
        Process.ignoreBrokenPipes()
        var arguments = CommandLine.arguments[...]
        let invokedAs = arguments.popFirst().map { $0.split(separator: "/").last.map(String.init) ?? $0 } ?? "tern"
        // Under coturn's name the options follow at once, as unit files and images write them.
        guard invokedAs != "turnserver" else { exit(ServeCommand.run(Array(arguments), name: invokedAs)) }
        guard let command = arguments.popFirst() else {
            Console.write(Help.overview)
            exit(.usage)
        }
        exit(run(command, Array(arguments)))
    }

    private static func run(_ command: String, _ arguments: [String]) -> ExitStatus {
        switch command {
        case "serve": return ServeCommand.run(arguments, name: "tern serve")
        case "check-config": return CheckConfigCommand.run(arguments)
        case "check-peer": return CheckPeerCommand.run(arguments)
        case "credentials": return CredentialsCommand.run(arguments)
        case "token": return TokenCommand.run(arguments)
        case "users": return UsersCommand.run(arguments)
        case "--version", "-V", "version":
            Console.write("Tern \(Version.number)")
            return .success
        case "--help", "-h", "help":
            Console.write(Help.overview)
            return .success
        default:
            Console.complain("tern: \(Console.shown(command)) is no command")
            Console.complain(Help.overview)
            return .usage
        }
    }

    private static func exit(_ status: ExitStatus) -> Never { Process.exit(status.rawValue) }
}

/// How a command ended.
enum ExitStatus: Int32 {
    case success = 0
    /// What was asked for is not so, or could not be done.
    case failure = 1
    /// The question was not understood.
    case usage = 2
}
