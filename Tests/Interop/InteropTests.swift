import Testing

/// Clients that others wrote, unmodified, against the executable. They share no code with us and no reading of the
/// RFCs.
@Suite("Third-party clients", .serialized)
struct InteropTests {
    @Test("coturn's stunclient learns its address from a Binding request")
    func stunclient() async throws {
        try await expectSuccess(of: .stunclient)
    }

    @Test(
        "coturn's natdiscovery finds no NAT from four addresses, with padding and without",
        arguments: [["-m", "-f"], ["-m", "-f", "-P"], ["-H"]])
    func natdiscovery(flags: [String]) async throws {
        try await expectSuccess(of: .natdiscovery, on: .fourAddresses, flags: flags)
    }

    @Test("aioice's messages are answered from each of the four addresses")
    func discovery() async throws {
        try await expectSuccess(of: .discovery, on: .fourAddresses)
    }

    @Test(
        "coturn's uclient goes where it is redirected, over UDP and TCP",
        arguments: [["-y", "-c", "-n", "20"], ["-t", "-y", "-c", "-s", "-n", "20"]])
    func redirection(flags: [String]) async throws {
        try await expectSuccess(of: .uclient, on: .redirecting, flags: flags)
    }

    @Test("coturn's uclient loses nothing over channels between two relays")
    func uclientChannels() async throws {
        try await expectSuccess(of: .uclient, on: .wideChannels, flags: ["-y", "-c", "-n", "100", "-z", "5"])
    }

    @Test("coturn's uclient loses nothing over Send and Data indications between two relays")
    func uclientIndications() async throws {
        try await expectSuccess(of: .uclient, flags: ["-y", "-c", "-s", "-n", "100", "-z", "5"])
    }

    @Test("coturn's uclient gets pairs of ports for RTP and RTCP: EVEN-PORT and RESERVATION-TOKEN")
    func uclientPortPairs() async throws {
        try await expectSuccess(of: .uclient, on: .wideChannels, flags: ["-y", "-n", "50", "-z", "5"])
    }

    @Test("coturn's uclient reaches a peer that has no relay", arguments: [["-s"], []])
    func uclientPeer(flags: [String]) async throws {
        try await expectSuccess(
            of: .uclient, on: .wideChannels, flags: flags + ["--peer", "127.0.0.1", "-c", "-n", "100", "-z", "5"])
    }

    @Test("coturn's uclient is served when it pads ChannelData and repeats its requests")
    func uclientPadding() async throws {
        try await expectSuccess(
            of: .uclient, on: .wideChannels, flags: ["-D", "-G", "-y", "-c", "-l", "101", "-n", "20"])
    }

    @Test("coturn's uclient is served when it asks for DONT-FRAGMENT")
    func uclientDontFragment() async throws {
        try await expectSuccess(of: .uclient, on: .wideChannels, flags: ["-g", "-y", "-c", "-s", "-n", "20"])
    }

    @Test("coturn's uclient loses nothing with fifty pairs of sessions at once")
    func uclientManySessions() async throws {
        try await expectSuccess(of: .uclient, on: .wideChannels, flags: ["-m", "50", "-y", "-c", "-n", "20"])
    }

    @Test(
        "coturn's uclient crosses from either address family to either",
        .enabled(if: Loopback.hasIPv6, "this machine has no IPv6 loopback"),
        arguments: [
            ["-x", "-y"], ["-x", "--peer", "::1"], ["-X", "--peer", "127.0.0.1"],
        ])
    func uclientIPv6(flags: [String]) async throws {
        try await expectSuccess(of: .uclient, on: .dualStack, flags: flags + ["-c", "-n", "50", "-z", "5"])
    }

    @Test("coturn's uclient from IPv4 reaches an IPv6 peer", .enabled(if: Loopback.hasIPv6, "no IPv6 loopback"))
    func uclientIPv4ToIPv6() async throws {
        var configuration = ServerConfiguration.dualStack
        configuration.addresses.reverse()
        try await expectSuccess(
            of: .uclient, on: configuration, flags: ["-x", "--peer", "::1", "-c", "-n", "50", "-z", "5"])
    }

    @Test(
        "coturn's uclient loses nothing over TCP, by channels and by indications, and with many sessions at once",
        arguments: ClientProgram.relayingFlags)
    func uclientTCP(flags: [String]) async throws {
        try await expectSuccess(of: .uclient, on: .wideChannels, flags: ["-t"] + flags)
    }

