import Containers
package import NetworkPrimitives
import STUN

// Allocations that go from one worker to another as a value (`AllocationState`), with their relay sockets beside it.
// Whoever exports one surrenders it when the other has got it and not before; so it is always somebody's.
extension TURNServer {
    /// The allocation that a client has arrived for at another worker; nil when it is not there any more, or its client
    /// was expected elsewhere meanwhile.
    package func allocation(_ mobility: MobilityID, arrivingBy path: FiveTuple, at place: ArrivalPlace) -> AllocationID?
    {
        guard let mobile = mobiles[mobility], mobile.state.isPending, let move = mobile.state.lastMove,
            move.path == path, move.place == place
        else { return nil }
        return AllocationID(mobile.handle)
    }

    /// Where the client of an allocation is to arrive, if it is on its way.
    package func arrivalPath(of id: AllocationID) -> FiveTuple? {
        guard allocations.contains(id.handle), let mobility = allocations[id.handle].mobility,
            let mobile = mobiles[mobility], mobile.state.isPending
        else { return nil }
        return mobile.state.lastMove?.path
    }

    /// Whether the allocation is still there.
    package func isLive(_ id: AllocationID) -> Bool { allocations.contains(id.handle) }

    /// The relay sockets of an allocation, of each family at most one.
    package func relaySockets(of id: AllocationID) -> [RelaySocketID] {
        AddressFamily.allCases.compactMap { allocations[id.handle].relay($0)?.socket }
    }

    /// The allocation as a value. It stays what it is; see `surrender`.
    package func export(_ id: AllocationID, at now: Instant) -> AllocationState {
        let allocation = allocations[id.handle]
        guard let mobility = allocation.mobility, let mobile = mobiles[mobility] else {
            preconditionFailure("only mobile allocations go elsewhere")
        }
        let account = accounts[allocation.account]
        return AllocationState(
            fiveTuple: allocation.fiveTuple, isAttached: allocation.isRouted,
            transactionID: allocation.transactionID,
            identity: account.identity, term: account.term, keys: account.keys, claim: claim(of: id),
            mobility: mobile.state, grantedSeconds: allocation.grantedSeconds,
            reservationToken: allocation.reservationToken,
            addressError: allocation.addressError.map { AddressError(family: $0.family, code: $0.code) },
            relays: AddressFamily.allCases.compactMap { allocation.relay($0) }.map {
                .init(
                    local: $0.local, advertised: $0.advertised, remaining: $0.expiresAt.nanoseconds(since: now))
            },
            permissions: allocation.permissions.map {
                .init(peer: $0.peer, remaining: $0.expiresAt.nanoseconds(since: now))
            },
            channels: allocation.channels.map {
                .init(number: $0.number, peer: $0.peer, remaining: $0.expiresAt.nanoseconds(since: now))
            },
            newPeers: allocation.newPeers, notices: allocation.notices)
    }

    /// The allocation is another worker's from here on: everything of it goes, and nothing is given back.
    package mutating func surrender(_ id: AllocationID) {
        let handle = id.handle
        outputs.append(.mobility(.left(summary(of: id))))
        if allocations[handle].isRouted {
            allocations[handle].withdrawRoutes(index: id.index, &outputs)
            allocationByFiveTuple.remove(allocations[handle].fiveTuple)
        }
        for family in AddressFamily.allCases where allocations[handle].relay(family) != nil {
            outputs.append(.route(.closeRelay(allocation: id.index, family: family)))
        }
        outputs.append(.route(.removeAllocation(allocation: id.index)))
        timers.cancel(id.index)
        guard let allocation = allocations.remove(handle) else { preconditionFailure("surrendered twice") }
        accounts.release(allocation.account)
        if let mobility = allocation.mobility { mobiles.remove(mobility) }
        counters.allocationsHandedOver += 1
    }

