import Crypto
package import NetworkPrimitives
package import STUN

/// A user with a password, or with a key made of one (`user=name:password`, `user=name:0x…`).
package struct StaticUser: Sendable {
    /// What the operator wrote down of the password.
    package enum Secret: Sendable {
        case password([UInt8])
        /// MD5 of `name:realm:password`: serves MD5 alone.
        case md5Key([UInt8])
        /// SHA-256 of the same: serves SHA-256 alone.
        case sha256Key([UInt8])
    }

    package let name: [UInt8]
    package let secret: Secret

    package init(name: [UInt8], secret: Secret) {
        self.name = name
        self.secret = secret
    }
}

/// Whoever a request says it comes from.
package struct Identity: Equatable, Sendable {
    /// The full user name, as in USERNAME.
    package let username: [UInt8]
    /// What quotas count by: the user part of an ephemeral name, the name of a static one.
    package let quotaKey: [UInt8]
    /// The quota that an ephemeral name brings along.
    package let mintedQuota: Int?
    /// Whether the name is an ephemeral one. Only those can be revoked: a static user goes by the configuration.
    package let isEphemeral: Bool
}

/// A user name as a key of a dictionary. All bytes are hashed at once: an array hashes itself element by element, which
/// costs more than the rest of a look-up.
struct NameKey: Hashable {
    let bytes: [UInt8]

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func hash(into hasher: inout Hasher) { unsafe bytes.withUnsafeBytes { unsafe hasher.combine(bytes: $0) } }
}

/// All users and secrets of one configuration: an immutable value. It answers one question, whether somebody who knows
/// a password of that name made this message, for static users and for every shared secret at once.
package struct CredentialDirectory: Sendable {
    /// One reference, so that a request that looks at the directory does not count a dozen.
    private let contents: Contents

    private final class Contents: Sendable {
        let realm: [UInt8]
        let users: [NameKey: StaticUser]
        let userByHash: [NameKey: [UInt8]]
        let sharedSecrets: [HMACSHA1Key]
        let separator: UInt8
        let isStrictOnExpiry: Bool
        let algorithms: [PasswordAlgorithm]
        let offer: [UInt8]

        init(
            realm: [UInt8], users: [StaticUser], sharedSecrets: [[UInt8]], separator: UInt8, isStrictOnExpiry: Bool
        ) {
            self.realm = realm
            // The last of several lines about one user counts, as in coturn.
            self.users = Dictionary(users.map { (NameKey($0.name), $0) }, uniquingKeysWith: { _, last in last })
            userByHash = Dictionary(
                users.map { (NameKey(CredentialDirectory.userhash(of: $0.name, realm: realm)), $0.name) },
                uniquingKeysWith: { _, last in last })
            self.sharedSecrets = sharedSecrets.map { HMACSHA1Key(key: $0) }
            self.separator = separator
            self.isStrictOnExpiry = isStrictOnExpiry
            let hasMD5Key = users.contains { if case .md5Key = $0.secret { true } else { false } }
            algorithms = hasMD5Key ? [.md5] : [.sha256, .md5]
            offer = PasswordAlgorithm.list(algorithms)
        }
    }

    package init(
        realm: [UInt8], users: [StaticUser], sharedSecrets: [[UInt8]], separator: UInt8 = UInt8(ascii: ":"),
        isStrictOnExpiry: Bool = false
    ) {
        contents = Contents(
            realm: realm, users: users, sharedSecrets: sharedSecrets, separator: separator,
            isStrictOnExpiry: isStrictOnExpiry)
    }

    /// Whether an expired ephemeral name ends what is going on, instead of only refusing new allocations.
    package var isStrictOnExpiry: Bool { contents.isStrictOnExpiry }

    /// What 401 offers in PASSWORD-ALGORITHMS, best first. SHA-256 is offered only if every user can answer to it.
    package var algorithms: [PasswordAlgorithm] { contents.algorithms }

    /// The same as the value of the attribute.
    var offer: [UInt8] { contents.offer }

    /// What nonces announce. USERHASH hides a name that we can look up; the names of ephemeral credentials are not
    /// known here before they are used, so with shared secrets the feature is not announced (RFC 8489 §9.2).
    package var features: SecurityFeatures {
        contents.sharedSecrets.isEmpty && !contents.users.isEmpty
            ? [.passwordAlgorithms, .usernameAnonymity] : [.passwordAlgorithms]
    }

    package var isEmpty: Bool { contents.users.isEmpty && contents.sharedSecrets.isEmpty }

    /// SHA-256 of `username:realm` (RFC 8489 §14.4).
    package static func userhash(of username: [UInt8], realm: [UInt8]) -> [UInt8] {
        var text = username
        text.append(UInt8(ascii: ":"))
        text += realm
        return text.withRawSpan { SHA256.hash($0).array }
    }

    package func staticUsername(forHash hash: [UInt8]) -> [UInt8]? { contents.userByHash[NameKey(hash)] }

    /// What the name says if it is an ephemeral one; nil for a static name, and for none at all.
    package func ephemeral(_ username: [UInt8]) -> EphemeralUsername? {
        contents.users[NameKey(username)] == nil
            ? EphemeralUsername(parsing: username, separator: contents.separator) : nil
    }

    /// Whether an ephemeral name has run out. A static name never does.
    package func isExpired(_ username: [UInt8], at unixTime: UnixTime) -> Bool {
        ephemeral(username)?.isExpired(at: unixTime) ?? false
    }

    package func identity(of username: [UInt8]) -> Identity { Self.identity(of: username, ephemeral(username)) }

    /// The same for a caller who has read the name already.
    static func identity(of username: [UInt8], _ name: EphemeralUsername?) -> Identity {
        guard let name else {
            return Identity(username: username, quotaKey: username, mintedQuota: nil, isEphemeral: false)
        }
        // A name without a user part has nothing to count by but itself.
        let quotaKey = name.user.isEmpty ? username : name.user
        return Identity(username: username, quotaKey: quotaKey, mintedQuota: name.mintedQuota, isEphemeral: true)
    }

    /// The key of `username` that made a message, if any: `verifies` is asked for each candidate in turn. A static user
    /// is looked for first; a name that is not one may belong to any of the shared secrets, so that one can be replaced
    /// while credentials of the old one are about. Neither expiry nor revocation is judged here. `realm` is another one
    /// than that of the directory.
    package func key(
        of username: [UInt8], _ algorithm: PasswordAlgorithm, realm: [UInt8]? = nil,
        where verifies: (LongTermKey) -> Bool
    ) -> LongTermKey? {
        let realm = realm ?? contents.realm
        if let user = contents.users[NameKey(username)] {
            return key(of: user, algorithm, realm: realm).flatMap { verifies($0) ? $0 : nil }
        }
        guard EphemeralUsername(parsing: username, separator: contents.separator) != nil else { return nil }
        for secret in contents.sharedSecrets {
            let password = EphemeralCredential.password(of: username, secret: secret)
            let key = LongTermKey.derive(algorithm, username: username, realm: realm, password: password)
            if verifies(key) { return key }
        }
        return nil
    }

    private func key(of user: StaticUser, _ algorithm: PasswordAlgorithm, realm: [UInt8]) -> LongTermKey? {
        switch (user.secret, algorithm) {
        case (.password(let password), _):
            LongTermKey.derive(algorithm, username: user.name, realm: realm, password: password)
        case (.md5Key(let key), .md5), (.sha256Key(let key), .sha256): LongTermKey(key: key)
        case (.md5Key, .sha256), (.sha256Key, .md5): nil
        }
    }
}
