/// What is wrong with what the operator gave, in words that name the file.
package enum TLSConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
    case unreadable(file: String, reason: String)
    case tooLong(file: String)
    case noCertificate(file: String)
    case malformedCertificate(file: String, reason: String)
    case noKey(file: String)
    case malformedKey(file: String, reason: String)
    case encryptedKey(file: String)
    case wrongPassword(file: String)
    case unsupportedKey(file: String)
    case keyMismatch(certificate: String, key: String)
    /// OpenSSL's security level finds it too weak, for instance.
    case refused(certificate: String, reason: String)
    case twoOfOneKind(certificate: String)
    case noIdentity
    case ciphers(String, reason: String)
    case groups(String, reason: String)
    case authorities(reason: String)
    case library(reason: String)

    package var description: String {
        switch self {
        case .unreadable(let file, let reason): "\(file) cannot be read: \(reason)"
        case .tooLong(let file): "\(file) is longer than \(TLSIdentity.fileByteCountMax) bytes, so it is no PEM file"
        case .noCertificate(let file): "\(file) holds no certificate in PEM (-----BEGIN CERTIFICATE-----)"
        case .malformedCertificate(let file, let reason):
            "\(file) holds a certificate that cannot be decoded\(Self.because(reason))"
        case .noKey(let file): "\(file) holds no private key in PEM (-----BEGIN PRIVATE KEY-----)"
        case .malformedKey(let file, let reason):
            "\(file) holds a private key that cannot be decoded\(Self.because(reason))"
        case .encryptedKey(let file): "the private key in \(file) is encrypted: give pkey-pwd"
        case .wrongPassword(let file): "pkey-pwd does not open the private key in \(file)"
        case .unsupportedKey(let file): "the private key in \(file) is neither RSA nor ECDSA nor Ed25519"
        case .keyMismatch(let certificate, let key):
            "the key in \(key) does not belong to the certificate in \(certificate)"
        case .refused(let certificate, let reason):
            "OpenSSL refuses the certificate in \(certificate)\(Self.because(reason))"
        case .twoOfOneKind(let certificate):
            "\(certificate) is the second certificate with a key of its kind; give one for RSA and one for ECDSA"
        case .noIdentity: "TLS needs a certificate"
        case .ciphers(let list, let reason): "cipher-list \"\(list)\" names no cipher of TLS 1.2\(Self.because(reason))"
        case .groups(let list, let reason): "ec-curve-name \"\(list)\" is not known to OpenSSL\(Self.because(reason))"
        case .authorities(let reason): "CA-file holds no certificates in PEM\(Self.because(reason))"
        case .library(let reason): "OpenSSL could not be set up\(Self.because(reason))"
        }
    }

    private static func because(_ reason: String) -> String { reason.isEmpty ? "" : " (\(reason))" }
}
