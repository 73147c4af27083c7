package import NetworkPrimitives

/// Limits a flow of anything countable, such as bytes: `burst` at once, `ratePerSecond` in the long run.
///
/// The level is kept in billionths of a token, so that a nanosecond adds a whole number of them and nothing
/// is ever rounded: over any time the bucket grants exactly what it says. To fit that in 24 bytes, rate and
/// burst are 32 bits wide; larger ones count as 4,294,967,295 (34 Gbit/s in bytes, more than one core moves),
/// never as unlimited.
package struct TokenBucket: Sendable {
    /// Billionths of a token; at most `burst` tokens, which is less than 2^62.
    private var level: UInt64
    private var updatedAt: UInt64
    private let ratePerSecond: UInt32
    private let burst: UInt32

    private static let billion: UInt64 = 1_000_000_000

    /// A full bucket. A rate of 0 means no limit; with a burst of 0 and a rate nothing ever passes.
    package init(ratePerSecond: UInt64, burst: UInt64, at now: Instant) {
        self.ratePerSecond = UInt32(clamping: ratePerSecond)
        self.burst = UInt32(clamping: burst)
        level = UInt64(self.burst) * Self.billion
        updatedAt = now.nanoseconds
    }

    /// Takes the tokens and answers true, or takes nothing and answers false. More than `burst` never passes;
    /// nothing or less than nothing always does.
    package mutating func take(_ amount: Int, at now: Instant) -> Bool {
        if ratePerSecond == 0 || amount <= 0 { return true }
        refill(at: now)
        guard amount <= Int(burst) else { return false }
        let cost = UInt64(amount) * Self.billion
        guard cost <= level else { return false }
        level -= cost
        return true
    }

    /// How much may be taken now.
    package mutating func available(at now: Instant) -> Int {
        guard ratePerSecond > 0 else { return .max }
        refill(at: now)
        return Int(level / Self.billion)
    }

    private mutating func refill(at now: Instant) {
        guard now.nanoseconds(since: Instant(nanoseconds: updatedAt)) > 0 else { return }
        let earned = (now.nanoseconds - updatedAt).multipliedReportingOverflow(by: UInt64(ratePerSecond))
        let full = UInt64(burst) * Self.billion
        level = earned.overflow || earned.partialValue >= full - level ? full : level + earned.partialValue
        updatedAt = now.nanoseconds
    }
}
