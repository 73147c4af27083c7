import NetworkPrimitives

// Requests and their answers (RFC 8489 §6.3, §9.2.4; RFC 8656 §7 to §10, §12).
extension ReferenceModel {
    func judgeRequest(
        _ message: WireMessage, _ datagram: Datagram, _ sent: [Datagram], _ path: Path, _ now: Instant
    ) {
        tally.requests += 1
        settle(path, now)
        if sent.count > 1 { violate(.answeredTwice, now, "\(sent.count) datagrams for one request") }
        guard let reply = sent.first else {
            let isOurs = [3, 4, 8, 9].contains(message.method)
            let mayBeRefused = isExpired(username(of: message) ?? []) || isServed(message, path, now) != true
            if isOurs, isAuthentic(message, path, toleranceSeconds: -1), !mayBeRefused {
                violate(.unanswered, now, "method \(message.method) of \(path.client)")
            }
            return
        }
        guard let answer = WireMessage(parsing: reply.payload), answer.method == message.method,
            answer.transactionID == message.transactionID,
            answer.messageClass == .success || answer.messageClass == .error
        else {
            violate(.answeredSomethingElse, now, "\(reply.payload.count) bytes for method \(message.method)")
            return
        }
        guard external(reply.source) == path.server, reply.destination == path.client else {
            violate(.answeredElsewhere, now, "\(reply.source) to \(reply.destination), asked by \(path.client)")
            return
        }
        if !answer.hasZeroPadding { violate(.leakingPadding, now, "in an answer to \(path.client)") }
        judgeProtection(of: answer, reply.payload.count, to: message, path, now)
        if answer.messageClass == .success {
            tally.successes[message.method, default: 0] += 1
            judgeSuccess(answer, to: message, path, now)
        } else {
            tally.errors[answer.errorCode ?? 0, default: 0] += 1
            judgeError(answer.errorCode ?? 0, to: message, path, now, isAuthenticated: answer.isAuthenticated)
        }
    }

    // MARK: - Protection and limits

    private func judgeProtection(
        of answer: WireMessage, _ byteCount: Int, to message: WireMessage, _ path: Path, _ now: Instant
    ) {
        if let nonce = answer.value(WireMessage.nonce) {
            nonces[path.client, default: [:]][nonce] = clock.unixTime.seconds
        }
        if answer.isAuthenticated {
            // Who answers a challenge is where he says he is; that is not held against him.
            let source = Self.source(path.client.ip)
            meters[source] = meters[source].map { $0 - min($0, interval(setup.repliesPerSecond)) }
            guard let name = username(of: message), let keys = keys(of: name),
                answer.isMade(with: keysAs(message, keys))
            else {
                violate(.badIntegrity, now, "answer to \(path.client)")
                return
            }
            return
        }
        // 20 header, 8 ERROR-CODE, REALM, 4 + 32 NONCE (29 padded), 4 + 8 PASSWORD-ALGORITHMS, and 8 FINGERPRINT if the
        // request had one: 92 bytes for this realm, 4.6 times an empty request and 3.3 times a real Allocate.
        let realm = 4 + (setup.realm.utf8.count + 3) / 4 * 4
        let bound = 20 + 8 + realm + 36 + 12 + (message.has(WireMessage.fingerprint) ? 8 : 0)
        if byteCount > bound { violate(.amplified, now, "\(byteCount) bytes before authentication, bound \(bound)") }
        if message.method == WireMessage.binding {
            meter(&bindingMeters, Self.source(path.client.ip), 100, now)
        } else {
            meter(&meters, Self.source(path.client.ip), setup.repliesPerSecond, now)
        }
    }

    /// An answer says nothing of the algorithm; it is made with the key of the request.
    private func keysAs(_ request: WireMessage, _ keys: WireKeys) -> WireKeys {
        let isSHA256 = request.value(WireMessage.passwordAlgorithm)?.starts(with: [0, 2]) == true
        return isSHA256 ? WireKeys(single: keys.sha256) : WireKeys(single: keys.md5)
    }

    /// Whoever has one address of a /64 has all of them.
    private static func source(_ ip: IPAddress) -> IPAddress {
        guard case .v6(let address) = ip else { return ip }
        return .v6(IPv6Address(high: address.high, low: 0))
    }

    private func interval(_ ratePerSecond: Int) -> UInt64 { 1_000_000_000 / UInt64(ratePerSecond) }

    /// Five seconds' worth at once, the rate in the long run; two more are forgiven for rounding.
    private func meter(_ meters: inout [IPAddress: UInt64], _ source: IPAddress, _ rate: Int, _ now: Instant) {
        let step = interval(rate)
        let end = max(meters[source] ?? 0, now.nanoseconds) + step
        meters[source] = end
        if end - now.nanoseconds > step * UInt64(5 * rate + 2) {
            violate(.overReplyRate, now, "\(source) is answered more than \(rate) times a second")
        }
    }

    // MARK: - Errors

    private func judgeError(
        _ code: Int, to message: WireMessage, _ path: Path, _ now: Instant, isAuthenticated: Bool
    ) {
        guard isAuthenticated else {
            guard code == 401, message.method != WireMessage.binding,
                isAuthentic(message, path, toleranceSeconds: -1)
            else { return }
            tally.refusedMembers += 1
            if isServed(message, path, now) == true { violate(.refusedInForce, now, "401 to \(path.client)") }
            return
        }
        switch code {
        case 437 where message.method == WireMessage.allocate:
            if life(of: path, now) == .dead { violate(.phantomAllocation, now, "437 on a free five-tuple \(path)") }
            if let allocation = allocations[path], life(of: path, now) == .live,
                allocation.transactionID == message.transactionID, allocation.username == username(of: message)
            {
                violate(.retransmissionDiffers, now, "437 to a retransmission")
            }
        case 437:
            if life(of: path, now) == .live { violate(.lostAllocation, now, "437 to \(path.client)") }
        case 486: judgeRefusal(message, path, now)
        case 508:
            guard let token = message.value(WireMessage.reservationToken), let reservation = reservations[token],
                life(until: reservation.expiresAt, now) == .live, liveCount(now) < setup.limits.allocationsMax
            else { return }
            violate(.brokenReservation, now, "508 for a token that holds \(reservation.address)")
        default: break
        }
    }

