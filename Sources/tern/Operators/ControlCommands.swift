import JSON
import OperatorClient

/// Commands that change what a running server does, or tell what it does by.
enum ControlCommands {
    static let levels = ["debug", "info", "notice", "warning", "error"]

    static func drain(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("drain", arguments) { _ in
            OperatorRequest(.post, "v1", "drain")
        } show: { value, _ in
            let left = Units.counted(value.int("allocations"), "session")
            guard let seconds = value["deadline_s"]?.integer else { return "draining: \(left) left" }
            return "draining: \(left) left, and \(Units.duration(seconds: seconds)) at most"
        }
    }

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
            options(value)
        }
    }

    private static func options(_ value: JSONValue) -> String {
        var table = TextTable([("OPTION", .left), ("VALUE", .left), ("FROM", .left)])
        for option in value["options"]?.elements.map({ $0 }) ?? [] {
            let isHidden = option["value"]?.isNull ?? true
            table.add([option.text("name"), isHidden ? "(not shown)" : option.text("value"), option.text("place")])
        }
        return table.isEmpty ? "nothing is written; the defaults hold" : table.text
    }
}
