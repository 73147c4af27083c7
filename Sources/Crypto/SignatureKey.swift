import COpenSSL

/// A public key that tells whether a signature was made with its private half. Which signature algorithm that is
/// follows from the key, and never from what a message says of itself.
package struct SignatureKey: Sendable {
    /// How signatures of a key are made.
    package enum Algorithm: Hashable, Sendable {
        /// ECDSA on the curve P-256 over SHA-256; a signature is two numbers of 32 bytes (RFC 7518 §3.4).
        case ecdsaP256
        /// RFC 8032 §5.1; a signature has 64 bytes as well.
        case ed25519
    }

    /// Why a text is not a key for us.
    package enum Failure: Error, Hashable, Sendable {
        /// There is no whole block between BEGIN and END.
        case notPEM
        /// It is a private key, and belongs to whoever signs.
        case privateKey
        /// It is a certificate or something else than a `PUBLIC KEY`.
        case notPublicKey
        /// What is inside the block is no key.
        case malformed
        /// It is a key of another kind than P-256 and Ed25519.
        case unsupported
    }

    /// Both algorithms have signatures of one length.
    package static let signatureByteCount = 64

    package let algorithm: Algorithm
    private let key: OpenSSLKey

    /// Reads a public key as `openssl pkey -pubout` writes it: PEM with a SubjectPublicKeyInfo (RFC 7468 §13).
    package init(pem text: [UInt8]) throws(Failure) {
        guard let block = PEM(firstBlockIn: text) else { throw .notPEM }
        let label = String(decoding: block.label, as: UTF8.self)
        guard !label.hasSuffix("PRIVATE KEY") else { throw .privateKey }
        guard label == "PUBLIC KEY" else { throw .notPublicKey }
        guard let key = OpenSSLKey(subjectPublicKeyInfo: block.der) else { throw .malformed }
        guard let algorithm = key.algorithm else { throw .unsupported }
        self.algorithm = algorithm
        self.key = key
    }

    /// Whether `signature` is one of `message` by this key. A signature of any other length is none.
    package func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        guard signature.count == Self.signatureByteCount else { return false }
        switch algorithm {
        case .ecdsaP256: return key.verifies(Self.derSignature(of: signature), of: message, algorithm)
        case .ed25519: return key.verifies(signature, of: message, algorithm)
        }
    }

    /// OpenSSL takes ECDSA signatures as a sequence of two integers in DER (RFC 3279 §2.2.3).
    private static func derSignature(of signature: [UInt8]) -> [UInt8] {
        let numbers = derInteger(of: signature.prefix(32)) + derInteger(of: signature.suffix(32))
        // At most 70 bytes, so every length is one byte.
        return [0x30, UInt8(numbers.count)] + numbers
    }

    /// The shortest form; a zero before a set top bit keeps the number positive.
    private static func derInteger(of bytes: ArraySlice<UInt8>) -> [UInt8] {
        var digits = Array(bytes.drop { $0 == 0 })
        if (digits.first ?? 0x80) >= 0x80 { digits.insert(0, at: 0) }
        return [0x02, UInt8(digits.count)] + digits
    }
}

/// The owner of a key in OpenSSL's memory.
@safe private final class OpenSSLKey: @unchecked Sendable {  // reason: a key is only read once it is made
    private let handle: OpaquePointer

    /// Nil when the bytes are no key, or something stands behind it.
    init?(subjectPublicKeyInfo der: [UInt8]) {
        let decoded: OpaquePointer? = unsafe der.withUnsafeBufferPointer { buffer in
            var position = buffer.baseAddress
            guard let key = unsafe d2i_PUBKEY(nil, &position, buffer.count) else { return nil }
            guard let start = buffer.baseAddress, unsafe position == start + buffer.count else {
                unsafe EVP_PKEY_free(key)
                return nil
            }
            return unsafe key
        }
        // What went wrong would otherwise be found by the next caller of this thread that asks, TLS for instance.
        ERR_clear_error()
        guard let decoded = unsafe decoded else { return nil }
        unsafe handle = decoded
    }

    deinit { unsafe EVP_PKEY_free(handle) }

    var algorithm: SignatureKey.Algorithm? {
        if unsafe EVP_PKEY_is_a(handle, "ED25519") == 1 { return .ed25519 }
        guard unsafe EVP_PKEY_is_a(handle, "EC") == 1, groupName == "prime256v1" else { return nil }
        return .ecdsaP256
    }

    /// The name of the curve, or nothing.
    private var groupName: String {
        var name = [CChar](repeating: 0, count: 64)
        var count = 0
        let isKnown = unsafe EVP_PKEY_get_group_name(handle, &name, name.count, &count) == 1
        ERR_clear_error()
        guard isKnown, count < name.count else { return "" }
        return String(decoding: name[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func verifies(_ signature: [UInt8], of message: [UInt8], _ algorithm: SignatureKey.Algorithm) -> Bool {
        guard let context = unsafe EVP_MD_CTX_new() else { return false }
        defer {
            unsafe EVP_MD_CTX_free(context)
            ERR_clear_error()
        }
        // Ed25519 hashes by itself.
        let digest = unsafe algorithm == .ed25519 ? nil : EVP_sha256()
        guard unsafe EVP_DigestVerifyInit(context, nil, digest, nil, handle) == 1 else { return false }
        return unsafe EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }
}