    // MARK: - Successes

    private func judgeSuccess(_ answer: WireMessage, to message: WireMessage, _ path: Path, _ now: Instant) {
        guard message.method != WireMessage.binding else {
            let shown = answer.address(WireMessage.mappedAddress)
            if shown != path.client { violate(.wrongAddress, now, "Binding of \(path.client)") }
            return
        }
        guard isAuthentic(message, path, toleranceSeconds: 1), !message.hasUnknownRequired else {
            violate(.successWithoutAuthentication, now, "method \(message.method) of \(path.client)")
            return
        }
        let name = username(of: message) ?? []
        if isServed(message, path, now) == false, !isExpired(name) || message.method != WireMessage.allocate {
            violate(.servedRefused, now, String(decoding: name, as: UTF8.self))
        }
        if isExpired(name) { tally.servedPastExpiry += 1 }
        if message.method == WireMessage.allocate {
            judgeAllocate(answer, to: message, path, now)
            return
        }
        guard let allocation = allocations[path], allocation.username == username(of: message) else {
            violate(.successWithoutAllocation, now, "method \(message.method) of \(path.client)")
            return
        }
        switch message.method {
        case WireMessage.refresh: judgeRefresh(answer, to: message, path, now)
        case WireMessage.createPermission: judgePermission(message, path, now)
        case WireMessage.channelBind: judgeChannelBind(message, path, now)
        default: violate(.successForNonsense, now, "method \(message.method)")
        }
    }

    private func judgeRefresh(_ answer: WireMessage, to message: WireMessage, _ path: Path, _ now: Instant) {
        let requested = message.number(WireMessage.lifetime)
        var families = Array((allocations[path]?.relays ?? [:]).keys)
        if let named = message.value(WireMessage.requestedFamily) {
            families = families.filter { $0.rawValue == named.first }
            if families.isEmpty { violate(.successForNonsense, now, "Refresh of a family without a relay") }
        }
        let granted = answer.number(WireMessage.lifetime)
        if granted != Self.granted(requested) {
            violate(.wrongLifetime, now, "Refresh of \(requested.map(String.init) ?? "-") gave \(granted ?? 0)")
        }
        for family in families {
            if requested == 0 {
                end(path, family, at: now)
            } else {
                allocations[path]?.relays[family]?.expiresAt = now.advanced(bySeconds: granted ?? 0)
            }
        }
    }

    /// RFC 8656 §7.2, §8.2: between ten minutes and an hour; only a Refresh knows zero.
    static func granted(_ requested: UInt32?) -> UInt32 { requested == 0 ? 0 : min(max(requested ?? 600, 600), 3600) }

    private func judgePermission(_ message: WireMessage, _ path: Path, _ now: Instant) {
        guard let peers = message.addresses(WireMessage.peerAddress), !peers.isEmpty else {
            violate(.successForNonsense, now, "CreatePermission without a peer")
            return
        }
        for peer in peers { permit(peer.ip, path, now) }
    }

    private func permit(_ peer: IPAddress, _ path: Path, _ now: Instant) {
        if allocations[path]?.relays[peer.family] == nil {
            violate(.successForNonsense, now, "a permission of a family without a relay: \(peer)")
        }
        if Self.isForbidden(peer) { violate(.successForNonsense, now, "a permission for \(peer)") }
        allocations[path]?.permissions[external(peer)] = now.advanced(bySeconds: 300)
    }

    /// Hosts that no default configuration relays to, as far as the scenarios ask for them.
    private static func isForbidden(_ peer: IPAddress) -> Bool {
        switch peer {
        case .v4(let ip): [0, 10, 127].contains(ip.rawValue >> 24) || ip.rawValue >> 28 == 14
        case .v6(let ip): ip == .loopback || ip.high >> 56 == 0xFF
        }
    }

    private func judgeChannelBind(_ message: WireMessage, _ path: Path, _ now: Instant) {
        guard let value = message.value(WireMessage.channelNumber), value.count == 4,
            let peer = message.address(WireMessage.peerAddress), (0x40...0x4F).contains(value[0]), peer.port != 0
        else {
            violate(.successForNonsense, now, "ChannelBind without a number or a peer")
            return
        }
        let number = UInt16(value[0]) << 8 | UInt16(value[1])
        let known = external(peer)
        // What may have run out a moment ago stands in nobody's way.
        let standing = (allocations[path]?.channels ?? [:]).filter {
            life(until: $0.value.expiresAt, now) == .live || $0.key == number && $0.value.peer == known
        }
        allocations[path]?.channels = standing
        if let bound = allocations[path]?.channels[number], bound.peer != known {
            violate(.successForNonsense, now, "channel \(number) is bound to \(bound.peer)")
        }
        if let bound = allocations[path]?.channel(to: known), bound.number != number {
            violate(.successForNonsense, now, "\(known) has channel \(bound.number)")
        }
        permit(peer.ip, path, now)
        allocations[path]?.channels[number] = Channel(peer: known, expiresAt: now.advanced(bySeconds: 600))
    }
}

extension WireKeys {
    /// One key, whichever algorithm is asked for.
    init(single key: [UInt8]) {
        md5 = key
        sha256 = key
    }
}
