package import TURN

/// A place outside the configuration where users and secrets are kept. SQLite is one; a server of another kind of
/// database would be asked in the same three ways.
///
/// One thread owns a source and may wait in it for as long as a disk or a network takes; nobody who serves packets
/// does.
package protocol UserSource: ~Copyable {
    /// Whether there may be something new since the last `load` that succeeded. Cheap: it is asked every second.
    mutating func hasNews() throws(UserSourceError) -> Bool

    /// Everything about one realm, as it was at one moment.
    mutating func load(realm: [UInt8], limits: UserSourceLimits) throws(UserSourceError) -> UserSnapshot
}

/// How much of a source is taken; what is behind it is left out, and a remark says so.
package struct UserSourceLimits: Sendable {
    package var usersMax: Int
    package var secretsMax: Int
    /// Rules about peers, allowing and denying ones together.
    package var peerRulesMax: Int

    package init(usersMax: Int = 100_000, secretsMax: Int = 16, peerRulesMax: Int = 1024) {
        self.usersMax = usersMax
        self.secretsMax = secretsMax
        self.peerRulesMax = peerRulesMax
    }
}

/// What a source holds about one realm.
package struct UserSnapshot: Sendable {
    /// No name occurs twice.
    package var users: [StaticUser] = []
    /// Shared secrets, of which none is empty.
    package var secrets: [[UInt8]] = []
    package var peerRules: [StoredPeerRule] = []
    /// What the realm is granted instead of what the configuration says.
    package var quotas = StoredQuotas()
    /// What is left out and why, as sentences for the log. They name no secret.
    package var remarks: [String] = []

    package init() {}

    /// The same for two snapshots with the same content, in one run of the process.
    package var fingerprint: Int {
        var hasher = Hasher()
        func combine(_ bytes: [UInt8]) {
            hasher.combine(bytes.count)
            unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) }
        }
        hasher.combine(users.count)
        for user in users {
            combine(user.name)
            switch user.secret {
            case .password(let secret), .md5Key(let secret), .sha256Key(let secret): combine(secret)
            }
        }
        hasher.combine(secrets.count)
        for secret in secrets { combine(secret) }
        hasher.combine(peerRules)
        hasher.combine(quotas)
        hasher.combine(remarks)
        return hasher.finalize()
    }
}

/// A range of peers that all users of a realm may reach, or may not.
package struct StoredPeerRule: Hashable, Sendable {
    /// What the rule does with the peers of its range; allowing rules win over denying ones.
    package enum Kind: Hashable, Sendable {
        case allow, deny
    }

    package let kind: Kind
    /// As it is written in the source; it has the form that `PeerMatcher` reads.
    package let text: String

    package init(_ kind: Kind, _ text: String) {
        self.kind = kind
        self.text = text
    }
}

/// Limits of a realm; nil where the source has none. 0 is without limit.
package struct StoredQuotas: Hashable, Sendable {
    package var perUser: Int?
    package var total: Int?
    package var bytesPerSecond: Int?

    package init() {}
}

/// Why users could not be read or changed, as a sentence that says what to do.
package struct UserSourceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What somebody may want to tell apart.
    package enum Kind: Hashable, Sendable {
        /// There is nothing of that name.
        case missing
        /// Somebody else is writing; the next attempt may succeed.
        case busy
        /// The content is not what it should be.
        case unusable
        /// Everything else: rights, disks.
        case failed
    }

    package let kind: Kind
    package let description: String

    package init(_ kind: Kind, _ description: String) {
        self.kind = kind
        self.description = description
    }
}
