import JSON
import OperatorClient

/// Commands that change what a running server does, or tell what it does by.
enum ControlCommands {
    static let levels = ["debug", "info", "notice", "warning", "error"]

    static func reload(_ arguments: [String]) -> ExitStatus { post("reload", arguments, done: "reloaded") }

    static func drain(_ arguments: [String]) -> ExitStatus { post("drain", arguments, done: "draining") }

    static func logLevel(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("log-level", arguments) { words throws(CommandWords.Problem) in
            guard let level = words.operand else { return OperatorRequest(.get, "v1", "log-level") }
            guard levels.contains(level) else {
                throw CommandWords.Problem(message: "a level is one of \(levels.joined(separator: ", "))")
            }
            return OperatorRequest(.put, "v1", "log-level", body: Array(level.utf8))
        } show: { value, _ in
            value["level"]?.string.map(TextTable.printable) ?? Outline.text(value)
        }
    }

    static func configuration(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("config", arguments) { _ in
            OperatorRequest(.get, "v1", "configuration")
        } show: { value, _ in
            Outline.text(value)
        }
    }

    private static func post(_ name: String, _ arguments: [String], done: String) -> ExitStatus {
        OperatorCommand.run(name, arguments) { _ in
            OperatorRequest(.post, "v1", name)
        } show: { value, _ in
            value.count == 0 ? done : Outline.text(value)
        }
    }
}
