import Foundation
import TestSupport
import Testing

/// The pages that the server brings along, in Chromium, judged by what the browser's statistics say of each connection.
/// Each program in `Clients` has many cases, names those that failed, and says how long each took.
@Suite("Pages in Chromium", .serialized)
struct PagesTests {
    private static let isLong = ProcessInfo.processInfo.environment["TERN_LONG_TESTS"] == "1"

    @Test("people meet directly, through the relay and by threes; the ICE test and the landing page tell the truth")
    func call() async throws { try await expectSuccess(of: .pagesCall) }

    @Test("who has no token gets nothing, and who is put out loses the relay at once")
    func gate() async throws { try await expectSuccess(of: .pagesGate) }

    @Test("a call outlives a cut line, and comes back after a restart")
    func recovery() async throws { try await expectSuccess(of: .pagesRecovery) }

    @Test("the dashboard shows the operator, and nobody else, what is relayed, and ends it")
    func dashboard() async throws { try await expectSuccess(of: .pagesDashboard) }

    @Test("pages of the codelab meet, with our own client of Socket.IO and with the true one")
    func socketIO() async throws { try await expectSuccess(of: .pagesSocketIO) }

    @Test("media goes on while credentials are renewed", .enabled(if: isLong, "three minutes: set TERN_LONG_TESTS=1"))
    func renewal() async throws { try await expectSuccess(of: .pagesRenewal, seconds: 240) }

    private func expectSuccess(
        of client: ClientProgram, seconds: Int = 120, at location: SourceLocation = #_sourceLocation
    ) async throws {
        let outcome = try await client.run(arguments: [Executable.path], seconds: seconds)
        print(outcome.output)
        #expect(outcome.exitCode == 0, "\(outcome.output)", sourceLocation: location)
    }
}
