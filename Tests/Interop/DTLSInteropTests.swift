import Testing

/// Clients of DTLS that others wrote.
@Suite("Third-party clients over DTLS", .serialized)
struct DTLSInteropTests {
    @Test(
        "coturn's uclient loses nothing, by channels and by indications, and with many sessions at once",
        arguments: ClientProgram.relayingFlags)
    func uclient(flags: [String]) async throws {
        try await ServerUnderTest.run(.encrypted) { server in
            let outcome = try await ClientProgram.uclient.run(against: server, flags: ["-S"] + flags)
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }

    @Test("openssl s_client checks the certificate and is answered")
    func openssl() async throws {
        try await ServerUnderTest.run(.encrypted) { server in
            let certificate = server.directory.appending(path: "cert.pem").path
            let outcome = try await ClientProgram.opensslDTLS.run(
                arguments: [server.host, String(server.port), certificate])
            #expect(outcome.exitCode == 0, "\(outcome.output)")
        }
    }
}
