import Containers
package import NetworkPrimitives

// Putting somebody out at once: allocations end that could have gone on. That no new one begins is for the register to
// see to.
extension TURNServer {
    /// Ends all allocations of everybody in these scopes, with ports, quota and relays. One look at each allocation,
    /// however many scopes there are: gather them.
    package mutating func revoke(_ scopes: Set<CredentialScope>, at now: Instant) {
        guard !scopes.isEmpty else { return }
        revoke(at: now) { scopes.contains(.user($0.quotaKey)) || scopes.contains(.name($0.username)) }
    }

    /// The same for everybody whom the register has as revoked: for a shell that has lost count of whom it was told of.
    package mutating func revokeByRegister(at now: Instant) {
        guard let members else { return }
        revoke(at: now) { members.standing(of: $0, at: now) == .revoked }
    }

    private mutating func revoke(at now: Instant, where isRevoked: (Identity) -> Bool) {
        // Accounts first: names are compared once for each, and on most workers nobody is meant.
        let owners = accounts.handles(where: isRevoked)
        guard !owners.isEmpty else { return }
        var next = allocations.firstHandle(from: 0)
        while let handle = next {
            if owners.contains(allocations[handle].account) { revoke(AllocationID(handle), at: now) }
            next = allocations.firstHandle(from: handle.index + 1)
        }
    }

    private mutating func revoke(_ id: AllocationID, at now: Instant) {
        end(id, .revoked, at: now)
    }

    /// An operator ends an allocation, whoever owns it.
    mutating func endByOperator(_ id: AllocationID, at now: Instant) { end(id, .endedByOperator, at: now) }

    private mutating func end(_ id: AllocationID, _ reason: SessionEnd, at now: Instant) {
        switch allocations[id.handle].phase {
        case .opening:
            // The shell is at work on its sockets; they are taken back when it answers.
            openings[opening(of: id)].isRevoked = true
        case .active, .detached:
            // The port next to it goes too, unless somebody has redeemed the token; then it is theirs.
            if let token = allocations[id.handle].reservationToken {
                outputs.append(.endReservation(token: token))
                ledger.endReservation(token)
            }
            end(id, .all, reason, at: now)
        }
    }

    /// Takes back an allocation that was revoked while its relays were being opened. Its client gets no answer: when it
    /// asks again, it is told 401 like anybody whose name is revoked.
    mutating func withdraw(_ id: AllocationID, _ opening: RelayOpening, at now: Instant) {
        for family in AddressFamily.allCases {
            if let relay = allocations[id.handle].relay(family) { close(relay, of: id, at: now) }
        }
        if let token = opening.holdNextAs { outputs.append(.endReservation(token: token)) }
        abandon(id, reservation: opening.holdNextAs)
    }
}
