import NetworkPrimitives
import Testing

@testable import Configuration

private let secret = "0123456789abcdef0123456789abcdef"

/// The signaling part of a text that has no errors; `no-auth` keeps the relay's own warnings predictable.
private func signaling(_ text: String) throws -> ServerConfiguration.Signaling {
    try #require(try configuration("no-auth\nsignaling-port=8080\n" + text).signaling)
}

/// What is said about a signaling configuration, the warning about `no-auth` left out.
private func said(_ text: String) -> [String] {
    load("no-auth\nsignaling-port=8080\n" + text).lines.filter { !$0.contains(": no-auth: ") }
}

@Suite("Signaling options")
struct SignalingOptionTests {
    @Test(
        "without a port there is no signaling", arguments: ["", "signaling-port=0", "signaling-port=0\nstatic-root=/x"])
    func off(text: String) throws {
        let result = load("no-auth\n" + text)
        #expect(try #require(result.configuration).signaling == nil)
        #expect(result.warnings.count == 1)
    }

    @Test("a port alone gives the defaults, and says that nobody can enter")
    func defaults() throws {
        let value = try signaling("")
        #expect(value.port == 8080)
        #expect(value.addresses == .allLocal)
        #expect(value.origins == .init(allowsAny: false, allowsNull: false, named: []))
        #expect(value.anonymousRooms == [])
        #expect(value.apiKeys == [])
        #expect(value.adminKeys == [])
        #expect(value.tokenIssuers == [])
        #expect(value.turnHosts == [])
        #expect(value.trustedProxies == [])
        #expect(value.staticRoot == nil)
        #expect(!value.compressesMessages)
        #expect(
            value.credentials
                == .init(
                    lifetimeSeconds: 600, lifetimeSecondsMax: 86400, anonymousLifetimeSeconds: 300,
                    sessionSecondsMax: 86400, onLeave: .keep, leaveGraceSeconds: 60, allocationsPerMember: 12))
        #expect(
            value.limits
                == .init(
                    connectionsMax: 20000, connectionsPerSourceMax: 256, connectsPerSecondPerSource: 10,
                    connectsBurstPerSource: 40, failuresPerMinutePerSource: 5, anonymousJoinsPerSecondPerSource: 1,
                    anonymousJoinsBurstPerSource: 64, sessionsMax: 20000,
                    roomsPerSessionMax: 8, roomsMax: 10000, roomCapacity: 64, emptyRoomSeconds: 0,
                    messageByteCountMax: 65536, messagesPerSecond: 50, messagesBurst: 200, metadataByteCountMax: 2048,
                    queueByteCountMax: 1_048_576, queueMessagesMax: 512, resumeSeconds: 30, replayMessagesMax: 128,
                    replayByteCountMax: 262_144, heartbeatSeconds: 25, helloSeconds: 5))
        #expect(
            value.http
                == .init(
                    headByteCountMax: 16384, headersMax: 100, bodyByteCountMax: 65536, headSeconds: 10,
                    bodySeconds: 10, idleSeconds: 60))
        #expect(
            said("") == [
                "turnserver.conf:2: warning: signaling-port: nobody can enter a room; add signaling-api-key=id:secret "
                    + "with a secret from openssl rand -hex 32, signaling-token-issuer, or signaling-anonymous-rooms"
            ])
    }

    @Test("each number has its own place")
    func numbers() throws {
        let names = [
            "signaling-connections-max", "signaling-connections-per-source", "signaling-connect-rate",
            "signaling-connect-burst", "signaling-auth-failures", "signaling-sessions-max", "signaling-session-rooms",
            "signaling-rooms-max", "signaling-room-capacity", "signaling-room-linger", "signaling-message-rate",
            "signaling-message-burst", "signaling-queue-messages", "signaling-resume", "signaling-heartbeat",
            "signaling-anonymous-join-rate", "signaling-anonymous-join-burst",
        ]
        var text = names.enumerated().map { "\($1)=\(101 + $0)" }.joined(separator: "\n")
        text += "\nsignaling-message-max=2001\nsignaling-metadata-max=2000\nsignaling-queue-bytes=70001"
        text += "\nsignaling-replay-messages=7\nsignaling-replay-bytes=7000\nsignaling-hello-timeout=9"
        text += "\nhttp-head-max=2002\nhttp-headers-max=12\nhttp-body-max=2003\nhttp-head-timeout=13"
        text += "\nhttp-body-timeout=14\nhttp-idle-timeout=15"
        let value = try signaling(text)
        #expect(
            value.limits
                == .init(
                    connectionsMax: 101, connectionsPerSourceMax: 102, connectsPerSecondPerSource: 103,
                    connectsBurstPerSource: 104, failuresPerMinutePerSource: 105, anonymousJoinsPerSecondPerSource: 116,
                    anonymousJoinsBurstPerSource: 117, sessionsMax: 106,
                    roomsPerSessionMax: 107, roomsMax: 108, roomCapacity: 109, emptyRoomSeconds: 110,
                    messageByteCountMax: 2001, messagesPerSecond: 111, messagesBurst: 112, metadataByteCountMax: 2000,
                    queueByteCountMax: 70001, queueMessagesMax: 113, resumeSeconds: 114, replayMessagesMax: 7,
                    replayByteCountMax: 7000, heartbeatSeconds: 115, helloSeconds: 9))
        #expect(
            value.http
                == .init(
                    headByteCountMax: 2002, headersMax: 12, bodyByteCountMax: 2003, headSeconds: 13, bodySeconds: 14,
                    idleSeconds: 15))
    }

    @Test("lists keep their order and hold each value once")
    func lists() throws {
        let value = try signaling(
            """
            signaling-ip=127.0.0.1
            signaling-ip=::1
            signaling-ip=127.0.0.1
            signaling-origin=https://App.example.org:443
            signaling-origin=null
            signaling-origin=https://app.example.org
            signaling-anonymous-rooms=lobby
            signaling-anonymous-rooms=team-*
            signaling-anonymous-rooms=lobby
            signaling-api-key=a:\(secret)
            signaling-api-key=b:\(secret)
            signaling-api-key=a:\(secret)
            signaling-admin-key=\(secret)
            signaling-admin-key=\(secret)
            signaling-token-issuer=https://login.example.org:/etc/tern/login.pem
            signaling-token-issuer=ours:/etc/tern/ours.pem
            signaling-turn-host=TURN.example.org
            signaling-turn-host=2001:db8::1
            signaling-trusted-proxy=10.0.0.0/8
            signaling-trusted-proxy=::1
            static-root=/srv/site
            websocket-deflate
            """)
        #expect(value.addresses == .these([.v4(.loopback), .v6(.loopback)]))
        #expect(value.origins == .init(allowsAny: false, allowsNull: true, named: ["https://app.example.org"]))
        #expect(value.anonymousRooms == ["lobby", "team-*"])
        #expect(value.apiKeys.map(\.id) == ["a", "b"])
        #expect(value.apiKeys.map(\.secret) == [secret, secret])
        #expect(value.adminKeys == [secret])
        #expect(value.tokenIssuers.map(\.issuer) == ["https://login.example.org", "ours"])
        #expect(value.tokenIssuers.map(\.publicKeyPath) == ["/etc/tern/login.pem", "/etc/tern/ours.pem"])
        #expect(value.turnHosts.map(\.uriText) == ["turn.example.org", "[2001:db8::1]"])
        #expect(value.trustedProxies.map(\.description) == ["10.0.0.0/8", "::1/128"])
        #expect(value.staticRoot == "/srv/site")
        #expect(value.compressesMessages)
    }

    @Test("signaling listens where the relay listens, unless told otherwise")
    func addresses() throws {
        #expect(try signaling("listening-ip=192.0.2.1").addresses == .these([.v4(IPv4Address(rawValue: 0xC000_0201))]))
        #expect(try signaling("listening-ip=192.0.2.1\nsignaling-ip=::1").addresses == .these([.v6(.loopback)]))
    }

    @Test(
        "what becomes of the allocations of a member that left",
        arguments: [
            ("keep", ServerConfiguration.Signaling.Credentials.OnLeave.keep), ("grace", .grace), ("delete", .delete),
        ])
    func onLeave(text: String, expected: ServerConfiguration.Signaling.Credentials.OnLeave) throws {
        #expect(try signaling("credential-on-leave=\(text)").credentials.onLeave == expected)
    }

    @Test(
        "a member's quota is that of minted users unless written; 0 is no limit",
        arguments: [
            ("", 12), ("minted-user-quota=5", 5), ("minted-user-quota=0", nil), ("user-quota=3", 3),
            ("credential-quota=7\nminted-user-quota=5", 7), ("credential-quota=0", nil),
        ] as [(String, Int?)])
    func quota(text: String, expected: Int?) throws {
        #expect(try signaling(text).credentials.allocationsPerMember == expected)
    }

    @Test("a printed configuration shows no key")
    func printing() throws {
        let value = try configuration(
            "no-auth\nsignaling-port=8080\nsignaling-api-key=app:\(secret)\nsignaling-admin-key=\(secret)")
        var dumped = ""
        dump(value, to: &dumped)
        let part = try #require(value.signaling)
        for text in ["\(value)", String(reflecting: value), dumped, "\(part)", "\(part.apiKeys)"] {
            #expect(!text.contains("0123456789"))
        }
    }

    @Test("the development server admits everybody to every room, on loopback")
    func development() throws {
        let value = try ServerConfiguration.development(userName: "dev", password: "p")
        let part = try #require(value.signaling)
        #expect(part.port == 8080)
        #expect(part.addresses == .these([.v4(.loopback), .v6(.loopback)]))
        #expect(part.anonymousRooms == ["*"])
        let other = try ServerConfiguration.development(userName: "dev", password: "p", signalingPort: 8081)
        #expect(other.signaling?.port == 8081)
        #expect(
            try ServerConfiguration.development(userName: "dev", password: "p", signalingPort: 0).signaling == nil)
    }
}

