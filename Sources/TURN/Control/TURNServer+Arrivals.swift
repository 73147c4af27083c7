import Containers
package import NetworkPrimitives
import STUN

/// What a datagram is about that came by a five-tuple without an allocation.
package enum ArrivalSign: Equatable, Sendable {
    case none
    /// The client of an allocation has arrived: route it again.
    case arrived
    /// Its allocation is on its way from another worker: route it again when it is there.
    case onItsWay
}

// RFC 8016 on the worker that the client has moved to.
extension TURNServer {
    /// How long another worker may take to answer. Longer than clients wait; what they ask again is a new claim.
    static let claimSeconds: UInt32 = 5

    /// Room for one more allocation, beside those that are on their way here.
    var hasRoom: Bool { allocations.count + arrivals.incomingCount < allocations.limit }

    // MARK: - Refresh with a ticket

    /// The ticket decides which allocation the request is about, not the five-tuple (RFC 8016 §3.2.2).
    mutating func refreshByTicket(
        _ datagram: RawSpan, _ arrival: Arrival, _ credentials: Credentials, _ exchange: Exchange,
        _ existing: SlabHandle?
    ) -> Outcome {
        guard let tickets else { return .failure(.mobilityForbidden) }
        // Before anybody is asked: who makes tickets up costs no more than who sends any other request.
        guard let shown = arrival.message.value(of: .mobilityTicket, in: datagram), let ticket = tickets.open(shown)
        else { return .failure(.badRequest) }
        let username = identity(of: credentials.claimant).username
        guard ticket.owner == tickets.owner(username) else { return .failure(.wrongCredentials) }
        let (requestedSeconds, family): (UInt32?, UInt8?)
        switch arrival.message.lifetime(in: datagram) {
        case .absent: requestedSeconds = nil
        case .malformed: return .failure(.badRequest)
        case .value(let seconds): requestedSeconds = seconds
        }
        switch arrival.message.addressFamily(.requestedAddressFamily, in: datagram) {
        case .absent: family = nil
        case .malformed: return .failure(.badRequest)
        case .value(let number): family = number
        }
        let claim = MobilityClaim(
            ticket: ticket, path: arrival.path, transactionID: arrival.message.transactionID, username: username,
            requestedSeconds: requestedSeconds, family: family)
        if let mobile = mobiles[ticket.mobility] {
            // The five-tuple may be that of the very allocation, which a retransmission says after the move.
            guard existing == nil || existing == mobile.handle else { return .failure(.allocationMismatch) }
            return claimHere(claim, at: arrival.now)
        }
        guard existing == nil else { return .failure(.allocationMismatch) }
        return claimElsewhere(claim, exchange, at: arrival.now)
    }

    private mutating func claimHere(_ claim: MobilityClaim, at now: Instant) -> Outcome {
        let isKnown = arrivals[claim.path] != nil
        // 500 tells a client to try again (RFC 8489 §14.8).
        guard isKnown || arrivals.hasRoom else { return .failure(.serverError) }
        let answer = judge(claim, arrivingAt: nil, at: now)
        guard case .granted(let grant) = answer else {
            guard case .refused(let code) = answer else { preconditionFailure("it is one or the other") }
            return .failure(code)
        }
        guard grant.lifetimeSeconds > 0, let mobile = mobiles[claim.ticket.mobility], mobile.state.isPending else {
            return .success(.moved(grant))
        }
        if arrivals[claim.path]?.transactionID != claim.transactionID {
            forgetArrival(on: claim.path)
            arrivals.insert(
                MobileArrival(claim, phase: .here), until: now.advanced(bySeconds: grant.lifetimeSeconds))
            outputs.append(.mobility(.expected(claim.path)))
        }
        if case .detached = allocations[mobile.handle].phase { move(AllocationID(mobile.handle), to: claim.path) }
        return .success(.moved(grant))
    }

    private mutating func claimElsewhere(_ claim: MobilityClaim, _ exchange: Exchange, at now: Instant) -> Outcome {
        if let known = arrivals[claim.path], known.mobility == claim.ticket.mobility,
            known.transactionID == claim.transactionID
        {
            switch known.phase {
            case .asked, .here: return .pending
            case .elsewhere(let grant), .fetching(let grant): return .success(.moved(grant))
            }
        }
        forgetArrival(on: claim.path)
        // 500 tells a client to try again (RFC 8489 §14.8). Room is kept from here on, so that what is granted fits.
        guard hasRoom, arrivals.hasRoom else { return .failure(.serverError) }
        arrivals.insert(
            MobileArrival(claim, phase: .asked(exchange)), until: now.advanced(bySeconds: Self.claimSeconds))
        outputs.append(.mobility(.claim(claim)))
        return .pending
    }

