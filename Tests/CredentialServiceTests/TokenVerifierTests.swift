import CredentialService
import Crypto
import NetworkPrimitives
import Signaling
import Testing

@Suite("Room tokens that others made")
struct ForeignTokenTests {
    /// RFC 7515 §A.1.1, `{"iss":"joe", "exp":1300819380, "http://example.com/is_root":true}`.
    private static let claims =
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

    @Test("RFC 7515 §A.1: HMAC with SHA-256")
    func hmac() throws {
        let secret = try #require(
            Base64URL.decode(
                bytes(
                    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")))
        let verifier = TokenVerifier(keys: [try TokenKey(id: "joe", secret: secret)])
        let token = bytes(
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + Self.claims
                + ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
        let pass = try verifier.verify(token, at: time(1_300_819_379))
        #expect(pass == Pass(issuer: "joe", expiresAt: time(1_300_819_380)))
        #expect(refusal(token, verifier, at: now) == .tokenExpired)
    }

    @Test("RFC 7515 §A.3: ECDSA on P-256")
    func ecdsa() throws {
        // RFC 7515 §A.3.1 gives the key as a point.
        let point =
            Base64URL.decode(bytes("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"))!
            + Base64URL.decode(bytes("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"))!
        let der = Hex.decode("3059301306072a8648ce3d020106082a8648ce3d03010703420004".utf8)! + point
        let pem = "-----BEGIN PUBLIC KEY-----\n\(string(Base64.encode(der)))\n-----END PUBLIC KEY-----"
        let verifier = TokenVerifier(keys: [try TokenKey(issuer: "joe", pem: bytes(pem))])
        let token = bytes(
            "eyJhbGciOiJFUzI1NiJ9." + Self.claims
                + ".DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
        let pass = try verifier.verify(token, at: time(1_300_819_379))
        #expect(pass == Pass(issuer: "joe", expiresAt: time(1_300_819_380)))
    }

    private static func pass(issuer: String) -> Pass {
        Pass(
            issuer: issuer, subject: "alice", rooms: RoomPattern("team-*"), grants: [.join, .signal, .kick, .turn],
            notBefore: time(1_800_000_000), expiresAt: time(1_800_003_600), capacity: 4, credentialSecondsMax: 300,
            transports: [.udp, .tls])
    }

    @Test("PyJWT: a token of an API key", arguments: [ForeignTokens.apiKey, ForeignTokens.apiKeyWithKeyID])
    func apiKey(token: String) throws {
        let verifier = TokenVerifier(keys: [try TokenKey(id: "app", secret: ForeignTokens.secret)])
        #expect(try verifier.verify(bytes(token), at: now) == Self.pass(issuer: "app"))
    }

    @Test("PyJWT: tokens of an issuer with a public key of either kind")
    func publicKeys() throws {
        let issuer = "https://id.example"
        let verifier = TokenVerifier(keys: [
            try TokenKey(issuer: issuer, keyID: "2026-a", pem: ForeignTokens.p256),
            try TokenKey(issuer: issuer, pem: ForeignTokens.ed25519),
        ])
        for token in [ForeignTokens.es256, ForeignTokens.edDSA] {
            #expect(try verifier.verify(bytes(token), at: now) == Self.pass(issuer: issuer))
        }
        #expect(refusal(bytes(ForeignTokens.rs256), verifier) == .unauthorized)
    }

    @Test("a key with another id is not tried; one without an id takes any")
    func keyIDs() throws {
        let issuer = "https://id.example"
        let other = try TokenKey(issuer: issuer, keyID: "2026-b", pem: ForeignTokens.p256)
        #expect(refusal(bytes(ForeignTokens.es256), TokenVerifier(keys: [other])) == .unauthorized)
        let any = try TokenKey(issuer: issuer, pem: ForeignTokens.p256)
        #expect(refusal(bytes(ForeignTokens.es256), TokenVerifier(keys: [other, any])) == nil)
        let app = try TokenKey(id: "app2", secret: ForeignTokens.secret)
        #expect(refusal(bytes(ForeignTokens.apiKeyWithKeyID), TokenVerifier(keys: [app])) == .unauthorized)
    }

    @Test("RFC 8725 §2.1: a public key is never the secret of an HMAC, and no signature is none")
    func algorithmConfusion() throws {
        let issuer = "https://id.example"
        let verifier = TokenVerifier(keys: [
            try TokenKey(issuer: issuer, pem: ForeignTokens.p256), try TokenKey(id: "app", secret: secret),
        ])
        #expect(refusal(bytes(ForeignTokens.hs256WithPublicKey), verifier) == .unauthorized)
        #expect(refusal(bytes(ForeignTokens.none), verifier) == .unauthorized)
        #expect(refusal(bytes(ForeignTokens.none + "AA"), verifier) == .unauthorized)
    }
}

@Suite("Room tokens")
struct TokenVerifierTests {
    private let verifier: TokenVerifier

    init() throws {
        verifier = TokenVerifier(keys: [try TokenKey(id: "app", secret: secret)])
    }

    private func refusal(_ claims: String, header: String = #"{"alg":"HS256"}"#) -> AdmissionRefusal? {
        CredentialServiceTests.refusal(signed(claims, header: header), verifier)
    }

    @Test("the least that a token says: it opens no room")
    func least() throws {
        let pass = try verifier.verify(signed(#"{"iss":"app","exp":1800000060}"#), at: now)
        #expect(pass == Pass(issuer: "app", expiresAt: time(1_800_000_060)))
        #expect(pass.grants == [.join, .signal, .broadcast, .turn])
    }

    @Test(
        "the header names the algorithm of the key; it may say more",
        arguments: [
            (#"{"alg":"HS256"}"#, true), (#"{"alg":"HS256","typ":"JWT","kid":"app"}"#, true),
            (#"{"alg":"HS256","jku":"https://evil.example/","jwk":{"kty":"oct","k":"AAAA"}}"#, true),
            (#"{"alg":"\u0048S256"}"#, true), (#"{"alg":"hs256"}"#, false), (#"{"alg":"HS512"}"#, false),
            (#"{"alg":"ES256"}"#, false), (#"{"alg":"none"}"#, false), (#"{"alg":"NONE"}"#, false),
            (#"{"alg":null}"#, false), (#"{"alg":["HS256"]}"#, false), (#"{"typ":"JWT"}"#, false),
            (#"{"alg":"HS256","kid":"other"}"#, false), (#"{"alg":"HS256","kid":1}"#, false),
            (#"{"alg":"HS256","kid":null}"#, false), (#"{"alg":"none","alg":"HS256"}"#, false),
            (#"{"alg":"HS256","crit":["exp"]}"#, false), (#"{"alg":"HS256","crit":[]}"#, false),
            (#"{"alg":"HS256","crit":["b64"],"b64":false}"#, false), (#"["HS256"]"#, false), (#""HS256""#, false),
            ("{}", false), ("", false), (#"{"alg":"HS256"} x"#, false),
        ])
    func headers(header: String, isGood: Bool) {
        #expect(refusal(#"{"iss":"app","exp":1800000060}"#, header: header) == (isGood ? nil : .unauthorized))
    }

    @Test(
        "claims that are missing or not what they should be",
        arguments: [
            "", "{}", "[]", "null", #""app""#, #"{"iss":"app"}"#, #"{"exp":1800000060}"#,
            #"{"iss":"other","exp":1800000060}"#, #"{"iss":"","exp":1800000060}"#, #"{"iss":1,"exp":1800000060}"#,
            #"{"iss":["app"],"exp":1800000060}"#, #"{"iss":"app","exp":"1800000060"}"#, #"{"iss":"app","exp":null}"#,
            #"{"iss":"app","exp":-1}"#, #"{"iss":"app","exp":253402300800}"#, #"{"iss":"app","exp":1e300}"#,
            #"{"iss":"app","exp":1e400}"#, #"{"iss":"app","exp":9223372036854775807}"#,
            #"{"iss":"app","exp":99999999999999999999}"#, #"{"iss":"app","exp":-0.5}"#,
            #"{"iss":"app","exp":1800000060,"exp":1900000000}"#, #"{"iss":"app","exp":1800000060"#,
        ])
    func malformedClaims(claims: String) {
        #expect(refusal(claims) == .unauthorized)
    }

    @Test(
        "each further claim, right and wrong",
        arguments: [
            (#""nbf":1800000000"#, true), (#""nbf":0"#, true), (#""nbf":"now""#, false), (#""nbf":null"#, false),
            (#""nbf":-1"#, false), (#""iat":"whatever","jti":7,"name":{}"#, true), (#""sub":"alice""#, true),
            (#""sub":"""#, false), (#""sub":7"#, false), (#""sub":"\ud800""#, false), (#""room":"lobby""#, true),
            (#""room":"*""#, true), (#""room":"team-*""#, true), (#""room":"""#, false), (#""room":"a b""#, false),
            (#""room":"a/b""#, false), (#""room":"*a""#, false), (#""room":["lobby"]"#, false),
            (#""room":null"#, false), (#""cap":1"#, true), (#""cap":1000000"#, true), (#""cap":0"#, false),
            (#""cap":1000001"#, false), (#""cap":-1"#, false), (#""cap":2.5"#, false), (#""cap":"2""#, false),
            (#""aud":"tern""#, true), (#""aud":["other","tern"]"#, true), (#""aud":"other""#, false),
            (#""aud":[]"#, false), (#""aud":["other"]"#, false), (#""aud":[1,"tern"]"#, false),
            (#""aud":null"#, false), (#""aud":7"#, false),
        ])
    func furtherClaims(claim: String, isGood: Bool) {
        #expect(refusal(#"{"iss":"app","exp":1800000060,"# + claim + "}") == (isGood ? nil : .unauthorized))
    }

    @Test("a subject of 128 bytes is taken, one of 129 is not", arguments: [(128, true), (129, false)])
    func longSubject(count: Int, isGood: Bool) {
        let subject = String(repeating: "é", count: count / 2) + (count % 2 == 0 ? "" : "a")
        #expect(
            refusal(#"{"iss":"app","exp":1800000060,"sub":""# + subject + #""}"#) == (isGood ? nil : .unauthorized))
    }

    @Test(
        "RFC 7519 §4.1.4: good until a minute after exp",
        arguments: [
            (1_799_999_941, false), (1_799_999_940, true), (0, true), (1_800_000_000, false), (253_402_300_799, false),
        ])
    func expiry(expiry: Int64, isOver: Bool) {
        #expect(refusal(#"{"iss":"app","exp":\#(expiry)}"#) == (isOver ? .tokenExpired : nil))
    }

    @Test(
        "RFC 7519 §4.1.5: good from a minute before nbf on",
        arguments: [(1_800_000_060, false), (1_800_000_061, true), (0, false), (253_402_300_799, true)])
    func notBefore(start: Int64, isEarly: Bool) {
        #expect(
            refusal(#"{"iss":"app","exp":253402300799,"nbf":\#(start)}"#) == (isEarly ? .tokenNotYetValid : nil))
    }

    @Test("RFC 7519 §2: a date may have a fraction or an exponent")
    func fractions() throws {
        let pass = try verifier.verify(signed(#"{"iss":"app","exp":1800000060.9,"nbf":1.8e9}"#), at: now)
        #expect(pass.expiresAt == time(1_800_000_060))
        #expect(pass.notBefore == time(1_800_000_000))
    }

    @Test("nobody learns that a token has run out but who signed it")
    func timesAfterSignature() {
        let other = bytes("another secret of 32 bytes or so")
        let claims = [#"{"iss":"app","exp":1}"#, #"{"iss":"app","exp":1900000000,"nbf":1900000000}"#]
        for claim in claims {
            #expect(CredentialServiceTests.refusal(signed(claim, secret: other), verifier) == .unauthorized)
        }
        #expect(refusal(claims[0]) == .tokenExpired)
        #expect(refusal(claims[1]) == .tokenNotYetValid)
    }

    @Test("a secret that is being replaced: both are good")
    func rotation() throws {
        let next = bytes("the next secret of the same app!")
        let both = TokenVerifier(keys: [
            try TokenKey(id: "app", secret: secret), try TokenKey(id: "app", secret: next),
        ])
        let claims = #"{"iss":"app","exp":1800000060}"#
        #expect(CredentialServiceTests.refusal(signed(claims), both) == nil)
        #expect(CredentialServiceTests.refusal(signed(claims, secret: next), both) == nil)
        #expect(CredentialServiceTests.refusal(signed(claims, secret: next), verifier) == .unauthorized)
    }

    @Test("without keys no token is good")
    func noKeys() {
        #expect(TokenVerifier(keys: []).isEmpty)
        #expect(
            CredentialServiceTests.refusal(signed(#"{"iss":"app","exp":1800000060}"#), TokenVerifier(keys: []))
                == .unauthorized)
    }
}

@Suite("Room tokens as text, RFC 7515 §3.1")
struct TokenTextTests {
    private let verifier: TokenVerifier
    private let header = string(Base64URL.encode(bytes(#"{"alg":"HS256"}"#)))
    private let claims = string(Base64URL.encode(bytes(#"{"iss":"app","exp":1800000060}"#)))

    init() throws {
        verifier = TokenVerifier(keys: [try TokenKey(id: "app", secret: secret)])
    }

    @Test("as many parts as there are, and no others")
    func parts() {
        let token = string(signed(parts: header, claims))
        #expect(refusal(bytes(token), verifier) == nil)
        let wrong = [
            "", ".", "..", "...", header, "\(header).\(claims)", "\(header).\(claims).", "\(token).", ".\(token)",
            "\(token).\(token)", "\(token) ", " \(token)", "\(token)\n", "Bearer \(token)", "\(token)=", "\(token)A",
            String(token.dropLast()), "..\(token)",
        ]
        for text in wrong {
            #expect(refusal(bytes(text), verifier) == .unauthorized, "\(text)")
        }
    }

    @Test("each part is base 64 for URLs and nothing else, even when it is signed so")
    func strictBase64() {
        // `{"alg":"HS256"}` has fifteen bytes, so padding would be wrong anyway; a blank more makes it right.
        let padded = string(Base64.encode(bytes(#"{"alg":"HS256"} "#)))
        #expect(padded.hasSuffix("=="))
        #expect(refusal(signed(parts: padded, claims), verifier) == .unauthorized)
        #expect(refusal(signed(parts: String(padded.dropLast(2)), claims), verifier) == nil)
        // The last character of that text has four bits that stand for nothing.
        #expect(padded.hasSuffix("IA=="))
        #expect(refusal(signed(parts: String(padded.dropLast(3)) + "B", claims), verifier) == .unauthorized)
        #expect(refusal(signed(parts: header + "\n", claims), verifier) == .unauthorized)
        #expect(refusal(signed(parts: #"{"alg":"HS256"}"#, claims), verifier) == .unauthorized)
    }

    @Test("a signature that is cut, longer, or of nothing")
    func signatures() {
        let token = signed(parts: header, claims)
        let unsigned = token[...token.lastIndex(of: UInt8(ascii: "."))!]
        let code = Base64URL.decode(token.suffix(43))!
        for wrong in [[], [0], Array(code.dropLast()), code + [0], [UInt8](repeating: 0, count: 32)] {
            #expect(refusal(Array(unsigned) + Base64URL.encode(wrong), verifier) == .unauthorized)
        }
        #expect(refusal(Array(unsigned) + Base64URL.encode(code), verifier) == nil)
    }

    @Test("a token of 4096 bytes is looked at, one of 4097 is not", arguments: [(4096, true), (4097, false)])
    func limit(count: Int, isGood: Bool) throws {
        var token: [UInt8] = []
        // Base 64 has no text of some lengths, so the header gives a byte or two.
        for blanks in 0..<4 where token.count != count {
            let header = #"{"alg":"HS256"}"# + String(repeating: " ", count: blanks)
            var room = (count - 45 - Base64URL.encode(bytes(header)).count) / 4 * 3 + 2
            while token.count != count, room > 2900 {
                let claims = #"{"iss":"app","exp":1800000060}"#
                token = signed(claims + String(repeating: " ", count: room - claims.count), header: header)
                room -= 1
            }
        }
        try #require(token.count == count)
        #expect(refusal(token, verifier) == (isGood ? nil : .unauthorized))
    }

    @Test("JSON that is deep or has very many values is refused")
    func hostileJSON() {
        let deep = String(repeating: "[", count: 700) + String(repeating: "]", count: 700)
        #expect(refusal(signed(#"{"iss":"app","exp":1800000060,"x":\#(deep)}"#), verifier) == .unauthorized)
        let wide = "[" + String(repeating: "0,", count: 300) + "0]"
        #expect(refusal(signed(#"{"iss":"app","exp":1800000060,"x":\#(wide)}"#), verifier) == .unauthorized)
    }
}

@Suite("Grants of a token")
struct GrantsOfTokens {
    private let verifier: TokenVerifier

    init() throws {
        verifier = TokenVerifier(keys: [try TokenKey(id: "app", secret: secret)])
    }

    private func pass(_ grants: String) -> Pass? {
        try? verifier.verify(signed(#"{"iss":"app","exp":1800000060,"grants":\#(grants)}"#), at: now)
    }

    @Test(
        "a list gives what it names and nothing else",
        arguments: [
            ("{}", []), (#"{"join":true}"#, [.join]), (#"{"join":true,"kick":false}"#, [.join]),
            (
                #"{"join":true,"signal":true,"broadcast":true,"kick":true,"turn":true}"#,
                [.join, .signal, .broadcast, .kick, .turn]
            ), (#"{"turn":true}"#, [.turn]), (#"{"turn":false}"#, []),
            (#"{"turn":{}}"#, [.turn]), (#"{"fly":true,"turn":{"fast":1}}"#, [.turn]),
        ] as [(String, Grants)])
    func lists(list: String, grants: Grants) {
        #expect(pass(list)?.grants == grants)
    }

    @Test("limits of TURN credentials")
    func turn() {
        #expect(pass(#"{"turn":{"max_ttl":1}}"#)?.credentialSecondsMax == 1)
        #expect(pass(#"{"turn":{"max_ttl":4294967296}}"#)?.credentialSecondsMax == 4_294_967_295)
        #expect(pass(#"{"turn":{"transports":["tls","udp","udp"]}}"#)?.transports == [.udp, .tls])
        // A later transport: this server has none of it, so the holder has none here.
        #expect(pass(#"{"turn":{"transports":["dtls"]}}"#)?.transports == [])
        #expect(pass(#"{"turn":true}"#)?.transports == nil)
    }

    @Test(
        "what is not a grant makes the token useless",
        arguments: [
            "null", "true", "[]", #""join""#, #"{"join":1}"#, #"{"join":"true"}"#, #"{"kick":null}"#, #"{"turn":1}"#,
            #"{"turn":null}"#, #"{"turn":["udp"]}"#, #"{"turn":{"max_ttl":0}}"#, #"{"turn":{"max_ttl":-5}}"#,
            #"{"turn":{"max_ttl":"300"}}"#, #"{"turn":{"max_ttl":1.5}}"#, #"{"turn":{"transports":[]}}"#,
            #"{"turn":{"transports":"udp"}}"#, #"{"turn":{"transports":[1]}}"#, #"{"join":true,"join":false}"#,
        ])
    func malformed(list: String) {
        #expect(pass(list) == nil)
    }
}

@Suite("Keys of tokens")
struct TokenKeyTests {
    @Test("a secret has 32 bytes at least and 1024 at most (RFC 7518 §3.2)")
    func secrets() throws {
        #expect(throws: TokenKey.Failure.shortSecret(byteCount: 31)) {
            try TokenKey(id: "app", secret: [UInt8](repeating: 7, count: 31))
        }
        #expect(throws: TokenKey.Failure.shortSecret(byteCount: 0)) { try TokenKey(id: "app", secret: []) }
        for count in [32, 1024] {
            #expect(try TokenKey(id: "app", secret: [UInt8](repeating: 7, count: count)).algorithm == .hs256)
        }
        #expect(throws: TokenKey.Failure.longSecret) {
            try TokenKey(id: "app", secret: [UInt8](repeating: 7, count: 1025))
        }
    }

    @Test(
        "an id stands in URLs as it is", arguments: ["", "a b", "a/b", "ä", "a%20", String(repeating: "a", count: 65)])
    func ids(id: String) {
        #expect(throws: TokenKey.Failure.malformedID) { try TokenKey(id: id, secret: secret) }
    }

    @Test("an issuer has a printable name", arguments: ["", "a b", "ä", "a\n", String(repeating: "a", count: 257)])
    func issuers(name: String) {
        #expect(throws: TokenKey.Failure.malformedIssuer) { try TokenKey(issuer: name, pem: ForeignTokens.p256) }
        #expect(throws: TokenKey.Failure.malformedIssuer) {
            try TokenKey(issuer: "a", keyID: name, pem: ForeignTokens.p256)
        }
    }

    @Test("names at the limit")
    func longNames() throws {
        #expect(try TokenKey(id: String(repeating: "a", count: 64), secret: secret).algorithm == .hs256)
        let name = String(repeating: "a", count: 256)
        #expect(try TokenKey(issuer: name, keyID: name, pem: ForeignTokens.p256).algorithm == .es256)
        #expect(try TokenKey(issuer: "a", pem: ForeignTokens.ed25519).algorithm == .edDSA)
    }

    @Test("what is not a public key says what it is")
    func publicKeys() {
        #expect(throws: TokenKey.Failure.publicKey(.notPEM)) { try TokenKey(issuer: "a", pem: bytes("secret")) }
    }

    @Test("printing a key shows no secret")
    func description() throws {
        #expect("\(try TokenKey(id: "app", secret: secret))" == "TokenKey(app, hs256)")
        #expect(!String(reflecting: [try TokenKey(id: "app", secret: secret)]).contains("0123456789abcdef"))
    }
}
