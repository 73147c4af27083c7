import CredentialService
import Crypto
import NetworkPrimitives
import Signaling
import Testing

@Suite("Minting of room tokens")
struct TokenMinterTests {
    private let minter: TokenMinter
    private let verifier: TokenVerifier

    init() throws {
        let key = try TokenKey(id: "app", secret: secret)
        minter = try #require(TokenMinter(key: key))
        verifier = TokenVerifier(keys: [key])
    }

    /// Header and claims of a token.
    private func parts(_ token: [UInt8]) -> [String] {
        token.split(separator: UInt8(ascii: ".")).prefix(2).map { string(Base64URL.decode($0)!) }
    }

    @Test("the least request: an hour, the standard grants")
    func least() throws {
        let minted = minter.mint(TokenRequest(rooms: RoomPattern("lobby")!), at: now)
        #expect(
            parts(minted.token) == [
                #"{"alg":"HS256","typ":"JWT"}"#, #"{"iss":"app","iat":1800000000,"exp":1800003600,"room":"lobby"}"#,
            ])
        #expect(minted.lifetimeSeconds == 3600)
        #expect(minted.expiresAt == time(1_800_003_600))
        #expect(
            try verifier.verify(minted.token, at: now)
                == Pass(issuer: "app", rooms: RoomPattern("lobby"), expiresAt: time(1_800_003_600)))
    }

    @Test("everything that a request can say")
    func most() throws {
        let request = TokenRequest(
            rooms: RoomPattern("team-*")!, identity: "al\"ice", lifetimeSeconds: 60, grants: [.join, .kick, .turn],
            capacity: 2, credentialSecondsMax: 300, transports: [.tls, .udp])
        let minted = minter.mint(request, at: now)
        #expect(
            parts(minted.token)[1]
                == #"{"iss":"app","sub":"al\"ice","iat":1800000000,"exp":1800000060,"room":"team-*","grants":"#
                + #"{"join":true,"kick":true,"turn":{"max_ttl":300,"transports":["udp","tls"]}},"cap":2}"#)
        #expect(
            try verifier.verify(minted.token, at: now)
                == Pass(
                    issuer: "app", subject: "al\"ice", rooms: RoomPattern("team-*"), grants: [.join, .kick, .turn],
                    expiresAt: time(1_800_000_060), capacity: 2, credentialSecondsMax: 300, transports: [.udp, .tls]))
    }

    @Test("no transport is no TURN, and limits of what is not granted are not written")
    func contradictions() {
        let rooms = RoomPattern("lobby")!
        let none = minter.mint(TokenRequest(rooms: rooms, grants: [.join, .turn], transports: []), at: now)
        #expect(parts(none.token)[1].hasSuffix(#""grants":{"join":true}}"#))
        let idle = minter.mint(TokenRequest(rooms: rooms, grants: [.join], credentialSecondsMax: 9), at: now)
        #expect(parts(idle.token)[1].hasSuffix(#""grants":{"join":true}}"#))
        let nothing = minter.mint(TokenRequest(rooms: rooms, grants: []), at: now)
        #expect(parts(nothing.token)[1].hasSuffix(#""grants":{}}"#))
    }

    @Test(
        "a lifetime of a second to a day",
        arguments: [(nil, 3600), (0, 1), (1, 1), (86_400, 86_400), (86_401, 86_400), (.max, 86_400)]
            as [(UInt32?, UInt32)])
    func lifetimes(wanted: UInt32?, granted: UInt32) {
        let request = TokenRequest(rooms: RoomPattern("lobby")!, lifetimeSeconds: wanted)
        let minted = minter.mint(request, at: now)
        #expect(minted.lifetimeSeconds == granted)
        #expect(minted.expiresAt == time(1_800_000_000 + Int64(granted)))
    }

    @Test("the answer to a request")
    func answer() {
        let minted = minter.mint(TokenRequest(rooms: RoomPattern("lobby")!, lifetimeSeconds: 60), at: now)
        #expect(
            string(minted.responseBody)
                == #"{"token":"\#(string(minted.token))","ttl":60,"expires_at":1800000060}"#)
    }

    @Test("a public key does not sign")
    func publicKey() throws {
        #expect(TokenMinter(key: try TokenKey(issuer: "a", pem: ForeignTokens.p256)) == nil)
    }
}

@Suite("Requests for tokens and credentials")
struct TokenRequestTests {
    private func failure(_ body: String) -> RequestError? {
        do {
            _ = try TokenRequest(parsing: bytes(body))
            return nil
        } catch {
            return error
        }
    }

