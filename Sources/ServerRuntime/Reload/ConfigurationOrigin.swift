package import Configuration
import LinuxSockets

/// Where the configuration of a server came from, so that it can be read again from there.
package struct ConfigurationOrigin: Sendable {
    /// Nil when there was no file.
    package let path: String?
    private let commandLine: CommandLineOptions
    /// What holds at present.
    var source: ConfigurationSource

    package init(path: String?, commandLine: CommandLineOptions, source: ConfigurationSource) {
        self.path = path
        self.commandLine = commandLine
        self.source = source
    }

    /// Reads the file, and applies the command line of the start.
    func read() throws(ConfigurationRefusal) -> ServerConfiguration.LoadResult {
        guard let path else { return ServerConfiguration.load(file: nil, commandLine: commandLine, outside: .ofHost) }
        let bytes: [UInt8]
        do { bytes = try Files.read(path, byteCountMax: ConfigurationFile.byteCountMax) } catch {
            let advice =
                error.isPermissionDenied
                ? "; the user that the server has become must be able to read it (chgrp, chmod g+r)" : ""
            throw .about(.file(path), "cannot be read: \(error)\(advice)")
        }
        return ServerConfiguration.load(
            file: ConfigurationFile(name: path, bytes: bytes), commandLine: commandLine, outside: .ofHost)
    }
}

extension ConfigurationRefusal {
    /// One error.
    static func about(_ place: Place, option: String? = nil, _ message: String) -> ConfigurationRefusal {
        ConfigurationRefusal(
            diagnostics: [Diagnostic(severity: .error, place: place, option: option, message: message)])
    }
}
