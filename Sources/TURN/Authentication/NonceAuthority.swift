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
        let text = text(for: client, features: features, at: unixTime)
        return unsafe text.span.bytes.array()
    }

    /// The same without an array.
    func text(
        for client: ClientAddress, features: SecurityFeatures, at unixTime: UnixTime
    ) -> InlineArray<29, UInt8> {
        let nonce = nonce(for: client, features, issuedAt: unixTime.seconds)
        var text = InlineArray<29, UInt8>(repeating: 0)
        var span = text.mutableSpan
        var bytes = unsafe span.mutableBytes
        bytes.storeBigEndian(Self.cookieHead, at: 0)
        bytes.storeBigEndian(Self.cookieTail, at: 8)
        bytes.storeBigEndian(Base64.encode24(features.rawValue), at: 9)
        // Time and MAC, 24 bits at a time.
        bytes.storeBigEndian(Base64.encode24(nonce.time), at: 13)
        bytes.storeBigEndian(Base64.encode24(UInt32(truncatingIfNeeded: nonce.code >> 40)), at: 17)
        bytes.storeBigEndian(Base64.encode24(UInt32(truncatingIfNeeded: nonce.code >> 16) & 0xFF_FFFF), at: 21)
        let last = UInt32(truncatingIfNeeded: nonce.code & 0xFFFF) << 8 | UInt32(nonce.lastOfCode)
        bytes.storeBigEndian(Base64.encode24(last), at: 25)
        return text
    }

    package func check(_ nonce: RawSpan, from client: ClientAddress, at unixTime: UnixTime) -> Verdict {
        guard let shown = Nonce(parsing: nonce) else { return .stale }
        return check(shown, from: client, at: unixTime) ? .fresh(shown.features) : .stale
    }

    /// Whether the nonce is ours, of this client, and young enough. `proven` is one that was found to be ours and this
    /// client's before: the same one again is so too, and only its age has to be looked at.
    func check(
        _ shown: Nonce, from client: ClientAddress, at unixTime: UnixTime, proven: Nonce? = nil
    ) -> Bool {
        // The nonce holds the low 24 bits of its time; the full time is the last one with these bits that is not in the
        // future, give or take the clocks of a fleet.
        // reason: modulo 2^24 by construction
        let distance = unixTime.seconds &+ Self.clockToleranceSeconds &- Int64(shown.time)
        let age = (distance & 0xFF_FFFF) - Self.clockToleranceSeconds
        guard age <= lifetimeSeconds else { return false }
        // After 194 days the same bits would stand for another time, and the MAC would not fit; who shows a nonce that
        // old has kept an allocation all the time, and gains nothing.
        if let proven, proven.isSame(as: shown) { return true }
        // reason: a wall clock at its limit must not trap
        return self.nonce(for: client, shown.features, issuedAt: unixTime.seconds &- age).isSame(as: shown)
    }

    /// What a nonce of any origin announces, by the cookie in front; nil without cookie. Not authenticated: for
    /// deciding how to read the request before the nonce itself is checked (RFC 8489 §9.2.4).
    package static func features(of nonce: RawSpan) -> SecurityFeatures? {
        guard nonce.byteCount >= 13, nonce.bigEndianUInt64(at: 0) == cookieHead, nonce.byte(at: 8) == cookieTail,
            let bits = Base64.decode24(nonce, at: 9)
        else { return nil }
        return SecurityFeatures(rawValue: bits)
    }

    /// `cookie` as two numbers.
    private static let cookieHead: UInt64 = 0x6F62_4D61_744A_6F73
    private static let cookieTail: UInt8 = 0x32

    private static let clockToleranceSeconds: Int64 = 30

    private func nonce(for client: ClientAddress, _ features: SecurityFeatures, issuedAt: Int64) -> Nonce {
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
        return digest.withRawSpan { code in
            Nonce(
                features: features, time: UInt32(truncatingIfNeeded: issuedAt) & 0xFF_FFFF,
                code: code.bigEndianUInt64(at: 0), lastOfCode: code.byte(at: 8))
        }
    }
}

/// A nonce of our form as numbers. Whether it is ours is another question.
struct Nonce: Sendable {
    let features: SecurityFeatures
    /// The low 24 bits of the second in which it was issued.
    let time: UInt32
    /// The first eight bytes of the MAC, and the ninth.
    let code: UInt64
    let lastOfCode: UInt8

    init(features: SecurityFeatures, time: UInt32, code: UInt64, lastOfCode: UInt8) {
        self.features = features
        self.time = time
        self.code = code
        self.lastOfCode = lastOfCode
    }

    init?(parsing text: RawSpan) {
        guard text.byteCount == NonceAuthority.byteCount, let features = NonceAuthority.features(of: text),
            let time = Base64.decode24(text, at: 13), let first = Base64.decode24(text, at: 17),
            let second = Base64.decode24(text, at: 21), let third = Base64.decode24(text, at: 25)
        else { return nil }
        self.init(
            features: features, time: time,
            code: UInt64(first) << 40 | UInt64(second) << 16 | UInt64(third >> 8),
            lastOfCode: UInt8(truncatingIfNeeded: third))
    }

    /// Takes the same time for any two, so that a forger learns nothing from a wrong guess.
    func isSame(as other: Nonce) -> Bool {
        let difference =
            code ^ other.code | UInt64(lastOfCode ^ other.lastOfCode) | UInt64(time ^ other.time)
            | UInt64(features.rawValue ^ other.features.rawValue)
        return difference == 0
    }
}
