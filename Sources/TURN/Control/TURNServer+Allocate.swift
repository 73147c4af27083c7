import Containers
import NetworkPrimitives
import STUN

// RFC 8656 §7.2, Receiving an Allocate Request. Steps 1 (authentication) and 2 (five-tuple in use) come before.
extension TURNServer {
    /// Step 2: the five-tuple has an allocation. The same transaction is a retransmission and gets the same answer;
    /// any other is 437.
    mutating func allocateAgain(_ id: AllocationID, _ exchange: Exchange) -> Outcome {
        let allocation = allocations[id.handle]
        guard allocation.transactionID == exchange.transactionID,
            accounts[allocation.account].identity.username == exchange.identity.username
        else { return .failure(.allocationMismatch) }
        // While the relay is being opened, the first answer is still on its way.
        guard case .active = allocation.phase else { return .pending }
        return .success { Self.describe(allocation, to: &$0) }
    }

    /// Steps 3 to 10; the relay is opened by the shell, and `settleRelay` answers.
    mutating func allocate(_ datagram: RawSpan, _ arrival: Arrival, _ credentials: Credentials) -> Outcome {
        let request: AllocateRequest
        do {
            request = try AllocateRequest(
                parsing: arrival.message, in: datagram, unspecifiedFamily: unspecifiedFamily(arrival.path),
                relaysUDP: settings.relaysUDP)
        } catch { return .failure(error) }
        var addressError: (family: AddressFamily, code: ErrorCode)?
        if case .fresh(let families, _) = request.source {
            let missing = families.filter { family in !settings.relayAddresses.contains { $0.local.family == family } }
            // Step 7; of two families one may be missing (step 9, RFC 8656 §18.12).
            guard missing.count < families.count else { return .failure(.addressFamilyNotSupported) }
            addressError = missing.first.map { ($0, .addressFamilyNotSupported) }
        }
        // Step 10.
        let claim = AllocationClaim(
            quotaKey: credentials.exchange.identity.quotaKey, mintedQuota: credentials.exchange.identity.mintedQuota,
            source: arrival.path.client.socketAddress.ip.subscriber)
        do { try ledger.admit(claim, redeeming: request.source.token) } catch {
            return .failure(.allocationQuotaReached)
        }
        guard let id = insertAllocation(request, arrival, credentials, claim, addressError) else {
            ledger.release(claim)
            return .failure(.insufficientCapacity)
        }
        return openRelays(id, request.source, credentials.exchange, at: arrival.now)
    }

    private func unspecifiedFamily(_ path: FiveTuple) -> AddressFamily {
        switch settings.defaultAddressFamily {
        case .ipv4: .ipv4
        case .ipv6: .ipv6
        case .sameAsClient: path.client.socketAddress.family
        }
    }

    private mutating func insertAllocation(
        _ request: AllocateRequest, _ arrival: Arrival, _ credentials: Credentials, _ claim: AllocationClaim,
        _ addressError: (family: AddressFamily, code: ErrorCode)?
    ) -> AllocationID? {
        let exchange = credentials.exchange
        guard allocations.count < allocations.limit,
            let account = accounts.retain(exchange.identity, realm: settings.realm)
        else { return nil }
        if let key = credentials.key { accounts[account].remember(key, credentials.algorithm) }
        let rate = UInt64(max(0, settings.limits.newPeersPerSecond))
        let allocation = Allocation(
            fiveTuple: arrival.path, account: account, claim: claim, transactionID: exchange.transactionID,
            phase: .opening(RelayOpening(exchange: exchange, pending: [])),
            // A desired lifetime of zero in Allocate is no wish at all: the allocation does not exist yet.
            grantedSeconds: settings.lifetimes.grant(requestedSeconds: request.requestedSeconds),
            addressError: addressError,
            newPeers: TokenBucket(
                ratePerSecond: rate,
                burst: max(rate, min(Limits.newPeersBurst, UInt64(settings.limits.permissionsPerAllocationMax))),
                at: arrival.now),
            icmp: TokenBucket(
                ratePerSecond: Limits.icmpPerSecond, burst: Limits.icmpPerSecond * 2, at: arrival.now))
        guard let handle = allocations.insert(allocation) else {
            accounts.release(account)
            return nil
        }
        allocationByFiveTuple.insert(handle, for: arrival.path)
        return AllocationID(handle)
    }

