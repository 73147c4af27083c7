import CTLS
package import NetworkPrimitives

/// A certificate with the chain that leads to an authority, and its private key. Read once; never changes.
///
/// A class because it owns memory of OpenSSL that several contexts share.
@safe
package final class TLSIdentity: @unchecked Sendable {  // reason: it is only read once it is made
    /// A PEM file of more bytes is none.
    package static let fileByteCountMax = 1 << 20

    /// What kind of key proves the identity. OpenSSL chooses by it among several.
    package enum KeyKind: Hashable, Sendable {
        case rsa, ecdsa, ed25519
    }

    package let keyKind: KeyKind
    package let keyBitCount: Int
    /// From when and until when the certificate is valid. That it has run out is for the caller to say: a server with
    /// an old certificate still serves those who do not look.
    package let notBefore: UnixTime
    package let notAfter: UnixTime
    /// DNS names and addresses; the common name when there are none.
    package let names: [String]
    /// SHA-256 of the certificate.
    package let fingerprint: [UInt8]
    /// Certificates that are sent beside the identity's own.
    package let intermediateCount: Int
    /// The file of the certificate, for messages.
    package let source: String

    let handle: OpaquePointer

    /// Reads both from PEM. The names stand in messages only.
    package init(
        certificates: [UInt8], named certificateFile: String, key: [UInt8], named keyFile: String,
        password: String? = nil
    ) throws(TLSConfigurationError) {
        var problem = tern_tls_problem()
        let made: OpaquePointer? = unsafe withOptionalCString(password) { password in
            unsafe tern_tls_identity_make(
                certificates, certificates.count, key, key.count, password, &problem)
        }
        guard let made = unsafe made else {
            throw Self.error(problem, certificateFile: certificateFile, keyFile: keyFile)
        }
        unsafe handle = made
        source = certificateFile
        var facts = tern_tls_facts()
        unsafe tern_tls_identity_facts(made, &facts)
        switch Int(facts.key_kind) {
        case TERN_TLS_KEY_RSA: keyKind = .rsa
        case TERN_TLS_KEY_EC: keyKind = .ecdsa
        default: keyKind = .ed25519
        }
        keyBitCount = Int(facts.key_bits)
        notBefore = UnixTime(seconds: facts.not_before)
        notAfter = UnixTime(seconds: facts.not_after)
        intermediateCount = Int(facts.chain_count)
        fingerprint = unsafe withUnsafeBytes(of: facts.fingerprint) { unsafe Array($0) }
        names = unsafe Self.names(of: made)
    }

    /// Reads both from files; one file may hold both.
    package convenience init(
        certificateFile: String, keyFile: String, password: String? = nil
    ) throws(TLSConfigurationError) {
        let certificates = try PEMFile.read(certificateFile)
        // What was read of the key stays in freed memory. The process holds the key itself anyway.
        let key = keyFile == certificateFile ? certificates : try PEMFile.read(keyFile)
        try self.init(
            certificates: certificates, named: certificateFile, key: key, named: keyFile, password: password)
    }

    deinit { unsafe tern_tls_identity_free(handle) }

    private static func names(of handle: OpaquePointer) -> [String] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = unsafe tern_tls_identity_names(handle, &bytes, bytes.count)
        return bytes[..<count].split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func error(
        _ problem: tern_tls_problem, certificateFile: String, keyFile: String
    ) -> TLSConfigurationError {
        switch Int(problem.code) {
        case TERN_TLS_CHAIN_NOT_PEM: .noCertificate(file: certificateFile)
        case TERN_TLS_CHAIN_MALFORMED: .malformedCertificate(file: certificateFile, reason: problem.reason)
        case TERN_TLS_KEY_NOT_PEM: .noKey(file: keyFile)
        case TERN_TLS_KEY_MALFORMED: .malformedKey(file: keyFile, reason: problem.reason)
        case TERN_TLS_KEY_ENCRYPTED: .encryptedKey(file: keyFile)
        case TERN_TLS_KEY_WRONG_PASSWORD: .wrongPassword(file: keyFile)
        case TERN_TLS_KEY_UNSUPPORTED: .unsupportedKey(file: keyFile)
        case TERN_TLS_KEY_MISMATCH: .keyMismatch(certificate: certificateFile, key: keyFile)
        default: .library(reason: problem.reason)
        }
    }
}

/// Reading the files that an operator names.
package enum PEMFile {
    /// The whole file; an error that names it when there is none, or when no PEM file is so long.
    package static func read(_ path: String) throws(TLSConfigurationError) -> [UInt8] {
        var problem = tern_tls_problem()
        let bytes = [UInt8](capacity: TLSIdentity.fileByteCountMax) { output in
            unsafe output.withUnsafeMutableBufferPointer { buffer, count in
                guard let start = buffer.baseAddress else { return }
                count = max(0, Int(unsafe tern_tls_read_file(path, start, buffer.count, &problem)))
            }
        }
        switch Int(problem.code) {
        case TERN_TLS_FINE: return bytes
        case TERN_TLS_TOO_LONG: throw .tooLong(file: path)
        default: throw .unreadable(file: path, reason: problem.reason)
        }
    }
}

extension tern_tls_problem {
    /// The text up to the zero byte.
    var reason: String {
        unsafe withUnsafeBytes(of: text) { bytes in
            let end = unsafe bytes.firstIndex(of: 0) ?? bytes.count
            return unsafe String(decoding: bytes[..<end], as: UTF8.self)
        }
    }
}

/// Lends a text to C, or null.
func withOptionalCString<Result>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Result) -> Result {
    guard let text else { return body(nil) }
    return unsafe text.withCString { unsafe body($0) }
}
