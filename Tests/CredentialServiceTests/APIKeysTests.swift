import CredentialService
import Testing

@Suite("Keys of the HTTP API")
struct APIKeysTests {
    private let keys = APIKeys(
        applicationKeys: [
            ("app", bytes("first secret")), ("app", bytes("second secret")), ("shop", bytes("secret of the shop")),
            ("empty", []), ("both", bytes("shared")),
        ], operatorSecrets: [bytes("master"), [], bytes("shared")])

    @Test(
        "a bearer is known by its secret",
        arguments: [
            ("first secret", .application(id: "app")), ("second secret", .application(id: "app")),
            ("secret of the shop", .application(id: "shop")), ("master", .operator), ("shared", .operator),
            ("", nil), ("first", nil), ("first secret ", nil), ("First secret", nil), ("app", nil),
            ("app:first secret", nil),
        ] as [(String, APIPrincipal?)])
    func bearers(bearer: String, principal: APIPrincipal?) {
        #expect(keys.authenticate(bearer: bytes(bearer)) == principal)
    }

    @Test("with the id in the path, the secret must be of that application")
    func applications() {
        #expect(keys.application(id: "app", bearer: bytes("first secret")) == .application(id: "app"))
        #expect(keys.application(id: "app", bearer: bytes("second secret")) == .application(id: "app"))
        #expect(keys.application(id: "shop", bearer: bytes("first secret")) == nil)
        #expect(keys.application(id: "app", bearer: bytes("master")) == nil)
        #expect(keys.application(id: "empty", bearer: []) == nil)
        #expect(keys.application(id: "", bearer: bytes("first secret")) == nil)
        #expect(keys.application(id: "nobody", bearer: bytes("first secret")) == nil)
    }

    @Test("a bearer of 1024 bytes is looked at, a longer one is not")
    func limit() {
        for count in [1024, 1025] {
            let secret = [UInt8](repeating: 0x61, count: count)
            let keys = APIKeys(applicationKeys: [("app", secret)], operatorSecrets: [])
            #expect((keys.authenticate(bearer: secret) != nil) == (count == 1024))
            #expect((keys.application(id: "app", bearer: secret) != nil) == (count == 1024))
        }
    }

    @Test("without keys there is nobody")
    func empty() {
        let none = APIKeys(applicationKeys: [], operatorSecrets: [])
        #expect(none.authenticate(bearer: []) == nil)
        #expect(none.authenticate(bearer: bytes("x")) == nil)
    }

    @Test("printing the keys shows neither secrets nor digests")
    func description() {
        #expect("\(keys)" == "APIKeys(4 applications, 2 operators)")
    }
}
