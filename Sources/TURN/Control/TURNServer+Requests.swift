import Containers
import NetworkPrimitives
import STUN

/// What a request came to, before it is written.
enum Outcome {
    case success(ResponseBody)
    case failure(ErrorCode)
    /// The client shall ask that server (RFC 8489 §10).
    case redirection(AlternateServer)
    /// The answer follows when the shell has opened the relay.
    case pending
}

/// What a success response says beyond that.
enum ResponseBody {
    case nothing
    case lifetime(UInt32)
    /// The relayed addresses of an allocation and what else Allocate is answered with.
    case allocation(AllocationID)
    /// What a Refresh with a ticket is answered with (RFC 8016 §3.2.2).
    case moved(MobilityGrant)
    case connection(PeerConnectionID)
}

extension TURNServer {
    /// The authenticated requests. What comes before their own rules is the same for all (RFC 8656 §5).
    mutating func receiveTURNRequest(
        _ datagram: RawSpan, _ arrival: Arrival, reply: consuming MutableRawSpan
    ) -> Reply? {
        if case .stunOnly = settings.access { return drop(.disabled) }
        guard settings.servesTURN else { return drop(.disabled) }
        let existing = subject(of: arrival, datagram)
        // A stranger pays before keys are derived for them; a nonce of ours is proof of an address. Who has an
        // allocation is no stranger: a flood in their name must not keep them from renewing a nonce that has run out.
        let isKnownHost = existing.map { allocations[$0].fiveTuple.client.isSameHost(as: arrival.path.client) } ?? false
        let judged = isKnownHost ? nil : judgeNonce(datagram, arrival)
        let isMetered = !(judged?.isFresh ?? true)
        if isMetered, !mayBeChallenged(arrival.path, at: arrival.now) { return drop(.overReplyRate) }
        let authentication = authenticate(datagram, arrival, existing: existing, judged: judged)
        guard case .accepted(let credentials) = authentication else {
            return refuse(authentication, datagram, arrival, judged: judged, reply: reply)
        }
        // Whoever answers a challenge is where they say they are: what they were told is not held against them, so that
        // one host can make any number of allocations in a row while a spoofed source runs dry.
        refundChallenge(arrival.path)
        let exchange = Exchange(
            path: arrival.path, method: arrival.message.type.method, transactionID: arrival.message.transactionID,
            integrity: credentials.integrity, addsFingerprint: addsFingerprint(to: arrival.message))
        // RFC 8489 §6.3.1, after authentication (§9.2.4).
        guard arrival.message.unknownRequiredCount == 0 else {
            counters.count(.unknownAttribute)
            return style.error(.unknownAttribute, to: exchange, into: reply, unknownAttributesOf: arrival.message)
        }
        switch perform(datagram, arrival, credentials, exchange, existing) {
        case .pending: return nil
        case .success(let body):
            counters.successes += 1
            return succeed(exchange, body, into: reply)
        case .failure(let code):
            counters.count(code)
            return style.error(code, to: exchange, into: reply)
        case .redirection(let alternate):
            counters.count(.tryAlternate)
            return redirect(exchange, to: alternate, into: reply)
        }
    }

    private mutating func perform(
        _ datagram: RawSpan, _ arrival: Arrival, _ credentials: Credentials, _ exchange: Exchange,
        _ existing: SlabHandle?
    ) -> Outcome {
        switch arrival.message.type.method {
        case .allocate:
            guard let existing else {
                // Whoever allocates anew on a five-tuple does not come back to an allocation by it.
                forgetArrival(on: arrival.path)
                return allocate(datagram, arrival, credentials, exchange)
            }
            return allocateAgain(AllocationID(existing), credentials, arrival)
        case .connectionBind: return connectionBind(datagram, arrival, credentials)
        default: break
        }
        if arrival.message.type.method == .refresh, arrival.message.has(.mobilityTicket) {
            return refreshByTicket(datagram, arrival, credentials, exchange, existing)
        }
        var existing = existing
        if existing == nil {
            switch greet(arrival.path, as: credentials, at: arrival.now) {
            case .nobody: break
            case .somebodyElse: return .failure(.wrongCredentials)
            case .here(let id): existing = id.handle
            case .onItsWay:
                isWaitingForAllocation = true
                return .pending
            }
        }
        // RFC 8656 §5: without an allocation 437, with somebody else's 441.
        guard let existing, case .active = allocations[existing].phase else { return .failure(.allocationMismatch) }
        let id = AllocationID(existing)
        let owner = allocations[existing].account
        guard credentials.claimant.account == owner else { return .failure(.wrongCredentials) }
        if !credentials.isKnownKey { accounts[owner].remember(credentials.integrity, credentials.algorithm) }
        allocations[existing].provenNonce = credentials.nonce
        switch arrival.message.type.method {
        case .refresh: return refresh(id, datagram, arrival)
        case .createPermission: return createPermission(id, datagram, arrival)
        case .channelBind: return channelBind(id, datagram, arrival)
        case .connect: return connect(id, datagram, arrival, exchange)
        default: preconditionFailure("only methods about an allocation come here")
        }
    }

    /// Writes the success response to `exchange`.
    func succeed(_ exchange: Exchange, _ body: ResponseBody, into reply: consuming MutableRawSpan) -> Reply {
        var writer = style.begin(.success, of: exchange, into: reply)
        switch body {
        case .nothing: break
        case .lifetime(let seconds): writer.append(.lifetime, seconds)
        case .allocation(let id): describe(id, to: &writer)
        case .moved(let grant): describe(grant, to: &writer)
        case .connection(let id): writer.append(.connectionID, id.rawValue)
        }
        return style.finish(&writer, exchange)
    }
}
