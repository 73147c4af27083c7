import Configuration
import EventLoop
import ServerRuntime
import UserDatabase

/// `tern check-config FILE`: everything there is to say about a configuration, without starting anything.
enum CheckConfigCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        if arguments.contains("--help") || arguments.contains("-h") {
            Console.write(Help.page("check-config"))
            return .success
        }
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
        let result = ServerConfiguration.load(file: file, outside: .ofHost)
        let ofFiles = result.configuration.flatMap { CertificateLoader($0) }?.diagnostics(at: Clock.wall()) ?? []
        let diagnostics = result.diagnostics + ofFiles + (result.configuration.map { ofDatabase($0) } ?? [])
        for diagnostic in diagnostics { Console.write("\(diagnostic)") }
        let errors = diagnostics.count { $0.severity == .error }
        let warnings = diagnostics.count { $0.severity == .warning }
        Console.write("\(path): \(counted(errors, "error")), \(counted(warnings, "warning"))")
        return errors > 0 ? .failure : .success
    }

    /// What the database of users says, if there is one. The file may be made later, so that is worth a warning.
    private static func ofDatabase(_ configuration: ServerConfiguration) -> [Diagnostic] {
        func about(_ severity: Diagnostic.Severity, _ message: String) -> Diagnostic {
            Diagnostic(severity: severity, place: .configuration, option: "userdb", message: message)
        }
        do {
            guard let stored = try StoredUsers.load(configuration) else { return [] }
            return [about(.note, stored.summary)] + stored.remarks.map { about(.warning, $0) }
        } catch {
            return [about(error.kind == .missing ? .warning : .error, error.description)]
        }
    }

    private static func counted(_ count: Int, _ noun: String) -> String { "\(count) \(noun)\(count == 1 ? "" : "s")" }
}
