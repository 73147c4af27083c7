import Configuration
import LinuxSockets
import ServerRuntime

/// Finds and reads configuration files, the part of loading that touches the disk.
enum ConfigurationLoading {
    enum Failure: Error {
        case unreadable(String)
    }

    /// The file that the options ask for; nil when they ask for none, or none is in the usual places.
    static func file(_ choice: CommandLineOptions.FileChoice) throws(Failure) -> ConfigurationFile? {
        switch choice {
        case .none: return nil
        case .search:
            let candidates = CommandLineOptions.searchPath.map { $0 + "turnserver.conf" }
            guard let path = candidates.first(where: { Files.isReadable($0) }) else { return nil }
            return try read(path)
        case .path(let path):
            let candidates = path.hasPrefix("/") ? [path] : CommandLineOptions.searchPath.map { $0 + path }
            return try read(candidates.first { Files.isReadable($0) } ?? path)
        }
    }

    static func read(_ path: String) throws(Failure) -> ConfigurationFile {
        do {
            let bytes = try Files.read(path, byteCountMax: ConfigurationFile.byteCountMax)
            return ConfigurationFile(name: path, bytes: bytes)
        } catch { throw .unreadable("cannot read the configuration: \(error)") }
    }

    /// How much of what there is to say about a configuration is said.
    enum Detail {
        case everything
        /// For commands that only ask something of it.
        case errors
    }

    /// A configuration, and where it came from.
    struct Loaded {
        let configuration: ServerConfiguration
        let origin: ConfigurationOrigin
        let diagnostics: [Diagnostic]
    }

    /// The configuration of a file and a command line; nil when it has errors.
    static func load(_ options: CommandLineOptions, showing detail: Detail = .everything) -> ServerConfiguration? {
        loadWithOrigin(options, showing: detail)?.configuration
    }

    /// The same for who may want to read it again.
    static func loadWithOrigin(_ options: CommandLineOptions, showing detail: Detail) -> Loaded? {
        let file: ConfigurationFile?
        do { file = try self.file(options.file) } catch {
            guard case .unreadable(let reason) = error else { return nil }
            Console.complain(reason)
            return nil
        }
        let result = ServerConfiguration.load(file: file, commandLine: options, outside: .ofHost)
        for diagnostic in result.diagnostics where detail == .everything || diagnostic.severity == .error {
            Console.complain("\(diagnostic)")
        }
        if let file { Console.complain("configuration: \(file.name)") }
        return result.configuration.map {
            Loaded(
                configuration: $0,
                origin: ConfigurationOrigin(path: file?.name, commandLine: options, source: result.source),
                diagnostics: result.diagnostics)
        }
    }
}
