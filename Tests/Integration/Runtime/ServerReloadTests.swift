import Configuration
import Foundation
import Testing

@testable import ServerRuntime

@Suite("What a server makes of its configuration when that is read again")
struct ServerReloadTests {
    private let file: URL

    init() throws {
        file = FileManager.default.temporaryDirectory.appending(path: "tern-reload-\(UUID().uuidString).conf")
    }

    private func write(_ text: String) throws { try text.write(to: file, atomically: true, encoding: .utf8) }

    private func server(_ text: String, _ arguments: [String] = []) throws -> Server {
        try write(text)
        let options = CommandLineOptions(parsing: arguments)
        let result = ServerConfiguration.load(
            file: ConfigurationFile(name: file.path, text: text), commandLine: options)
        return try Server(
            try #require(result.configuration),
            from: ConfigurationOrigin(path: file.path, commandLine: options, source: result.source),
            diagnostics: result.diagnostics)
    }

    @Test("the report names what was adopted and what waits, and another reload what waits still")
    func report() throws {
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try server("user=a:b\nlistening-port=3500")
        try write("user=a:c\nlistening-port=3501\nuser-quota=7")
        let report = server.reload()
        #expect(report.isApplied)
        #expect(report.adopted.map(\.name) == ["user", "user-quota"])
        #expect(report.awaitingRestart.map(\.description) == ["listening-port (\(file.path):2)"])
        #expect(report.errors == [])
        let again = server.reload()
        #expect(again.adopted == [])
        #expect(again.awaitingRestart == report.awaitingRestart)
        #expect(
            again.lines(leavingOut: []).map(\.text) == [
                "the configuration was reloaded: no change",
                "changed but needs a restart: listening-port (\(file.path):2)",
            ])
    }

    @Test("errors come back, and nothing has changed; the next good file is taken")
    func errors() throws {
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try server("user=a:b")
        try write("user=a:b\nuser-quota=many\nuser=c:d")
        let report = server.reload()
        #expect(!report.isApplied)
        #expect(report.adopted == [])
        #expect(report.errors.map { "\($0.place)" } == ["\(file.path):2"])
        #expect(server.configuration.authentication.staticUsers.count == 1)
        try write("user=a:b\nuser=c:d")
        #expect(server.reload().adopted.map(\.name) == ["user"])
        #expect(server.configuration.authentication.staticUsers.count == 2)
    }

    @Test(
        "what only the use of a file finds out is an error too",
        arguments: [
            "static-root=/nowhere", "signaling-token-issuer=https://a.example:/nowhere.pem",
        ])
    func late(line: String) throws {
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try server("user=a:b\nsignaling-port=8080")
        try write("user=a:b\nuser=c:d\nsignaling-port=8080\n\(line)")
        let report = server.reload()
        #expect(!report.isApplied)
        #expect(report.errors.count == 1)
        #expect(report.errors.first?.message.contains("/nowhere") == true)
        #expect(server.configuration.authentication.staticUsers.count == 1)
    }

    @Test("a warning is written once, and not by every reload")
    func warnings() throws {
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try server("user=a:b")
        try write("user=a:b\nunknown-option=1")
        let report = server.reload()
        #expect(report.lines(leavingOut: []).contains { $0.level == .warning && $0.text.contains("unknown-option") })
        #expect(!report.lines(leavingOut: report.diagnostics).contains { $0.level == .warning })
    }

    @Test("credentials that signaling made with its own secret stay good when the operator writes one")
    func issuingSecret() throws {
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try server("signaling-port=8080\nsignaling-anonymous-rooms=*")
        let own = try #require(server.issuing.bytes)
        try write("signaling-port=8080\nsignaling-anonymous-rooms=*\nstatic-auth-secret=written")
        #expect(server.reload().isApplied)
        #expect(server.issuing.bytes == Array("written".utf8))
        #expect(server.issuing.ownBytes == own)
        try write("signaling-port=8080\nsignaling-anonymous-rooms=*")
        #expect(server.reload().isApplied)
        #expect(server.issuing.bytes == own)
    }

    @Test("other threads ask, and are answered")
    func control() async throws {
        defer { try? FileManager.default.removeItem(at: file) }
        let server = try server("user=a:b")
        try write("user=a:c")
        let control = server.control
        let answer = Task.detached { control.reload(within: 10) }
        var messages: [ServerMessage] = []
        while messages.isEmpty {
            try await Task.sleep(for: .milliseconds(1))
            messages = server.inbox.drain()
        }
        for message in messages { server.handle(message) }
        #expect(await answer.value?.adopted.map(\.name) == ["user"])
    }

    @Test("a server whose configuration is nobody's file says that it cannot be reloaded")
    func noOrigin() throws {
        let server = try Server(try .development(userName: "a", password: "b", signalingPort: 0))
        let report = server.reload()
        #expect(!report.isApplied)
        #expect(report.errors.count == 1)
    }
}