    /// What became of a claim that was asked for.
    package mutating func claimAnswered(
        _ claim: MobilityClaim, _ answer: ClaimAnswer, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard let known = arrivals[claim.path], known.transactionID == claim.transactionID,
            case .asked(let exchange) = known.phase
        else { return nil }
        switch answer {
        case .refused(let code):
            forgetArrival(on: claim.path)
            counters.count(code)
            return style.error(code, to: exchange, into: reply)
        case .granted(let grant) where grant.lifetimeSeconds == 0:
            forgetArrival(on: claim.path)
            counters.successes += 1
            return succeed(exchange, .moved(grant), into: reply)
        case .granted(let grant):
            arrivals.update(
                claim.path, .elsewhere(grant), until: now.advanced(bySeconds: grant.lifetimeSeconds))
            outputs.append(.mobility(.expected(claim.path)))
            counters.successes += 1
            return succeed(exchange, .moved(grant), into: reply)
        }
    }

    /// LIFETIME, and unless it was deleted the ticket for the next time.
    func describe(_ grant: MobilityGrant, to writer: inout MessageWriter) {
        writer.append(.lifetime, grant.lifetimeSeconds)
        guard grant.lifetimeSeconds > 0, let tickets else { return }
        let ticket = tickets.seal(grant.ticket)
        unsafe writer.append(.mobilityTicket, ticket.span.bytes)
    }

    // MARK: - The first message by the new five-tuple

    /// Whether anybody may show themselves by a five-tuple without an allocation.
    package var hasArrivals: Bool { arrivals.count > 0 }

    enum Greeting {
        case nobody
        case somebodyElse
        case here(AllocationID)
        case onItsWay
    }

    /// A request by a five-tuple without an allocation has shown its credentials.
    mutating func greet(_ path: FiveTuple, as credentials: Credentials, at now: Instant) -> Greeting {
        guard let arriving = arrivals[path], arriving.isExpected else { return .nobody }
        guard arriving.username == identity(of: credentials.claimant).username else { return .somebodyElse }
        return show(arriving, at: now)
    }

    /// Data came by a five-tuple without an allocation. What it is worth is the data plane's to say: nobody can show
    /// credentials with it.
    package mutating func receiveSign(on path: FiveTuple, at now: Instant) -> ArrivalSign {
        guard let arriving = arrivals[path], arriving.isExpected else { return .none }
        switch show(arriving, at: now) {
        case .nobody, .somebodyElse: return .none
        case .here: return .arrived
        case .onItsWay: return .onItsWay
        }
    }

    private mutating func show(_ arriving: MobileArrival, at now: Instant) -> Greeting {
        switch arriving.phase {
        case .asked: return .nobody
        case .here:
            guard let mobile = mobiles[arriving.mobility] else { preconditionFailure("it takes its arrival along") }
            move(AllocationID(mobile.handle), to: arriving.path)
            return .here(AllocationID(mobile.handle))
        case .elsewhere(let grant):
            arrivals.update(arriving.path, .fetching(grant), until: now.advanced(bySeconds: Self.claimSeconds))
            outputs.append(.mobility(.fetch(arriving.mobility, for: arriving.path)))
            return .onItsWay
        case .fetching: return .onItsWay
        }
    }

    // MARK: - Ends

    /// The client is not coming, or not by this five-tuple.
    package mutating func forgetArrival(on path: FiveTuple) {
        guard let forgotten = arrivals.remove(path) else { return }
        // Its allocation must not go on waiting for it: by then another one may have the five-tuple.
        if var mobile = mobiles[forgotten.mobility], let move = mobile.state.lastMove, move.path == path,
            move.place == nil, move.transactionID == forgotten.transactionID
        {
            mobile.state.isPending = false
            mobiles.update(mobile, for: forgotten.mobility)
        }
        if forgotten.isExpected { outputs.append(.mobility(.unexpected(path))) }
    }

    mutating func endArrivals(at now: Instant) {
        while let path = arrivals.popExpired(at: now) { forgetArrival(on: path) }
    }
}

extension MobileArrival {
    init(_ claim: MobilityClaim, phase: Phase) {
        self.init(
            path: claim.path, mobility: claim.ticket.mobility, transactionID: claim.transactionID,
            username: claim.username, phase: phase)
    }
}
