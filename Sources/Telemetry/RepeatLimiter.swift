package import NetworkPrimitives

/// Keeps a kind of line from filling the disk: a few a second, and a count of those left out with the next one.
package struct RepeatLimiter: Sendable {
    private let perSecond: Int
    private var window: Instant
    private var written = 0
    private var suppressed = 0

    package init(perSecond: Int, start: Instant) {
        self.perSecond = perSecond
        window = start
    }

    /// Nil when the line is to be left out; else how many were left out since the last one that was not.
    package mutating func admit(at now: Instant) -> Int? {
        if now.nanoseconds(since: window) >= 1_000_000_000 {
            window = now
            written = 0
        }
        guard written < perSecond else {
            suppressed += 1
            return nil
        }
        written += 1
        defer { suppressed = 0 }
        return suppressed
    }
}
