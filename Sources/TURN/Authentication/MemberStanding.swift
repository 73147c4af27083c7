package import NetworkPrimitives

/// How somebody stands to whom signaling gave time-limited credentials. It decides beside the expiry in the name.
package enum MemberStanding: Hashable, Sendable {
    /// In a session, or within the grace after it: what exists goes on past the name's expiry.
    case present
    /// Gone: nothing new, and what exists goes on only until the name's own expiry.
    case left
    /// Nobody here knows: the name goes by its own time.
    case unknown
    /// Put out: as if there were no such name.
    case revoked
}

/// Knows how the holders of ephemeral names stand. Asked once for each request that has shown the key of such a name,
/// never on a packet; a server without signaling has none.
package protocol MemberRegister: Sendable {
    func standing(of identity: Identity, at now: Instant) -> MemberStanding
}

/// Whom a revocation is about.
package enum CredentialScope: Hashable, Sendable {
    /// Everybody whose name has this user part, whatever its expiry: a member, with all the names it was given.
    case user([UInt8])
    /// That one name, expiry and all.
    case name([UInt8])

    /// All bytes at once: an array hashes itself element by element, which is a third of a look-up.
    package func hash(into hasher: inout Hasher) {
        switch self {
        case .user(let bytes):
            hasher.combine(0 as UInt8)
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        case .name(let bytes):
            hasher.combine(1 as UInt8)
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
    }
}
