import Containers
import NetworkPrimitives
import STUN

// RFC 8656 §7.2, Receiving an Allocate Request. Steps 1 (authentication) and 2 (five-tuple in use) come before.
extension TURNServer {
    /// Step 2: the five-tuple has an allocation. The same transaction is a retransmission and gets the same answer;
    /// any other is 437.
    mutating func allocateAgain(_ id: AllocationID, _ credentials: Credentials, _ arrival: Arrival) -> Outcome {
        guard allocations[id.handle].transactionID == arrival.message.transactionID,
            allocations[id.handle].account == credentials.claimant.account
        else { return .failure(.allocationMismatch) }
        // While the relay is being opened, the first answer is still on its way.
        guard case .active = allocations[id.handle].phase else { return .pending }
        return .success(.allocation(id))
    }

    /// Steps 3 to 10; the relay is opened by the shell, and `settleRelay` answers.
    mutating func allocate(
        _ datagram: RawSpan, _ arrival: Arrival, _ credentials: Credentials, _ exchange: Exchange
    ) -> Outcome {
        let request: AllocateRequest
        do {
            request = try AllocateRequest(
                parsing: arrival.message, in: datagram,
                .init(
                    transport: arrival.path.transport, unspecifiedFamily: unspecifiedFamily(arrival.path),
                    relaysUDP: settings.relaysUDP, relaysTCP: settings.relaysTCP))
        } catch { return .failure(error) }
        if let refusal = mobilityRefusal(arrival.message, request.relayProtocol) { return .failure(refusal) }
        var addressError: (family: AddressFamily, code: ErrorCode)?
        if case .fresh(let families, _) = request.source {
            let missing = families.subtracting(relayFamilies)
            // Step 7; of two families one may be missing (step 9, RFC 8656 §18.12).
            guard missing != families else { return .failure(.addressFamilyNotSupported) }
            if !missing.isEmpty { addressError = (missing == .ipv4 ? .ipv4 : .ipv6, .addressFamilyNotSupported) }
        }
        if let alternate = alternate(for: request, arrival.path, credentials) { return .redirection(alternate) }
        // The port that a token stands for was promised; all others are to look elsewhere (RFC 8656 §7.2, 508).
        if isDraining, request.source.token == nil { return .failure(.insufficientCapacity) }
        // Step 10.
        let claim = AllocationClaim(
            identity(of: credentials.claimant), source: arrival.path.client.socketAddress.ip.subscriber)
        do { try ledger.admit(claim, redeeming: request.source.token) } catch {
            return .failure(.allocationQuotaReached)
        }
        guard let id = insertAllocation(request, arrival, credentials, addressError) else {
            ledger.release(claim)
            return .failure(.insufficientCapacity)
        }
        return openRelays(id, request.source, exchange, at: arrival.now)
    }

    private var relayFamilies: FamilySet {
        var families: FamilySet = []
        for address in settings.relayAddresses { families.insert(FamilySet(address.local.family)) }
        return families
    }

    private func unspecifiedFamily(_ path: FiveTuple) -> AddressFamily {
        switch settings.defaultAddressFamily {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        case .sameAsClient: path.client.socketAddress.family
        }
    }

    private mutating func insertAllocation(
        _ request: AllocateRequest, _ arrival: Arrival, _ credentials: Credentials,
        _ addressError: (family: AddressFamily, code: ErrorCode)?
    ) -> AllocationID? {
        guard hasRoom, let account = retainAccount(credentials) else { return nil }
        let rate = UInt64(max(0, settings.limits.newPeersPerSecond))
        let allocation = Allocation(
            fiveTuple: arrival.path, relayProtocol: request.relayProtocol, account: account,
            transactionID: arrival.message.transactionID, mobility: newMobility(arrival.message),
            quotaSource: arrival.path.client.socketAddress.ip.subscriber, provenNonce: credentials.nonce,
            // A desired lifetime of zero in Allocate is no wish at all: the allocation does not exist yet.
            grantedSeconds: settings.lifetimes.grant(requestedSeconds: request.requestedSeconds),
            addressError: addressError,
            newPeers: TokenBucket(
                ratePerSecond: rate,
                burst: max(rate, min(Limits.newPeersBurst, UInt64(settings.limits.permissionsPerAllocationMax))),
                at: arrival.now),
            notices: TokenBucket(
                ratePerSecond: Limits.noticesPerSecond, burst: Limits.noticesPerSecond * 2, at: arrival.now))
        guard let handle = allocations.insert(allocation) else {
            accounts.release(account)
            return nil
        }
        allocationByFiveTuple.insert(handle, for: arrival.path)
        if let mobility = allocation.mobility { mobiles.insert(Mobile(handle, mobility), for: mobility) }
        return AllocationID(handle)
    }

