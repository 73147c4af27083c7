import Crypto
package import NetworkPrimitives
package import Signaling
import TURN

/// Who TURN credentials are for, and so what their user name says.
package enum CredentialHolder: Hashable, Sendable {
    /// A participant. Its signaling session decides, as long as it lives, what the credentials are good for.
    case member(MemberTag)
    /// Somebody whom an application knows by a name. However often credentials are issued, they count as one.
    case user(issuer: String, identity: String, room: RoomName?)
    /// Somebody of whom nothing is known; the tag is random, and each time another one.
    case anybody(MemberTag)
    /// A name that the application chose (draft-uberti-behave-turn-rest-00 §2.1). Only for who has an API key.
    case named(RESTUsername)
}

/// The user part that an application chooses for credentials of the TURN REST draft: 1 to 128 printable characters.
package struct RESTUsername: Hashable, Sendable {
    package static let byteCountMax = 128

    let bytes: [UInt8]

    /// Nil for names that begin with `tern.` too: those bring a quota along, or stand for a participant.
    package init?(_ bytes: [UInt8]) {
        guard (1...Self.byteCountMax).contains(bytes.count), bytes.allSatisfy({ (0x21...0x7E).contains($0) }),
            !bytes.starts(with: "tern.".utf8)
        else { return nil }
        self.bytes = bytes
    }
}

/// What credentials may be at most.
package struct CredentialTerms: Hashable, Sendable {
    /// The lifetime that was asked for; nil takes the default.
    package var requestedSeconds: UInt32?
    /// What the token or the kind of visitor allows at most.
    package var secondsMax: UInt32?
    /// Nil allows all.
    package var transports: Set<TURNTransport>?

    package init(
        requestedSeconds: UInt32? = nil, secondsMax: UInt32? = nil, transports: Set<TURNTransport>? = nil
    ) {
        self.requestedSeconds = requestedSeconds
        self.secondsMax = secondsMax
        self.transports = transports
    }
}

/// Makes TURN credentials: a user name with its expiry, and the password that the shared secret of the TURN server
/// makes of it. Nothing is kept; the TURN server knows its own names by their passwords.
///
/// ```
///  1800000600:tern.12.m-4fKz0pQ1xYw_83Ab    a participant; the session stands behind it
///  1800000600:tern.12.u-Zt3rVb0Lq9sKe-Xo    a user of an application, or somebody
///  1800000600:alice                         the name that an application asked for
/// ```
/// The names of ours say neither who nor where: they travel in the clear.
package struct CredentialIssuer: Sendable {
    /// Shorter than this, credentials could be over before a call is set up.
    package static let lifetimeSecondsMin: UInt32 = 60
    /// A name has room for six digits of a quota.
    package static let quotaMax = 999_999

    package let servers: IceServerTemplate
    private let secret: HMACSHA1Key
    private let tagKey: HMACSHA256Key
    private let separator: UInt8
    private let quotaPerMember: Int
    private let lifetimeSeconds: UInt32
    private let lifetimeSecondsMax: UInt32

    /// `secret` is the shared secret with which the TURN server checks names now; of several, the newest. A quota of 0
    /// is none; one beyond `quotaMax` is that.
    package init(
        secret: [UInt8], separator: UInt8 = UInt8(ascii: ":"), quotaPerMember: Int, lifetimeSeconds: UInt32 = 600,
        lifetimeSecondsMax: UInt32 = 86_400, servers: IceServerTemplate
    ) {
        precondition(!secret.isEmpty, "anybody could make the passwords of an empty secret")
        precondition(quotaPerMember >= 0, "a quota counts allocations")
        precondition(lifetimeSecondsMax >= Self.lifetimeSecondsMin, "the longest lifetime is no shorter than the least")
        self.secret = HMACSHA1Key(key: secret)
        // A key of its own, so that a tag, which everybody sees, is never an HMAC under the secret itself.
        tagKey = HMACSHA256Key(key: Self.derivedKey(of: secret))
        self.separator = separator
        self.quotaPerMember = min(quotaPerMember, Self.quotaMax)
        self.lifetimeSeconds = lifetimeSeconds
        self.lifetimeSecondsMax = lifetimeSecondsMax
        self.servers = servers
    }

    /// Credentials and the URLs that they are for, or nil when there is no URL of TURN for this visitor and its terms.
    package func issue(
        to holder: CredentialHolder, _ terms: CredentialTerms = CredentialTerms(), visitor: Visitor,
        at unixTime: UnixTime
    ) -> IssuedCredentials? {
        let seconds = grantedSeconds(terms)
        let turnURLs = servers.turnURLs(for: visitor, over: terms.transports)
        guard seconds > 0, !turnURLs.isEmpty else { return nil }
        let expiresAt = UnixTime(seconds: unixTime.seconds + Int64(seconds))
        let credential = EphemeralCredential.mint(
            user: user(of: holder), expiresAt: expiresAt.seconds, separator: separator, secret: secret)
        let username = String(decoding: credential.username, as: UTF8.self)
        let password = String(decoding: credential.password, as: UTF8.self)
        let stunURLs = servers.stunURLs(for: visitor)
        let turn = IceServer(urls: turnURLs, username: username, credential: password)
        return IssuedCredentials(
            username: username, iceServers: stunURLs.isEmpty ? [turn] : [IceServer(urls: stunURLs), turn],
            lifetimeSeconds: seconds, expiresAt: expiresAt)
    }

    /// A minute at least and the configured maximum at most; what a token allows counts even if it is less.
    func grantedSeconds(_ terms: CredentialTerms) -> UInt32 {
        let wanted = terms.requestedSeconds ?? lifetimeSeconds
        let clamped = min(max(wanted, Self.lifetimeSecondsMin), lifetimeSecondsMax)
        return min(clamped, terms.secondsMax ?? .max)
    }

    /// The part behind the expiry: the same each time for one holder, but for `anybody`.
    package func user(of holder: CredentialHolder) -> [UInt8] {
        switch holder {
        case .member(let tag): minted("m-", tag.bytes)
        case .user(let issuer, let identity, let room):
            minted("u-", tag(issuer: issuer, identity: identity, room: room))
        case .anybody(let tag): minted("u-", tag.bytes)
        case .named(let name): name.bytes
        }
    }

    /// The prefix says whether a session stands behind the name. Both kinds have one, because a tag may begin with
    /// anything.
    private func minted(_ prefix: StaticString, _ tag: [UInt8]) -> [UInt8] {
        EphemeralCredential.mintedUser(tag: Array("\(prefix)".utf8) + tag, quota: quotaPerMember)
    }

    /// The same 96 bits each time for the same three, and nothing that leads back to them.
    private func tag(issuer: String, identity: String, room: RoomName?) -> [UInt8] {
        var text: [UInt8] = []
        for part in [Array(issuer.utf8), Array(identity.utf8), room?.bytes ?? []] {
            // With their lengths, so that no two triples make one text.
            text += Array("\(part.count):".utf8) + part
        }
        let code = unsafe tagKey.authenticate(text.span.bytes).array
        return Base64URL.encode(Array(code.prefix(12)))
    }

    private static func derivedKey(of secret: [UInt8]) -> [UInt8] {
        let label = Array("tern: tags in user names".utf8)
        return unsafe HMACSHA256Key(key: secret).authenticate(label.span.bytes).array
    }
}

extension CredentialIssuer: CustomStringConvertible {
    /// Printing an issuer does not print its keys.
    package var description: String { "CredentialIssuer" }
}
