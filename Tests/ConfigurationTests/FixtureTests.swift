import NetworkPrimitives
import Testing

@testable import Configuration

/// Configurations as the guides and packages of well-known projects make people write them, with our own addresses,
/// names and secrets.
@Suite("Configurations from the field")
struct FixtureTests {
    private func load(_ name: String) throws -> ServerConfiguration.LoadResult {
        ServerConfiguration.load(file: try fixture(name))
    }

    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func isDenied(_ text: String, by policy: ServerConfiguration.PeerPolicy) throws -> Bool {
        let peer = try address(text)
        return policy.rules.contains { $0.kind == .deny && $0.matcher.contains(peer) }
            && !policy.rules.contains { $0.kind == .allow && $0.matcher.contains(peer) }
    }

    @Test("a videoconference with one shared secret (Jitsi)")
    func jitsi() throws {
        let result = try load("jitsi")
        #expect(result.lines == [])
        let value = try #require(result.configuration)
        let encryption = try #require(value.encryption)
        #expect(encryption.certificates.map(\.chain.text) == ["/etc/turnserver/meet.example.org.crt"])
        #expect(encryption.certificates[0].keyFile == "/etc/turnserver/meet.example.org.key")
        #expect(encryption.cipherList?.place == .line(file: "jitsi.conf", number: 18))
        #expect(encryption.servesTLS && encryption.servesDTLS)
        #expect(value.relaying == .enabled)
        #expect(value.authentication.sharedSecrets == ["Kv2w8pQ0fR6sT4nX"])
        #expect(value.authentication.realm == "meet.example.org")
        #expect(value.relay.defaultFamily == .asClient)
        #expect(!value.relay.allowsTCP)
        #expect(value.relay.externalAddresses.entries.map(\.publicAddress) == [try address("203.0.113.20")])
        #expect(value.peerPolicy.rules.count == 14)
        #expect(try isDenied("100.64.0.1", by: value.peerPolicy))
        #expect(try isDenied("fd00::1", by: value.peerPolicy))
        #expect(try !isDenied("198.51.100.1", by: value.peerPolicy))
        #expect(value.logging.destinations == [.systemLog])
    }

    @Test("a Matrix home server with both families (Synapse)")
    func synapse() throws {
        let result = try load("synapse")
        #expect(result.warnings == [])
        let value = try #require(result.configuration)
        #expect(value.relaying == .enabled)
        #expect(value.authentication.sharedSecrets == ["7Ln3cZ9dYh1uWe5a"])
        #expect(value.relay.ports.bounds == 49160...49400)
        let external = value.relay.externalAddresses
        #expect(external.advertised(for: try address("10.1.1.1")) == (try address("203.0.113.31")))
        #expect(external.advertised(for: try address("fd00::5")) == (try address("2001:db8:31::1")))
        #expect(value.quotas.allocationsPerUser == 12)
        #expect(value.quotas.allocationsPerMintedUser == 12)
        #expect(value.quotas.allocationsInTotal == 1200)
        #expect(value.listeners.addresses == .allLocal)
        #expect(try isDenied("203.0.113.30", by: value.peerPolicy))
        #expect(try !isDenied("203.0.113.31", by: value.peerPolicy))
    }

    @Test("comments behind flags, and zeros (Nextcloud Talk)")
    func nextcloudTalk() throws {
        let result = try load("nextcloud-talk")
        #expect(result.lines == [])
        let value = try #require(result.configuration)
        #expect(value.relaying == .enabled)
        #expect(value.authentication.sharedSecrets == ["a5b1c9e0d7f34482"])
        #expect(value.authentication.nonceLifetimeSeconds == 600)
        #expect(value.quotas.allocationsInTotal == nil)
        #expect(value.quotas.bytesPerSecondInTotal == nil)
        #expect(value.quotas.allocationsPerMintedUser == 12)
        #expect(value.protocolSwitches.alwaysAddsFingerprint)
        #expect(value.listeners.servesUDP)
        #expect(value.logging.destinations == [.file(path: "/var/log/turnserver.log", addsSuffix: false)])
    }