@Suite("Mistakes in signaling options")
struct SignalingMistakeTests {
    @Test("an option without signaling-port is named, each once")
    func withoutPort() {
        let result = load("no-auth\nstatic-root=/x\nsignaling-origin=null\nsignaling-origin=*\nhttp-head-max=2048")
        #expect(result.errors == [])
        #expect(
            result.warnings.filter { !$0.contains("no-auth") } == [
                "turnserver.conf:2: warning: static-root: it has no effect without signaling-port; write "
                    + "signaling-port=8080, or remove it",
                "turnserver.conf:4: warning: signaling-origin: it has no effect without signaling-port; write "
                    + "signaling-port=8080, or remove it",
                "turnserver.conf:5: warning: http-head-max: it has no effect without signaling-port; write "
                    + "signaling-port=8080, or remove it",
            ])
    }

    @Test(
        "one way in is enough",
        arguments: [
            "signaling-api-key=app:\(secret)", "signaling-anonymous-rooms=lobby", "signaling-token-issuer=a:/b.pem",
        ])
    func entrances(text: String) { #expect(said(text) == []) }

    @Test("doors that stand open are pointed out")
    func openDoors() {
        #expect(
            said("signaling-anonymous-rooms=*\nsignaling-anonymous-rooms=x") == [
                "turnserver.conf:3: warning: signaling-anonymous-rooms: anybody who reaches this server can enter "
                    + "every room and relay through it; name a prefix, such as lobby-*, outside of tests"
            ])
        let entrance = "signaling-anonymous-rooms=x\n"
        #expect(
            said(entrance + "signaling-origin=*\nsignaling-origin=null") == [
                "turnserver.conf:4: warning: signaling-origin: pages of every site can connect with what the browsers "
                    + "of their visitors hold; name the sites"
            ])
        #expect(
            said(entrance + "signaling-trusted-proxy=::/0") == [
                "turnserver.conf:4: warning: signaling-trusted-proxy: everybody is believed about where they come "
                    + "from; name the proxy's address"
            ])
    }

    @Test(
        "keys that are none",
        arguments: [
            ("signaling-api-key=\(secret)", "there is no colon; write id:secret"),
            (
                "signaling-api-key=app:short",
                "the secret has 5 bytes and needs at least 32; make one: openssl rand -hex 32"
            ),
            (
                "signaling-api-key=app:\(secret.dropLast())",
                "the secret has 31 bytes and needs at least 32; make one: openssl rand -hex 32"
            ),
            (
                "signaling-api-key=:\(secret)",
                "the id before the colon must have 1 to 64 letters, digits and . _ -; write id:secret"
            ),
            (
                "signaling-api-key=a b:\(secret)",
                "the id before the colon must have 1 to 64 letters, digits and . _ -; write id:secret"
            ),
            (
                "signaling-admin-key=short",
                "the secret has 5 bytes and needs at least 32; make one: openssl rand -hex 32"
            ),
            ("signaling-admin-key", "the value is missing; write one, or remove the option"),
        ])
    func badKeys(line: String, message: String) {
        let name = line.prefix { $0 != "=" }
        let result = load("no-auth\nsignaling-port=8080\n\(line)")
        #expect(result.errors == ["turnserver.conf:3: error: \(name): \(message)"])
    }

    @Test("a key is 32 to 1024 bytes, an id 1 to 64 characters")
    func keyLengths() throws {
        let longest = String(repeating: "x", count: 1024)
        let id = String(repeating: "i", count: 64)
        let value = try signaling("signaling-api-key=\(id):\(secret)\nsignaling-admin-key=\(longest)")
        #expect(value.apiKeys.map(\.id) == [id])
        #expect(value.adminKeys == [longest])
        #expect(load("signaling-port=1\nsignaling-api-key=\(id)i:\(secret)").errors.count == 1)
        #expect(load("signaling-port=1\nsignaling-admin-key=\(longest)x").errors.count == 1)
        // A colon and a hash sign may belong to the secret.
        #expect(try signaling("signaling-api-key=a:b:\(secret)#").apiKeys.map(\.secret) == ["b:\(secret)#"])
    }

    @Test("the secret of the example opens nothing")
    func sample() {
        let text = "replace-this-by-the-output-of-openssl-rand-hex-32"
        let message = "this is the text of the example, which everybody knows; make a secret: openssl rand -hex 32"
        for line in ["signaling-api-key=app:\(text)", "signaling-admin-key=\(text)"] {
            let name = line.prefix { $0 != "=" }
            #expect(
                load("no-auth\nsignaling-port=1\n\(line)").errors == ["turnserver.conf:3: error: \(name): \(message)"])
        }
    }

    @Test("an id, an issuer and a key belong together once")
    func distinctIssuers() {
        let key = "signaling-api-key=app:\(secret)\n"
        #expect(
            said(key + "signaling-api-key=app:\(secret)x") == [
                "turnserver.conf:4: error: signaling-api-key: a second secret for the id \"app\"; give each key an id "
                    + "of its own"
            ])
        #expect(
            said(key + "signaling-token-issuer=app:/a.pem") == [
                "turnserver.conf:4: error: signaling-token-issuer: \"app\" is the id of a signaling-api-key too; a "
                    + "token names one key"
            ])
        #expect(
            said("signaling-token-issuer=a:/a.pem\nsignaling-token-issuer=a:/b.pem") == [
                "turnserver.conf:4: error: signaling-token-issuer: a second public key for the issuer \"a\"; an issuer "
                    + "has one"
            ])
    }

    @Test("limits that contradict each other")
    func order() {
        let entrance = "signaling-anonymous-rooms=x\n"
        #expect(
            said(entrance + "credential-lifetime=700\ncredential-lifetime-max=600") == [
                "turnserver.conf:4: error: credential-lifetime: credential-lifetime 700 is above "
                    + "credential-lifetime-max 600; lower the one or raise the other"
            ])
        #expect(
            said(entrance + "credential-lifetime-max=299\ncredential-lifetime=60") == [
                "turnserver.conf:4: error: credential-lifetime-max: credential-lifetime-anonymous 300 is above "
                    + "credential-lifetime-max 299; lower the one or raise the other"
            ])
        for text in [
            "signaling-metadata-max=1025\nsignaling-message-max=1024",
            "signaling-message-max=300001\nsignaling-queue-bytes=300000",
            "signaling-replay-bytes=65537\nsignaling-queue-bytes=65536",
            "signaling-replay-messages=513",
        ] {
            #expect(said(entrance + text).count == 1, "\(text)")
        }
        for text in [
            "signaling-metadata-max=1024\nsignaling-message-max=1024",
            "signaling-message-max=300000\nsignaling-queue-bytes=300000",
            "signaling-replay-bytes=65536\nsignaling-queue-bytes=65536",
            "signaling-replay-messages=512", "credential-lifetime=86400", "credential-lifetime-max=600",
        ] {
            #expect(said(entrance + text) == [], "\(text)")
        }
    }

    @Test("lists have an end")
    func listLimits() {
        let keys = (0..<64).map { "signaling-api-key=k\($0):\(secret)\n" }.joined()
        #expect(said(keys) == [])
        #expect(said(keys + "signaling-api-key=one-more:\(secret)").count == 1)
        let rooms = (0..<256).map { "signaling-anonymous-rooms=r\($0)\n" }.joined()
        #expect(said(rooms) == [])
        #expect(said(rooms + "signaling-anonymous-rooms=one-more").count == 1)
        let hosts = (0..<4).map { "signaling-turn-host=h\($0)\n" }.joined() + "signaling-anonymous-rooms=x\n"
        #expect(said(hosts) == [])
        #expect(said(hosts + "signaling-turn-host=one-more").count == 1)
    }

    @Test("a name that is nearly right is corrected")
    func suggestion() {
        #expect(
            load("no-auth\nsignalling-port=8080").warnings.contains {
                $0.contains("signalling-port") && $0.contains("signaling-port")
            })
    }
}