    private mutating func openRelays(
        _ id: AllocationID, _ source: AllocateRequest.Source, _ exchange: Exchange, at now: Instant
    ) -> Outcome {
        var opening = RelayOpening(exchange: exchange, pending: [])
        switch source {
        case .reservation(let token):
            opening.pending = [.init(family: .ipv4, address: nil, relayAddress: nil, preference: .any)]
            outputs.append(.claimReservation(id, token: token))
        case .fresh(let families, let preference):
            if preference == .evenAndNext {
                opening.holdNextAs = beginReservation(of: allocations[id.handle].claim)
                if opening.holdNextAs == nil { return failOpening(id, opening) }
            }
            for family in families where allocations[id.handle].addressError?.family != family {
                guard let pending = requestRelay(id, family, preference, opening.holdNextAs, at: now) else {
                    allocations[id.handle].addressError = (family, .insufficientCapacity)
                    continue
                }
                opening.pending.append(pending)
            }
        }
        guard !opening.pending.isEmpty else { return failOpening(id, opening) }
        allocations[id.handle].phase = .opening(opening)
        return .pending
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
        outputs.append(.openRelay(id, address: address, holdNextAs: token))
        return .init(family: family, address: address, relayAddress: relayAddress, preference: preference)
    }

    /// The address that the client already reaches us by, if it relays; else any, so that load spreads.
    private mutating func chooseRelayAddress(_ family: AddressFamily, for path: FiveTuple) -> RelayAddress {
        if let same = settings.relayAddresses.first(where: { $0.local == path.server.ip && $0.local.family == family })
        {
            return same
        }
        let candidates = settings.fallbackRelayAddresses.filter { $0.local.family == family }
        precondition(!candidates.isEmpty, "families without a relay address were refused before")
        return candidates[Int(random.next() % UInt64(candidates.count))]
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
        guard case .opening(var opening) = allocations[id.handle].phase else {
            preconditionFailure("the shell answers an output once")
        }
        var pending = opening.pending.removeFirst()
        switch result {
        case .opened(let socket, let address):
            precondition(pending.address ?? address == address, "the shell answers in the order in which it was asked")
            let advertised = settings.externalAddresses.advertised(address.ip)
            allocations[id.handle].setRelay(
                Relay(
                    socket: socket, local: address, advertised: SocketAddress(ip: advertised, port: address.port),
                    expiresAt: now.advanced(bySeconds: allocations[id.handle].grantedSeconds)),
                address.family)
        case .failed(let failure):
            if retryRelay(id, &pending, failure, opening.holdNextAs, at: now) {
                opening.pending.append(pending)
            } else {
                allocations[id.handle].addressError = (pending.family, .insufficientCapacity)
            }
        }
        allocations[id.handle].phase = .opening(opening)
        guard opening.pending.isEmpty else { return nil }
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
        outputs.append(
            .openRelay(id, address: SocketAddress(ip: relayAddress.local, port: port), holdNextAs: token))
        return true
    }

    private mutating func finishAllocate(
        _ id: AllocationID, _ opening: RelayOpening, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard !opening.isRevoked else {
            withdraw(id, opening, at: now)
            return nil
        }
        guard allocations[id.handle].hasRelay else {
            abandon(id, reservation: opening.holdNextAs)
            counters.count(.insufficientCapacity)
            return style.error(.insufficientCapacity, to: opening.exchange, into: reply)
        }
        allocations[id.handle].phase = .active
        allocations[id.handle].reservationToken = opening.holdNextAs
        if let token = opening.holdNextAs { confirmReservation(token, at: now) }
        let allocation = allocations[id.handle]
        outputs.append(
            .route(
                .addAllocation(
                    allocation: id.index, fiveTuple: allocation.fiveTuple,
                    bytesPerSecondMax: settings.bytesPerSecondMax)))
        for family in AddressFamily.allCases {
            guard let relay = allocation.relay(family) else { continue }
            outputs.append(.route(.openRelay(allocation: id.index, family: family, socket: relay.socket)))
        }
        outputs.append(.sessionOpened(summary(of: id)))
        timers.schedule(id.index, at: allocation.nextDeadline)
        counters.allocationsOpened += 1
        counters.successes += 1
        return style.success(to: opening.exchange, into: reply) { Self.describe(allocation, to: &$0) }
    }

    /// The attributes of a success response (RFC 8656 §7.2, last part).
    private static func describe(_ allocation: Allocation, to writer: inout MessageWriter) {
        for family in AddressFamily.allCases {
            guard let relay = allocation.relay(family) else { continue }
            writer.appendXORAddress(.xorRelayedAddress, relay.advertised)
        }
        writer.append(.lifetime, allocation.grantedSeconds)
        writer.appendXORAddress(.xorMappedAddress, allocation.fiveTuple.client.socketAddress)
        if let token = allocation.reservationToken { writer.append(.reservationToken, token) }
        if let missing = allocation.addressError {
            // Family, zero, and class and number as in ERROR-CODE; no reason phrase (RFC 8656 §18.12).
            writer.append(.addressErrorCode, UInt32(missing.family.rawValue) << 24 | missing.code.wire)
        }
    }
}
