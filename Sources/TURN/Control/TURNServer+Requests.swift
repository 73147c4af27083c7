import Containers
import NetworkPrimitives
import STUN

/// What a request came to, before it is written.
enum Outcome {
    case success((inout MessageWriter) -> Void)
    case failure(ErrorCode)
    /// The answer follows when the shell has opened the relay.
    case pending
}

extension TURNServer {
    /// The four authenticated requests. What comes before their own rules is the same for all (RFC 8656 §5).
    mutating func receiveTURNRequest(
        _ datagram: RawSpan, _ arrival: Arrival, reply: consuming MutableRawSpan
    ) -> Reply? {
        if case .stunOnly = settings.access { return drop(.disabled) }
        let existing = allocationByFiveTuple[arrival.path]
        // A stranger pays before keys are derived for them; a nonce of ours is proof of an address. Who has an
        // allocation is no stranger: a flood in their name must not keep them from renewing a nonce that has run out.
        let isMetered = existing == nil && isStranger(datagram, arrival)
        if isMetered, !challengeMeter.allow(arrival.path.client.socketAddress.ip, at: arrival.now) {
            return drop(.overReplyRate)
        }
        let account = existing.map { accounts[allocations[$0].account] }
        let authentication = authenticate(datagram, arrival, account: account)
        guard case .accepted(let identity, let integrity, let key, let algorithm) = authentication else {
            return refuse(authentication, arrival, isMetered: isMetered, reply: reply)
        }
        // Whoever answers a challenge is where they say they are: what they were told is not held against them, so that
        // one host can make any number of allocations in a row while a spoofed source runs dry.
        challengeMeter.refund(arrival.path.client.socketAddress.ip)
        let exchange = Exchange(
            path: arrival.path, method: arrival.message.type.method, transactionID: arrival.message.transactionID,
            identity: identity, integrity: integrity, addsFingerprint: addsFingerprint(to: arrival.message))
        // RFC 8489 §6.3.1, after authentication (§9.2.4).
        guard arrival.message.unknownRequiredCount == 0 else {
            counters.count(.unknownAttribute)
            return style.error(.unknownAttribute, to: exchange, into: reply, unknownAttributesOf: arrival.message)
        }
        let credentials = Credentials(exchange: exchange, key: key, algorithm: algorithm)
        switch perform(datagram, arrival, credentials, existing) {
        case .pending: return nil
        case .success(let body):
            counters.successes += 1
            return style.success(to: exchange, into: reply, body)
        case .failure(let code):
            counters.count(code)
            return style.error(code, to: exchange, into: reply)
        }
    }

    /// An exchange, and the key that proved it, for the account to remember.
    struct Credentials {
        let exchange: Exchange
        let key: LongTermKey?
        let algorithm: PasswordAlgorithm
    }

    private mutating func perform(
        _ datagram: RawSpan, _ arrival: Arrival, _ credentials: Credentials, _ existing: SlabHandle?
    ) -> Outcome {
        if arrival.message.type.method == .allocate {
            guard let existing else { return allocate(datagram, arrival, credentials) }
            return allocateAgain(AllocationID(existing), credentials.exchange)
        }
        // RFC 8656 §5: without an allocation 437, with somebody else's 441.
        guard let existing, case .active = allocations[existing].phase else { return .failure(.allocationMismatch) }
        let id = AllocationID(existing)
        let owner = allocations[existing].account
        guard accounts[owner].identity.username == credentials.exchange.identity.username else {
            return .failure(.wrongCredentials)
        }
        if let key = credentials.key { accounts[owner].remember(key, credentials.algorithm) }
        switch arrival.message.type.method {
        case .refresh: return refresh(id, datagram, arrival)
        case .createPermission: return createPermission(id, datagram, arrival)
        case .channelBind: return channelBind(id, datagram, arrival)
        default: preconditionFailure("only the four methods of RFC 8656 §5 come here")
        }
    }
}
