import NetworkPrimitives

// RFC 8656 §7: what an Allocate success may say.
extension ReferenceModel {
    func judgeAllocate(_ answer: WireMessage, to message: WireMessage, _ path: Path, _ now: Instant) {
        guard let relayed = answer.addresses(WireMessage.relayedAddress), (1...2).contains(relayed.count),
            answer.address(WireMessage.mappedAddress) == path.client
        else {
            violate(.wrongAddress, now, "Allocate of \(path.client)")
            return
        }
        if isAnsweredBefore(message, relayed, path, now) { return }
        judgeWishes(message, answer, relayed, now)
        judgeQuota(message, path, now)
        let name = username(of: message) ?? []
        if isExpired(name) { violate(.expiredCredential, now, String(decoding: name, as: UTF8.self)) }
        let lifetime = answer.number(WireMessage.lifetime) ?? 0
        var allocation = Allocation(
            username: name, quotaKey: quotaKey(name), transactionID: message.transactionID)
        for address in relayed {
            judgeFreedom(of: address, message, path, now)
            owners[address] = path
            allocation.relays[address.family] = RelayedAddress(
                address: address, expiresAt: now.advanced(bySeconds: lifetime))
        }
        allocations[path] = allocation
        noteReservation(message, answer, relayed, path, now)
    }

    /// An answer to a retransmission names the same addresses and makes nothing new (RFC 8656 §7.2).
    private func isAnsweredBefore(
        _ message: WireMessage, _ relayed: [SocketAddress], _ path: Path, _ now: Instant
    ) -> Bool {
        guard let existing = allocations[path] else { return false }
        let isRetransmission =
            existing.transactionID == message.transactionID && existing.username == username(of: message)
        let isSame = Set(relayed) == Set(existing.relays.values.map(\.address))
        switch life(of: path, now) {
        case .live:
            if isRetransmission {
                tally.retransmittedAllocates += 1
                if !isSame { violate(.retransmissionDiffers, now, "\(relayed) to a retransmission of \(path.client)") }
            } else {
                violate(.secondAllocation, now, "on \(path)")
            }
            return true
        case .ambiguous where isRetransmission && isSame: return true
        case .ambiguous, .dead:
            for family in AddressFamily.allCases {
                if let relay = existing.relays[family] { end(path, family, at: min(now, relay.expiresAt)) }
            }
            return false
        }
    }

    private func judgeWishes(_ message: WireMessage, _ answer: WireMessage, _ relayed: [SocketAddress], _ now: Instant)
    {
        let lifetime = answer.number(WireMessage.lifetime)
        // Zero is no wish in an Allocate.
        let requested = message.number(WireMessage.lifetime).flatMap { $0 == 0 ? nil : $0 }
        if lifetime != Self.granted(requested) { violate(.wrongLifetime, now, "Allocate gave \(lifetime ?? 0)") }
        var families: [UInt8] = [1]
        if let named = message.value(WireMessage.requestedFamily)?.first { families = [named] }
        if message.has(WireMessage.additionalFamily) { families = [1, 2] }
        for address in relayed {
            let isOurs = setup.relays.contains { $0.advertised == address.ip } && setup.ports.contains(address.port)
            let isReserved = message.has(WireMessage.reservationToken)
            if !isOurs || !(isReserved || families.contains(address.family.rawValue)) {
                violate(.wrongAddress, now, "\(address) was not asked for")
            }
            if message.has(WireMessage.evenPort), address.port % 2 != 0 {
                violate(.wrongAddress, now, "\(address) is not even")
            }
        }
        if message.value(WireMessage.requestedTransport)?.first != 17 {
            violate(.successForNonsense, now, "Allocate of another transport")
        }
    }

    private func judgeQuota(_ message: WireMessage, _ path: Path, _ now: Instant) {
        let key = quotaKey(username(of: message) ?? [])
        var ofUser = 1
        var total = 1
        for (other, allocation) in allocations where life(of: other, now) == .live {
            total += 1
            if allocation.quotaKey == key { ofUser += 1 }
        }
        tally.liveAllocationsMax = max(tally.liveAllocationsMax, total)
        if setup.quota.perUser > 0, ofUser > setup.quota.perUser { violate(.overQuota, now, "\(ofUser) of one user") }
        if setup.quota.total > 0, total > setup.quota.total { violate(.overQuota, now, "\(total) in all") }
    }

