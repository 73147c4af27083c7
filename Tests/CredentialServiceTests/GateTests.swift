import CredentialService
import NetworkPrimitives
import Signaling
import Testing

private let issuer = CredentialIssuer(
    secret: bytes("north"), quotaPerMember: 12,
    servers: IceServerTemplate(
        hosts: [IceHost("turn.example")!], externalAddresses: [],
        endpoints: [.init(.udp, port: 3478), .init(.tcp, port: 3478)]))

private let tag = MemberTag(bytes("4fKz0pQ1xYw_83Ab"))

private func gate(
    rooms: [String] = [], visitors: Gate.AnonymousAccess.Visitors = .everybody, issuer: CredentialIssuer? = issuer
) throws -> Gate {
    Gate(
        tokens: TokenVerifier(keys: [try TokenKey(id: "app", secret: secret)]),
        anonymous: Gate.AnonymousAccess(rooms: rooms.map { RoomPattern($0)! }, visitors: visitors), issuer: issuer)
}

private func outcome(
    _ gate: Gate, _ pass: Pass?, to name: String, from visitor: Visitor = visitor(), at moment: UnixTime = now
) -> Result<Admission, AdmissionRefusal> {
    do { return .success(try gate.admit(pass, to: room(name), from: visitor, at: moment)) } catch {
        return .failure(error)
    }
}

@Suite("Admission with a token")
struct TokenAdmission {
    private let pass = Pass(
        issuer: "app", subject: "alice", rooms: RoomPattern("team-*"), grants: [.join, .kick],
        notBefore: time(1_800_000_000), expiresAt: time(1_800_003_600), capacity: 4, credentialSecondsMax: 300,
        transports: [.udp])

    @Test("what the token says is what the member may")
    func admitted() throws {
        #expect(
            outcome(try gate(), pass, to: "team-1")
                == .success(
                    Admission(
                        identity: .init(issuer: "app", subject: "alice"), grants: [.join, .kick], capacity: 4,
                        credentialSecondsMax: 300, transports: [.udp])))
    }

    @Test("a token without a subject is nobody in particular")
    func withoutSubject() throws {
        var pass = pass
        pass.subject = nil
        #expect(try outcome(gate(), pass, to: "team-1").get().identity == nil)
    }

    @Test("another room, no room, or no leave to join: forbidden, even where strangers may go")
    func forbidden() throws {
        let gate = try gate(rooms: ["*"])
        #expect(outcome(gate, pass, to: "lobby") == .failure(.forbidden))
        var roomless = pass
        roomless.rooms = nil
        #expect(outcome(gate, roomless, to: "team-1") == .failure(.forbidden))
        var viewer = pass
        viewer.grants = [.signal, .broadcast, .kick, .turn]
        #expect(outcome(gate, viewer, to: "team-1") == .failure(.forbidden))
    }

    @Test("the times are checked again, and a token that ran out makes no stranger of its holder")
    func times() throws {
        let gate = try gate(rooms: ["*"])
        #expect(outcome(gate, pass, to: "team-1", at: time(1_800_003_659)) != .failure(.tokenExpired))
        #expect(outcome(gate, pass, to: "team-1", at: time(1_800_003_660)) == .failure(.tokenExpired))
        #expect(outcome(gate, pass, to: "team-1", at: time(1_799_999_940)) != .failure(.tokenNotYetValid))
        #expect(outcome(gate, pass, to: "team-1", at: time(1_799_999_939)) == .failure(.tokenNotYetValid))
    }

    @Test("a bad token is refused, also where strangers may go")
    func badToken() throws {
        let gate = try gate(rooms: ["*"])
        #expect(throws: AdmissionRefusal.unauthorized) { try gate.identify(bytes("x.y.z"), at: now) }
        #expect(throws: AdmissionRefusal.unauthorized) { try gate.identify([], at: now) }
        #expect(throws: AdmissionRefusal.tokenExpired) { try gate.identify(signed(#"{"iss":"app","exp":1}"#), at: now) }
        #expect(try gate.identify(signed(#"{"iss":"app","exp":1800000000}"#), at: now).issuer == "app")
    }
}

@Suite("Admission without a token")
struct AnonymousAdmission {
    private let stranger = Admission(
        identity: nil, grants: [.join, .signal, .broadcast, .turn], credentialSecondsMax: 300)

    @Test("nobody gets in by default")
    func closed() throws {
        #expect(outcome(try gate(), nil, to: "lobby") == .failure(.unauthorized))
    }

    @Test("open rooms are open, others are not")
    func open() throws {
        let gate = try gate(rooms: ["lobby", "demo-*"])
        #expect(outcome(gate, nil, to: "lobby") == .success(stranger))
        #expect(outcome(gate, nil, to: "demo-7") == .success(stranger))
        #expect(outcome(gate, nil, to: "lobby2") == .failure(.unauthorized))
        #expect(!stranger.grants.contains(.kick))
    }

    @Test(
        "in development only who is on this machine, and calls it so",
        arguments: [
            ("127.0.0.1", "localhost", true), ("127.0.0.1", "127.0.0.1", true), ("::1", "[::1]", true),
            ("::ffff:127.0.0.1", "localhost", true), ("127.0.0.1", nil, true), ("192.0.2.1", "localhost", false),
            ("2001:db8::1", "localhost", false), ("::ffff:192.0.2.1", nil, false),
            // DNS rebinding, and a proxy in front of us.
            ("127.0.0.1", "evil.example", false), ("127.0.0.1", "192.0.2.1", false), ("127.0.0.1", "a b", false),
        ] as [(String, String?, Bool)])
    func loopback(address: String, host: String?, isWelcome: Bool) throws {
        let gate = try gate(rooms: ["*"], visitors: .onLoopback)
        let visitor = visitor(address, local: "127.0.0.1", host: host)
        let expected: Result<Admission, AdmissionRefusal> =
            isWelcome ? .success(stranger) : .failure(.unauthorized)
        #expect(outcome(gate, nil, to: "lobby", from: visitor) == expected)
    }
}

@Suite("Credentials of those who got in")
struct CredentialsOfMembers {
    private func issue(_ gate: Gate, _ admission: Admission) -> IssuedCredentials? {
        gate.issue(to: tag, admission, visitor: visitor(), at: now)
    }

    @Test("who has the grant gets them, within the limits of the token")
    func granted() throws {
        let issued = try #require(
            issue(
                try gate(), Admission(identity: nil, grants: [.turn], credentialSecondsMax: 300, transports: [.tcp])))
        #expect(issued.username == "1800000300:tern.12.m-4fKz0pQ1xYw_83Ab")
        #expect(issued.lifetimeSeconds == 300)
        #expect(
            issued.iceServers.map(\.urls) == [
                ["stun:turn.example:3478"], ["turn:turn.example:3478?transport=tcp"],
            ])
        let standard = try #require(issue(try gate(), Admission(identity: nil, grants: .standard)))
        #expect(standard.lifetimeSeconds == 600)
    }

    @Test("without the grant, or without a server to relay, there are none")
    func none() throws {
        #expect(issue(try gate(), Admission(identity: nil, grants: [.join, .signal, .broadcast, .kick])) == nil)
        #expect(issue(try gate(issuer: nil), Admission(identity: nil, grants: .standard)) == nil)
    }
}
