import JSON
import OperatorClient

/// `tern reload`: has the server read its configuration again.
enum ReloadCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("reload", arguments) { _ in
            OperatorRequest(.post, "v1", "reload")
        } show: { value, _ in
            applied(value)
        } refuse: { value in
            refused(value)
        }
    }

    private static func applied(_ value: JSONValue) -> String {
        var lines = ["reloaded"]
        for (member, words) in [("adopted", "holds from now on"), ("needs_restart", "holds after a restart")] {
            for option in value[member]?.elements.map({ $0 }) ?? [] {
                let place = option["place"]?.string.map { " (\(TextTable.printable($0)))" } ?? ""
                lines.append("  \(option.text("option"))\(place): \(words)")
            }
        }
        if lines.count == 1 { lines[0] = "reloaded; nothing has changed" }
        return (lines + diagnostics(value)).joined(separator: "\n")
    }

    /// Nil when it was refused for another reason than the file.
    private static func refused(_ value: JSONValue) -> String? {
        guard value["applied"]?.bool == false else { return nil }
        return (["not reloaded, and nothing has changed; correct the errors:"] + diagnostics(value))
            .joined(separator: "\n")
    }

    private static func diagnostics(_ value: JSONValue) -> [String] {
        let diagnostics = value["diagnostics"]?.elements.map { $0 } ?? []
        return diagnostics.map { diagnostic in
            let option = diagnostic["option"]?.string.map { "\(TextTable.printable($0)): " } ?? ""
            return "\(diagnostic.text("place")): \(diagnostic.text("severity")): \(option)\(diagnostic.text("message"))"
        }
    }
}
