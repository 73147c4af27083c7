import Foundation
import TestSupport
import Testing

/// Signaling, its HTTP interface and the credentials that it gives out, as clients find them that others wrote. Each
/// program in `Clients` has many cases and names those that failed.
@Suite("Third-party clients of signaling")
struct SignalingInteropTests {
    @Test("python's websockets holds the conversation of tern.v1")
    func conversation() async throws { try await expectSuccess(of: .websockets) }

    @Test("python's websockets is refused what the protocol forbids, with the code that is documented")
    func refusals() async throws {
        try await expectSuccess(
            of: .refusals,
            options: [
                "signaling-message-max=4096", "signaling-hello-timeout=1", "signaling-message-rate=10",
                "signaling-message-burst=50",
            ])
    }

    @Test("tokens of PyJWT and of the server open their room and no other, and nobody else sees a credential")
    func gate() async throws { try await expectSuccess(of: .gate, options: site) }

    @Test("who tries many tokens waits")
    func manyTokens() async throws { try await expectSuccess(of: .gate, options: ["signaling-auth-failures=3"]) }

    @Test("python's websockets resumes its session and misses nothing")
    func resume() async throws {
        try await expectSuccess(of: .resume, options: ["signaling-resume=2", "signaling-replay-messages=32"])
    }

    @Test("python's websockets joins again when the server was restarted")
    func restart() async throws {
        try await ServerUnderTest.run(signaling()) { server in
            let directory = server.directory
            async let outcome = ClientProgram.resume.run(
                arguments: [directory.appending(path: "turnserver.conf").path, "--restart"])
            let joined = directory.appending(path: "joined").path
            #expect(try await eventually(seconds: 20) { FileManager.default.fileExists(atPath: joined) })
            try await server.restart()
            let (exitCode, output) = try await (outcome.exitCode, outcome.output)
            #expect(exitCode == 0, "\(output)")
        }
    }

    @Test(
        "Debian's node-ws holds the conversation of tern.v1, compressed where both want it",
        arguments: [("plain", []), ("deflate", ["websocket-deflate"])])
    func nodeWS(mode: String, options: [String]) async throws {
        try await expectSuccess(of: .nodeWS, options: options, flags: [mode])
    }

    @Test("curl finds the HTTP interface as it is documented, and nothing outside of the site")
    func curl() async throws { try await expectSuccess(of: .curl, options: site + ["static-root=@DIRECTORY@/site"]) }

    @Test(
        "coturn's uclient and aioice relay with what was issued, until somebody is put out",
        arguments: [
            [], ["credential-lifetime=60"], ["credential-quota=2"], ["credential-on-leave=delete"],
            ["credential-on-leave=grace"],
        ])
    func relays(options: [String]) async throws {
        // uclient picks channel numbers up to 0x7FFF.
        let short = ["rfc5766-channel-numbers", "credential-leave-grace=1", "signaling-resume=1"]
        try await expectSuccess(of: .relays, options: short + options)
    }

    @Test("Debian's simple-whip-client reads the Link headers")
    func whip() async throws { try await expectSuccess(of: .whip, options: ["rfc5766-channel-numbers"]) }

    @Test("Debian's Janus fetches credentials from /turn")
    func janus() async throws { try await expectSuccess(of: .janus, options: ["rfc5766-channel-numbers"]) }

    /// Issuers of tokens whose keys are in files, and pages.
    private var site: [String] {
        [
            "signaling-token-issuer=es256:@DIRECTORY@/es256.pem", "signaling-token-issuer=eddsa:@DIRECTORY@/eddsa.pem",
            "signaling-origin=https://app.example.org",
        ]
    }

    /// Rooms of token holders, but for `lobby…`. The programs come quickly and show many wrong tokens.
    private func signaling(_ options: [String] = []) throws -> ServerConfiguration {
        let port = try Loopback.freeTCPPort(on: "127.0.0.1")
        let needsFiles = options.contains { $0.contains("@DIRECTORY@") }
        return ServerConfiguration(
            credentials: [
                "signaling-port=\(port)", "signaling-api-key=app:ocean-of-thirty-two-bytes-at-least",
                "signaling-admin-key=captain-of-thirty-two-bytes-at-least", "signaling-anonymous-rooms=lobby*",
            ],
            options: [
                "verbose", "signaling-connect-rate=100000", "signaling-connect-burst=1000000",
                "signaling-auth-failures=10000", "no-tcp",
            ] + options,
            preparation: needsFiles ? .serverFiles : nil)
    }

    private func expectSuccess(
        of client: ClientProgram, options: [String] = [], flags: [String] = [],
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await ServerUnderTest.run(signaling(options)) { server in
            let file = server.directory.appending(path: "turnserver.conf").path
            let outcome = try await client.run(arguments: [file] + flags)
            #expect(outcome.exitCode == 0, "\(outcome.output)", sourceLocation: location)
        }
    }
}
