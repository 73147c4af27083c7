import Foundation
import NetworkPrimitives
import TestSupport
import Testing

@testable import ServerRuntime

@Suite("Certificates as the configuration names them")
struct CertificateLoaderTests {
    private let directory: CertificateDirectory

    init() throws {
        directory = try CertificateDirectory()
        try directory.write(.ecdsa)
        try directory.write(MadeCertificate.rsa.certificate, to: "rsa.pem")
        try directory.write(MadeCertificate.rsa.key, to: "rsa.key")
        try directory.write(MadeCertificate.encrypted.certificate, to: "locked.pem")
        try directory.write(MadeCertificate.encrypted.key, to: "locked.key")
        try directory.write("hello\n", to: "text")
        try directory.write("", to: "empty")
        try directory.write(MadeCertificate.ecdsa.certificate.dropLast(60), to: "cut.pem")
        try directory.write(MadeCertificate.ecdsa.key.dropLast(60), to: "cut.key")
        try directory.write(Data(repeating: 65, count: 1_048_577), to: "long")
        try directory.write(MadeCertificate.ecdsa.certificate + MadeCertificate.ecdsa.key, to: "both.pem")
    }

    @Test("one, in one file with its key, and two of different kinds")
    func good() throws {
        let one = try directory.loader("cert=@/both.pem").load()
        #expect(one.identities.map(\.keyKind) == [.ecdsa])
        #expect(one.contexts.tls != nil && one.contexts.dtls != nil)
        let two = try directory.loader("cert=@/rsa.pem\npkey=@/rsa.key\ncert=@/cert.pem\npkey=@/key.pem").load()
        #expect(two.identities.map(\.keyKind) == [.rsa, .ecdsa])
        #expect(
            try directory.loader("cert=@/locked.pem\npkey=@/locked.key\npkey-pwd=sesame").load().identities.count == 1)
    }

    @Test("no-tls and no-dtls leave out what they name, no-tlsv1_2 leaves no DTLS")
    func switches() throws {
        #expect(try directory.loader("cert=@/both.pem\nno-tls").load().contexts.tls == nil)
        #expect(try directory.loader("cert=@/both.pem\nno-tls").load().contexts.dtls != nil)
        for name in ["no-dtls", "dtls=off", "no-tlsv1_2"] {
            let contexts = try directory.loader("cert=@/both.pem\n\(name)").load().contexts
            #expect(contexts.tls != nil && contexts.dtls == nil)
        }
    }

    @Test("every file is watched, each once")
    func files() throws {
        let both = try directory.loader("cert=@/both.pem\nCA-file=@/rsa.pem").files
        #expect(both.map(directory.plain) == ["@/both.pem", "@/rsa.pem"])
        #expect(try directory.loader().files.map(directory.plain) == ["@/cert.pem", "@/key.pem"])
    }

    private static let unreadable =
        "cannot be read: No such file or directory; write the path of a file that this user can read, or start as root "
        + "with proc-user"

    static let failures: [(lines: String, sentence: String)] = [
        ("cert=@/none", "2: error: cert: @/none " + unreadable),
        ("cert=@/cert.pem\npkey=@/none", "3: error: pkey: @/none " + unreadable),
        ("cert=@/both.pem\nno-tcp\nCA-file=@/none", "4: error: CA-file: @/none " + unreadable),
        (
            "cert=@/long",
            "2: error: cert: @/long is longer than 1048576 bytes, so it is no PEM file; name the file of the "
                + "certificate alone"
        ),
        (
            "cert=@/text",
            "2: error: cert: @/text holds no certificate in PEM (-----BEGIN CERTIFICATE-----); name the chain, such as "
                + "certbot's fullchain.pem; are cert and pkey exchanged?"
        ),
        (
            "cert=@/key.pem\npkey=@/cert.pem",
            "2: error: cert: @/key.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----); name the chain, such "
                + "as certbot's fullchain.pem; are cert and pkey exchanged?"
        ),
        (
            "cert=@/cert.pem",
            "2: error: cert: @/cert.pem holds no private key in PEM (-----BEGIN PRIVATE KEY-----); write pkey with the "
                + "file of the key, such as certbot's privkey.pem"
        ),
        (
            "cert=@/cert.pem\npkey=@/empty",
            "3: error: pkey: @/empty holds no private key in PEM (-----BEGIN PRIVATE KEY-----); name the key, such as "
                + "certbot's privkey.pem; are cert and pkey exchanged?"
        ),
        (
            "cert=@/cert.pem\npkey=@/rsa.key",
            "3: error: pkey: the key in @/rsa.key does not belong to the certificate in @/cert.pem; name the key that "
                + "the certificate was requested with"
        ),
        (
            "cert=@/rsa.pem\npkey=@/rsa.key\ncert=@/cert.pem\npkey=@/locked.key\npkey-pwd=sesame",
            "5: error: pkey: the key in @/locked.key does not belong to the certificate in @/cert.pem; name the key "
                + "that the certificate was requested with"
        ),
        (
            "cert=@/locked.pem\npkey=@/locked.key",
            "3: error: pkey: the private key in @/locked.key is encrypted: give pkey-pwd"
        ),
        (
            "cert=@/locked.pem\npkey=@/locked.key\npkey-pwd=wrong",
            "4: error: pkey-pwd: pkey-pwd does not open the private key in @/locked.key; write the passphrase that the "
                + "key was made with"
        ),
        (
            "cert=@/cert.pem\npkey=@/key.pem\ncert=@/both.pem\npkey=@/both.pem",
            "4: error: cert: @/both.pem is the second certificate with a key of its kind; give one for RSA and one for "
                + "ECDSA"
        ),
        (
            "cert=@/both.pem\ncipher-list=NOTHING",
            "3: error: cipher-list: cipher-list \"NOTHING\" names no cipher of TLS 1.2 (no cipher match); leave it "
                + "out, or try it with openssl ciphers"
        ),
        (
            "cert=@/both.pem\nec-curve-name=circle",
            "3: error: ec-curve-name: ec-curve-name \"circle\" is not known to OpenSSL (passed invalid argument); "
                + "leave it out, or write names such as X25519:P-256"
        ),
        (
            "cert=@/both.pem\nCA-file=@/text",
            "3: error: CA-file: CA-file holds no certificates in PEM (no start line); name the file with the "
                + "certificates of the authorities"
        ),
    ]

    @Test(
        "what is wrong is said with option, line and file", .requirement("RI-certificates-1"), arguments: failures)
    func failure(lines: String, sentence: String) throws {
        let loader = try directory.loader(lines)
        let failure = #expect(throws: CertificateFailure.self) { _ = try loader.load() }
        let said = directory.plain("\(try #require(failure).diagnostic)")
        #expect(said == "turnserver.conf:" + sentence)
        let severity = loader.diagnostics(at: CertificateDirectory.wall).map(\.severity)
        #expect(severity == [sentence.contains("cannot be read") ? .warning : .error])
    }

    @Test("what was cut off is malformed")
    func malformed() throws {
        for (lines, start) in [
            ("cert=@/cut.pem\npkey=@/key.pem", "turnserver.conf:2: error: cert: @/cut.pem holds a certificate that"),
            ("cert=@/cert.pem\npkey=@/cut.key", "turnserver.conf:3: error: pkey: @/cut.key holds a private key that"),
        ] {
            let loader = try directory.loader(lines)
            let failure = #expect(throws: CertificateFailure.self) { _ = try loader.load() }
            #expect(directory.plain("\(try #require(failure).diagnostic)").hasPrefix(start))
        }
    }

    @Test("a check says that a certificate has expired, at the line that names it")
    func expired() throws {
        let loader = try directory.loader("cert=@/both.pem")
        #expect(loader.diagnostics(at: CertificateDirectory.wall).isEmpty)
        let lines = loader.diagnostics(at: UnixTime(seconds: 2_208_988_800)).map { directory.plain("\($0)") }
        #expect(
            lines == [
                "turnserver.conf:2: warning: cert: @/both.pem has expired at 2040-01-01T00:00:00Z: clients refuse it; "
                    + "renew it"
            ])
    }
}

