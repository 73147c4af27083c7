/// `tern completion SHELL`: what the shell needs to complete command lines of this program.
enum CompletionCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        guard arguments.count == 1, let script = ShellCompletion.script(for: arguments[0]) else {
            Console.complain("usage: tern completion \(ShellCompletion.shells.joined(separator: "|"))")
            return .usage
        }
        Console.write(script)
        return .success
    }
}
