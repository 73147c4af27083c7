import JSON
package import NetworkPrimitives
package import Signaling

/// Checks room tokens: JSON Web Tokens (RFC 7519) that one of our keys signed.
///
/// Whatever is wrong with a token before its signature is known to be good gives the same answer. Times are judged
/// last, so nobody learns them from a token that he made himself.
package struct TokenVerifier: Sendable {
    /// The longest token that is looked at.
    package static let tokenByteCountMax = 4096
    /// How far the clocks of issuer and server may be apart.
    package static let leewaySeconds: Int64 = 60

    private let keys: [TokenKey]
    private let audiences: Set<String>

    /// `audiences` are the names that this server goes by in `aud`. A token that has none is for anybody; one that
    /// names others is not for us (RFC 7519 §4.1.3).
    package init(keys: [TokenKey], audiences: Set<String> = ["tern"]) {
        self.keys = keys
        self.audiences = audiences
    }

    /// Whether there is any key; without one no token is good.
    package var isEmpty: Bool { keys.isEmpty }

    /// What the token says.
    package func verify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        guard token.count <= Self.tokenByteCountMax, let signed = SignedToken(parsing: token),
            let issuer = signed.claims["iss"]?.string, isSigned(signed, by: issuer)
        else { throw .unauthorized }
        // Everything from here on was said by somebody whom the operator trusts.
        guard let claims = TokenClaims(parsing: signed.claims, issuer: issuer),
            claims.audiences.map({ !audiences.isDisjoint(with: $0) }) ?? true
        else { throw .unauthorized }
        try claims.pass.checkTimes(at: unixTime)
        return claims.pass
    }

    private func isSigned(_ token: SignedToken, by issuer: String) -> Bool {
        keys.contains { key in
            key.issuer == issuer && (token.keyID == nil || key.keyID == nil || token.keyID == key.keyID)
                && key.isNamed(token.algorithmName) && key.isSignature(token.signature, of: token.signedText)
        }
    }
}

extension Pass {
    /// RFC 7519 §4.1.4 and §4.1.5: good before `exp`, and from `nbf` on, give or take a minute.
    func checkTimes(at unixTime: UnixTime) throws(AdmissionRefusal) {
        guard unixTime.seconds - TokenVerifier.leewaySeconds < expiresAt.seconds else { throw .tokenExpired }
        guard let notBefore else { return }
        guard unixTime.seconds + TokenVerifier.leewaySeconds >= notBefore.seconds else { throw .tokenNotYetValid }
    }
}
