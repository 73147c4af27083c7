import Configuration
import TLS

// What OpenSSL does not like, as a sentence about the line that the operator wrote.
extension CertificateLoader {
    func failure(_ error: TLSConfigurationError) -> CertificateFailure {
        let (written, option) = subject(of: error)
        let advice = advice(error, option)
        let message = advice.isEmpty ? "\(error)" : "\(error); \(advice)"
        var isUnreadable = false
        if case .unreadable = error { isUnreadable = true }
        return CertificateFailure(
            diagnostic: Diagnostic(
                severity: .error, place: written?.place ?? .configuration, option: option, message: message),
            isUnreadable: isUnreadable)
    }

    private func subject(of error: TLSConfigurationError) -> (PlacedText?, option: String?) {
        switch error {
        case .unreadable(let file, _), .tooLong(let file): any(file)
        case .noCertificate(let file), .malformedCertificate(let file, _), .refused(let file, _),
            .twoOfOneKind(let file):
            (certificate(file)?.chain, "cert")
        case .noKey(let file), .malformedKey(let file, _), .encryptedKey(let file), .unsupportedKey(let file):
            key(file)
        case .keyMismatch(let chain, let file):
            // The same key may stand beside several certificates, so the pair is looked for.
            if let pair = encryption.certificates.first(where: { $0.chain.text == chain && $0.keyFile == file }) {
                pair.key.map { ($0, "pkey") } ?? (pair.chain, "cert")
            } else {
                key(file)
            }
        case .wrongPassword: (encryption.keyPassword, "pkey-pwd")
        case .ciphers: (encryption.cipherList, "cipher-list")
        case .groups: (encryption.groups, "ec-curve-name")
        case .authorities: (encryption.clientAuthorities, "CA-file")
        case .noIdentity, .library: (nil, nil)
        }
    }

    private func certificate(_ file: String) -> ServerConfiguration.Encryption.Certificate? {
        encryption.certificates.last { $0.chain.text == file }
    }

    private func key(_ file: String) -> (PlacedText?, option: String?) {
        if let key = encryption.certificates.first(where: { $0.key?.text == file })?.key { return (key, "pkey") }
        return (certificate(file)?.chain, "cert")
    }

    private func any(_ file: String) -> (PlacedText?, option: String?) {
        if let certificate = certificate(file) { return (certificate.chain, "cert") }
        if let authorities = encryption.clientAuthorities, authorities.text == file { return (authorities, "CA-file") }
        return key(file)
    }

    /// What to do. Empty where the sentence says it already.
    private func advice(_ error: TLSConfigurationError, _ option: String?) -> String {
        switch error {
        case .unreadable: "write the path of a file that this user can read, or start as root with proc-user"
        case .tooLong: "name the file of the certificate alone"
        case .noCertificate: "name the chain, such as certbot's fullchain.pem; are cert and pkey exchanged?"
        case .malformedCertificate: "fetch it anew from the authority"
        case .noKey where option == "cert": "write pkey with the file of the key, such as certbot's privkey.pem"
        case .noKey: "name the key, such as certbot's privkey.pem; are cert and pkey exchanged?"
        case .malformedKey: "restore it, or make a new key and certificate"
        case .wrongPassword: "write the passphrase that the key was made with"
        case .unsupportedKey: "get a certificate for a key of one of these kinds"
        case .keyMismatch: "name the key that the certificate was requested with"
        case .refused: "get one with an RSA key of 2048 bits or more, or an ECDSA key"
        case .ciphers: "leave it out, or try it with openssl ciphers"
        case .groups: "leave it out, or write names such as X25519:P-256"
        case .authorities: "name the file with the certificates of the authorities"
        case .encryptedKey, .twoOfOneKind, .noIdentity, .library: ""
        }
    }
}
