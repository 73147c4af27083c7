import CredentialService
import Crypto
import NetworkPrimitives
import Signaling
import TURN
import Testing

private let sharedSecret = bytes("north")
private let tag = MemberTag(bytes("4fKz0pQ1xYw_83Ab"))

private func template(
    _ endpoints: [IceServerTemplate.Endpoint] = [.init(.udp, port: 3478)]
) -> IceServerTemplate {
    IceServerTemplate(
        hosts: [IceHost("turn.example")!], externalAddresses: [], endpoints: endpoints,
        secureNames: CertificateNames(["turn.example"]))
}

private func issuer(quota: Int = 12, servers: IceServerTemplate = template()) -> CredentialIssuer {
    CredentialIssuer(secret: sharedSecret, quotaPerMember: quota, servers: servers)
}

@Suite("Issuing of TURN credentials")
struct CredentialIssuerTests {
    @Test("a member's credentials, whole")
    func member() throws {
        let issued = try #require(issuer().issue(to: .member(tag), visitor: visitor(), at: now))
        #expect(issued.username == "1800000600:tern.12.m-4fKz0pQ1xYw_83Ab")
        #expect(issued.lifetimeSeconds == 600)
        #expect(issued.expiresAt == time(1_800_000_600))
        // printf %s "$username" | openssl dgst -sha1 -hmac north -binary | base64
        #expect(
            issued.iceServers == [
                IceServer(urls: ["stun:turn.example:3478"]),
                IceServer(
                    urls: ["turn:turn.example:3478?transport=udp"], username: "1800000600:tern.12.m-4fKz0pQ1xYw_83Ab",
                    credential: "R5Ic1VFnRC0tiPF3zwTeS5rFOTc="),
            ])
    }

    @Test("the TURN server takes what is issued, with the quota, until it ends")
    func accepted() throws {
        let directory = CredentialDirectory(
            realm: bytes("tern.example"), users: [], sharedSecrets: [bytes("south"), sharedSecret])
        let holders: [(CredentialHolder, String)] = [
            (.member(tag), "tern.12.m-4fKz0pQ1xYw_83Ab"), (.anybody(tag), "tern.12.u-4fKz0pQ1xYw_83Ab"),
            (.named(try #require(RESTUsername(bytes("@alice:example")))), "@alice:example"),
        ]
        for (holder, user) in holders {
            let issued = try #require(issuer().issue(to: holder, visitor: visitor(), at: now))
            let name = bytes(issued.username)
            let password = bytes(try #require(issued.iceServers.last?.credential))
            for algorithm in directory.algorithms {
                let key = LongTermKey.derive(
                    algorithm, username: name, realm: bytes("tern.example"), password: password)
                let code = code(of: key)
                #expect(directory.key(of: name, algorithm) { self.code(of: $0) == code } != nil)
            }
            let identity = directory.identity(of: name)
            #expect(string(identity.quotaKey) == user)
            #expect(identity.mintedQuota == (user.hasPrefix("tern.") ? 12 : nil))
            #expect(!directory.isExpired(name, at: issued.expiresAt))
            #expect(directory.isExpired(name, at: time(issued.expiresAt.seconds + 1)))
            #expect(name.count < 64)
        }
    }

    /// Two keys that make the same code of a message are the same key.
    private func code(of key: LongTermKey) -> [UInt8] {
        guard case .sha256(let hmac) = key.responseIntegrity(.sha256) else { return [] }
        return hmac.authenticate(bytes("message").span.bytes).array
    }

    @Test("a quota of 0 is none, one of six digits still fits, one of seven is the most that fits")
    func quotas() throws {
        let none = try #require(issuer(quota: 0).issue(to: .member(tag), visitor: visitor(), at: now))
        #expect(none.username == "1800000600:tern.0.m-4fKz0pQ1xYw_83Ab")
        #expect(EphemeralUsername(parsing: bytes(none.username), separator: 0x3A)?.mintedQuota == nil)
        let most = try #require(issuer(quota: 999_999).issue(to: .member(tag), visitor: visitor(), at: now))
        #expect(most.username == "1800000600:tern.999999.m-4fKz0pQ1xYw_83Ab")
        #expect(most.username.utf8.count < 64)
        let more = try #require(issuer(quota: 1_000_000).issue(to: .member(tag), visitor: visitor(), at: now))
        #expect(more.username == most.username)
    }

    @Test("a user is one user however often it asks, and another in each room and of each application")
    func users() throws {
        func name(_ app: String, _ identity: String, _ room: String?) -> String {
            let holder = CredentialHolder.user(
                issuer: app, identity: identity, room: room.flatMap { RoomName(bytes($0)) })
            return String(
                issuer().issue(to: holder, visitor: visitor(), at: now)!.username.dropFirst("1800000600:".count))
        }
        let alice = name("app", "alice", "lobby")
        #expect(alice == "tern.12.u-N6lDwBjZyyLavNy3")
        #expect(name("app", "alice", "lobby") == alice)
        let others = [
            name("app", "bob", "lobby"), name("app2", "alice", "lobby"), name("app", "alice", "lobby2"),
            name("app", "alice", nil), name("ap", "palice", "lobby"), name("app", "alicel", "obby"),
        ]
        #expect(Set(others + [alice]).count == 7)
        for name in others {
            #expect(name.hasPrefix("tern.12.u-"))
            #expect(name.utf8.count == "tern.12.u-".utf8.count + 16)
        }
    }

    @Test("another secret makes other tags")
    func tagsOfSecrets() throws {
        let holder = CredentialHolder.user(issuer: "app", identity: "alice", room: nil)
        let other = CredentialIssuer(secret: bytes("south"), quotaPerMember: 12, servers: template())
        let names = [issuer(), other].map { $0.issue(to: holder, visitor: visitor(), at: now)?.username }
        #expect(names[0] != names[1])
    }

    @Test(
        "a lifetime of a minute to a day, and never more than the token allows",
        arguments: [
            (nil, nil, 600), (0, nil, 60), (59, nil, 60), (60, nil, 60), (61, nil, 61), (86_400, nil, 86_400),
            (86_401, nil, 86_400), (.max, nil, 86_400), (nil, 300, 300), (nil, 601, 600), (3600, 300, 300),
            (10, 300, 60), (nil, 30, 30), (10, 30, 30), (.max, .max, 86_400), (nil, 1, 1),
        ] as [(UInt32?, UInt32?, UInt32)])
    func lifetimes(requested: UInt32?, most: UInt32?, granted: UInt32) throws {
        let terms = CredentialTerms(requestedSeconds: requested, secondsMax: most)
        let issued = try #require(issuer().issue(to: .member(tag), terms, visitor: visitor(), at: now))
        #expect(issued.lifetimeSeconds == granted)
        #expect(issued.expiresAt == time(1_800_000_000 + Int64(granted)))
        #expect(issued.username.hasPrefix("\(1_800_000_000 + Int64(granted)):"))
    }

    @Test("terms that allow nothing")
    func nothing() {
        for terms in [
            CredentialTerms(secondsMax: 0), CredentialTerms(transports: []), CredentialTerms(transports: [.tls]),
        ] {
            #expect(issuer().issue(to: .member(tag), terms, visitor: visitor(), at: now) == nil)
        }
        let silent = issuer(servers: template([]))
        #expect(silent.issue(to: .member(tag), visitor: visitor(), at: now) == nil)
    }

    @Test("a server without UDP has no STUN entry")
    func withoutUDP() throws {
        let issued = try #require(
            issuer(servers: template([.init(.tls, port: 443)])).issue(to: .member(tag), visitor: visitor(), at: now))
        #expect(issued.iceServers.map(\.urls) == [["turns:turn.example:443?transport=tcp"]])
    }

    @Test("another separator")
    func separator() throws {
        let other = CredentialIssuer(
            secret: sharedSecret, separator: UInt8(ascii: "|"), quotaPerMember: 12, servers: template())
        let issued = try #require(other.issue(to: .member(tag), visitor: visitor(), at: now))
        #expect(issued.username == "1800000600|tern.12.m-4fKz0pQ1xYw_83Ab")
    }

    @Test("printing an issuer shows no secret")
    func description() {
        #expect("\(issuer())" == "CredentialIssuer")
        #expect(String(reflecting: [issuer()]) == "[CredentialIssuer]")
    }

    @Test(
        "names that an application may choose",
        arguments: [
            ("alice", true), ("@alice:example.org", true), ("tern", true), ("Tern.1.x", true), ("tern.", false),
            ("tern.999999.x", false), ("tern.12.m-4fKz0pQ1xYw_83Ab", false), ("", false), ("a b", false),
            ("a\n", false), ("é", false), (String(repeating: "a", count: 128), true),
            (String(repeating: "a", count: 129), false),
        ])
    func chosenNames(name: String, isGood: Bool) {
        #expect((RESTUsername(bytes(name)) != nil) == isGood)
    }
}