    /// The account of whoever allocates, which remembers what they showed.
    private mutating func retainAccount(_ credentials: Credentials) -> SlabHandle? {
        let account: SlabHandle
        switch credentials.claimant {
        case .account(let handle):
            accounts.retain(handle)
            account = handle
        case .newcomer(let identity, let term):
            guard let handle = accounts.insert(identity, term) else { return nil }
            account = handle
        }
        if !credentials.isKnownKey { accounts[account].remember(credentials.integrity, credentials.algorithm) }
        return account
    }

    private mutating func openRelays(
        _ id: AllocationID, _ source: AllocateRequest.Source, _ exchange: Exchange, at now: Instant
    ) -> Outcome {
        var opening = RelayOpening(id, exchange)
        switch source {
        case .reservation(let token):
            opening.append(.init(family: .ipv4, address: nil, relayAddress: nil, preference: .any))
            outputs.append(.claimReservation(id, token: token))
        case .fresh(let families, let preference):
            if preference == .evenAndNext {
                opening.holdNextAs = beginReservation(of: claim(of: id))
                if opening.holdNextAs == nil { return failOpening(id, opening) }
            }
            for family in AddressFamily.allCases
            where families.contains(family) && allocations[id.handle].addressError?.family != family {
                guard let pending = requestRelay(id, family, preference, opening.holdNextAs, at: now) else {
                    allocations[id.handle].addressError = (family, .insufficientCapacity)
                    continue
                }
                opening.append(pending)
            }
        }
        guard !opening.isSettled else { return failOpening(id, opening) }
        openings.append(opening)
        return .pending
    }

    /// Where the opening of an allocation is that has one.
    func opening(of id: AllocationID) -> Int {
        guard let position = openings.firstIndex(where: { $0.allocation == id }) else {
            preconditionFailure("the shell answers an output once")
        }
        return position
    }

    private mutating func failOpening(_ id: AllocationID, _ opening: RelayOpening) -> Outcome {
        abandon(id, reservation: opening.holdNextAs)
        return .failure(.insufficientCapacity)
    }

    /// Takes a port and asks the shell for its socket.
    private mutating func requestRelay(
        _ id: AllocationID, _ family: AddressFamily, _ preference: PortPreference, _ token: UInt64?, at now: Instant
    ) -> RelayOpening.Pending? {
        let relayAddress = chooseRelayAddress(family, for: allocations[id.handle].fiveTuple)
        guard let port = ledger.takePort(of: relayAddress.local, preference, at: now) else { return nil }
        let address = SocketAddress(ip: relayAddress.local, port: port)
        askForRelay(id, address, holdNextAs: token)
        return .init(family: family, address: address, relayAddress: relayAddress, preference: preference)
    }

    private mutating func askForRelay(_ id: AllocationID, _ address: SocketAddress, holdNextAs token: UInt64?) {
        switch allocations[id.handle].relayProtocol {
        case .udp: outputs.append(.openRelay(id, address: address, holdNextAs: token))
        case .tcp: outputs.append(.tcp(.listen(id, address: address)))
        }
    }

    /// The address that the client already reaches us by, if it relays; else any, so that load spreads.
    private mutating func chooseRelayAddress(_ family: AddressFamily, for path: FiveTuple) -> RelayAddress {
        if let same = settings.relayAddresses.first(where: { $0.local == path.server.ip && $0.local.family == family })
        {
            return same
        }
        let candidates = settings.fallbackRelayAddresses
        let count = candidates.count { $0.local.family == family }
        precondition(count > 0, "families without a relay address were refused before")
        var place = count == 1 ? 0 : Int(random.next() % UInt64(count))
        for candidate in candidates where candidate.local.family == family {
            if place == 0 { return candidate }
            place -= 1
        }
        preconditionFailure("the place is below the count")
    }

    // MARK: - The shell's answers

    enum RelayResult {
        case opened(RelaySocketID, SocketAddress)
        case failed(RelayFailure)
    }