    /// 486 is for those who have what the quota allows, or may still have it.
    func judgeRefusal(_ message: WireMessage, _ path: Path, _ now: Instant) {
        reservers.removeAll { life(until: $0.until, now) == .dead }
        let key = quotaKey(username(of: message) ?? [])
        var ofUser = reservers.count { $0.quotaKey == key }
        var total = reservers.count
        for (other, allocation) in allocations where life(of: other, now) != .dead {
            total += 1
            if allocation.quotaKey == key { ofUser += 1 }
        }
        let isFull = setup.quota.total > 0 && total >= setup.quota.total
        let isUserFull = setup.quota.perUser > 0 && ofUser >= setup.quota.perUser
        if !isFull, !isUserFull {
            violate(.refusedWithinQuota, now, "486 with \(ofUser) of one user, \(total) in all")
        }
    }

    /// Nobody else has it, and what was sent to its last owner has had a second to die out.
    private func judgeFreedom(of address: SocketAddress, _ message: WireMessage, _ path: Path, _ now: Instant) {
        if let owner = owners[address] {
            settle(owner, now)
            let family = address.family
            if life(until: allocations[owner]?.relays[family]?.expiresAt, now) == .live {
                violate(.sharedRelayedAddress, now, "\(address) of \(owner.client) given to \(path.client)")
            }
            // The books follow the server, so that one defect is not told many times.
            if allocations[owner]?.relays[family]?.address == address { end(owner, family, at: now) }
        }
        let token = message.value(WireMessage.reservationToken)
        for (other, reservation) in reservations where reservation.address == address && other != token {
            switch life(until: reservation.expiresAt, now) {
            case .live: violate(.sharedRelayedAddress, now, "\(address) is reserved")
            case .ambiguous: break
            case .dead:
                freedAt[address] = max(freedAt[address] ?? reservation.expiresAt, reservation.expiresAt)
                reservations[other] = nil
            }
        }
        if let freed = freedAt[address], now < freed.advanced(bySeconds: 1) {
            let rest = now.nanoseconds(since: freed) / 1_000_000
            // A reserved socket was never closed in between.
            violate(.relayedAddressReusedAtOnce, now, "\(address) after \(rest) ms")
        }
    }

    private func noteReservation(
        _ message: WireMessage, _ answer: WireMessage, _ relayed: [SocketAddress], _ path: Path,
        _ now: Instant
    ) {
        if let token = message.value(WireMessage.reservationToken) {
            if let reservation = reservations[token], life(until: reservation.expiresAt, now) != .dead,
                relayed == [reservation.address]
            {
                tally.claimedReservations += 1
            } else {
                violate(.brokenReservation, now, "the token gave \(relayed)")
            }
            reservations[token] = nil
        }
        guard let token = answer.value(WireMessage.reservationToken) else { return }
        guard message.value(WireMessage.evenPort)?.first.map({ $0 & 0x80 != 0 }) == true, let even = relayed.first
        else {
            violate(.brokenReservation, now, "a token that nobody asked for")
            return
        }
        let until = now.advanced(bySeconds: Self.reservationSeconds)
        allocations[path]?.token = token
        reservations[token] = Reservation(address: even.with(port: even.port + 1), expiresAt: until)
        reservers.append((quotaKey(username(of: message) ?? []), until))
    }

    /// Whether it is an ephemeral name that has run out.
    func isExpired(_ name: [UInt8]) -> Bool {
        guard setup.sharedSecret != nil, setup.users.allSatisfy({ Array($0.name.utf8) != name }),
            let digits = name.split(separator: UInt8(ascii: ":")).first,
            let expiry = Int64(String(decoding: digits, as: UTF8.self))
        else { return false }
        return expiry < clock.unixTime.seconds
    }
}
