import Foundation
import NetworkPrimitives
import TLS
import TestSupport
import Testing

@testable import ServerRuntime

@Suite("Certificates that change under a running server")
struct CertificateStoreTests {
    private let directory: CertificateDirectory
    private var store: CertificateStore

    init() throws {
        directory = try CertificateDirectory()
        try directory.write(.ecdsa)
        store = try CertificateStore(try directory.loader(), at: Instant(nanoseconds: 0))
    }

    private mutating func look(_ occasion: CertificateStore.Occasion = .time) -> CertificateStore.Outcome {
        store.look(for: occasion, at: store.nextLook, unixTime: CertificateDirectory.wall)
    }

    private func lines(_ outcome: CertificateStore.Outcome) -> [String] {
        outcome.lines.map { directory.plain("\($0.level): \($0.text)") }
    }

    private var fingerprint: [UInt8]? { store.contexts.tls?.identities.first?.fingerprint }

    @Test("what is said of a certificate")
    func introduction() throws {
        let hexadecimal = try #require(fingerprint).map { String(format: "%02X", $0) }.joined(separator: ":")
        #expect(
            store.introduction().map { directory.plain($0.text) } == [
                "certificate @/cert.pem: turn.example, 192.0.2.1; ECDSA 256 bits, valid until 2040-01-01T00:00:00Z, "
                    + "SHA-256 \(hexadecimal)"
            ])
        #expect(store.names == ["turn.example", "192.0.2.1"])
    }

    @Test("files that do not change are not read")
    mutating func unchanged() {
        for _ in 0..<3 {
            let outcome = look()
            #expect(outcome.renewed == nil && outcome.lines.isEmpty)
        }
        #expect(store.nextLook == Instant(nanoseconds: 8_000_000_000))
    }

    @Test("a renewal is used by the second look that finds it")
    mutating func renewal() throws {
        let old = fingerprint
        try directory.write(.other)
        #expect(look().renewed == nil)
        let outcome = look()
        #expect(outcome.renewed?.tls?.identities.first?.fingerprint == fingerprint)
        #expect(outcome.renewed?.dtls?.identities.first?.fingerprint == fingerprint)
        #expect(fingerprint != old)
        #expect(lines(outcome).count == 1)
        #expect(lines(outcome)[0].hasPrefix("notice: renewed: certificate @/cert.pem: turn.example, 192.0.2.1; ECDSA"))
        #expect(look().renewed == nil)
    }

    @Test("behind a symbolic link, as certbot has it")
    mutating func link() throws {
        try directory.write(MadeCertificate.ecdsa.certificate + MadeCertificate.ecdsa.key, to: "both1.pem")
        try directory.write(MadeCertificate.other.certificate + MadeCertificate.other.key, to: "both2.pem")
        let link = directory.path + "/live.pem"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "both1.pem")
        store = try CertificateStore(try directory.loader("cert=@/live.pem"), at: Instant(nanoseconds: 0))
        #expect(look().renewed == nil)
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: "both2.pem")
        #expect(look().renewed == nil)
        #expect(look().renewed != nil)
    }

    @Test(
        "a certificate whose key is not there yet leaves the old pair in use, and is complained of once",
        .requirement("RI-certificates-3"))
    mutating func halfWritten() throws {
        let old = fingerprint
        try directory.write(MadeCertificate.other.certificate, to: "cert.pem")
        #expect(lines(look()) == [])
        let complaint = look()
        #expect(complaint.renewed == nil && fingerprint == old)
        #expect(
            lines(complaint) == [
                "error: the certificate in use stays in use: turnserver.conf:3: error: pkey: the key in @/key.pem does "
                    + "not belong to the certificate in @/cert.pem; name the key that the certificate was requested "
                    + "with"
            ])
        #expect(lines(look()) == [] && lines(look()) == [])
        try FileManager.default.removeItem(atPath: directory.path + "/key.pem")
        #expect(lines(look()) == [])
        #expect(lines(look())[0].contains("@/key.pem cannot be read: No such file or directory"))
        try directory.write(MadeCertificate.other.key, to: "key.pem")
        #expect(lines(look()) == [])
        #expect(look().renewed != nil && fingerprint != old)
    }

    @Test("who says that the files are complete is believed at once")
    mutating func demand() throws {
        try directory.write(.other)
        #expect(look(.demand).renewed != nil)
        #expect(lines(look(.demand)) == ["notice: certificates were read anew, and are the same"])
    }

    @Test("a renewed certificate is looked at for its own end")
    mutating func expiry() throws {
        let end = UnixTime(seconds: 2_208_988_800 - 86_400)
        let first = store.look(for: .time, at: store.nextLook, unixTime: end)
        #expect(lines(first) == ["warning: @/cert.pem expires within 1 day, at 2040-01-01T00:00:00Z; renew it"])
        #expect(store.look(for: .time, at: store.nextLook, unixTime: end).lines.isEmpty)
        try directory.write(.other)
        let renewed = store.look(for: .demand, at: store.nextLook, unixTime: end)
        #expect(lines(renewed).count == 2)
    }

    @Test("what nobody may see any more is said once, with advice")
    mutating func privileges() throws {
        #expect(store.privilegesDropped().isEmpty)
        try FileManager.default.removeItem(atPath: directory.path + "/key.pem")
        let said = store.privilegesDropped().map { directory.plain($0.text) }
        #expect(said.count == 1)
        #expect(
            said[0].hasPrefix("the user that the server has become cannot read @/key.pem: a renewed certificate is"))
        #expect(look().lines.isEmpty && look().lines.isEmpty)
    }
}
