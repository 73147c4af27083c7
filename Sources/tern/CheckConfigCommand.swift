import Configuration

/// `tern check-config FILE`: everything there is to say about a configuration, without starting anything.
enum CheckConfigCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        guard arguments.count == 1, let path = arguments.first, !path.hasPrefix("-") else {
            Console.complain("usage: tern check-config FILE")
            return .usage
        }
        let file: ConfigurationFile
        do { file = try ConfigurationLoading.read(path) } catch {
            guard case .unreadable(let reason) = error else { return .failure }
            Console.complain(reason)
            return .failure
        }
        let result = ServerConfiguration.load(file: file)
        for diagnostic in result.diagnostics { Console.write("\(diagnostic)") }
        let errors = result.diagnostics.count { $0.severity == .error }
        let warnings = result.diagnostics.count { $0.severity == .warning }
        Console.write("\(path): \(counted(errors, "error")), \(counted(warnings, "warning"))")
        return result.configuration == nil ? .failure : .success
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
