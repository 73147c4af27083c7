import Testing

/// Clients that others wrote, over connections, plain and under TLS.
@Suite("Third-party clients over TCP and TLS", .serialized)
struct StreamInteropTests {
    @Test(
        "coturn's uclient loses nothing over TLS, by channels and by indications, and with many sessions at once",
        arguments: ClientProgram.relayingFlags)
    func uclient(flags: [String]) async throws {
        try await ServerUnderTest.run(.encrypted) { server in
            let outcome = try await ClientProgram.uclient.run(against: server, flags: ["-t", "-S"] + flags)
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test("aioice and Chromium connect over relays only, over TCP", arguments: [ClientProgram.aioice, .chromium])
    func tcp(client: ClientProgram) async throws {
        try await ServerUnderTest.run(.plain) { server in
            let outcome = try await client.run(against: server, flags: ["tcp"])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test(
        "aioice and Chromium connect over relays only, over TLS, and check the certificate",
        arguments: [ClientProgram.aioice, .chromium])
    func tls(client: ClientProgram) async throws {
        try await ServerUnderTest.run(.encrypted) { server in
            let certificate = server.directory.appending(path: "cert.pem").path
            let outcome = try await client.run(against: server, flags: ["tls", certificate])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test("one port serves a room over WSS, pages over HTTPS, and TURN over UDP, TCP, TLS and DTLS at the same time")
    func everyWay() async throws {
        var configuration = ServerConfiguration.encrypted
        configuration.options += ["signaling-port=@PORT@", "signaling-anonymous-rooms=den"]
        try await ServerUnderTest.run(configuration) { server in
            let certificate = server.directory.appending(path: "cert.pem").path
            let outcome = try await ClientProgram.everyWay.run(against: server, flags: [certificate])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }
}
