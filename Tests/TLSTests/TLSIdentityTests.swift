import NetworkPrimitives
import TLS
import TLSClient
import Testing

private func failure(_ body: () throws -> Void) -> String {
    do {
        try body()
        return ""
    } catch {
        return "\(error)"
    }
}

private func load(_ certificate: [UInt8], _ key: [UInt8], password: String? = nil) throws {
    _ = try TLSIdentity(certificates: certificate, named: "a.pem", key: key, named: "b.pem", password: password)
}

private func context(_ change: (inout TLSContext.Settings) -> Void) throws {
    var settings = TLSContext.Settings(transport: .tls)
    change(&settings)
    _ = try TLSContext([TestIdentity.ecdsa.identity], settings)
}

@Suite("Certificates, keys, and words about them")
struct TLSIdentityTests {
    @Test("what a certificate says of itself")
    func facts() throws {
        let identity = try TestIdentity.rsa.identity
        #expect(identity.keyKind == .rsa)
        #expect(identity.keyBitCount == 2048)
        #expect(identity.names == ["turn.example", "192.0.2.1"])
        // 2020-01-01 and 2040-01-01.
        #expect(identity.notBefore == UnixTime(seconds: 1_577_836_800))
        #expect(identity.notAfter == UnixTime(seconds: 2_208_988_800))
        #expect(identity.fingerprint.count == 32)
        #expect(identity.intermediateCount == 0)
        #expect(identity.fingerprint != (try TestIdentity.ecdsa.identity).fingerprint)
        #expect(try TestIdentity.ecdsa.identity.keyKind == .ecdsa)
    }

    @Test("the rest of the chain is sent along")
    func chain() throws {
        let both = TestIdentity.rsa.certificate + TestIdentity.ecdsa.certificate
        let identity = try TLSIdentity(certificates: both, named: "a.pem", key: TestIdentity.rsa.key, named: "b.pem")
        #expect(identity.intermediateCount == 1)
    }

    @Test("a key of another certificate")
    func mismatch() {
        let expected = "the key in b.pem does not belong to the certificate in a.pem"
        #expect(failure { try load(TestIdentity.rsa.certificate, TestIdentity.ecdsa.key) } == expected)
        #expect(failure { try load(TestIdentity.rsa.certificate, TestIdentity(kind: 1).key) } == expected)
    }

    @Test("files that are something else")
    func notPEM() {
        let good = TestIdentity.ecdsa
        #expect(
            failure { try load([], good.key) } == "a.pem holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
        #expect(failure { try load(good.key, good.key) }.hasPrefix("a.pem holds no certificate in PEM"))
        #expect(
            failure { try load(good.certificate, good.certificate) }
                == "b.pem holds no private key in PEM (-----BEGIN PRIVATE KEY-----)")
        #expect(failure { try load(good.certificate, []) }.hasPrefix("b.pem holds no private key in PEM"))
    }

    @Test("files that are broken")
    func broken() {
        let good = TestIdentity.ecdsa
        let brokenCertificate = Array(good.certificate.prefix(100)) + Array("\n-----END CERTIFICATE-----\n".utf8)
        let brokenKey = Array(good.key.prefix(90)) + Array("\n-----END PRIVATE KEY-----\n".utf8)
        #expect(
            failure { try load(brokenCertificate, good.key) }.hasPrefix(
                "a.pem holds a certificate that cannot be decoded"))
        #expect(
            failure { try load(good.certificate + brokenCertificate, good.key) }.hasPrefix(
                "a.pem holds a certificate that cannot be decoded"))
        #expect(
            failure { try load(good.certificate, brokenKey) }.hasPrefix(
                "b.pem holds a private key that cannot be decoded"))
    }

    @Test("`pkey-pwd`: missing, wrong, right")
    func password() {
        let secret = TestIdentity(kind: 2, password: "open sesame")
        #expect(
            failure { try load(secret.certificate, secret.key) }
                == "the private key in b.pem is encrypted: give pkey-pwd")
        #expect(
            failure { try load(secret.certificate, secret.key, password: "sesame") }
                == "pkey-pwd does not open the private key in b.pem")
        #expect(failure { try load(secret.certificate, secret.key, password: "open sesame") } == "")
    }

    @Test("files that are not there")
    func unreadable() {
        let text = failure { _ = try TLSIdentity(certificateFile: "/nowhere/a.pem", keyFile: "/nowhere/b.pem") }
        #expect(text == "/nowhere/a.pem cannot be read: No such file or directory")
        let folder = failure { _ = try TLSIdentity(certificateFile: "/", keyFile: "/") }
        #expect(folder == "/ cannot be read: Is a directory")
        let endless = failure { _ = try TLSIdentity(certificateFile: "/dev/zero", keyFile: "/dev/zero") }
        #expect(endless == "/dev/zero is longer than 1048576 bytes, so it is no PEM file")
    }

    @Test("what a context refuses")
    func contexts() throws {
        #expect(failure { try context { $0.cipherList = "NONSENSE" } }.hasPrefix("cipher-list \"NONSENSE\" names no"))
        #expect(failure { try context { $0.groups = "P-9" } }.hasPrefix("ec-curve-name \"P-9\" is not known"))
        #expect(failure { try context { $0.clientAuthorities = [1] } }.hasPrefix("CA-file holds no certificates"))
        #expect(failure { try context { $0.clientAuthorities = [] } }.hasPrefix("CA-file holds no certificates"))
        #expect(failure { try context { $0.groups = "X25519:prime256v1" } } == "")
        let settings = TLSContext.Settings(transport: .tls)
        #expect(failure { _ = try TLSContext([], settings) } == "TLS needs a certificate")
        let twice = failure {
            _ = try TLSContext([TestIdentity.rsa.identity, TestIdentity(kind: 1).identity], settings)
        }
        #expect(twice.hasPrefix("cert.pem is the second certificate with a key of its kind"))
        let weak = failure { _ = try TLSContext([TestIdentity(kind: 3).identity], settings) }
        #expect(weak == "OpenSSL refuses the certificate in cert.pem (ee key too small)")
    }
}
