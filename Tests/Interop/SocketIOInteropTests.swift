import Foundation
import TestSupport
import Testing

/// Socket.IO and what is spoken over it, as clients find it that others wrote; in Chromium see `PagesTests`.
@Suite("Third-party clients of Socket.IO")
struct SocketIOInteropTests {
    @Test(
        "python-socketio meets others as in the codelab and in simple-peer, and relays with what it is given",
        arguments: ["4", "5"], ["polling", "websocket"])
    func pythonSocketIO(version: String, transport: String) async throws {
        try await ServerUnderTest.run(configuration()) { server in
            let file = server.directory.appending(path: "turnserver.conf").path
            let outcome = try await ClientProgram.socketIO.run(arguments: [file, version, transport])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test("our own client does what pages rely on")
    func ownClient() async throws {
        let outcome = try await ClientProgram.socketIOScript.run(arguments: [])
        #expect(outcome.exitCode == 0, "\(outcome.output)")
    }

    /// Rooms of token holders, but for `lobby…`.
    private func configuration() throws -> ServerConfiguration {
        let port = try Loopback.freeTCPPort(on: "127.0.0.1")
        return ServerConfiguration(
            credentials: [
                "signaling-port=\(port)", "signaling-api-key=app:ocean-of-thirty-two-bytes-at-least",
                "signaling-admin-key=captain-of-thirty-two-bytes-at-least", "signaling-anonymous-rooms=lobby*",
                "signaling-dialect=codelab", "signaling-dialect=simple-peer",
            ],
            options: ["verbose", "signaling-connect-rate=1000", "signaling-connect-burst=1000", "no-tcp"])
    }
}