@Suite("The form of signaling values")
struct SignalingValueTests {
    @Test(
        "origins are written as browsers send them",
        arguments: [
            ("https://app.example.org", "https://app.example.org"),
            ("HTTPS://App.Example.Org", "https://app.example.org"),
            ("https://app.example.org:443", "https://app.example.org"), ("http://a:80", "http://a"),
            ("http://localhost:5173", "http://localhost:5173"), ("https://a:80", "https://a:80"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080"), ("http://[2001:DB8::1]", "http://[2001:db8::1]"),
            ("http://[::1]:8080", "http://[::1]:8080"), ("capacitor://localhost", "capacitor://localhost"),
            ("null", "null"), ("*", "*"),
        ])
    func origins(text: String, expected: String) throws {
        #expect(try SignalingText.origin(text) == expected)
    }

    @Test(
        "what is no origin",
        arguments: [
            "app.example.org", "https://app.example.org/", "https://app.example.org/x", "https://", "https:app",
            "https://a:0", "https://a:65536", "https://a:", "https://a:b", "https://a b", "https://*.example.org",
            "https://user@a", "https://2001:db8::1", "https://[::1", "https://::1]", "https://[::1]x",
            "https://bücher.example", "://a", "1a://b", "wss://a.example", "Null", "", "https://a?b", "https://-a",
            "https://1.2.3", "https://0.0.0.0",
        ])
    func noOrigins(text: String) {
        #expect(throws: MalformedValue.self) { try SignalingText.origin(text) }
    }

    @Test(
        "patterns of rooms",
        arguments: [
            "*", "a", "a*", "A.b_c~d-9", String(repeating: "r", count: 128), String(repeating: "r", count: 128) + "*",
        ])
    func rooms(text: String) throws { #expect(try SignalingText.roomPattern(text) == text) }

    @Test(
        "what is no pattern of rooms",
        arguments: ["", "**", "*a", "a*b", "a/b", "a b", "ä", "a\0", String(repeating: "r", count: 129)])
    func noRooms(text: String) {
        #expect(throws: MalformedValue.self) { try SignalingText.roomPattern(text) }
    }

    @Test(
        "hosts",
        arguments: [
            ("turn.example.org", "turn.example.org"), ("Turn", "turn"), ("192.0.2.1", "192.0.2.1"),
            ("2001:DB8::1", "[2001:db8::1]"), ("[2001:db8::1]", "[2001:db8::1]"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("1a", "1a"),
        ])
    func hosts(text: String, expected: String) throws {
        #expect(try SignalingHost(parsing: text).uriText == expected)
    }

    @Test(
        "what is no host",
        arguments: [
            "", ".", "a.", "a..b", "-a", "a-", "a_b", "a:3478", "turn:a", "https://a", "0.0.0.0", "::", "192.0.2.256",
            "1", "[192.0.2.1]", "[a]", "[]", "ä.example", String(repeating: "a", count: 64),
            String(repeating: "a.", count: 127),
        ])
    func noHosts(text: String) {
        #expect(throws: MalformedValue.self) { try SignalingHost(parsing: text) }
    }

    @Test(
        "what names no issuer with its key",
        arguments: [
            "", "a", ":/x.pem", "a:x.pem", "https://login.example.org", "https://login.example.org/", "a:/",
            String(repeating: "i", count: 257) + ":/x.pem",
        ])
    func noIssuers(text: String) {
        #expect(throws: MalformedValue.self) { try SignalingTokenIssuer(parsing: text) }
    }
}
