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
        case "--version", "-V", "version":
            Console.write("Tern \(Version.number)")
            return .success
        case "--help", "-h", "help":
            Console.write(arguments.first.map { Help.page($0) } ?? Help.overview)
            return .success
        default: break
        }
        guard let description = CommandTable.command(named: command) else {
            Console.complain("tern: \(Console.shown(command)) is no command; 'tern --help' lists them")
            return .usage
        }
        return description.run(arguments)
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
    /// No server answered.
    case unreachable = 3
}
