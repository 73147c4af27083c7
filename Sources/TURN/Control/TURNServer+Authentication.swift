import Containers
import NetworkPrimitives
import STUN

/// What a request's credentials came to (RFC 8489 §9.2.4).
enum Authentication {
    case accepted(Credentials)
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

/// Whose name a request shows.
enum Claimant {
    /// Somebody who has allocations here, perhaps others than the one that the request is about.
    case account(SlabHandle)
    case newcomer(Identity, NameTerm?)

    var account: SlabHandle? {
        switch self {
        case .account(let handle): handle
        case .newcomer: nil
        }
    }
}

/// Credentials that hold, and what there is to remember of them.
struct Credentials {
    let claimant: Claimant
    let integrity: ResponseIntegrity
    let algorithm: PasswordAlgorithm
    /// Whether the key is the one that the account remembers.
    let isKnownKey: Bool
    let nonce: Nonce?

    static let anonymous = Credentials(
        claimant: .newcomer(
            Identity(username: [], quotaKey: [], mintedQuota: nil, isEphemeral: false), nil),
        integrity: .none, algorithm: .md5, isKnownKey: true, nonce: nil)
}

/// A nonce, and whether it is one that we gave to this client and still good.
struct JudgedNonce {
    let nonce: Nonce?
    let isFresh: Bool
}

extension TURNServer {
    /// The checks of RFC 8489 §9.2.4 in its order. `existing` is the allocation on this five-tuple, whose keys and
    /// nonce are at hand; `judged` the nonce of the request if somebody has judged it already.
    func authenticate(
        _ datagram: RawSpan, _ arrival: Arrival, existing: SlabHandle? = nil, judged: JudgedNonce? = nil
    ) -> Authentication {
        let directory: CredentialDirectory
        switch settings.access {
        case .credentials(let users): directory = users
        case .anonymous: return .accepted(anonymousCredentials)
        case .stunOnly: return .challenged(.unauthenticated, username: nil)
        }
        let message = arrival.message
        guard let kind = IntegrityKind(of: message) else { return .challenged(.unauthenticated, username: nil) }
        guard let realm = message.value(of: .realm, in: datagram), let nonce = message.value(of: .nonce, in: datagram),
            message.has(.username) || message.has(.userhash)
        else { return .malformed }
        guard let choice = passwordAlgorithm(message, datagram, nonce: nonce, directory) else { return .malformed }
        if let name = message.range(of: .username), name.count > Self.usernameByteCountMax { return .malformed }

        guard let claimant = claimant(message, datagram, existing, directory) else {
            return .challenged(.unauthenticated, username: nil)
        }
        let goesOn = continues(claimant, existing, message) || isExpected(claimant, datagram, arrival)
        let claim = Claim(claimant: claimant, continues: goesOn, arrival: arrival)
        let formerRealm = formerRealm(realm)
        guard formerRealm != nil || settings.realm.withRawSpan({ $0.hasSameBytes(as: realm) }), mayGoOn(claim) else {
            return .challenged(.unauthenticated, username: username(of: claimant))
        }
        let keys = KeySource(directory: directory, formerRealm: formerRealm)
        guard let proof = prove(claimant, choice.algorithm, kind, datagram, arrival, keys),
            isInForce(claim, isStrict: directory.isStrictOnExpiry)
        else { return .challenged(.unauthenticated, username: username(of: claimant)) }
        // Who shows the password by what a challenge asked for before a reload is asked anew.
        guard formerRealm == nil, !choice.isOfFormerOffer else {
            return .challenged(.staleNonce, username: username(of: claimant))
        }
        // The nonce is judged last: 438 tells somebody who knows the password to try again (RFC 8489 §9.2.4).
        let verdict = judged ?? judge(nonce, arrival, proven: existing.flatMap { allocations[$0].provenNonce })
        guard verdict.isFresh else { return .challenged(.staleNonce, username: username(of: claimant)) }
        return .accepted(
            Credentials(
                claimant: claimant, integrity: proof.key, algorithm: choice.algorithm, isKnownKey: proof.isKnown,
                nonce: verdict.nonce))
    }

    /// Everybody is the same nobody.
    private var anonymousCredentials: Credentials {
        let nobody = Credentials.anonymous
        guard let handle = [].withRawSpan({ accounts.handle(of: $0) }) else { return nobody }
        return Credentials(
            claimant: .account(handle), integrity: .none, algorithm: .md5, isKnownKey: true, nonce: nil)
    }

    /// USERNAME is shorter than 509 bytes (RFC 8489 §14.3).
    static let usernameByteCountMax = 508