    /// Takes an allocation over, with `sockets` in the order of `state.relays`. Nil when there is no room for it.
    ///
    /// Its five-tuple is the one that its client is expected by here, or `path`, if nobody else has that; else it waits
    /// for a ticket. Its quota and its ports are its own all the time.
    package mutating func adopt(
        _ state: AllocationState, sockets: [RelaySocketID], on path: FiveTuple? = nil, at now: Instant
    ) -> AllocationID? {
        precondition(sockets.count == state.relays.count, "each relayed address has its socket")
        let expected = expectedPath(of: state)
        if let expected { _ = arrivals.remove(expected) }
        guard hasRoom, let account = retainAccount(of: state) else {
            if let expected { outputs.append(.mobility(.unexpected(expected))) }
            return nil
        }
        var fiveTuple = expected ?? path
        if let wanted = fiveTuple, allocationByFiveTuple[wanted] != nil || arrivals[wanted] != nil { fiveTuple = nil }
        var allocation = Allocation(state, account: account, at: now)
        for (relay, socket) in zip(state.relays, sockets) {
            allocation.setRelay(
                Relay(
                    socket: socket, local: relay.local, advertised: relay.advertised,
                    expiresAt: now.advanced(byNanoseconds: relay.remaining)),
                relay.local.family)
        }
        if let fiveTuple {
            allocation.fiveTuple = fiveTuple
            allocation.phase = .active
        }
        guard let handle = allocations.insert(allocation) else { preconditionFailure("room was looked for before") }
        if let fiveTuple { allocationByFiveTuple.insert(handle, for: fiveTuple) }
        var mobile = Mobile(handle, state.mobility.mobility)
        mobile.state = state.mobility
        mobile.state.isPending = false
        let isNew = mobiles.insert(mobile, for: state.mobility.mobility)
        precondition(isNew, "an allocation is one worker's at a time")
        announce(AllocationID(handle), on: fiveTuple, at: now)
        return AllocationID(handle)
    }

    /// Nobody could take the allocation: what it had is given back. Its sockets are the caller's to close.
    package mutating func abandon(_ state: AllocationState, at now: Instant) {
        ledger.release(state.claim)
        for relay in state.relays {
            ledger.returnPort(relay.local.port, of: relay.local.ip, wasUsable: true, at: now)
        }
    }

    /// The five-tuple that the client of the allocation is expected by here.
    private func expectedPath(of state: AllocationState) -> FiveTuple? {
        guard let move = state.mobility.lastMove, let arriving = arrivals[move.path],
            arriving.mobility == state.mobility.mobility
        else { return nil }
        return move.path
    }

    private mutating func retainAccount(of state: AllocationState) -> SlabHandle? {
        if let known = state.identity.username.withRawSpan({ accounts.handle(of: $0) }) {
            accounts.retain(known)
            return known
        }
        guard let account = accounts.insert(state.identity, state.term) else { return nil }
        accounts[account].keys = state.keys
        return account
    }

    private mutating func announce(_ id: AllocationID, on fiveTuple: FiveTuple?, at now: Instant) {
        let handle = id.handle
        outputs.append(
            .route(
                .addAllocation(
                    allocation: id.index, fiveTuple: fiveTuple, bytesPerSecondMax: settings.bytesPerSecondMax)))
        for family in AddressFamily.allCases {
            guard let relay = allocations[handle].relay(family) else { continue }
            outputs.append(.route(.openRelay(allocation: id.index, family: family, socket: relay.socket)))
        }
        if allocations[handle].isRouted { allocations[handle].installRoutes(index: id.index, &outputs) }
        outputs.append(.mobility(.arrived(summary(of: id))))
        // The worker that had it may have gone by other rules.
        reviewPeers(of: id)
        timers.schedule(id.index, at: allocations[handle].nextDeadline)
        counters.allocationsAdopted += 1
        // Whoever was put out while the allocation was on its way was looked for here when it was not here yet.
        let identity = accounts[allocations[handle].account].identity
        if identity.isEphemeral, members?.standing(of: identity, at: now) == .revoked {
            end(id, .all, .revoked, at: now)
        }
    }
}

extension Allocation {
    /// Detached, and without its relays.
    fileprivate init(_ state: AllocationState, account: SlabHandle, at now: Instant) {
        self.init(
            // Nobody who relays TCP may move.
            fiveTuple: state.fiveTuple, relayProtocol: .udp, account: account, transactionID: state.transactionID,
            phase: .detached,
            mobility: state.mobility.mobility,
            quotaSource: state.claim.source, provenNonce: nil, grantedSeconds: state.grantedSeconds,
            reservationToken: state.reservationToken,
            addressError: state.addressError.map { (family: $0.family, code: $0.code) },
            newPeers: state.newPeers, notices: state.notices)
        permissions = state.permissions.map {
            Permission(peer: $0.peer, expiresAt: now.advanced(byNanoseconds: $0.remaining))
        }
        channels = state.channels.map {
            ChannelBinding(number: $0.number, peer: $0.peer, expiresAt: now.advanced(byNanoseconds: $0.remaining))
        }
    }
}
