import Containers
import NetworkPrimitives
import STUN

/// What a request's credentials came to (RFC 8489 §9.2.4).
enum Authentication {
    case accepted(Identity, ResponseIntegrity, LongTermKey?, PasswordAlgorithm)
    /// The answer carries REALM, NONCE and PASSWORD-ALGORITHMS, so that the client can try again.
    case challenged(ErrorCode, username: [UInt8]?)
    /// The answer is a bare 400.
    case malformed

    /// Whether the integrity was right, and only the nonce was not.
    var showsKey: Bool {
        switch self {
        case .accepted: true
        case .challenged(let code, _): code == .staleNonce
        case .malformed: false
        }
    }
}

extension TURNServer {
    /// The checks of RFC 8489 §9.2.4 in its order. `account` is that of the allocation on this five-tuple, whose keys
    /// are at hand.
    func authenticate(_ datagram: RawSpan, _ arrival: Arrival, account: Account?) -> Authentication {
        let directory: CredentialDirectory
        switch settings.access {
        case .credentials(let users): directory = users
        case .anonymous: return .accepted(Self.anonymous, .none, nil, .md5)
        case .stunOnly: return .challenged(.unauthenticated, username: nil)
        }
        let message = arrival.message
        guard let kind = IntegrityKind(of: message) else { return .challenged(.unauthenticated, username: nil) }
        guard let realm = message.value(of: .realm, in: datagram), let nonce = message.value(of: .nonce, in: datagram),
            message.has(.username) || message.has(.userhash)
        else { return .malformed }
        guard let algorithm = passwordAlgorithm(message, datagram, nonce: nonce, directory) else { return .malformed }
        if let name = message.range(of: .username), name.count > Self.usernameByteCountMax { return .malformed }

        guard let username = username(of: message, in: datagram, directory) else {
            return .challenged(.unauthenticated, username: nil)
        }
        guard realm.array() == settings.realm else {
            return .challenged(.unauthenticated, username: username)
        }
        let name = directory.ephemeral(username)
        // What has an allocation may go on after its name has run out. To begin anything the name must hold, whoever
        // vouches for its owner; that is judged before a key is derived for it.
        let continues = account?.identity.username == username && message.type.method != .allocate
        if !continues, let name, name.isExpired(at: arrival.unixTime) {
            return .challenged(.unauthenticated, username: username)
        }
        guard let key = verifiedKey(of: username, algorithm, kind, datagram, arrival, account, directory) else {
            return .challenged(.unauthenticated, username: username)
        }
        let identity = CredentialDirectory.identity(of: username, name)
        if let name, !isInForce(name, identity, continues: continues, arrival, isStrict: directory.isStrictOnExpiry) {
            return .challenged(.unauthenticated, username: username)
        }
        // The nonce is judged last: 438 tells somebody who knows the password to try again (RFC 8489 §9.2.4).
        guard case .fresh = settings.nonces.check(nonce, from: arrival.path.client, at: arrival.unixTime) else {
            return .challenged(.staleNonce, username: username)
        }
        return .accepted(identity, key.responseIntegrity(kind), key, algorithm)
    }

    static let anonymous = Identity(username: [], quotaKey: [], mintedQuota: nil, isEphemeral: false)

    /// USERNAME is shorter than 509 bytes (RFC 8489 §14.3).
    static let usernameByteCountMax = 508

    /// The algorithm that the client chose, or MD5 for a client from before there was a choice. Nil when the client
    /// does not repeat the offer that the nonce stands for: somebody on the path has weakened it (RFC 8489 §9.2.1).
    private func passwordAlgorithm(
        _ message: STUNMessage, _ datagram: RawSpan, nonce: RawSpan, _ directory: CredentialDirectory
    ) -> PasswordAlgorithm? {
        let offered = NonceAuthority.features(of: nonce)?.contains(.passwordAlgorithms) ?? false
        guard offered, message.has(.passwordAlgorithm) || message.has(.passwordAlgorithms) else { return .md5 }
        let algorithms = directory.algorithms
        guard let list = message.value(of: .passwordAlgorithms, in: datagram),
            list.array() == PasswordAlgorithm.list(algorithms),
            let choice = message.value(of: .passwordAlgorithm, in: datagram),
            let algorithm = PasswordAlgorithm(parsing: choice)
        else { return nil }
        return algorithms.contains(algorithm) ? algorithm : nil
    }

    /// The name in USERNAME, or the one whose hash is in USERHASH (RFC 8489 §14.4).
    private func username(
        of message: STUNMessage, in datagram: RawSpan, _ directory: CredentialDirectory
    ) -> [UInt8]? {
        if let name = message.value(of: .username, in: datagram) { return name.array() }
        guard let hash = message.value(of: .userhash, in: datagram)?.array() else { return nil }
        return directory.staticUsername(forHash: hash) ?? accounts.name(forHash: hash)
    }