    @Test("the whole form")
    func whole() throws {
        let body = #"""
            {"room":"team-*", "identity":"alice", "ttl":600, "cap":8,
             "grants":{"join":true,"signal":true,"turn":{"max_ttl":300,"transports":["tcp"]}}}
            """#
        #expect(
            try TokenRequest(parsing: bytes(body))
                == TokenRequest(
                    rooms: RoomPattern("team-*")!, identity: "alice", lifetimeSeconds: 600,
                    grants: [.join, .signal, .turn], capacity: 8, credentialSecondsMax: 300, transports: [.tcp]))
        #expect(try TokenRequest(parsing: bytes(#"{"room":"a"}"#)) == TokenRequest(rooms: RoomPattern("a")!))
        #expect(
            try TokenRequest(parsing: bytes(#"{"room":"a","ttl":1e3}"#.replacing("1e3", with: "99999999999")))
                .lifetimeSeconds == 4_294_967_295)
    }

    @Test(
        "says which field is wrong",
        arguments: [
            ("", ""), ("[]", ""), (#"{"room":"a","room":"b"}"#, ""), (#"{"room":"a","grant":{}}"#, ""),
            (#"{"room":"a","Ttl":1}"#, ""), ("{}", "room"), (#"{"room":""}"#, "room"), (#"{"room":1}"#, "room"),
            (#"{"room":"a/*"}"#, "room"), (#"{"room":"a","identity":""}"#, "identity"),
            (#"{"room":"a","identity":1}"#, "identity"), (#"{"room":"a","identity":null}"#, "identity"),
            (#"{"room":"a","ttl":0}"#, "ttl"), (#"{"room":"a","ttl":-1}"#, "ttl"), (#"{"room":"a","ttl":"1"}"#, "ttl"),
            (#"{"room":"a","ttl":1e3}"#, "ttl"), (#"{"room":"a","cap":0}"#, "cap"), (#"{"room":"a","cap":1.5}"#, "cap"),
            (#"{"room":"a","grants":true}"#, "grants"), (#"{"room":"a","grants":{"joins":true}}"#, "grants"),
            (#"{"room":"a","grants":{"join":1}}"#, "grants.join"),
            (#"{"room":"a","grants":{"turn":1}}"#, "grants.turn"),
            (#"{"room":"a","grants":{"turn":{"ttl":1}}}"#, "grants.turn"),
            (#"{"room":"a","grants":{"turn":{"max_ttl":0}}}"#, "grants.turn.max_ttl"),
            (#"{"room":"a","grants":{"turn":{"transports":["sctp"]}}}"#, "grants.turn.transports"),
            (#"{"room":"a","grants":{"turn":{"transports":[]}}}"#, "grants.turn.transports"),
        ])
    func wrong(body: String, field: String) {
        #expect(failure(body)?.field == field)
    }

    @Test("an identity of 128 bytes is taken, one of 129 is not")
    func longIdentity() {
        #expect(failure(#"{"room":"a","identity":"\#(String(repeating: "a", count: 128))"}"#) == nil)
        #expect(failure(#"{"room":"a","identity":"\#(String(repeating: "a", count: 129))"}"#)?.field == "identity")
    }

    @Test("the sentence names the field and quotes nothing that was sent")
    func sentences() {
        #expect(failure(#"{"room":"a","ttl":"<b>"}"#)?.message == "ttl must be a positive number of seconds")
        #expect(failure("<b>")?.message == "the body must be one JSON object")
        #expect(
            failure(#"{"room":"a","<b>":1}"#)?.message
                == "the body may have room, identity, ttl, grants, cap and nothing else")
    }

    @Test("requests for credentials may be empty")
    func credentials() throws {
        #expect(try CredentialRequest(parsing: []) == CredentialRequest())
        #expect(try CredentialRequest(parsing: bytes("{}")) == CredentialRequest())
        #expect(
            try CredentialRequest(parsing: bytes(#"{"identity":"alice","ttl":60}"#))
                == CredentialRequest(identity: "alice", lifetimeSeconds: 60))
        for body in [" ", "null", #"{"ttl":0}"#, #"{"identity":7}"#, #"{"user":"alice"}"#] {
            #expect(throws: RequestError.self) { try CredentialRequest(parsing: bytes(body)) }
        }
    }

    @Test("Cloudflare's form may have members of its own")
    func cloudflare() throws {
        #expect(
            try CredentialRequest(parsingCloudflare: bytes(#"{"ttl":86400,"customIdentifier":"x"}"#))
                == CredentialRequest(lifetimeSeconds: 86_400))
        #expect(try CredentialRequest(parsingCloudflare: []) == CredentialRequest())
        #expect(throws: RequestError.self) { try CredentialRequest(parsingCloudflare: bytes(#"{"ttl":"1"}"#)) }
    }
}
