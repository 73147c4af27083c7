import Containers
package import NetworkPrimitives
import STUN

// How allocations, their parts and reservations end (RFC 8656 §6, §7.2, §8.2, §9, §12).
extension TURNServer {
    /// The timer of an allocation fired: end what has run out, and wait for what is next.
    mutating func expire(_ id: AllocationID, at now: Instant) {
        if case .opening = allocations[id.handle].phase {
            preconditionFailure("a timer runs from the answer to Allocate on")
        }
        // Told before the routes go, so that the traffic of the session can still be asked for.
        if allocations[id.handle].expiredFamilies(at: now) == allocations[id.handle].families {
            return end(id, .all, .expired, at: now)
        }
        let expired = allocations[id.handle].expire(at: now, index: id.index, &outputs)
        closeRelays(of: id, expired, at: now)
        timers.schedule(id.index, at: allocations[id.handle].nextDeadline)
    }

    /// Ends the relayed addresses of `families`, and the allocation with the last of them. Port, quota and memory are
    /// given back here and nowhere else.
    mutating func end(_ id: AllocationID, _ families: FamilySet, _ reason: SessionEnd, at now: Instant) {
        let isLast = allocations[id.handle].families.isSubset(of: families)
        if isLast { outputs.append(.sessionClosed(summary(of: id), reason)) }
        closeRelays(of: id, families, at: now)
        guard isLast else { return }
        switch reason {
        case .deletedByClient: counters.allocationsDeleted += 1
        case .expired: counters.allocationsExpired += 1
        case .revoked, .endedByOperator: counters.allocationsRevoked += 1
        case .disconnected: counters.allocationsDisconnected += 1
        }
        outputs.append(.route(.removeAllocation(allocation: id.index)))
        timers.cancel(id.index)
        remove(id)
    }

    /// A client's connection or DTLS association has ended, and with it the five-tuple that names its allocation:
    /// nobody could use that any more (RFC 8656 §5). A port that it has reserved goes on until its token runs out,
    /// because that is redeemed from another five-tuple.
    package mutating func disconnected(_ path: FiveTuple, at now: Instant) {
        precondition(path.transport.provesAddress, "only connections and associations end")
        forgetArrival(on: path)
        guard let handle = allocationByFiveTuple[path] else { return }
        let id = AllocationID(handle)
        switch allocations[handle].phase {
        // The shell is at work on its sockets; they are taken back when it answers.
        case .opening: openings[opening(of: id)].isRevoked = true
        case .active where allocations[handle].mobility != nil: detach(id)
        case .active: end(id, .all, .disconnected, at: now)
        case .detached: preconditionFailure("a detached allocation has no five-tuple")
        }
    }

    private mutating func closeRelays(of id: AllocationID, _ families: FamilySet, at now: Instant) {
        for family in AddressFamily.allCases where families.contains(family) {
            endPeers(of: id, family)
            let ended = allocations[id.handle].endRelay(family, index: id.index, &outputs)
            if let ended { close(ended, of: id, at: now) }
        }
    }

    mutating func close(_ relay: Relay, of id: AllocationID, at now: Instant) {
        switch allocations[id.handle].relayProtocol {
        case .udp: outputs.append(.closeRelay(relay.socket))
        case .tcp: outputs.append(.tcp(.closeListener(relay.socket)))
        }
        ledger.returnPort(relay.local.port, of: relay.local.ip, wasUsable: true, at: now)
    }

    private mutating func remove(_ id: AllocationID) {
        ledger.release(claim(of: id))
        guard let allocation = allocations.remove(id.handle) else { preconditionFailure("ended twice") }
        if allocation.isRouted { allocationByFiveTuple.remove(allocation.fiveTuple) }
        accounts.release(allocation.account)
        if let mobility = allocation.mobility { endMobility(mobility) }
    }

    /// What the allocation was admitted with.
    func claim(of id: AllocationID) -> AllocationClaim {
        let account = allocations[id.handle].account
        return AllocationClaim(accounts[account].identity, source: allocations[id.handle].quotaSource)
    }

    /// Takes back an allocation that never came to be, and with it the reservation that was to go along: the shell
    /// binds both sockets or neither, so that it holds nothing.
    mutating func abandon(_ id: AllocationID, reservation: UInt64?) {
        if let reservation {
            openingReservationCount -= 1
            ledger.endReservation(reservation)
        }
        remove(id)
    }

    func summary(of id: AllocationID) -> SessionSummary {
        let handle = id.handle
        return SessionSummary(
            allocation: id, fiveTuple: allocations[handle].fiveTuple,
            isAttached: allocations[handle].isRouted, mobility: allocations[handle].mobility,
            relaysTCP: allocations[handle].relayProtocol == .tcp,
            username: accounts[allocations[handle].account].identity.username,
            relayedIPv4: allocations[handle].relayIPv4?.advertised,
            relayedIPv6: allocations[handle].relayIPv6?.advertised,
            lifetimeSeconds: allocations[handle].grantedSeconds)
    }

    // MARK: - Reservations

    /// A token for the port after an even one, or nil when no more may be held. While it runs it counts as an
    /// allocation of its user, so that nobody drains the ports by reserving them.
    mutating func beginReservation(of claim: AllocationClaim) -> UInt64? {
        guard reservations.count + openingReservationCount < settings.limits.reservationsMax else { return nil }
        let token = random.next()
        do { try ledger.admitReservation(token, claim) } catch { return nil }
        openingReservationCount += 1
        return token
    }

    /// The port is bound and the client is about to learn the token: its time runs from now.
    mutating func confirmReservation(_ token: UInt64, at now: Instant) {
        let expiresAt = now.advanced(bySeconds: LifetimePolicy.reservationSeconds)
        openingReservationCount -= 1
        let isAppended = reservations.append(Reservation(token: token, expiresAt: expiresAt))
        precondition(isAppended, "room was set aside when the reservation began")
    }

    mutating func endReservations(at now: Instant) {
        while let first = reservations.first, first.expiresAt <= now, let ended = reservations.popFirst() {
            outputs.append(.endReservation(token: ended.token))
            ledger.endReservation(ended.token)
        }
    }
}
