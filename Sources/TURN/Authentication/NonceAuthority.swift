import Crypto
package import NetworkPrimitives

/// The security features that a nonce announces (RFC 8489 §18.1); bit 0 is the most significant of 24.
package struct SecurityFeatures: OptionSet, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let passwordAlgorithms = SecurityFeatures(rawValue: 1 << 23)
    package static let usernameAnonymity = SecurityFeatures(rawValue: 1 << 22)
}

/// Makes nonces and recognises its own, without keeping any of them.
///
/// ```
///  "obMatJos2"  features, base64   base64( time, 3 bytes | MAC, 9 bytes )
///   9 chars      4 chars            16 chars                                    29 characters (RFC 8489 §9.2, §14.10)
/// ```
/// The MAC is HMAC-SHA256 over the issue time, the client's address and port and the features, cut to 72 bits: guessing
/// one takes on average 2^71 requests, each answered by at most a rate-limited 438. Servers of a fleet that share the
/// secret accept one another's nonces.
package struct NonceAuthority: Sendable {
    package static let cookie: StaticString = "obMatJos2"
    package static let byteCount = 29

    /// What a nonce that a client shows is worth.
    package enum Verdict: Equatable, Sendable {
        case fresh(SecurityFeatures)
        /// Expired, forged, of another client, or of another server: the answer is 438 in all cases.
        case stale
    }

    private let key: HMACSHA256Key
    private let lifetimeSeconds: Int64

    package init(secret: [UInt8], lifetimeSeconds: UInt32) {
        precondition(!secret.isEmpty, "an empty nonce secret would let anybody forge nonces")
        key = HMACSHA256Key(key: secret)
        self.lifetimeSeconds = Int64(lifetimeSeconds)
    }

    package func issue(to client: ClientAddress, features: SecurityFeatures, at unixTime: UnixTime) -> [UInt8] {
        var nonce: [UInt8] = Array("\(Self.cookie)".utf8)
        let featureBytes: [UInt8] = [
            UInt8(truncatingIfNeeded: features.rawValue >> 16), UInt8(truncatingIfNeeded: features.rawValue >> 8),
            UInt8(truncatingIfNeeded: features.rawValue),
        ]
        nonce += Base64.encode(featureBytes)
        nonce += Base64.encode(timeAndMAC(client, features, issuedAt: unixTime.seconds))
        return nonce
    }

    package func check(_ nonce: RawSpan, from client: ClientAddress, at unixTime: UnixTime) -> Verdict {
        guard nonce.byteCount == Self.byteCount, let features = Self.features(of: nonce),
            let tail = Base64.decode(nonce.extracting(13..<Self.byteCount)), tail.count == 12
        else { return .stale }
        // The nonce holds the low 24 bits of its time; the full time is the last one with these bits that is not in the
        // future, give or take the clocks of a fleet.
        let shown = Int64(tail[0]) << 16 | Int64(tail[1]) << 8 | Int64(tail[2])
        // reason: modulo 2^24 by construction
        let age = ((unixTime.seconds &+ Self.clockToleranceSeconds &- shown) & 0xFF_FFFF) - Self.clockToleranceSeconds
        guard age <= lifetimeSeconds else { return .stale }
        // reason: a wall clock at its limit must not trap
        let expected = timeAndMAC(client, features, issuedAt: unixTime.seconds &- age)
        let isOurs = expected.withRawSpan { left in tail.withRawSpan { right in constantTimeEquals(left, right) } }
        return isOurs ? .fresh(features) : .stale
    }

    /// What a nonce of any origin announces, by the cookie in front; nil without cookie. Not authenticated: for
    /// deciding how to read the request before the nonce itself is checked (RFC 8489 §9.2.4).
    package static func features(of nonce: RawSpan) -> SecurityFeatures? {
        guard nonce.byteCount >= 13 else { return nil }
        let cookieMatches = Array("\(cookie)".utf8).withRawSpan { expected in
            constantTimeEquals(expected, nonce.extracting(0..<9))
        }
        guard cookieMatches, let bits = Base64.decode(nonce.extracting(9..<13)), bits.count == 3 else { return nil }
        return SecurityFeatures(rawValue: UInt32(bits[0]) << 16 | UInt32(bits[1]) << 8 | UInt32(bits[2]))
    }

    private static let clockToleranceSeconds: Int64 = 30

    private func timeAndMAC(_ client: ClientAddress, _ features: SecurityFeatures, issuedAt: Int64) -> [UInt8] {
        var covered = InlineArray<40, UInt8>(repeating: 0)
        var bytes = covered.mutableSpan
        var raw = unsafe bytes.mutableBytes
        raw.storeBigEndian(issuedAt, at: 0)
        raw.storeBigEndian(features.rawValue, at: 8)
        raw.storeBigEndian(client.socketAddress.port, at: 12)
        raw.storeBigEndian(UInt16(client.socketAddress.family.rawValue), at: 14)
        switch client.socketAddress.ip {
        case .v4(let ip): raw.storeBigEndian(ip.rawValue, at: 16)
        case .v6(let ip):
            raw.storeBigEndian(ip.high, at: 16)
            raw.storeBigEndian(ip.low, at: 24)
        }
        let digest = key.authenticate(raw.bytes)
        let low = UInt32(truncatingIfNeeded: issuedAt)
        return [
            UInt8(truncatingIfNeeded: low >> 16), UInt8(truncatingIfNeeded: low >> 8), UInt8(truncatingIfNeeded: low),
        ]
            + digest.array.prefix(9)
    }
}
