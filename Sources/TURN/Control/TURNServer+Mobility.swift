import Containers
package import NetworkPrimitives
import STUN

/// An allocation whose client may move.
struct Mobile {
    let handle: SlabHandle
    var state: MobilityState

    init(_ handle: SlabHandle, _ mobility: MobilityID) {
        self.handle = handle
        state = MobilityState(mobility: mobility)
    }
}

// RFC 8016 on the worker that has the allocation: tickets, and what becomes of those who show them.
//
// A move has two steps. The Refresh with the ticket makes the new five-tuple known; both five-tuples are good then, and
// what peers send goes to the old one. The first message of the client by the new one makes the change, or the end of
// the connection that the old one is.
extension TURNServer {
    /// Nil where nobody may move. RFC 8016 §7: not without credentials, because a ticket is seen by whoever sees the
    /// packets.
    var tickets: TicketAuthority? {
        guard case .credentials = settings.access else { return nil }
        return settings.tickets
    }

    // MARK: - Allocate

    /// RFC 8016 §3.1.2: an empty ticket asks for one, and no other is right.
    func mobilityRefusal(_ message: STUNMessage, _ relayProtocol: RelayProtocol) -> ErrorCode? {
        guard let wish = message.range(of: .mobilityTicket) else { return nil }
        // An allocation of TCP stays where it is: its connections cannot be stopped and taken up elsewhere.
        guard tickets != nil, case .udp = relayProtocol else { return .mobilityForbidden }
        return wish.isEmpty ? nil : .badRequest
    }

    /// A name for an allocation that is to be mobile.
    mutating func newMobility(_ message: STUNMessage) -> MobilityID? {
        guard message.has(.mobilityTicket) else { return nil }
        return MobilityID(rawValue: random.next())
    }

    /// The ticket that the client of an allocation was given last.
    func ticket(of id: AllocationID) -> InlineArray<32, UInt8>? {
        guard let tickets, let mobility = allocations[id.handle].mobility, let mobile = mobiles[mobility] else {
            return nil
        }
        return tickets.seal(ticket(mobile, tickets))
    }

    private func ticket(_ mobile: Mobile, _ tickets: TicketAuthority) -> MobilityTicket {
        let account = allocations[mobile.handle].account
        return MobilityTicket(
            mobility: mobile.state.mobility, serial: mobile.state.serial,
            owner: tickets.owner(accounts[account].identity.username))
    }

    // MARK: - Claims

    /// Another worker was shown a ticket for an allocation of this one. `place` is where its client is expected then.
    package mutating func receive(_ claim: MobilityClaim, from place: ArrivalPlace, at now: Instant) -> ClaimAnswer {
        judge(claim, arrivingAt: place, at: now)
    }

    /// RFC 8016 §3.2.2, what only the owner of the allocation can say. `place` is nil for a client that arrives here.
    mutating func judge(_ claim: MobilityClaim, arrivingAt place: ArrivalPlace?, at now: Instant) -> ClaimAnswer {
        guard let tickets, var mobile = mobiles[claim.ticket.mobility] else { return .refused(.allocationMismatch) }
        let id = AllocationID(mobile.handle)
        let owner = accounts[allocations[mobile.handle].account].identity
        guard owner.username == claim.username else { return .refused(.wrongCredentials) }
        // The old ticket is good for a retransmission and for nothing else.
        if let last = mobile.state.lastMove, last.transactionID == claim.transactionID, last.path == claim.path,
            MobilityState.serial(after: claim.ticket.serial) == mobile.state.serial
        {
            let again = ticket(mobile, tickets)
            return .granted(MobilityGrant(lifetimeSeconds: last.grantedSeconds, ticket: again))
        }
        guard claim.ticket.serial == mobile.state.serial else { return .refused(.badRequest) }
        // Who has not moved has no use for a ticket; nor has an allocation that was never answered.
        switch allocations[mobile.handle].phase {
        case .opening: return .refused(.allocationMismatch)
        case .active: guard allocations[mobile.handle].fiveTuple != claim.path else { return .refused(.badRequest) }
        case .detached: break
        }
        var families = allocations[mobile.handle].families
        if let family = claim.family {
            families.formIntersection(FamilySet(wire: family))
            guard !families.isEmpty else { return .refused(.peerAddressFamilyMismatch) }
        }
        if claim.requestedSeconds == 0 {
            let last = MobilityGrant(lifetimeSeconds: 0, ticket: claim.ticket)
            end(id, families, .deletedByClient, at: now)
            return .granted(last)
        }
        let granted = extend(id, families, requestedSeconds: claim.requestedSeconds, at: now)
        forgetMove(mobile.state, unless: claim.path, at: place)
        mobile.state.serial = MobilityState.serial(after: mobile.state.serial)
        mobile.state.lastMove = .init(
            path: claim.path, place: place, transactionID: claim.transactionID, grantedSeconds: granted)
        mobile.state.isPending = true
        mobiles.update(mobile, for: claim.ticket.mobility)
        let grant = MobilityGrant(lifetimeSeconds: granted, ticket: ticket(mobile, tickets))
        // There is no old five-tuple that could be good for anything.
        if case .detached = allocations[mobile.handle].phase, let place {
            outputs.append(.mobility(.handOver(id, to: place)))
        }
        return .granted(grant)
    }

