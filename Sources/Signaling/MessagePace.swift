package import NetworkPrimitives

/// Limits how often somebody may do something: `burst` times at once, `perSecond` in the long run.
///
/// A leaky bucket kept as the time at which it will have run empty: eight bytes, and the wait falls out of it.
package struct MessagePace: Sendable {
    private var emptyAt: UInt64 = 0

    package init() {}

    /// Nil when it may be done now; else after how many milliseconds. A rate of zero means no limit.
    package mutating func take(perSecond: UInt32, burst: UInt32, at now: Instant) -> UInt64? {
        guard perSecond > 0 else { return nil }
        let interval = 1_000_000_000 / UInt64(perSecond)
        let full = UInt64(max(1, burst)) * interval
        let level = max(emptyAt, now.nanoseconds) + interval
        let ahead = level - now.nanoseconds
        guard ahead <= full else { return (ahead - full + 999_999) / 1_000_000 }
        emptyAt = level
        return nil
    }
}