    /// The algorithm that the client chose, or MD5 for a client from before there was a choice. Nil when the client
    /// does not repeat the offer that the nonce stands for: somebody on the path has weakened it (RFC 8489 §9.2.1).
    private func passwordAlgorithm(
        _ message: STUNMessage, _ datagram: RawSpan, nonce: RawSpan, _ directory: CredentialDirectory
    ) -> AlgorithmChoice? {
        guard message.has(.passwordAlgorithm) || message.has(.passwordAlgorithms),
            NonceAuthority.features(of: nonce)?.contains(.passwordAlgorithms) ?? false
        else { return AlgorithmChoice(algorithm: .md5) }
        guard let list = message.value(of: .passwordAlgorithms, in: datagram),
            let choice = message.value(of: .passwordAlgorithm, in: datagram),
            let algorithm = PasswordAlgorithm(parsing: choice)
        else { return nil }
        guard directory.offer.withRawSpan({ $0.hasSameBytes(as: list) }) else {
            return isFormerOffer(list) ? AlgorithmChoice(algorithm: algorithm, isOfFormerOffer: true) : nil
        }
        return directory.algorithms.contains(algorithm) ? AlgorithmChoice(algorithm: algorithm) : nil
    }

    private struct AlgorithmChoice {
        let algorithm: PasswordAlgorithm
        /// The client repeats what was offered before a reload.
        var isOfFormerOffer = false
    }

    private func isFormerOffer(_ list: RawSpan) -> Bool {
        for former in formerChallenges where former.offer.withRawSpan({ $0.hasSameBytes(as: list) }) { return true }
        return false
    }

    /// The realm of a request if it is not ours any more.
    private func formerRealm(_ realm: RawSpan) -> [UInt8]? {
        guard !formerChallenges.isEmpty, !settings.realm.withRawSpan({ $0.hasSameBytes(as: realm) }) else { return nil }
        for former in formerChallenges where former.realm.withRawSpan({ $0.hasSameBytes(as: realm) }) {
            return former.realm
        }
        return nil
    }

    // MARK: - Who it is

    /// Whoever has the name in USERNAME, or the one whose hash is in USERHASH (RFC 8489 §14.4).
    private func claimant(
        _ message: STUNMessage, _ datagram: RawSpan, _ existing: SlabHandle?, _ directory: CredentialDirectory
    ) -> Claimant? {
        if let name = message.value(of: .username, in: datagram) {
            if let owner = existing.map({ allocations[$0].account }), accounts.has(owner, name: name) {
                return .account(owner)
            }
            return accounts.handle(of: name).map { .account($0) } ?? newcomer(name.array(), directory)
        }
        guard let hash = message.value(of: .userhash, in: datagram)?.array(),
            let name = directory.staticUsername(forHash: hash) ?? accounts.name(forHash: hash)
        else { return nil }
        return name.withRawSpan { accounts.handle(of: $0) }.map { .account($0) } ?? newcomer(name, directory)
    }

    private func newcomer(_ username: [UInt8], _ directory: CredentialDirectory) -> Claimant {
        let name = directory.ephemeral(username)
        return .newcomer(CredentialDirectory.identity(of: username, name), name?.term)
    }

    func identity(of claimant: Claimant) -> Identity {
        switch claimant {
        case .account(let handle): accounts[handle].identity
        case .newcomer(let identity, _): identity
        }
    }

    func username(of claimant: Claimant) -> [UInt8] { identity(of: claimant).username }

    private func term(of claimant: Claimant) -> NameTerm? {
        switch claimant {
        case .account(let handle): accounts[handle].term
        case .newcomer(_, let term): term
        }
    }

    // MARK: - What they may

    /// A name, and whether the request only goes on with what its owner has.
    private struct Claim {
        let claimant: Claimant
        let continues: Bool
        let arrival: Arrival
    }

    private func continues(_ claimant: Claimant, _ existing: SlabHandle?, _ message: STUNMessage) -> Bool {
        guard let existing, let account = claimant.account else { return false }
        return allocations[existing].account == account && message.type.method != .allocate
    }

    /// Whether the name has an allocation that its client is about to use from this five-tuple: a ticket says so, or
    /// one that was shown before. The allocation may be on another worker.
    private func isExpected(_ claimant: Claimant, _ datagram: RawSpan, _ arrival: Arrival) -> Bool {
        guard let tickets, arrival.message.type.method != .allocate else { return false }
        if let arriving = arrivals[arrival.path] { return arriving.username == username(of: claimant) }
        guard let shown = arrival.message.value(of: .mobilityTicket, in: datagram), let ticket = tickets.open(shown)
        else { return false }
        return ticket.owner == tickets.owner(username(of: claimant))
    }

    /// What has an allocation may go on after its name has run out. To begin anything the name must hold, whoever
    /// vouches for its owner; that is judged before a key is derived for it.
    private func mayGoOn(_ claim: Claim) -> Bool {
        claim.continues || !(term(of: claim.claimant)?.isExpired(at: claim.arrival.unixTime) ?? false)
    }