    private func verifiedKey(
        of username: [UInt8], _ algorithm: PasswordAlgorithm, _ kind: IntegrityKind, _ datagram: RawSpan,
        _ arrival: Arrival, _ account: Account?, _ directory: CredentialDirectory
    ) -> LongTermKey? {
        if let known = account, known.identity.username == username, let key = known.key(algorithm),
            key.verifies(arrival.message, kind, in: datagram)
        {
            return key
        }
        // While a secret is replaced one name has two passwords, and the account remembers the one that was shown last.
        return directory.key(of: username, algorithm) { $0.verifies(arrival.message, kind, in: datagram) }
    }

    /// Whether an ephemeral name whose key was shown may do what the request asks for: something new, or something for
    /// what it has (`continues`). The register is asked last, so that strangers do not make us take its lock.
    private func isInForce(
        _ name: EphemeralUsername, _ identity: Identity, continues: Bool, _ arrival: Arrival, isStrict: Bool
    ) -> Bool {
        let hasTime = !name.isExpired(at: arrival.unixTime)
        return switch members?.standing(of: identity, at: arrival.now) ?? .unknown {
        case .revoked: false
        // A call goes on while its session does: the name was made for the session and not for ten minutes.
        case .present: hasTime || continues
        case .left: hasTime && continues
        // Another node of the fleet, or this one before it was started anew, issued the member's name: nobody here
        // could say when it left, so the name's own time is all there is.
        case .unknown: hasTime || continues && !name.isMember && !isStrict
        }
    }

    /// Whether a request shows no nonce that we gave to this client: whatever else it shows, its address is unproven.
    func isStranger(_ datagram: RawSpan, _ arrival: Arrival) -> Bool {
        guard case .credentials = settings.access else { return false }
        guard let nonce = arrival.message.value(of: .nonce, in: datagram) else { return true }
        return settings.nonces.check(nonce, from: arrival.path.client, at: arrival.unixTime) == .stale
    }

    // MARK: - Answers without authentication

    /// Answers a request that did not authenticate, as often as its source may be answered.
    ///
    /// `isMetered` says that this request was counted when it came in.
    mutating func refuse(
        _ authentication: Authentication, _ arrival: Arrival, isMetered: Bool = false,
        reply: consuming MutableRawSpan
    ) -> Reply? {
        // 438 goes to somebody who has shown the key, and is shorter than what it answers.
        guard
            isMetered || authentication.showsKey
                || challengeMeter.allow(arrival.path.client.socketAddress.ip, at: arrival.now)
        else { return drop(.overReplyRate) }
        switch authentication {
        case .accepted: preconditionFailure("an accepted request is not refused")
        case .malformed:
            counters.count(.badRequest)
            return bareError(.badRequest, arrival, reply: reply)
        case .challenged(let code, let username):
            // A stale nonce is part of an honest client's day.
            if let username, code == .unauthenticated {
                outputs.append(.authenticationFailed(client: arrival.path.client, username: username, code))
            }
            counters.challenges += 1
            return challenge(code, arrival, reply: reply)
        }
    }

    /// 401 or 438 with what the client needs to try again, and nothing that would make it longer.
    private func challenge(_ code: ErrorCode, _ arrival: Arrival, reply: consuming MutableRawSpan) -> Reply {
        let type = MessageType(arrival.message.type.method, .error)
        var writer = MessageWriter(into: reply, type: type, transactionID: arrival.message.transactionID)
        writer.appendErrorCode(code, reason: settings.sendsReasonPhrases ? code.reason : nil)
        writer.append(.realm, settings.realm)
        if case .credentials(let directory) = settings.access {
            let nonce = settings.nonces.issue(
                to: arrival.path.client, features: directory.features, at: arrival.unixTime)
            writer.append(.nonce, nonce)
            writer.append(.passwordAlgorithms, PasswordAlgorithm.list(directory.algorithms))
        }
        if addsFingerprint(to: arrival.message) { writer.appendFingerprint() }
        return Reply(path: arrival.path, byteCount: writer.byteCount)
    }

    func bareError(_ code: ErrorCode, _ arrival: Arrival, reply: consuming MutableRawSpan) -> Reply {
        let type = MessageType(arrival.message.type.method, .error)
        var writer = MessageWriter(into: reply, type: type, transactionID: arrival.message.transactionID)
        writer.appendErrorCode(code, reason: settings.sendsReasonPhrases ? code.reason : nil)
        if addsFingerprint(to: arrival.message) { writer.appendFingerprint() }
        return Reply(path: arrival.path, byteCount: writer.byteCount)
    }
}
