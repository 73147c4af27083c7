import Testing

/// Clients that others wrote, over connections, plain and under TLS.
@Suite("Third-party clients over TCP and TLS", .serialized)
struct StreamInteropTests {
    private static var encrypted: ServerConfiguration {
        var configuration = ServerConfiguration.wideChannels
        configuration.options += ["cert=@DIRECTORY@/cert.pem", "pkey=@DIRECTORY@/key.pem"]
        configuration.preparation = .certificate
        return configuration
    }

    @Test(
        "coturn's uclient loses nothing over TLS, by channels and by indications, and with many sessions at once",
        arguments: [
            ["-y", "-c", "-n", "100", "-z", "5"], ["-y", "-c", "-s", "-n", "100", "-z", "5"],
            ["-y", "-n", "50", "-z", "5"], ["-m", "20", "-y", "-c", "-n", "20"], ["-l", "101", "-y", "-c", "-n", "20"],
            ["--peer", "127.0.0.1", "-c", "-n", "50", "-z", "5"],
        ])
    func uclient(flags: [String]) async throws {
        try await ServerUnderTest.run(Self.encrypted) { server in
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
        try await ServerUnderTest.run(Self.encrypted) { server in
            let certificate = server.directory.appending(path: "cert.pem").path
            let outcome = try await client.run(against: server, flags: ["tls", certificate])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test("one port serves a room over WSS, pages over HTTPS, and TURN over UDP, TCP, TLS and DTLS at the same time")
    func everyWay() async throws {
        var configuration = Self.encrypted
        configuration.options += ["signaling-port=@PORT@", "signaling-anonymous-rooms=den"]
        try await ServerUnderTest.run(configuration) { server in
            let certificate = server.directory.appending(path: "cert.pem").path
            let outcome = try await ClientProgram.everyWay.run(against: server, flags: [certificate])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }
}