    /// The client was expected somewhere and goes somewhere else: there is one five-tuple at a time that is to be.
    private mutating func forgetMove(_ state: MobilityState, unless path: FiveTuple? = nil, at place: ArrivalPlace?) {
        guard state.isPending, let move = state.lastMove, move.path != path || move.place != place else { return }
        if let oldPlace = move.place {
            outputs.append(.mobility(.forget(move.path, at: oldPlace)))
        } else {
            forgetArrival(on: move.path)
        }
    }

    /// The allocation has gone, or is another worker's.
    mutating func endMobility(_ mobility: MobilityID) {
        guard let mobile = mobiles.remove(mobility) else { preconditionFailure("a mobile allocation has its tickets") }
        forgetMove(mobile.state, at: nil)
    }

    // MARK: - Moves

    /// The client has shown itself by a five-tuple of this worker: from now on that is the one (RFC 8016 §3.2.2).
    mutating func move(_ id: AllocationID, to path: FiveTuple) {
        let handle = id.handle
        guard let mobility = allocations[handle].mobility, var mobile = mobiles[mobility] else {
            preconditionFailure("only who has a ticket moves")
        }
        _ = arrivals.remove(path)
        mobile.state.isPending = false
        mobiles.update(mobile, for: mobility)
        let old = allocations[handle].isRouted ? allocations[handle].fiveTuple : nil
        if let old { allocationByFiveTuple.remove(old) }
        allocations[handle].fiveTuple = path
        allocations[handle].provenNonce = nil
        allocationByFiveTuple.insert(handle, for: path)
        outputs.append(.route(.moveAllocation(allocation: id.index, fiveTuple: path)))
        if old == nil {
            allocations[handle].phase = .active
            allocations[handle].installRoutes(index: id.index, &outputs)
        }
        counters.allocationsMoved += 1
        outputs.append(.mobility(.moved(summary(of: id), from: old)))
    }

    /// The connection of a client has ended that may come back, or has shown already where: its allocation waits
    /// until it ends by itself.
    mutating func detach(_ id: AllocationID) {
        let handle = id.handle
        guard let mobility = allocations[handle].mobility, let mobile = mobiles[mobility] else {
            preconditionFailure("only who has a ticket comes back")
        }
        let arriving = mobile.state.isPending ? mobile.state.lastMove : nil
        if let arriving, arriving.place == nil { return move(id, to: arriving.path) }
        allocations[handle].withdrawRoutes(index: id.index, &outputs)
        allocations[handle].phase = .detached
        allocationByFiveTuple.remove(allocations[handle].fiveTuple)
        outputs.append(.route(.moveAllocation(allocation: id.index, fiveTuple: nil)))
        outputs.append(.mobility(.detached(summary(of: id))))
        if let place = arriving?.place { outputs.append(.mobility(.handOver(id, to: place))) }
    }
}
