import Foundation
import Testing

@testable import Configuration

@Suite("Reference page and example file")
struct ReferenceTests {
    private static let mayWrite = ProcessInfo.processInfo.environment["TERN_WRITE_REFERENCE"] == "1"

    private static let generators: [String: @Sendable () -> String] = [
        "Docs/Operating/Configuration.md": { ReferencePage.markdown() },
        "turnserver.conf.example": { ExampleFile.text() },
    ]

    @Test(
        "are those that the table generates", arguments: ["Docs/Operating/Configuration.md", "turnserver.conf.example"])
    func upToDate(path: String) throws {
        let generate = try #require(Self.generators[path])
        let generated = generate()
        let url = treeRoot.appendingPathComponent(path)
        if Self.mayWrite {
            try FileManager.default.createDirectory(
                at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
            try generated.write(to: url, atomically: true, encoding: .utf8)
        }
        let inTree = try String(contentsOf: url, encoding: .utf8)
        #expect(inTree == generated, "run TERN_WRITE_REFERENCE=1 swift test --filter ConfigurationTests")
    }

    @Test("name every option", arguments: OptionTable.allNames)
    func complete(name: String) {
        #expect(ReferencePage.markdown().contains("`\(name)`"))
    }

    @Test("the example starts as it stands, and relays for nobody")
    func exampleStarts() throws {
        let result = load(ExampleFile.text())
        #expect(result.errors == [])
        #expect(result.warnings.count == 1)
        let configuration = try #require(result.configuration)
        #expect(configuration.relaying != .enabled)
        #expect(configuration.authentication.staticUsers.isEmpty)
        #expect(configuration.authentication.sharedSecrets.isEmpty)
        #expect(!configuration.authentication.anonymous)
    }

    @Test("each option of the example can be uncommented", arguments: OptionTable.all)
    func sampleIsValid(option: Option) throws {
        let lines = ExampleFile.text().split(separator: "\n").map(String.init)
        let line = try #require(
            lines.first { line in
                let text = line.hasPrefix("#") ? String(line.dropFirst()) : line
                return text == option.name || text.hasPrefix("\(option.name)=")
            })
        let assignment = line.hasPrefix("#") ? String(line.dropFirst()) : line
        var log = DiagnosticLog()
        let parsed = ConfigurationFileParser.parse(ConfigurationFile(text: assignment), log: &log)
        #expect(log.finished() == [])
        #expect(parsed.map(\.option.name) == [option.name])
        _ = try OptionValue.read(parsed.first?.text, as: option.kind)
    }

    @Test("lines of the example stay readable")
    func lineLength() {
        for line in ExampleFile.text().split(separator: "\n") { #expect(line.count <= 120) }
    }
}
