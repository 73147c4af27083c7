import Containers
import NetworkPrimitives

/// Slows down whoever shows wrong tokens and keys: some failures a minute are free, each one after that doubles the
/// time in which the source is not listened to.
///
/// A source is an IPv4 address or an IPv6 /64. The table has a limit; when it is full, new sources are not remembered:
/// guessing from ten thousand networks at once is not what it can stop, and 256-bit secrets can.
struct FailureMeter: ~Copyable {
    private struct Entry {
        var failures: Int
        /// Failures are forgotten after this.
        var forgottenAt: Instant
        var blockedUntil: Instant
    }

    private var entries: FlatMap<IPAddress, Entry>
    /// In the order in which their time began, so that old ones can be found.
    private var order: RingQueue<IPAddress>
    var failuresPerMinute: Int
    private(set) var denials: UInt64 = 0

    private static let sourcesMax = 16_384
    private static let windowSeconds: UInt32 = 60
    private static let blockSecondsMax: UInt32 = 256

    /// No limit when `failuresPerMinute` is 0.
    init(failuresPerMinute: Int, seed: UInt64) {
        self.failuresPerMinute = failuresPerMinute
        entries = FlatMap(seed: seed, limit: Self.sourcesMax)
        order = RingQueue(limit: Self.sourcesMax)
    }

    /// Seconds until the source is listened to again; nil when it is now.
    mutating func waitSeconds(_ source: IPAddress, at now: Instant) -> Int? {
        guard let entry = entries[source.subscriber], entry.blockedUntil > now else { return nil }
        denials += 1
        return Int(entry.blockedUntil.nanoseconds(since: now) / 1_000_000_000) + 1
    }

    mutating func recordFailure(_ source: IPAddress, at now: Instant) {
        guard failuresPerMinute > 0 else { return }
        forgetOld(at: now)
        let key = source.subscriber
        let fresh = Entry(
            failures: 0, forgottenAt: now.advanced(bySeconds: Self.windowSeconds), blockedUntil: .zero)
        let known = entries[key]
        var entry = known.flatMap { $0.forgottenAt > now ? $0 : nil } ?? fresh
        entry.failures += 1
        let excess = entry.failures - failuresPerMinute
        if excess > 0 {
            let seconds = min(Self.blockSecondsMax, 1 << UInt32(min(excess, 8)))
            entry.blockedUntil = now.advanced(bySeconds: seconds)
            entry.forgottenAt = max(entry.forgottenAt, entry.blockedUntil.advanced(bySeconds: Self.windowSeconds))
        }
        if known != nil {
            entries.update(entry, for: key)
        } else if order.append(key) {
            entries.insert(entry, for: key)
        }
    }

    private mutating func forgetOld(at now: Instant) {
        // A source whose time was prolonged goes to the end of the queue; each call looks at a few only.
        for _ in 0..<4 {
            guard let key = order.first, let entry = entries[key] else { return }
            _ = order.popFirst()
            if entry.forgottenAt <= now {
                entries.remove(key)
            } else {
                _ = order.append(key)
                return
            }
        }
    }
}