    /// Where keys come from.
    private struct KeySource {
        let directory: CredentialDirectory
        /// Made for this realm instead of the present one.
        let formerRealm: [UInt8]?
    }

    /// The key that made the message: the one that the account remembers, or one that the directory knows.
    private func prove(
        _ claimant: Claimant, _ algorithm: PasswordAlgorithm, _ kind: IntegrityKind, _ datagram: RawSpan,
        _ arrival: Arrival, _ source: KeySource
    ) -> (key: ResponseIntegrity, isKnown: Bool)? {
        if let account = claimant.account {
            let known = accounts[account].key(algorithm, kind)
            if known.verifies(arrival.message, in: datagram) { return (known, true) }
        }
        // While a secret is replaced one name has two passwords, and the account remembers the one that was shown last.
        var proof: ResponseIntegrity?
        _ = source.directory.key(of: username(of: claimant), algorithm, realm: source.formerRealm) { key in
            let candidate = key.responseIntegrity(kind)
            guard candidate.verifies(arrival.message, in: datagram) else { return false }
            proof = candidate
            return true
        }
        return proof.map { ($0, false) }
    }

    /// Whether a name whose key was shown may do what the request asks for: something new, or something for what it has
    /// (`continues`). A static name always may. The register is asked last, so that strangers do not make us take its
    /// lock.
    private func isInForce(_ claim: Claim, isStrict: Bool) -> Bool {
        guard let term = term(of: claim.claimant) else { return true }
        let hasTime = !term.isExpired(at: claim.arrival.unixTime)
        let standing = members?.standing(of: identity(of: claim.claimant), at: claim.arrival.now)
        return switch standing ?? .unknown {
        case .revoked: false
        // A call goes on while its session does: the name was made for the session and not for ten minutes.
        case .present: hasTime || claim.continues
        case .left: hasTime && claim.continues
        // Another node of the fleet, or this one before it was started anew, issued the member's name: nobody here
        // could say when it left, so the name's own time is all there is.
        case .unknown: hasTime || claim.continues && !term.isMember && !isStrict
        }
    }

    // MARK: - Nonces

    /// The nonce of a request, if there are credentials at all. Who shows none that we gave to them is a stranger:
    /// whatever else they show, their address is unproven.
    func judgeNonce(_ datagram: RawSpan, _ arrival: Arrival) -> JudgedNonce? {
        guard case .credentials = settings.access else { return nil }
        guard let nonce = arrival.message.value(of: .nonce, in: datagram) else {
            return JudgedNonce(nonce: nil, isFresh: false)
        }
        return judge(nonce, arrival, proven: nil)
    }

    private func judge(_ text: RawSpan, _ arrival: Arrival, proven: Nonce?) -> JudgedNonce {
        guard let nonce = Nonce(parsing: text) else { return JudgedNonce(nonce: nil, isFresh: false) }
        let isFresh = settings.nonces.check(nonce, from: arrival.path.client, at: arrival.unixTime, proven: proven)
        return JudgedNonce(nonce: nonce, isFresh: isFresh)
    }

    // MARK: - Answers without authentication

    /// Answers a request that did not authenticate, as often as its source may be answered.
    ///
    /// `judged` is the nonce if somebody has judged it already; if it was not fresh, the request was counted when it
    /// came in.
    mutating func refuse(
        _ authentication: Authentication, _ datagram: RawSpan, _ arrival: Arrival, judged: JudgedNonce? = nil,
        reply: consuming MutableRawSpan
    ) -> Reply? {
        let isMetered = !(judged?.isFresh ?? true)
        // 438 goes to somebody who has shown the key, and is shorter than what it answers.
        guard isMetered || authentication.showsKey || mayBeChallenged(arrival.path, at: arrival.now) else {
            return drop(.overReplyRate)
        }
        switch authentication {
        case .accepted: preconditionFailure("an accepted request is not refused")
        case .malformed:
            counters.count(.badRequest)
            return bareError(.badRequest, arrival, reply: reply)
        case .challenged(let code, let username):
            // A stale nonce is part of an honest client's day.
            if let username, code == .unauthenticated {
                // Whoever bans addresses by this must not be led to ban somebody whose address was borrowed.
                let isProven =
                    arrival.path.transport.provesAddress || (judged ?? judgeNonce(datagram, arrival))?.isFresh == true
                outputs.append(
                    .authenticationFailed(
                        client: arrival.path.client, username: username, code, isAddressProven: isProven))
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
            let nonce = settings.nonces.text(
                for: arrival.path.client, features: directory.features, at: arrival.unixTime)
            unsafe writer.append(.nonce, nonce.span.bytes)
            writer.append(.passwordAlgorithms, directory.offer)
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
