import Crypto
import JSON

/// A token taken apart, and nothing in it believed (RFC 7515 §3.1, compact serialization):
/// ```
///  base64url(header) "." base64url(claims) "." base64url(signature)
/// ```
struct SignedToken {
    /// `alg`.
    let algorithmName: String
    /// `kid`.
    let keyID: String?
    let claims: JSONValue
    /// What the signature is over: the text up to the second dot.
    let signedText: [UInt8]
    let signature: [UInt8]

    /// Neither header nor claims have reason to be deeper or to have more values.
    private static let limits = JSONLimits(depthMax: 8, valuesMax: 256)

    /// Nil when it is not such a text, or needs something of us that we do not know.
    init?(parsing token: [UInt8]) {
        let parts = token.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 3, let header = Self.object(in: parts[0]), let claims = Self.object(in: parts[1]),
            let signature = Base64URL.decode(parts[2]), !signature.isEmpty
        else { return nil }
        // RFC 7515 §4.1.11: who does not understand each extension named in it must refuse the token. We know none.
        guard header["crit"] == nil, let algorithmName = header["alg"]?.string else { return nil }
        if let keyID = header["kid"] {
            guard let text = keyID.string else { return nil }
            self.keyID = text
        } else {
            keyID = nil
        }
        // Keys that a header brings or points to (`jwk`, `jku`, `x5c`, `x5u`) are not looked at.
        self.algorithmName = algorithmName
        self.claims = claims
        signedText = Array(token[..<parts[1].endIndex])
        self.signature = signature
    }

    private static func object(in text: ArraySlice<UInt8>) -> JSONValue? {
        guard let bytes = Base64URL.decode(text), let document = try? JSONDocument(parsing: bytes, limits: limits),
            document.root.kind == .object
        else { return nil }
        return document.root
    }
}
