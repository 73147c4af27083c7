package import Crypto

/// A key that room tokens are signed with, and the one algorithm that it is for.
///
/// The algorithm belongs to the key, never to the token: a token that names another one is refused, so that nobody can
/// pass a public key off as the secret of an HMAC, or leave the signature out (RFC 8725 §3.1).
package struct TokenKey: Sendable {
    /// The signature algorithms of RFC 7518 and RFC 8037 that we check.
    package enum Algorithm: Hashable, Sendable {
        /// HMAC with SHA-256: who checks tokens can also make them.
        case hs256
        /// ECDSA on P-256.
        case es256
        /// Ed25519.
        case edDSA
    }

    /// Why something is no key for tokens.
    package enum Failure: Error, Hashable, Sendable {
        /// The id of an API key is 1 to 64 letters, digits and `.`, `_`, `~`, `-`: it stands in URLs.
        case malformedID
        /// The name of an issuer, and the id of one of its keys, is 1 to 256 printable characters of ASCII.
        case malformedIssuer
        /// The secret has this many bytes, fewer than `secretByteCountMin`.
        case shortSecret(byteCount: Int)
        /// The secret has more than `secretByteCountMax` bytes.
        case longSecret
        case publicKey(SignatureKey.Failure)
    }

    /// RFC 7518 §3.2: a key for HS256 is at least as long as its output. Whoever has one
    /// token can try guesses without asking the server.
    package static let secretByteCountMin = 32
    package static let secretByteCountMax = 1024

    /// What `iss` says in tokens of this key: the id of the API key, or the name of the issuer.
    package let issuer: String
    /// What `kid` says in the header of tokens, if it is there. Nil takes any: the issuer has one key, or they are
    /// tried.
    package let keyID: String?
    package let algorithm: Algorithm
    private let material: Material

    private enum Material: Sendable {
        case secret(HMACSHA256Key)
        case publicKey(SignatureKey)
    }

    /// An API key: tokens are signed with its secret, and it is both `iss` and, where there is one, `kid`.
    package init(id: String, secret: [UInt8]) throws(Failure) {
        guard Self.isID(id) else { throw .malformedID }
        guard secret.count >= Self.secretByteCountMin else { throw .shortSecret(byteCount: secret.count) }
        guard secret.count <= Self.secretByteCountMax else { throw .longSecret }
        issuer = id
        keyID = id
        algorithm = .hs256
        material = .secret(HMACSHA256Key(key: secret))
    }

    /// The public key of somebody else who signs tokens. Several keys may have one issuer, so that it can change them.
    package init(issuer: String, keyID: String? = nil, pem: [UInt8]) throws(Failure) {
        guard Self.isName(issuer), keyID.map(Self.isName) ?? true else { throw .malformedIssuer }
        let key: SignatureKey
        do { key = try SignatureKey(pem: pem) } catch { throw .publicKey(error) }
        self.issuer = issuer
        self.keyID = keyID
        algorithm = key.algorithm == .ecdsaP256 ? .es256 : .edDSA
        material = .publicKey(key)
    }

    /// Whether `name` is an id that an API key may have.
    package static func isID(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"),
                    UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func isName(_ name: String) -> Bool {
        (1...256).contains(name.utf8.count) && name.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    /// Whether a token of this key may say this in `alg`.
    func isNamed(_ algorithmName: String) -> Bool {
        switch algorithm {
        case .hs256: algorithmName == "HS256"
        case .es256: algorithmName == "ES256"
        // RFC 9864 gives the curve a name of its own; RFC 8037 named the family.
        case .edDSA: algorithmName == "EdDSA" || algorithmName == "Ed25519"
        }
    }

    /// Whether `signature` is one of `message` by this key.
    func isSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
        switch material {
        case .secret(let key):
            let code = unsafe key.authenticate(message.span.bytes)
            return code.withRawSpan { expected in unsafe constantTimeEquals(expected, signature.span.bytes) }
        case .publicKey(let key): return key.isSignature(signature, of: message)
        }
    }

    /// The signature of `message`; nil with a public key, which can only check.
    func signature(of message: [UInt8]) -> [UInt8]? {
        guard case .secret(let key) = material else { return nil }
        return unsafe key.authenticate(message.span.bytes).array
    }
}

extension TokenKey: CustomStringConvertible {
    /// Says which key it is, so that printing one does not print the secret.
    package var description: String { "TokenKey(\(issuer), \(algorithm))" }
}