    @Test("a plain and a mapped public address (BigBlueButton)")
    func bigBlueButton() throws {
        let result = try load("bigbluebutton")
        #expect(result.warnings == [])
        let value = try #require(result.configuration)
        #expect(value.listeners.addresses == .these([try address("192.0.2.50")]))
        #expect(value.relay.addresses == .these([try address("192.0.2.50")]))
        let external = value.relay.externalAddresses
        #expect(external.advertised(for: try address("192.0.2.50")) == (try address("203.0.113.50")))
        #expect(external.advertised(for: try address("192.0.2.51")) == (try address("203.0.113.51")))
        #expect(value.relay.ports.bounds == 32769...65535)
        #expect(value.relay.defaultFamily == .asClient)
        #expect(value.logging.verbosity == .verbose)
        #expect(
            value.peerPolicy.rules.last?.source == "bigbluebutton.conf:9 external-ip=203.0.113.51/192.0.2.51")
    }

    @Test("one user with a password (G. Tanner's guide)")
    func singleUser() throws {
        let result = try load("single-user")
        #expect(result.warnings == [])
        let value = try #require(result.configuration)
        #expect(value.relaying == .enabled)
        #expect(value.authentication.staticUsers.map(\.name) == ["guest"])
        #expect(value.authentication.staticUsers.map(\.secret) == [.password("some:pass#word")])
        #expect(value.authentication.serverName == "turn.example.org")
        #expect(value.relay.ports.bounds == 10000...20000)
        #expect(
            value.logging.destinations == [
                .file(path: "/var/log/turnserver.log", addsSuffix: true), .standardOutput,
            ])
    }

    @Test("a container with everything on standard output (matrix-docker-ansible-deploy)")
    func matrixAnsible() throws {
        let result = try load("matrix-ansible")
        #expect(result.lines == [])
        let value = try #require(result.configuration)
        #expect(value.authentication.database?.path == "/var/tmp/turnserver.db")
        #expect(value.authentication.sharedSecrets == ["bXkgc2VjcmV0+/=="])
        #expect(value.relay.ports.bounds == 49152...49172)
        #expect(value.relay.externalAddresses.entries.count == 2)
        #expect(value.logging.destinations == [.standardOutput])
        #expect(value.process.pidFile == "/var/tmp/turnserver.pid")
        #expect(try isDenied("10.3.0.6", by: value.peerPolicy))
        #expect(try !isDenied("10.3.0.7", by: value.peerPolicy))
    }

    @Test("a module that writes every line (NixOS)")
    func nixOS() throws {
        let result = try load("nixos")
        #expect(result.warnings == [])
        let value = try #require(result.configuration)
        #expect(value.relaying == .enabled)
        #expect(value.listeners.addresses == .these([try address("192.0.2.80"), try address("2001:db8:80::1")]))
        #expect(value.relay.addresses == .these([try address("192.0.2.80"), try address("2001:db8:80::1")]))
        #expect(value.relay.allowsUDP)
        #expect(!value.relay.allowsTCP)
        #expect(!value.authentication.anonymous)
        #expect(value.authentication.requiredForBinding)
        #expect(value.process.pidFile == "/run/turnserver/turnserver.pid")
        #expect(try isDenied("10.255.0.1", by: value.peerPolicy))
    }

    @Test("every mistake of a broken file is found at once, and no secret is shown")
    func broken() throws {
        let result = try load("broken")
        #expect(result.configuration == nil)
        #expect(result.lines.allSatisfy { !$0.contains("hunter") })
        #expect(result.lines == Self.brokenMessages)
    }

    private static let brokenMessages = [
        "broken.conf:2: error: listening-port: \"70000\" must be a port from 0 to 65535",
        "broken.conf:3: error: listening-ip: \"turn.example.org\" is not an IP address; write one such as "
            + "192.0.2.1 or 2001:db8::1, no host name",
        "broken.conf:4: error: external-ip: \"203.0.113.1/2001:db8::1\" mixes IPv4 and IPv6; a NAT maps within "
            + "one family",
        "broken.conf:5: error: denied-peer-ip: \"10.0.0.0/8/8\" must be an address, a range such as "
            + "10.0.0.0-10.255.255.255 whose ends are in order and of one family, or a prefix such as "
            + "10.0.0.0/8 with no bits behind its length",
        "broken.conf:6: error: allowed-peer-ip: the value is missing; write one, or remove the option",
        "broken.conf:7: error: user: there is no colon; write name:password",
        "broken.conf:8: error: user: what begins with 0x is a key and must have 32 or 64 hexadecimal digits",
        "broken.conf:9: error: static-auth-secret: the value is missing; write one, or remove the option",
        "broken.conf:10: warning: static-auth-secet: unknown option; did you mean `static-auth-secret`?",
        "broken.conf:11: warning: the line does not begin with a known option name; it has no effect. Write "
            + "name=value",
        "broken.conf:12: error: fingerprint: \"perhaps\" is neither yes nor no; write on or off",
        "broken.conf:13: error: user-quota: \"-1\" must be a number from 0 to 1000000",
        "broken.conf:15: error: max-port: min-port 50000 is above max-port 40000; exchange them, or write both",
        "broken.conf:16: error: no-udp-relay: together with no-tcp-relay nothing could be relayed; remove one "
            + "of them, or write stun-only",
        "broken.conf:18: error: bps-capacity: it is handed out in portions of max-bps, which is not set; write "
            + "max-bps too",
        "broken.conf:19: error: server-relay: not supported: it would forward packets from any host without a "
            + "permission, which makes an open relay; remove it",
        "broken.conf:20: error: alternate-server: \"turn.example.org:3478\" must be an address and a port: "
            + "192.0.2.1:3478 or [2001:db8::1]:3478",
        "broken.conf:21: error: allocation-default-address-family: \"ipv5\" must be one of ipv4, ipv6, keep",
        "broken.conf:22: error: no-auth: it contradicts lt-cred-mech, use-auth-secret, user and "
            + "static-auth-secret; remove one side",
        "broken.conf:23: error: rest-api-separator: \"::\" must be a single printable ASCII character that is "
            + "no digit",
        "broken.conf:24: error: listening-device: \"a very long name\" is no device name; write one such as "
            + "eth0",
        "broken.conf:25: error: denied-peer-ip: \"192.0.2.9-192.0.2.1\" must be an address, a range such as "
            + "10.0.0.0-10.255.255.255 whose ends are in order and of one family, or a prefix such as "
            + "10.0.0.0/8 with no bits behind its length",
        "broken.conf:26: note: mysql-userdb: accepted without effect: Tern reads no such database; use "
            + "static-auth-secret, or user lines",
        "broken.conf:27: warning: cli-password: the text from \" #\" on counts as part of the value; if it is "
            + "a comment, move it to a line of its own",
        "broken.conf:27: note: cli-password: accepted without effect: there is no telnet console",
        "broken.conf:28: error: tls-listening-port: \"https\" must be a port from 0 to 65535",
    ]

    @Test("signaling behind a proxy, with an application and its sign-in")
    func signaling() throws {
        let result = try load("signaling")
        #expect(
            result.lines == [
                "signaling.conf:3: note: external-ip: 192.0.2.10 is an allowed peer by this line"
            ])
        let value = try #require(result.configuration?.signaling)
        #expect(value.addresses == .these([try address("127.0.0.1")]))
        #expect(value.origins.named == ["https://app.example.org", "http://localhost:5173"])
        #expect(value.apiKeys.map(\.id) == ["app"])
        #expect(value.adminKeys.count == 1)
        #expect(value.tokenIssuers.map(\.publicKeyPath) == ["/etc/turnserver/login.pem"])
        #expect(value.anonymousRooms == ["demo-*"])
        #expect(value.staticRoot == "/srv/app")
        #expect(value.credentials.lifetimeSeconds == 3600)
        #expect(value.credentials.onLeave == .grace)
        #expect(value.limits.connectionsMax == 5000)
        #expect(value.limits.queueByteCountMax == 262_144)
    }
}
