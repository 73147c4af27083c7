import CTLSClient
import Configuration
import Foundation
import NetworkPrimitives
import Testing

@testable import ServerRuntime

/// A certificate for turn.example and 192.0.2.1, valid from 2020 to 2040, and its key.
struct MadeCertificate {
    let certificate: Data
    let key: Data

    init(_ kind: Int = TEST_KEY_EC, password: String? = nil) {
        var certificate = [UInt8](repeating: 0, count: 8192)
        var key = [UInt8](repeating: 0, count: 8192)
        let isMade =
            password?.withCString {
                test_identity(Int32(kind), $0, &certificate, certificate.count, &key, key.count)
            } ?? test_identity(Int32(kind), nil, &certificate, certificate.count, &key, key.count)
        precondition(isMade, "OpenSSL makes keys and certificates")
        self.certificate = Data(certificate.prefix { $0 != 0 })
        self.key = Data(key.prefix { $0 != 0 })
    }

    static let ecdsa = MadeCertificate()
    static let other = MadeCertificate()
    static let rsa = MadeCertificate(TEST_KEY_RSA)
    static let encrypted = MadeCertificate(password: "sesame")
}

/// A directory for one test, and a configuration that names files in it by `@/`.
final class CertificateDirectory {
    let path: String
    /// 2030-01-01, in the middle of what the certificates live.
    static let wall = UnixTime(seconds: 1_893_456_000)

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "tern-certificates-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// As renewals do it: a new file in the place of the old one.
    func write(_ content: Data, to name: String) throws {
        try content.write(to: URL(filePath: "\(path)/\(name)"), options: .atomic)
    }

    func write(_ text: String, to name: String) throws { try write(Data(text.utf8), to: name) }

    func write(_ made: MadeCertificate) throws {
        try write(made.certificate, to: "cert.pem")
        try write(made.key, to: "key.pem")
    }

    /// The sentence without the directory, which differs each time.
    func plain(_ text: String) -> String { text.replacingOccurrences(of: path + "/", with: "@/") }

    func configuration(_ lines: String) throws -> ServerConfiguration {
        let text = "user=a:b\n" + lines.replacingOccurrences(of: "@/", with: path + "/")
        let result = ServerConfiguration.load(file: ConfigurationFile(text: text))
        return try #require(result.configuration, "\(result.diagnostics)")
    }

    func loader(_ lines: String = "cert=@/cert.pem\npkey=@/key.pem") throws -> CertificateLoader {
        try #require(CertificateLoader(try configuration(lines)))
    }
}
