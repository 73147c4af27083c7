import NetworkPrimitives

// Credentials that go by a session: who may still use theirs.
extension ReferenceModel {
    /// A session, as the model was told of it.
    struct Membership {
        let enteredAt: Instant
        var graceUntil: Instant?
        var deletes = false
        var isRevoked = false
    }

    package func memberEntered(_ user: [UInt8], at now: Instant) {
        members[user] = Membership(enteredAt: members[user]?.enteredAt ?? now)
    }

    package func memberLeft(_ user: [UInt8], graceUntil: Instant, deletes: Bool) {
        members[user]?.graceUntil = graceUntil
        members[user]?.deletes = deletes
    }

    /// From here on nothing of theirs is served, and nothing of theirs exists.
    package func memberRevoked(_ user: [UInt8], at now: Instant) {
        members[user]?.isRevoked = true
        tally.revocations += 1
        for (path, allocation) in allocations where allocation.quotaKey == user {
            if life(of: path, now) == .live { tally.revokedAllocations += 1 }
            for relay in allocation.relays.values { end(path, relay.address.family, at: min(now, relay.expiresAt)) }
            guard let token = allocation.token, let reservation = reservations.removeValue(forKey: token) else {
                continue
            }
            freedAt[reservation.address] = now
        }
    }

    /// Whether a name may be used: for something new, or for the allocation that it made. Nil about the time when it
    /// changes.
    func isServed(_ message: WireMessage, _ path: Path, _ now: Instant) -> Bool? {
        guard let name = username(of: message) else { return false }
        let life = life(of: path, now)
        let isNew = message.method == WireMessage.allocate || allocations[path]?.username != name
        if !isNew, life == .ambiguous { return nil }
        let hasTime = !isExpired(name)
        let continues = !isNew && life == .live
        guard isMember(name) else { return hasTime || continues }
        guard let member = members[quotaKey(name)] else { return hasTime }
        if member.isRevoked { return false }
        if let graceUntil = member.graceUntil, graceUntil <= now {
            guard !member.deletes, hasTime else { return false }
            // A name that had expired and is good again, by a clock that was set back: who left may be forgotten.
            return continues ? true : clock.wasSetBack ? nil : false
        }
        let isCapped = now >= member.enteredAt.advanced(bySeconds: setup.sessionSecondsMax)
        return isCapped ? hasTime : hasTime || continues
    }

    private func isMember(_ name: [UInt8]) -> Bool {
        let user = String(decoding: quotaKey(name), as: UTF8.self)
        return setup.sharedSecret != nil && user.hasPrefix("tern.0.m-")
    }
}