@Suite("When a certificate runs out")
struct ExpiryNoticeTests {
    private static let day: Int64 = 86_400

    /// What is said at the start of each of these days before the end.
    private func said(lifetimeDays: Int64, daysLeft: [Int64]) -> [String?] {
        var notice = ExpiryNotice(
            notBefore: UnixTime(seconds: 0), notAfter: UnixTime(seconds: lifetimeDays * Self.day), source: "a.pem")
        return daysLeft.map { days in
            notice.take(at: UnixTime(seconds: (lifetimeDays - days) * Self.day)).map { text in
                String(text.prefix { $0 != "," && $0 != ";" })
            }
        }
    }

    @Test("thirty days before, seven, one, and when it has: once each")
    func thresholds() {
        #expect(
            said(lifetimeDays: 90, daysLeft: [90, 31, 30, 30, 29, 8, 7, 6, 2, 1, 0, -1]) == [
                nil, nil, "a.pem expires within 30 days", nil, nil, nil, "a.pem expires within 7 days", nil, nil,
                "a.pem expires within 1 day", "a.pem has expired at 1970-04-01T00:00:00Z: clients refuse it", nil,
            ])
    }

    @Test("who starts late hears the last of them alone")
    func late() {
        #expect(said(lifetimeDays: 90, daysLeft: [5, 4]) == ["a.pem expires within 5 days", nil])
        #expect(
            said(lifetimeDays: 90, daysLeft: [-3, -4]) == [
                "a.pem has expired at 1970-04-01T00:00:00Z: clients refuse it", nil,
            ])
    }

    @Test("certificates that live for days are not called old in their youth")
    func shortLived() {
        #expect(said(lifetimeDays: 47, daysLeft: [30, 24, 8, 7]) == [nil, nil, nil, "a.pem expires within 7 days"])
        #expect(said(lifetimeDays: 6, daysLeft: [6, 4, 2, 1]) == [nil, nil, nil, "a.pem expires within 1 day"])
    }

    @Test("one that is not valid yet")
    func early() {
        var notice = ExpiryNotice(
            notBefore: UnixTime(seconds: 86_400), notAfter: UnixTime(seconds: 90 * 86_400), source: "a.pem")
        let first = notice.take(at: UnixTime(seconds: 86_399))
        #expect(first == "a.pem is not valid before 1970-01-02T00:00:00Z; is the clock of this host right?")
        #expect(notice.take(at: UnixTime(seconds: 86_399)) == nil)
        #expect(notice.take(at: UnixTime(seconds: 86_400)) == nil)
    }
}
