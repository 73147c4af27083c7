package import NetworkPrimitives

/// Limits how often each source address is served, with a table whose size a flood cannot change.
///
/// A source is an IPv4 address or an IPv6 /64: whoever has one address of a /64 has all of them. Each source
/// may take `burst` at once and `ratePerSecond` in the long run.
///
/// The table is set-associative: a keyed hash picks a set of four entries, one cache line. A source that is
/// not there takes the place of the entry that is closest to full again. An entry that is full again says
/// nothing, so losing it changes nothing. In a set whose four sources are all in debt, the one with the least
/// debt is forgotten: when it comes back it begins with a full bucket, so a stranger who cycles addresses
/// gives each displaced source at most `burst` again. What he cannot do is wash off a debt of his own: his
/// exhausted entry is the last to go, the next stranger displaces the previous stranger, and without the seed
/// he cannot aim at a set. The price is that in a flood from more sources than the table holds the limiter no
/// longer tells them apart and each is served up to its burst; letting newcomers inherit the debt instead
/// would let the flood lock out everybody else.
@usableFromInline package struct SourceRateLimiter: ~Copyable {
    /// How often `allow` said no.
    @usableFromInline package private(set) var denials: UInt64
    /// How often a source in debt lost its entry: when this grows quickly, the table is too small for the
    /// traffic.
    @usableFromInline package private(set) var displacements: UInt64
    private let seed: UInt64
    /// What one request costs in nanoseconds; zero when there is no limit. Rounded up, so that the rate
    /// granted is never above the one asked for.
    private let interval: UInt64
    /// How far ahead of the present a bucket may be in debt: `burst` intervals.
    private let window: UInt64
    private let setMask: Int
    private var entries: [Entry]

    /// A bucket in two words. A place that was never used looks like a full bucket of `::/64`, which is
    /// harmless.
    private struct Entry {
        var source: UInt64
        /// When the bucket is full again, in nanoseconds; each request moves it one interval ahead.
        var fullAt: UInt64
    }

    private static let ways = 4

    /// A limiter for about `capacity` sources (rounded up to four times a power of two; 16 bytes each), all
    /// of it allocated here. A rate of 0 means no limit; a burst below one counts as one.
    package init(seed: UInt64, ratePerSecond: Int, burst: Int, capacity: Int) {
        precondition(ratePerSecond >= 0, "zero is the rate without limit")
        precondition(capacity >= 1 && capacity <= 1 << 28, "the table is allocated at once")
        self.seed = seed
        denials = 0
        displacements = 0
        let second: UInt64 = 1_000_000_000
        let rate = UInt64(ratePerSecond)
        interval = rate == 0 ? 0 : (second - 1) / rate + 1
        let product = interval.multipliedReportingOverflow(by: UInt64(max(burst, 1)))
        window = product.overflow ? .max : product.partialValue
        var sets = 1
        while sets * Self.ways < capacity { sets *= 2 }
        setMask = sets - 1
        entries = rate == 0 ? [] : Array(repeating: Entry(source: 0, fullAt: 0), count: sets * Self.ways)
    }

    /// Takes one token of the source; false, counted, and nothing taken when it has none.
    package mutating func allow(_ source: IPAddress, at now: Instant) -> Bool {
        if interval == 0 { return true }
        let key = Self.key(source)
        let slot = find(key) ?? replace(with: key, at: now)
        let start = max(entries[slot].fullAt, now.nanoseconds)
        let end = start.addingReportingOverflow(interval)
        guard !end.overflow, end.partialValue - now.nanoseconds <= window else {
            denials += 1
            return false
        }
        entries[slot].fullAt = end.partialValue
        return true
    }

    /// Gives one token back, for a request that turned out to be welcome. A bucket never holds more than
    /// `burst`; a source that is not in the table is full already.
    package mutating func refund(_ source: IPAddress) {
        guard interval != 0, let slot = find(Self.key(source)) else { return }
        // A time in the past means full, however far: it cannot be saved up.
        entries[slot].fullAt -= min(interval, entries[slot].fullAt)
    }

    /// One word for a source. IPv4 addresses lie in ffff:ffff::/32, which is multicast and never a source
    /// (RFC 4291 §2.7); an IPv4-mapped address is the IPv4 host that it stands for.
    private static func key(_ source: IPAddress) -> UInt64 {
        switch source.unmapped {
        case .v4(let address): 0xFFFF_FFFF_0000_0000 | UInt64(address.rawValue)
        case .v6(let address): address.high
        }
    }

    private func firstSlot(of key: UInt64) -> Int {
        (Int(truncatingIfNeeded: key.hash(seed: seed)) & setMask) * Self.ways
    }

    private func find(_ key: UInt64) -> Int? {
        let first = firstSlot(of: key)
        for slot in first..<(first + Self.ways) where entries[slot].source == key { return slot }
        return nil
    }

    /// Makes room in the key's set and begins a full bucket there.
    private mutating func replace(with key: UInt64, at now: Instant) -> Int {
        let first = firstSlot(of: key)
        var fullest = first
        for slot in (first + 1)..<(first + Self.ways) where entries[slot].fullAt < entries[fullest].fullAt {
            fullest = slot
        }
        if entries[fullest].fullAt > now.nanoseconds { displacements += 1 }
        entries[fullest] = Entry(source: key, fullAt: 0)
        return fullest
    }
}
