import Crypto
import JSON
package import NetworkPrimitives
import Signaling

/// Makes room tokens with the secret of an API key (HS256), as `TokenVerifier` reads them.
package struct TokenMinter: Sendable {
    package static let lifetimeSecondsDefault: UInt32 = 3600
    /// A token cannot be called back, so none lives longer than a day.
    package static let lifetimeSecondsMax: UInt32 = 86_400

    private let key: TokenKey

    /// Nil with a public key, which cannot sign.
    package init?(key: TokenKey) {
        guard key.algorithm == .hs256 else { return nil }
        self.key = key
    }

    /// A token and when it ends.
    package struct Minted: Equatable, Sendable {
        package let token: [UInt8]
        package let lifetimeSeconds: UInt32
        package let expiresAt: UnixTime

        /// The answer to `POST /v1/tokens`: `{"token":…, "ttl":…, "expires_at":…}`.
        package var responseBody: [UInt8] {
            var json = JSONWriter()
            json.beginObject()
            json.name("token")
            json.string(utf8: token)
            json.member("ttl", Int(lifetimeSeconds))
            json.member("expires_at", Int(expiresAt.seconds))
            json.endObject()
            return json.bytes
        }
    }

    /// Signs what is asked for, with a lifetime of a second to a day.
    package func mint(_ request: TokenRequest, at unixTime: UnixTime) -> Minted {
        let wanted = request.lifetimeSeconds ?? Self.lifetimeSecondsDefault
        let lifetimeSeconds = min(max(wanted, 1), Self.lifetimeSecondsMax)
        let expiresAt = UnixTime(seconds: unixTime.seconds + Int64(lifetimeSeconds))
        let header = Array(#"{"alg":"HS256","typ":"JWT"}"#.utf8)
        var text = Base64URL.encode(header)
        text.append(UInt8(ascii: "."))
        text += Base64URL.encode(claims(of: request, from: unixTime, to: expiresAt))
        guard let signature = key.signature(of: text) else {
            preconditionFailure("a minter is only made of a key that signs")
        }
        text.append(UInt8(ascii: "."))
        text += Base64URL.encode(signature)
        return Minted(token: text, lifetimeSeconds: lifetimeSeconds, expiresAt: expiresAt)
    }

    private func claims(of request: TokenRequest, from issuedAt: UnixTime, to expiresAt: UnixTime) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.member("iss", key.issuer)
        if let identity = request.identity { json.member("sub", identity) }
        json.member("iat", Int(issuedAt.seconds))
        json.member("exp", Int(expiresAt.seconds))
        json.member("room", request.rooms.description)
        let list = GrantList(
            request.grants, credentialSecondsMax: request.credentialSecondsMax, transports: request.transports)
        if list != .standard {
            json.name("grants")
            list.write(to: &json)
        }
        if let capacity = request.capacity { json.member("cap", capacity) }
        json.endObject()
        return json.bytes
    }
}
