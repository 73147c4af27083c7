package import STUN

/// Another worker, as the shell names it. The core only hands it back.
package struct ArrivalPlace: Hashable, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }
}

/// A Refresh with a ticket whose allocation lives on another worker: who asks, and for what. Everything about the
/// request that can be judged without the allocation has been (RFC 8016 §3.2.2).
package struct MobilityClaim: Equatable, Sendable {
    package let ticket: MobilityTicket
    /// Where the client is now.
    package let path: FiveTuple
    package let transactionID: TransactionID
    /// Whose credentials the request has shown.
    package let username: [UInt8]
    package let requestedSeconds: UInt32?
    /// REQUESTED-ADDRESS-FAMILY as on the wire, nil for all.
    package let family: UInt8?
}

/// What the owner of an allocation says to a claim.
package enum ClaimAnswer: Equatable, Sendable {
    case granted(MobilityGrant)
    case refused(ErrorCode)
}

/// A client may go on with its allocation at another address.
package struct MobilityGrant: Equatable, Sendable {
    /// Zero: the claim was to delete it, and that is done.
    package let lifetimeSeconds: UInt32
    /// The ticket for the next time.
    package let ticket: MobilityTicket
}

/// What the control plane wants done about clients that move between workers, and what it tells of those that do.
package enum MobilityOutput: Equatable, Sendable {
    /// Find the worker that has the allocation, have it `receive` the claim, and answer with `claimAnswered`.
    case claim(MobilityClaim)
    /// The client has shown itself here: have the worker that has the allocation `release` it.
    case fetch(MobilityID, for: FiveTuple)
    /// Export the allocation and give it to the worker where its client is expected; then `surrender` it.
    case handOver(AllocationID, to: ArrivalPlace)
    /// Tell that worker that the client is not coming.
    case forget(FiveTuple, at: ArrivalPlace)
    /// A client is about to use its allocation from here, or is not any more.
    case expected(FiveTuple)
    case unexpected(FiveTuple)
    /// The client uses another five-tuple of this worker now; nil when the old one had ended before.
    case moved(SessionSummary, from: FiveTuple?)
    /// The client's connection has ended; its allocation waits for a ticket.
    case detached(SessionSummary)
    /// The allocation is another worker's now. Comes before its routes are removed.
    case left(SessionSummary)
    /// The allocation is this worker's now.
    case arrived(SessionSummary)
}