    /// One of the relays that an Allocate waits for is settled. With the last of them the client is answered: an
    /// Allocate succeeds after its relay socket exists, never before.
    mutating func settleRelay(
        _ id: AllocationID, _ result: RelayResult, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        let position = opening(of: id)
        var pending = openings[position].takeFirst()
        switch result {
        case .opened(let socket, let address):
            precondition(pending.address ?? address == address, "the shell answers in the order in which it was asked")
            let advertised = externalAddresses.advertised(address.ip)
            allocations[id.handle].setRelay(
                Relay(
                    socket: socket, local: address, advertised: SocketAddress(ip: advertised, port: address.port),
                    expiresAt: now.advanced(bySeconds: allocations[id.handle].grantedSeconds)),
                address.family)
        case .failed(let failure):
            if retryRelay(id, &pending, failure, openings[position].holdNextAs, at: now) {
                openings[position].append(pending)
            } else {
                allocations[id.handle].addressError = (pending.family, .insufficientCapacity)
            }
        }
        guard openings[position].isSettled else { return nil }
        let opening = openings[position]
        openings.swapAt(position, openings.count - 1)
        openings.removeLast()
        return finishAllocate(id, opening, at: now, reply: reply)
    }

    /// Returns the port of a failed attempt, and tries another one where that may help.
    private mutating func retryRelay(
        _ id: AllocationID, _ pending: inout RelayOpening.Pending, _ failure: RelayFailure, _ token: UInt64?,
        at now: Instant
    ) -> Bool {
        guard let failed = pending.address, let relayAddress = pending.relayAddress else { return false }
        let wasUsable = failure != .addressInUse
        ledger.returnPort(failed.port, of: failed.ip, wasUsable: wasUsable, at: now)
        if pending.preference == .evenAndNext {
            ledger.returnPort(failed.port + 1, of: failed.ip, wasUsable: wasUsable, at: now)
        }
        guard failure == .addressInUse, pending.attempts < settings.limits.relayOpenAttemptsMax,
            let port = ledger.takePort(of: relayAddress.local, pending.preference, at: now)
        else { return false }
        pending.attempts += 1
        pending.address = SocketAddress(ip: relayAddress.local, port: port)
        askForRelay(id, SocketAddress(ip: relayAddress.local, port: port), holdNextAs: token)
        return true
    }

    private mutating func finishAllocate(
        _ id: AllocationID, _ opening: RelayOpening, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard !opening.isRevoked else {
            withdraw(id, opening, at: now)
            return nil
        }
        guard !allocations[id.handle].families.isEmpty else {
            abandon(id, reservation: opening.holdNextAs)
            counters.count(.insufficientCapacity)
            return style.error(.insufficientCapacity, to: opening.exchange, into: reply)
        }
        allocations[id.handle].phase = .active
        allocations[id.handle].reservationToken = opening.holdNextAs
        if let token = opening.holdNextAs { confirmReservation(token, at: now) }
        outputs.append(
            .route(
                .addAllocation(
                    allocation: id.index, fiveTuple: allocations[id.handle].fiveTuple,
                    bytesPerSecondMax: settings.bytesPerSecondMax)))
        for family in AddressFamily.allCases {
            guard case .udp = allocations[id.handle].relayProtocol, let relay = allocations[id.handle].relay(family)
            else { continue }
            outputs.append(.route(.openRelay(allocation: id.index, family: family, socket: relay.socket)))
        }
        outputs.append(.sessionOpened(summary(of: id)))
        timers.schedule(id.index, at: allocations[id.handle].nextDeadline)
        counters.allocationsOpened += 1
        counters.successes += 1
        return succeed(opening.exchange, .allocation(id), into: reply)
    }

    /// The attributes of a success response (RFC 8656 §7.2, last part).
    func describe(_ id: AllocationID, to writer: inout MessageWriter) {
        let handle = id.handle
        for family in AddressFamily.allCases {
            guard let relay = allocations[handle].relay(family) else { continue }
            writer.appendXORAddress(.xorRelayedAddress, relay.advertised)
        }
        writer.append(.lifetime, allocations[handle].grantedSeconds)
        writer.appendXORAddress(.xorMappedAddress, allocations[handle].fiveTuple.client.socketAddress)
        if let ticket = ticket(of: id) { unsafe writer.append(.mobilityTicket, ticket.span.bytes) }
        if let token = allocations[handle].reservationToken { writer.append(.reservationToken, token) }
        if let missing = allocations[handle].addressError {
            // Family, zero, and class and number as in ERROR-CODE; no reason phrase (RFC 8656 §18.12).
            writer.append(.addressErrorCode, UInt32(missing.family.rawValue) << 24 | missing.code.wire)
        }
    }
}
