import Testing

/// Clients of DTLS that others wrote.
@Suite("Third-party clients over DTLS", .serialized)
struct DTLSInteropTests {
    private static var encrypted: ServerConfiguration {
        var configuration = ServerConfiguration.wideChannels
        configuration.options += ["cert=@DIRECTORY@/cert.pem", "pkey=@DIRECTORY@/key.pem"]
        configuration.preparation = .certificate
        return configuration
    }

    @Test(
        "coturn's uclient loses nothing, by channels and by indications, and with many sessions at once",
        arguments: [
            ["-y", "-c", "-n", "100", "-z", "5"], ["-y", "-c", "-s", "-n", "100", "-z", "5"],
            ["-y", "-n", "50", "-z", "5"], ["-m", "20", "-y", "-c", "-n", "20"], ["-l", "101", "-y", "-c", "-n", "20"],
            ["--peer", "127.0.0.1", "-c", "-n", "50", "-z", "5"],
        ])
    func uclient(flags: [String]) async throws {
        try await ServerUnderTest.run(Self.encrypted) { server in
            let outcome = try await ClientProgram.uclient.run(against: server, flags: ["-S"] + flags)
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test("openssl s_client checks the certificate and is answered")
    func openssl() async throws {
        try await ServerUnderTest.run(Self.encrypted) { server in
            let certificate = server.directory.appending(path: "cert.pem").path
            let outcome = try await ClientProgram.opensslDTLS.run(
                arguments: [server.host, String(server.port), certificate])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }
}
