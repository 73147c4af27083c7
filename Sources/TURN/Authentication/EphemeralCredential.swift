package import Crypto
package import NetworkPrimitives

/// A time-limited user name and its password, both derived from a secret that the issuer and the server share
/// (draft-uberti-behave-turn-rest-00 §2.2).
///
/// ```
///  username = expiry ":" user         user may be missing, and may contain ":" itself (Matrix names do)
///  password = base64(HMAC-SHA1(secret, username))
/// ```
/// Names that Tern mints carry their own quota in the user part, `tern.<quota>.<tag>`. It is inside what the secret
/// signs, so that a fleet needs no shared table to know it.
package struct EphemeralCredential: Equatable, Sendable {
    package let username: [UInt8]
    package let password: [UInt8]

    /// The one place where a credential is made.
    package static func mint(
        user: [UInt8], expiresAt: Int64, separator: UInt8, secret: HMACSHA1Key
    ) -> EphemeralCredential {
        let username = Array("\(expiresAt)".utf8) + (user.isEmpty ? [] : [separator] + user)
        return EphemeralCredential(username: username, password: password(of: username, secret: secret))
    }

    /// The user part of a minted name: `tag` says who, without saying a name.
    package static func mintedUser(tag: [UInt8], quota: Int) -> [UInt8] {
        Array("\(mintedPrefix)\(quota).".utf8) + tag
    }

    /// The one place where a password is derived, to issue it and to check it.
    package static func password(of username: [UInt8], secret: HMACSHA1Key) -> [UInt8] {
        username.withRawSpan { name in
            secret.authenticate(name).withRawSpan { Base64.encode($0) }
        }
    }

    /// The user part of a member of a room: a signaling session decides whether it still holds (`MemberStanding`). It
    /// is the same in all the names that one member is given, so that quotas and revocation go by it.
    package static func memberUser(tag: [UInt8], quota: Int) -> [UInt8] {
        mintedUser(tag: [UInt8(ascii: "m"), UInt8(ascii: "-")] + tag, quota: quota)
    }

    private static let mintedPrefix = "tern."
}

/// How long an ephemeral user name is good for, and by whose word.
package struct NameTerm: Equatable, Sendable {
    /// See `EphemeralUsername`.
    package let expiresAt: Int64
    package let isMember: Bool

    func isExpired(at unixTime: UnixTime) -> Bool { expiresAt < unixTime.seconds }
}

/// What an ephemeral user name says.
package struct EphemeralUsername: Equatable, Sendable {
    /// Unix time after which no allocation is made with it.
    package let expiresAt: Int64
    /// What follows the first separator; quotas count by it, so that renewing a name does not renew the quota.
    package let user: [UInt8]
    /// The quota that a minted name brings along; a quota of zero is none.
    package let mintedQuota: Int?
    /// Whether a signaling session issued it: a minted name whose tag begins with `m-`.
    package let isMember: Bool

    /// Nil when the name does not begin with a number, or something else than the separator follows it.
    package init?(parsing username: [UInt8], separator: UInt8) {
        var expiry: Int64 = 0
        var digits = 0
        for byte in username {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { break }
            digits += 1
            // Eighteen digits always fit; nobody means a later time than that.
            guard digits <= 18 else { return nil }
            expiry = expiry * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        guard digits > 0 else { return nil }
        if digits < username.count, username[digits] != separator { return nil }
        expiresAt = expiry
        user = Array(username.dropFirst(digits + 1))
        if let (quota, tagStart) = Self.minted(user) {
            mintedQuota = quota > 0 ? quota : nil
            isMember = Self.isMember(user, tagStart: tagStart)
        } else {
            mintedQuota = nil
            isMember = false
        }
    }

    /// Whether nothing may be begun with it any more.
    package func isExpired(at unixTime: UnixTime) -> Bool { term.isExpired(at: unixTime) }

    /// What of it decides about requests.
    var term: NameTerm { NameTerm(expiresAt: expiresAt, isMember: isMember) }

    private static func isMember(_ user: [UInt8], tagStart: Int) -> Bool {
        user.count >= tagStart + 2 && user[tagStart] == UInt8(ascii: "m") && user[tagStart + 1] == UInt8(ascii: "-")
    }

    /// The parts of `tern.<quota>.<tag>`; nil for another issuer's user.
    private static func minted(_ user: [UInt8]) -> (quota: Int, tagStart: Int)? {
        guard user.starts(with: "tern.".utf8) else { return nil }
        let rest = user.dropFirst(5)
        guard let dot = rest.firstIndex(of: UInt8(ascii: ".")), (1...6).contains(dot - rest.startIndex) else {
            return nil
        }
        var quota = 0
        for byte in rest[..<dot] {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) else { return nil }
            quota = quota * 10 + Int(byte - UInt8(ascii: "0"))
        }
        return (quota, dot + 1)
    }
}
