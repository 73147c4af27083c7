import Testing

@testable import Configuration

private func encryption(_ text: String, _ arguments: [String] = []) throws -> ServerConfiguration.Encryption? {
    try configuration("user=a:b\n" + text, arguments).encryption
}

@Suite("TLS and DTLS in the configuration")
struct EncryptionTests {
    @Test("a certificate alone switches both on, with the key in the same file")
    func certificateAlone() throws {
        let value = try #require(try encryption("cert=/a.pem"))
        #expect(value.certificates.count == 1)
        #expect(
            value.certificates[0].chain == PlacedText(text: "/a.pem", place: .line(file: "turnserver.conf", number: 2)))
        #expect(value.certificates[0].key == nil)
        #expect(value.certificates[0].keyFile == "/a.pem")
        #expect(value.servesTLS && value.servesDTLS && !value.refusesTLS12)
        #expect(value.port == 5349)
        #expect(value.cipherList == nil && value.groups == nil && value.clientAuthorities == nil)
    }

    @Test("all words about it")
    func everything() throws {
        let text = """
            cert=/rsa.pem
            pkey=/rsa.key
            cert=/ec.pem
            pkey=/ec.key
            pkey-pwd=a # b
            cipher-list="ECDHE+AESGCM"
            CA-file=/ca.pem
            ec-curve-name=X25519:P-256
            tls-listening-port=443
            """
        let value = try #require(try encryption(text))
        #expect(value.certificates.map(\.chain.text) == ["/rsa.pem", "/ec.pem"])
        #expect(value.certificates.map(\.keyFile) == ["/rsa.key", "/ec.key"])
        #expect(value.keyPassword?.text == "a # b")
        #expect(value.cipherList == PlacedText(text: "ECDHE+AESGCM", place: .line(file: "turnserver.conf", number: 7)))
        #expect(value.clientAuthorities?.text == "/ca.pem")
        #expect(value.groups?.text == "X25519:P-256")
        #expect(value.port == 443)
        #expect(!"\(value)".contains("a # b") && !String(reflecting: value).contains("a # b"))
    }

    @Test(
        "who is served",
        arguments: [
            ("", true, true), ("no-tls", false, true), ("no-dtls", true, false), ("dtls=off", true, false),
            ("dtls", true, true), ("dtls=on\nno-dtls=off", true, true), ("no-tlsv1_2", true, false),
        ])
    func served(text: String, tls: Bool, dtls: Bool) throws {
        let value = try #require(try encryption("cert=/a.pem\n" + text))
        #expect(value.servesTLS == tls)
        #expect(value.servesDTLS == dtls)
    }

    @Test(
        "switched off, or never asked for: nothing is said and no file is named",
        arguments: [
            "", "no-tls\nno-dtls", "cert=/a.pem\nno-tls\nno-dtls", "cert=/a\ncert=/b\npkey=/c\nno-tls\nno-dtls",
            "no-tls\nno-dtls\ntls-listening-port=5349\nalt-tls-listening-port=5350\npkey=/b", "cipher-list=X",
            "dtls=off",
        ])
    func off(text: String) throws {
        #expect(try encryption(text) == nil)
        let lines = load("user=a:b\n" + text).lines
        #expect(lines.allSatisfy { $0.contains("alt-tls-listening-port") }, "\(lines)")
    }

    @Test("only who refuses both misses no certificate")
    func refusal() throws {
        #expect(try configuration("user=a:b\nno-tls\nno-dtls").listeners.refusesEncryption)
        #expect(try configuration("user=a:b\nno-tls\ndtls=off").listeners.refusesEncryption)
        #expect(try !configuration("user=a:b\nno-tls").listeners.refusesEncryption)
    }

    @Test("the command line takes the place of the file")
    func override() throws {
        let value = try #require(try encryption("cert=/a.pem\npkey=/a.key", ["--cert=/b.pem", "--pkey", "/b.key"]))
        #expect(value.certificates.map(\.chain.text) == ["/b.pem"])
        #expect(value.certificates.map(\.keyFile) == ["/b.key"])
        #expect(value.certificates[0].chain.place == .commandLine(argument: "--cert"))
    }

    @Test("a line that occurs twice counts once")
    func repeated() throws {
        let value = try #require(try encryption("cert=/a.pem\ncert=/a.pem\npkey=/a.key"))
        #expect(value.certificates.count == 1)
    }

    @Test("clients who encrypt are enough to be a server")
    func onlySecure() throws {
        #expect(try configuration("user=a:b\nno-udp\nno-tcp\ncert=/a.pem").listeners.servesUDP == false)
        #expect(load("user=a:b\nno-udp\nno-tcp\ncert=/a.pem\nno-tls\nno-dtls").errors.count == 1)
    }

    private static let needsCertificate =
        "it needs a certificate; write cert and pkey with the paths of PEM files, or no-tls and no-dtls to serve "
        + "without"

    @Test(
        "what cannot be meant",
        arguments: [
            ("pkey=/a", ["turnserver.conf:2: error: pkey: " + needsCertificate]),
            ("tls-listening-port=443", ["turnserver.conf:2: error: tls-listening-port: " + needsCertificate]),
            ("dtls", ["turnserver.conf:2: error: dtls: " + needsCertificate]),
            ("no-dtls\ntls-listening-port=443", ["turnserver.conf:3: error: tls-listening-port: " + needsCertificate]),
            (
                "tls-listening-port=x",
                ["turnserver.conf:2: error: tls-listening-port: \"x\" must be a port from 0 to 65535"]
            ),
            (
                "cert=/a\ntls-listening-port=0",
                ["turnserver.conf:3: error: tls-listening-port: port 0 is none; write 5349, or 1 to 65535"]
            ),
            (
                "cert=/a\ncert=/b\npkey=/c",
                [
                    "turnserver.conf:4: error: pkey: there are 2 cert and 1 pkey; write as many of both, in the same "
                        + "order"
                ]
            ),
            (
                "cert=/a\ncert=/b\ncert=/c\ncert=/d",
                ["turnserver.conf:5: error: cert: more than 3 certificates; give one for each kind of key"]
            ),
            ("cert=/a\ncert=/b\ncert=/c", []),
            (
                "cert=/a\ndtls\nno-dtls",
                ["turnserver.conf:3: warning: dtls: no-dtls wins, so there is no DTLS; remove one of them"]
            ),
            (
                "cert=/a\ndtls\nno-tlsv1_2",
                ["turnserver.conf:3: warning: dtls: no-tlsv1_2 wins, so there is no DTLS; remove one of them"]
            ),
        ])
    func mistakes(text: String, lines: [String]) {
        #expect(load("user=a:b\n" + text).lines == lines)
    }
}
