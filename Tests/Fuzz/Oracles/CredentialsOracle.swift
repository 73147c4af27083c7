import Crypto
import NetworkPrimitives
import STUN
import TURN

/// Any bytes as a user name, a nonce, and text in base 16 and 64: nothing traps, what is read is what a plain reading
/// says, and no nonce is fresh but one that was issued.
package func checkCredentials(_ input: RawSpan) {
    let bytes = input.array()
    checkBase64(bytes)
    checkHex(bytes)
    checkEphemeralUsername(bytes)
    checkDirectory(bytes)
    checkNonce(bytes)
}

// MARK: - Base 16 and 64

private func checkBase64(_ bytes: [UInt8]) {
    let text = Base64.encode(bytes)
    require(text.count == (bytes.count + 2) / 3 * 4, "base 64: four characters for three bytes")
    require(Base64.decode(text) == bytes, "base 64: what is written reads as the same")
    require(text.starts(with: Base64.encodeUnpadded(bytes)), "base 64: padding stands behind")
    guard let decoded = Base64.decode(bytes) else { return }
    require(Base64.encode(decoded) == bytes, "base 64: one value has one text")
}

private func checkHex(_ bytes: [UInt8]) {
    let text = Array(Hex.encode(bytes).utf8)
    require(text.count == 2 * bytes.count, "base 16: two digits for a byte")
    require(Hex.decode(text) == bytes, "base 16: what is written reads as the same")
    let areDigits = bytes.allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
    let decoded = Hex.decode(bytes)
    require((decoded != nil) == (areDigits && bytes.count % 2 == 0), "base 16: digits are read and nothing else")
    guard let decoded else { return }
    let lowered = bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) ? $0 | 0x20 : $0 }
    require(Array(Hex.encode(decoded).utf8) == lowered, "base 16: case is all that is lost")
}

// MARK: - Names

/// `digits [separator user]`, read a second time by way of strings.
private func checkEphemeralUsername(_ bytes: [UInt8]) {
    let separator = UInt8(ascii: ":")
    let parsed = EphemeralUsername(parsing: bytes, separator: separator)
    let digits = bytes.prefix { $0 >= 0x30 && $0 <= 0x39 }
    let rest = bytes.dropFirst(digits.count)
    let isWellFormed = (1...18).contains(digits.count) && (rest.isEmpty || rest.first == separator)
    require((parsed != nil) == isWellFormed, "a name is digits, and perhaps a separator and more")
    guard let parsed else { return }
    require(parsed.expiresAt == Int64(String(decoding: digits, as: UTF8.self)), "the digits are the expiry")
    require(parsed.user == Array(rest.dropFirst()), "the user is what follows the separator")
    let text = String(decoding: parsed.user, as: UTF8.self)
    let tag = text.split(separator: ".", maxSplits: 2, omittingEmptySubsequences: false)
    if parsed.isMember {
        require(tag.count == 3 && tag[0] == "tern" && tag[2].hasPrefix("m-"), "a member's tag begins with m-")
    }
    if let quota = parsed.mintedQuota {
        require((1...999_999).contains(quota), "a quota has one to six digits and is not zero")
        require(String(decoding: parsed.user, as: UTF8.self).hasPrefix("tern."), "only our names bring a quota")
    }
    let minted = EphemeralCredential.mint(
        user: parsed.user, expiresAt: parsed.expiresAt, separator: separator, secret: HMACSHA1Key(key: secret))
    require(
        EphemeralUsername(parsing: minted.username, separator: separator) == parsed, "what is minted reads as the same")
}

private let secret = Array("secret".utf8)
private let realm = Array("tern.example".utf8)
private let clock = UnixTime(seconds: 1_800_000_000)
private let password = Array("wonderland".utf8)

private let directory = CredentialDirectory(
    realm: realm, users: [StaticUser(name: Array("alice".utf8), secret: .password(password))], sharedSecrets: [secret])

private func checkDirectory(_ name: [UInt8]) {
    let isStatic = name == Array("alice".utf8)
    let ephemeral = isStatic ? nil : EphemeralUsername(parsing: name, separator: UInt8(ascii: ":"))
    let identity = directory.identity(of: name)
    require(identity.username == name, "an identity has the whole name")
    let user = ephemeral?.user ?? name
    require(identity.quotaKey == (user.isEmpty ? name : user), "quotas count by the user, not by the expiry")
    require(identity.mintedQuota == ephemeral?.mintedQuota, "a quota comes from a minted name alone")
    let isOver = ephemeral.map { $0.expiresAt < clock.seconds } ?? false
    require(directory.isExpired(name, at: clock) == isOver, "a name expires after its time")
    let hash = CredentialDirectory.userhash(of: name, realm: realm)
    require((directory.staticUsername(forHash: hash) != nil) == isStatic, "only static names are known by hash")
    for algorithm in PasswordAlgorithm.allCases {
        var candidates = 0
        let refused = directory.key(of: name, algorithm) { _ in
            candidates += 1
            return false
        }
        require(refused == nil, "a key that verifies nothing is nobody's")
        require(candidates == (isStatic || ephemeral != nil ? 1 : 0), "only a known name has a key")
    }
}

// MARK: - Nonces

private func checkNonce(_ bytes: [UInt8]) {
    let authority = NonceAuthority(secret: secret, lifetimeSeconds: 600)
    var script = Script(bytes)
    let client = ClientAddress(SocketAddress(ip: .v4(IPv4Address(rawValue: script.uint32())), port: script.uint16()))
    let features = SecurityFeatures(rawValue: script.uint32() & 0xFF_FFFF)
    let time = UnixTime(seconds: Int64(truncatingIfNeeded: UInt64(script.uint32()) << 32 | UInt64(script.uint32())))
    let issued = authority.issue(to: client, features: features, at: time)
    require(issued.count == NonceAuthority.byteCount, "nonces have one length")
    require(check(issued) == .fresh(features), "what was issued is fresh")
    // reason: the script may choose a time at the limit
    require(check(issued, at: time.seconds &+ 600) == .fresh(features), "it is fresh for its lifetime")
    require(check(issued, at: time.seconds &+ 601) == .stale, "and no longer")

    let rest = script.rest()
    require(rest == issued || check(rest) == .stale, "nobody makes a nonce")
    require(bytes == issued || check(bytes) == .stale, "nobody makes a nonce of any bytes")
    var changed = issued
    for (index, byte) in rest.prefix(changed.count).enumerated() { changed[index] ^= byte }
    require(changed == issued || check(changed) == .stale, "a nonce that was changed is stale")
    let stranger = ClientAddress(client.socketAddress.with(port: client.socketAddress.port ^ 1))
    require(check(issued, from: stranger) == .stale, "a nonce of somebody else is stale")
    _ = bytes.withRawSpan { NonceAuthority.features(of: $0) }

    func check(_ nonce: [UInt8], from other: ClientAddress? = nil, at seconds: Int64? = nil) -> NonceAuthority.Verdict {
        let moment = seconds.map { UnixTime(seconds: $0) } ?? time
        return nonce.withRawSpan { authority.check($0, from: other ?? client, at: moment) }
    }
}
