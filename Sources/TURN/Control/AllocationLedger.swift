package import NetworkPrimitives

/// One allocation's share of what the whole server has to give.
package struct AllocationClaim: Equatable, Sendable {
    package let quotaKey: [UInt8]
    package let mintedQuota: Int?
    package let source: IPAddress
}

extension AllocationClaim {
    /// `source` is the subscriber behind the address that the Allocate came from.
    init(_ identity: Identity, source: IPAddress) {
        self.init(quotaKey: identity.quotaKey, mintedQuota: identity.mintedQuota, source: source)
    }
}

/// Why a claim was refused. The client hears 486 in each case; the counters tell them apart.
package enum ClaimRefusal: Error, Equatable, Sendable, CaseIterable {
    case userQuota, totalQuota, sourceQuota, bandwidth
}

/// Which port an Allocate wants (RFC 8656 §18.7).
package enum PortPreference: Equatable, Sendable {
    case any, even
    /// An even port, and the next one held for a RESERVATION-TOKEN.
    case evenAndNext
}

/// What all workers of a server share: quotas and relay ports. It is asked on Allocate and told on release, never on a
/// packet. The shell's implementation takes a lock; a simulation's need not.
package protocol AllocationLedger: AnyObject {
    /// Counts the claim. With a token, the share of that reservation goes over to it; a refusal changes nothing.
    func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal)
    func release(_ claim: AllocationClaim)

    /// The same for a port that is held under a token, until the token is redeemed or runs out.
    func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal)
    /// Does nothing when the token is unknown or has ended: it may be redeemed at any worker.
    func endReservation(_ token: UInt64)

    /// A port of `address` that nobody has; with `.evenAndNext` the next one is taken as well.
    func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16?
    /// `wasUsable` is false for a port that the kernel refused: somebody else on this host has it.
    func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant)
}
