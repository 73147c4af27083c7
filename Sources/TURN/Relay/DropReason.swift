/// Why a datagram went nowhere. Each reason is a counter of the worker and a label of a metric.
package enum DropReason: UInt8, CaseIterable, Sendable {
    /// Neither STUN nor ChannelData by its first byte (RFC 7983 §7).
    case notForUs
    /// STUN or ChannelData that contradicts itself.
    case malformed
    /// A FINGERPRINT that does not fit.
    case badFingerprint
    /// A method, class or attribute that is to be ignored in silence (RFC 8489 §6.3).
    case ignoredMessage
    /// ChannelData or Send without an allocation.
    case noAllocation
    /// A channel number that is not bound, or whose permission has expired (RFC 8656 §12.6).
    case noChannel
    /// A peer without a permission, in either direction (RFC 8656 §11.2, §11.3).
    case noPermission
    /// A peer port that is never relayed to: 0, or one of our own listeners.
    case refusedPeerPort
    /// A peer of a family that the allocation has no relayed address for.
    case noRelay
    /// The allocation's bandwidth is used up (`max-bps`).
    case overBandwidth
    /// Longer than the client's transport can carry (RFC 8656 §11.3).
    case tooLong
    /// The source asked more often than unauthenticated replies are given.
    case overReplyRate
    /// The server is configured not to answer this.
    case disabled
}

/// How many datagrams were dropped, by reason.
package struct DropCounters: Sendable {
    private var counts = InlineArray<16, UInt64>(repeating: 0)

    package init() {}

    @inline(__always) package mutating func count(_ reason: DropReason) { counts[Int(reason.rawValue)] += 1 }

    package mutating func add(_ reason: DropReason, _ count: Int) { counts[Int(reason.rawValue)] += UInt64(count) }

    package subscript(reason: DropReason) -> UInt64 { counts[Int(reason.rawValue)] }

    package mutating func add(_ other: DropCounters) {
        for index in 0..<16 { counts[index] += other.counts[index] }
    }
}
