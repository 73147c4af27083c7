import Foundation
import Testing

@testable import Configuration

/// Loads a text as `turnserver.conf`.
func load(_ text: String, _ arguments: [String] = []) -> ServerConfiguration.LoadResult {
    ServerConfiguration.load(
        file: ConfigurationFile(text: text), commandLine: CommandLineOptions(parsing: arguments))
}

/// The configuration of a text that has no errors; the test fails otherwise.
func configuration(_ text: String, _ arguments: [String] = []) throws -> ServerConfiguration {
    let result = load(text, arguments)
    guard let configuration = result.configuration else { throw LoadFailure(diagnostics: result.diagnostics) }
    return configuration
}

struct LoadFailure: Error, CustomStringConvertible {
    let diagnostics: [Diagnostic]

    var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

extension ServerConfiguration.LoadResult {
    var errors: [String] { diagnostics.filter { $0.severity == .error }.map(\.description) }
    var warnings: [String] { diagnostics.filter { $0.severity == .warning }.map(\.description) }
    var lines: [String] { diagnostics.map(\.description) }
}

/// A fixture as bytes.
func fixture(_ name: String) throws -> ConfigurationFile {
    let url = try #require(Bundle.module.url(forResource: "Fixtures/\(name)", withExtension: "conf"))
    return ConfigurationFile(name: "\(name).conf", bytes: Array(try Data(contentsOf: url)))
}

/// The root of the source tree.
let treeRoot = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

extension Option: CustomTestStringConvertible {
    public var testDescription: String { name }
}
