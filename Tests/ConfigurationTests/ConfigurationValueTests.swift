import NetworkPrimitives
import Testing

@testable import Configuration

@Suite("Configuration values")
struct ConfigurationValueTests {
    @Test("an empty file gives the defaults, and serves STUN only")
    func defaults() throws {
        let result = load("")
        let value = try #require(result.configuration)
        #expect(value.listeners.addresses == .allLocal)
        #expect(value.listeners.port == 3478)
        #expect(value.listeners.servesUDP)
        #expect(value.listeners.socketBufferByteCount == 2_097_152)
        #expect(value.relay.addresses == .asReached)
        #expect(value.relay.externalAddresses == .none)
        #expect(value.relay.ports.bounds == 49152...65535)
        #expect(value.relay.portQuarantineSeconds == 60)
        #expect(value.relay.allowsUDP)
        #expect(value.relay.defaultFamily == .ipv4)
        #expect(value.authentication.restSeparator == 0x3A)
        #expect(value.authentication.nonceLifetimeSeconds == 600)
        #expect(value.authentication.realm == nil)
        #expect(value.quotas.allocationsPerUser == nil)
        #expect(value.quotas.allocationsPerMintedUser == 12)
        #expect(value.quotas.permissionsPerAllocation == 64)
        #expect(value.quotas.channelsPerAllocation == 64)
        #expect(value.rates.unauthorizedAnswersPerSource == 20)
        #expect(value.rates.bindingAnswersPerSource == 100)
        #expect(value.rates.newPeersPerAllocation == 10)
        #expect(value.lifetimes.allocationDefaultSeconds == 600)
        #expect(value.lifetimes.allocationMaximumSeconds == 3600)
        #expect(value.lifetimes.channelSeconds == 600)
        #expect(value.lifetimes.permissionSeconds == 300)
        #expect(value.peerPolicy.rules.isEmpty)
        #expect(value.logging.destinations == [.standardOutput])
        #expect(value.logging.minimumLevel == .debug)
        #expect(value.process == .init(pidFile: nil, user: nil, group: nil))
        #expect(value.workers.count(detectedProcessors: 6) == 6)
        #expect(
            result.lines == [
                "configuration: warning: nothing is relayed, only STUN is served: there are no "
                    + "credentials: no user, no static-auth-secret, no signaling-port. Add one of them"
            ])
        #expect(
            value.relaying
                == .stunOnly(reason: "there are no credentials: no user, no static-auth-secret, no signaling-port"))
    }

    @Test(
        "relaying starts with a user, a secret, or no-auth",
        arguments: [
            "user=alice:pass", "static-auth-secret=text",
            "lt-cred-mech\nuse-auth-secret\nstatic-auth-secret=text\nuser=a:b",
            "no-auth",
        ])
    func relaying(text: String) throws {
        #expect(try configuration(text).relaying == .enabled)
    }

    @Test(
        "requiring credentials without having any relays nothing",
        arguments: [
            "lt-cred-mech", "use-auth-secret",
        ])
    func noCredentials(text: String) throws {
        let result = load(text)
        let reason = "credentials are required, but there is neither a user nor a static-auth-secret"
        #expect(try #require(result.configuration).relaying == .stunOnly(reason: reason))
        #expect(result.warnings.count == 1)
    }

    @Test("users and secrets are both served")
    func usersAndSecrets() throws {
        let text = "use-auth-secret\nstatic-auth-secret=one\nstatic-auth-secret=two\nlt-cred-mech\nuser=alice:a:b\n"
        let value = try configuration(text).authentication
        #expect(value.sharedSecrets == ["one", "two"])
        #expect(value.staticUsers.map(\.name) == ["alice"])
        #expect(value.staticUsers.map(\.secret) == [.password("a:b")])
        #expect(!value.anonymous)
    }

    @Test("keys are told apart by their length")
    func keys() throws {
        let text = "user=a:0x000102030405060708090a0b0c0d0e0F\nuser=b:0x" + String(repeating: "ff", count: 32)
        #expect(
            try configuration(text).authentication.staticUsers.map(\.secret) == [
                .md5Key([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]),
                .sha256Key([UInt8](repeating: 255, count: 32)),
            ])
    }

    @Test(
        "a malformed user is an error that tells nothing about the password",
        arguments: [
            ("hunter2", "there is no colon; write name:password"),
            (":hunter2", "the name before the colon is empty; write name:password"),
            ("hunter2:", "the password is empty; write name:password"),
            ("a:0x0102", "what begins with 0x is a key and must have 32 or 64 hexadecimal digits"),
            (
                "a:0x" + String(repeating: "g", count: 32),
                "what begins with 0x is a key and must have 32 or 64 hexadecimal digits"
            ),
        ])
    func malformedUsers(value: String, message: String) {
        #expect(load("user=\(value)").errors == ["turnserver.conf:1: error: user: \(message)"])
    }

    @Test("a user name has at most 508 bytes (RFC 8489 §14.3)")
    func userNameLength() {
        let longest = String(repeating: "n", count: 508)
        #expect(load("user=\(longest):p").errors == [])
        #expect(
            load("user=\(longest)n:p").errors == [
                "turnserver.conf:1: error: user: the name is longer than 508 bytes, which no client can send"
            ])
    }

    @Test("a realm has at most 128 bytes")
    func realmLength() {
        let longest = String(repeating: "r", count: 128)
        #expect(load("realm=\(longest)").errors == [])
        #expect(load("realm=\(longest)r").errors.count == 1)
    }

    @Test("there are at most 16 shared secrets")
    func secretCount() {
        let sixteen = (1...16).map { "static-auth-secret=\($0)\n" }.joined()
        #expect(load(sixteen).errors == [])
        #expect(
            load(sixteen + "static-auth-secret=17").errors == [
                "turnserver.conf:17: error: static-auth-secret: more than 16 secrets; remove those that "
                    + "are no longer used"
            ])
    }

    @Test("there are at most 256 listening addresses")
    func addressCount() {
        let most = (0...255).map { "listening-ip=192.0.2.\($0)\n" }.joined()
        #expect(load(most).errors == [])
        #expect(
            load(most + "listening-ip=198.51.100.1").errors == [
                "turnserver.conf:257: error: listening-ip: more than 256 addresses"
            ])
    }

    @Test(
        "no-auth contradicts credentials",
        arguments: ["lt-cred-mech", "user=a:b", "static-auth-secret=x", "use-auth-secret"])
    func anonymousAndCredentials(line: String) {
        #expect(load("no-auth\n\(line)").errors.count == 1)
    }

    @Test("nonces live a day at most")
    func nonceLifetime() throws {
        #expect(try configuration("stale-nonce").authentication.nonceLifetimeSeconds == 600)
        #expect(try configuration("stale-nonce=86400").authentication.nonceLifetimeSeconds == 86400)
        #expect(try configuration("stale-nonce=0").authentication.nonceLifetimeSeconds == 86400)
        #expect(load("stale-nonce=86401").errors.count == 1)
    }

    @Test("external addresses map within one family")
    func externalAddresses() throws {
        let text = """
            external-ip=203.0.113.1
            external-ip=203.0.113.2/192.0.2.2
            external-ip=2001:db8::1
            """
        let map = try configuration(text).relay.externalAddresses
        func advertised(_ text: String) throws -> String {
            map.advertised(for: try #require(IPAddress(text))).description
        }
        #expect(try advertised("192.0.2.1") == "203.0.113.1")
        #expect(try advertised("192.0.2.2") == "203.0.113.2")
        #expect(try advertised("2001:db8::ff") == "2001:db8::1")
        let onlyIPv4 = try configuration("external-ip=203.0.113.1").relay.externalAddresses
        let address = try #require(IPAddress("2001:db8::ff"))
        #expect(onlyIPv4.advertised(for: address) == address)
    }

    @Test(
        "malformed external addresses are errors",
        arguments: [
            "external-ip=", "external-ip=turn.example.org", "external-ip=203.0.113.1/2001:db8::1",
            "external-ip=203.0.113.1/",
            "external-ip=0.0.0.0", "external-ip=203.0.113.1/192.0.2.1/32",
            "external-ip=203.0.113.1\nexternal-ip=203.0.113.2",
            "external-ip=203.0.113.1/192.0.2.1\nexternal-ip=203.0.113.2/192.0.2.1",
        ])
    func malformedExternalAddresses(text: String) {
        #expect(load(text).errors.count == 1)
    }

    @Test("the private side of external-ip is an allowed peer")
    func externalAddressAllowsPeer() throws {
        let rules = try configuration("\nexternal-ip=203.0.113.1/10.0.0.5").peerPolicy.rules
        #expect(rules.map(\.kind) == [.allow])
        #expect(rules.map(\.source) == ["turnserver.conf:2 external-ip=203.0.113.1/10.0.0.5"])
        #expect(rules.first?.matcher.contains(try #require(IPAddress("10.0.0.5"))) == true)
        #expect(rules.first?.matcher.contains(try #require(IPAddress("10.0.0.6"))) == false)
    }

    @Test("peer rules say where they come from")
    func peerRules() throws {
        let text = """
            denied-peer-ip=10.0.0.0-10.255.255.255
            denied-peer-ip=172.16.0.0/12 # private
            allowed-peer-ip=10.0.0.9
            denied-peer-ip=64:ff9b::-64:ff9b::ffff:ffff
            """
        let rules = try configuration(text, ["--denied-peer-ip=192.0.2.0 - 192.0.2.9"]).peerPolicy.rules
        #expect(
            rules.map(\.source) == [
                "turnserver.conf:1 denied-peer-ip=10.0.0.0-10.255.255.255",
                "turnserver.conf:2 denied-peer-ip=172.16.0.0/12",
                "turnserver.conf:4 denied-peer-ip=64:ff9b::-64:ff9b::ffff:ffff",
                "command line, --denied-peer-ip denied-peer-ip=192.0.2.0-192.0.2.9",
                "turnserver.conf:3 allowed-peer-ip=10.0.0.9",
            ])
        #expect(rules.map(\.kind) == [.deny, .deny, .deny, .deny, .allow])
    }

    @Test(
        "a malformed peer rule stops the start",
        arguments: [
            "denied-peer-ip=", "denied-peer-ip=10.0.0.0-", "denied-peer-ip=10.1.0.0-10.0.0.0",
            "denied-peer-ip=10.0.0.0/33",
            "denied-peer-ip=10.0.0.0-2001:db8::", "denied-peer-ip=example.org", "allowed-peer-ip=10.0.0.5/8",
            "allowed-peer-ip=10.0.0.0/", "denied-peer-ip=10.0", "denied-peer-ip",
        ])
    func malformedPeerRules(text: String) {
        let result = load("no-auth\n\(text)")
        #expect(result.configuration == nil)
        #expect(result.errors.count == 1)
    }

    @Test(
        "options that exclude each other",
        arguments: [
            (
                "no-udp-relay\nno-tcp-relay",
                "no-udp-relay: together with no-tcp-relay nothing could be relayed; remove one of them, or "
                    + "write stun-only"
            ),
            (
                "no-udp\nno-tcp",
                "no-udp: together with no-tcp no client could be served; remove one of them, or serve TLS by a cert"
            ),
            (
                "bps-capacity=100",
                "bps-capacity: it is handed out in portions of max-bps, which is not set; write max-bps too"
            ),
            (
                "min-port=60000\nmax-port=50000",
                "max-port: min-port 60000 is above max-port 50000; exchange them, or write both"
            ),
            ("max-port=40000", "max-port: min-port 49152 is above max-port 40000; exchange them, or write both"),
            ("stun-only\nno-stun", "no-stun: together with stun-only nothing is served; remove one of them"),
            (
                "server-relay",
                "server-relay: not supported: it would forward packets from any host without a permission, which "
                    + "makes an open relay; remove it"
            ),
            (
                "channels-per-allocation=65",
                "channels-per-allocation: more channels than the 64 of permissions-per-allocation; each "
                    + "needs a permission"
            ),
        ])
    func contradictions(text: String, message: String) {
        let errors = load("\(text)\n").errors
        #expect(errors.count == 1)
        #expect(errors.first?.hasSuffix(": error: \(message)") == true)
        #expect(errors.first?.hasPrefix("turnserver.conf:") == true)
    }

    @Test("what this release cannot relay alone is said")
    func nothingLeft() {
        let result = load("user=a:b\nno-udp-relay")
        #expect(result.errors == [])
        #expect(result.warnings.count == 1)
        #expect(result.warnings.first?.hasPrefix("turnserver.conf:2: warning: no-udp-relay: this release ") == true)
    }

    @Test("one of UDP and TCP may be left out", arguments: [("no-udp", false, true), ("no-tcp", true, false)])
    func oneTransport(line: String, servesUDP: Bool, servesTCP: Bool) throws {
        let listeners = try configuration("no-auth\n\(line)").listeners
        #expect(listeners.servesUDP == servesUDP && listeners.servesTCP == servesTCP)
    }

    @Test("a bandwidth of zero is none")
    func zeroCapacity() throws {
        let quotas = try configuration("no-auth\nbps-capacity=0\nuser-quota=0\ntotal-quota=0").quotas
        #expect(quotas.bytesPerSecondInTotal == nil)
        #expect(quotas.allocationsPerUser == nil)
        #expect(quotas.allocationsInTotal == nil)
        #expect(try configuration("no-auth\nbps-capacity=100\nmax-bps=10").quotas.bytesPerSecondInTotal == 100)
    }

    @Test("user-quota is for minted users too when it is written")
    func mintedQuota() throws {
        #expect(try configuration("user-quota=3").quotas.allocationsPerMintedUser == 3)
        #expect(try configuration("user-quota=0").quotas.allocationsPerMintedUser == nil)
        #expect(try configuration("user-quota=3\nminted-user-quota=4").quotas.allocationsPerMintedUser == 4)
        #expect(try configuration("user-quota=3\nminted-user-quota=4").quotas.allocationsPerUser == 3)
    }

    @Test("permissions that are lowered alone lower the channels")
    func channelsFollowPermissions() throws {
        #expect(try configuration("permissions-per-allocation=8").quotas.channelsPerAllocation == 8)
    }

    @Test(
        "numbers at their limits",
        arguments: [
            ("listening-port", "1", true), ("listening-port", "0", false), ("listening-port", "65535", true),
            ("listening-port", "65536", false), ("listening-port", "-1", false), ("listening-port", "+1", false),
            ("min-port", "1024", true), ("min-port", "1023", false), ("user-quota", "1000000", true),
            ("user-quota", "1000001", false), ("user-quota", "99999999999999999999", false),
            ("user-quota", "1.5", false),
            ("max-allocate-lifetime", "60", true), ("max-allocate-lifetime", "59", false),
            ("max-bps", "1000000000000", true), ("max-bps", "1000000000001", false), ("max-bps", "64k", false),
            ("tls-listening-port", "x", false), ("cli-port", "x", false), ("no-tls", "maybe", false),
            ("prod", "maybe", true), ("cli-ip", "x", true), ("rest-api-separator", "-", true),
            ("rest-api-separator", "ab", false), ("rest-api-separator", "5", false),
            ("listening-device", "abcdefghijklmno", true), ("listening-device", "abcdefghijklmnop", false),
            ("allocation-default-address-family", "keep", true), ("allocation-default-address-family", "both", false),
            ("listening-ip", "::", true), ("listening-ip", "localhost", false), ("relay-ip", "0.0.0.0", false),
            ("no-tcp-relay", "maybe", false),
        ])
    func limits(name: String, value: String, isValid: Bool) {
        #expect(load("\(name)=\(value)").errors.isEmpty == isValid)
    }

    @Test("a mistake causes no second message")
    func noFollowUps() {
        #expect(load("max-bps=x\nbps-capacity=5").errors.count == 1)
        #expect(load("min-port=x\nmax-port=2000").errors.count == 1)
        #expect(load("user=x").diagnostics.count == 1)
    }

    @Test("an empty text is left out")
    func emptyText() throws {
        let result = load("no-auth\nrealm=\ncert=\n")
        #expect(try #require(result.configuration).authentication.realm == nil)
        #expect(
            result.lines.dropFirst() == [
                "turnserver.conf:2: warning: realm: the value is empty; the option is left out",
                "turnserver.conf:3: warning: cert: the value is empty; the option is left out",
            ])
    }

    @Test(
        "the address family for clients that name none",
        arguments: [
            ("keep-address-family", ServerConfiguration.Relay.DefaultFamily.asClient),
            ("allocation-default-address-family=keep", .asClient), ("allocation-default-address-family=ipv6", .ipv6),
            ("keep-address-family\nallocation-default-address-family=ipv4", .ipv4),
        ])
    func defaultFamily(text: String, expected: ServerConfiguration.Relay.DefaultFamily) throws {
        #expect(try configuration(text).relay.defaultFamily == expected)
    }

    @Test(
        "where the log goes",
        arguments: [
            ("log-file=stdout", [ServerConfiguration.Logging.Destination.standardOutput]),
            ("log-file=-", [.standardOutput]),
            ("log-file=syslog", [.systemLog]), ("syslog\nlog-file=/a", [.systemLog]),
            ("log-file=/a", [.file(path: "/a", addsSuffix: true), .standardOutput]),
            ("log-file=/a\nsimple-log\nno-stdout-log", [.file(path: "/a", addsSuffix: false)]),
            ("no-stdout-log", [.standardOutput]),
        ])
    func logDestinations(text: String, expected: [ServerConfiguration.Logging.Destination]) throws {
        #expect(try configuration(text).logging.destinations == expected)
    }

    @Test("how much is logged")
    func logAmount() throws {
        let logging = try configuration("verbose\nVerbose\nlog-min-level=warn\nlog-binding\ndrop-invalid-packets-log")
            .logging
        #expect(logging.verbosity == .extraVerbose)
        #expect(logging.minimumLevel == .warning)
        #expect(logging.logsBindings)
        #expect(logging.logsInvalidPackets)
    }

    @Test(
        "worker threads",
        arguments: [
            ("", 4, 4), ("relay-threads=0", 4, 1), ("relay-threads=3", 4, 3), ("relay-threads=128", 4, 128),
            ("relay-threads=129", 4, 128), ("cpus=2", 4, 2), ("cpus=0", 4, 4), ("cpus=2\nrelay-threads=5", 4, 5),
            ("", 0, 1),
            ("", 500, 128),
        ])
    func workers(text: String, processors: Int, expected: Int) throws {
        #expect(try configuration(text).workers.count(detectedProcessors: processors) == expected)
    }

    @Test("protocol switches")
    func protocolSwitches() throws {
        let value = try configuration(
            """
            software-attribute
            include-reason-string
            rfc3489-compatibility
            rfc5766-channel-numbers
            no-stun
            """
        ).protocolSwitches
        #expect(value.sendsSoftware)
        #expect(value.sendsReasonPhrase)
        #expect(value.acceptsRFC3489)
        #expect(value.acceptsRFC5766Channels)
        #expect(!value.answersBinding)
        #expect(!(try configuration("software-attribute\nno-software-attribute").protocolSwitches.sendsSoftware))
    }

    @Test("lifetimes that the RFC fixes are questioned")
    func lifetimes() throws {
        let result = load("no-auth\nchannel-lifetime=601\npermission-lifetime=299\nmax-allocate-lifetime=120")
        let lifetimes = try #require(result.configuration).lifetimes
        #expect(lifetimes.channelSeconds == 601)
        #expect(lifetimes.permissionSeconds == 299)
        #expect(lifetimes.allocationDefaultSeconds == 120)
        #expect(result.warnings.count == 3)
        #expect(load("no-auth\nchannel-lifetime=600\npermission-lifetime=300").warnings.count == 1)
    }

    @Test("a printed configuration shows no secret")
    func printing() throws {
        let value = try configuration(
            "user=alice:hunter2\nstatic-auth-secret=hunter3\nstateless-nonce-secret=hunter4\nuser=b:0x"
                + String(repeating: "4", count: 32))
        var dumped = ""
        dump(value, to: &dumped)
        for text in ["\(value)", String(reflecting: value), dumped, "\(value.authentication.staticUsers)"] {
            #expect(!text.contains("hunter"))
            #expect(!text.contains("68"))
        }
    }

    @Test("the development configuration serves loopback")
    func development() throws {
        let value = try ServerConfiguration.development(userName: "dev", password: " odd # pass ")
        #expect(value.listeners.addresses == .these([.v4(.loopback), .v6(.loopback)]))
        #expect(value.relay.addresses == .these([.v4(.loopback), .v6(.loopback)]))
        #expect(value.listeners.port == 3478)
        #expect(value.peerPolicy.allowsLoopback)
        #expect(value.protocolSwitches.acceptsRFC5766Channels)
        #expect(value.authentication.realm == "tern.dev")
        #expect(value.authentication.staticUsers.map(\.secret) == [.password(" odd # pass ")])
        #expect(value.relaying == .enabled)
        for (name, password) in [("", "p"), ("a", ""), ("a:b", "p")] {
            #expect(throws: DevelopmentUserError.self) {
                _ = try ServerConfiguration.development(userName: name, password: password)
            }
        }
    }
}
