import NetworkPrimitives

/// Released ports in the order of their release, each with the time; a ring that grows when more ports rest
/// than ever.
struct RelayPortQuarantine {
    /// The port in the upper 16 bits, the time of release in units of 100 µs below: 48 bits of those hold every
    /// `Instant`, and whole milliseconds are exact.
    private var ring: [UInt64]
    private var head: Int
    private(set) var count: Int

    private static let unit: UInt64 = 100_000
    private static let timeMask: UInt64 = 1 << 48 - 1

    init() {
        ring = []
        head = 0
        count = 0
    }

    mutating func append(_ port: UInt16, releasedAt now: Instant) {
        if count == ring.count { resize(to: max(16, ring.count * 2)) }
        // Rounded up, so that a port never rests for less than it should.
        let time = now.nanoseconds / Self.unit + (now.nanoseconds % Self.unit == 0 ? 0 : 1)
        ring[(head + count) % ring.count] = UInt64(port) << 48 | time
        count += 1
    }

    /// Takes out the port that rests the longest, if that is at least `seconds`.
    mutating func popFirst(restedFor seconds: UInt32, at now: Instant) -> UInt16? {
        guard count > 0 else { return nil }
        let first = ring[head]
        let required = UInt64(seconds) * (1_000_000_000 / Self.unit)
        guard (first & Self.timeMask) + required <= now.nanoseconds / Self.unit else { return nil }
        head = (head + 1) % ring.count
        count -= 1
        if ring.count > 64, count * 4 <= ring.count { resize(to: ring.count / 2) }
        return UInt16(first >> 48)
    }

    private mutating func resize(to capacity: Int) {
        var new = [UInt64](repeating: 0, count: capacity)
        for offset in 0..<count { new[offset] = ring[(head + offset) % ring.count] }
        ring = new
        head = 0
    }
}