    @Test(
        "coturn's uclient crosses address families over TCP",
        .enabled(if: Loopback.hasIPv6, "this machine has no IPv6 loopback"), arguments: [["-x", "-y"], ["-X", "-y"]])
    func uclientTCPOverIPv6(flags: [String]) async throws {
        try await expectSuccess(of: .uclient, on: .dualStack, flags: ["-t"] + flags + ["-c", "-n", "50", "-z", "5"])
    }

    @Test(
        "coturn's uclient moves while it relays, over UDP and TCP (RFC 8016)",
        arguments: [["-y", "-c", "-s"], ["-y", "-c"], ["-t", "-y", "-c", "-s"]])
    func uclientMobility(flags: [String]) async throws {
        let mobile = ServerConfiguration(options: ["rfc5766-channel-numbers", "mobility", "relay-threads=4"])
        try await expectSuccess(of: .uclient, on: mobile, flags: ["-M"] + flags + ["-n", "50", "-z", "5"])
    }

    @Test(
        "coturn's uclient loses nothing through TCP allocations, whichever worker its data connections come to",
        arguments: [["-y", "-c", "-n", "50", "-z", "5"], ["-y", "-m", "4", "-n", "20"], ["-y", "-c", "-l", "1400"]])
    func uclientTCPRelay(flags: [String]) async throws {
        let configuration = ServerConfiguration(options: ["relay-threads=2"])
        try await expectSuccess(of: .uclient, on: configuration, flags: ["-T"] + flags)
    }

    @Test("coturn's uclient is refused with a wrong password")
    func uclientWrongPassword() async throws {
        try await expectFailure(of: .uclient, on: .plain, password: "wrong", flags: ["-y", "-c", "-s"])
    }

    @Test("coturn's uclient is served with time-limited credentials of a shared secret")
    func uclientSharedSecret() async throws {
        try await expectSuccess(
            of: .uclient, on: sharedSecret, password: "north-wind", flags: ["--secret", "-y", "-c", "-s", "-n", "20"])
    }

    @Test("coturn's uclient is refused with time-limited credentials of another secret")
    func uclientWrongSharedSecret() async throws {
        try await expectFailure(
            of: .uclient, on: sharedSecret, password: "south-wind", flags: ["--secret", "-y", "-c", "-s"])
    }

    @Test(
        "users and secrets that coturn's turnadmin has written are served to its uclient",
        arguments: [["-y", "-c", "-s", "-n", "20"], ["--secret", "-y", "-c", "-s", "-n", "20"]])
    func userDatabase(flags: [String]) async throws {
        var configuration = ServerConfiguration(
            credentials: ["lt-cred-mech", "use-auth-secret", "userdb=@DIRECTORY@/turndb"])
        configuration.preparation = .turnadmin
        let password = flags.contains("--secret") ? "north-wind" : "secret"
        try await expectSuccess(of: .uclient, on: configuration, password: password, flags: flags)
    }

    @Test("aioice connects over relays only")
    func aioice() async throws {
        try await expectSuccess(of: .aioice)
    }

    @Test("libnice connects over relays only")
    func libnice() async throws {
        try await expectSuccess(of: .libnice)
    }

    @Test("Chromium connects two peers over relays only")
    func chromium() async throws {
        try await expectSuccess(of: .chromium)
    }

    @Test(
        "ICE clients connect when they reach the server over IPv6",
        .enabled(if: Loopback.hasIPv6, "this machine has no IPv6 loopback"),
        arguments: [ClientProgram.aioice, .libnice, .chromium])
    func iceOverIPv6(client: ClientProgram) async throws {
        try await expectSuccess(of: client, on: .dualStack)
    }

    private var sharedSecret: ServerConfiguration {
        ServerConfiguration(credentials: ["use-auth-secret", "static-auth-secret=north-wind"])
    }

    private func expectSuccess(
        of client: ClientProgram, on configuration: ServerConfiguration = .plain, password: String = "secret",
        flags: [String] = [], at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await ServerUnderTest.run(configuration) { server in
            let outcome = try await client.run(against: server, password: password, flags: flags)
            #expect(outcome.exitCode == 0, "\(outcome.output)", sourceLocation: location)
        }
    }

    /// Expects a refusal, as told apart from a client that could not even run.
    private func expectFailure(
        of client: ClientProgram, on configuration: ServerConfiguration, password: String, flags: [String],
        at location: SourceLocation = #_sourceLocation
    ) async throws {
        try await ServerUnderTest.run(configuration) { server in
            let outcome = try await client.run(against: server, password: password, flags: flags)
            #expect(outcome.exitCode == 1, "\(outcome.output)", sourceLocation: location)
            #expect(outcome.output.contains("Cannot complete Allocation"), sourceLocation: location)
        }
    }
}
