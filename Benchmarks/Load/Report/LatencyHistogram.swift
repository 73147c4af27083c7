/// Durations by size, in buckets that grow with them: what is read out is wrong by less than one in a hundred.
///
/// Log-linear: each doubling is cut into 64 equal buckets, so that one is at most a 64th of its values wide and its
/// middle is within a 128th of all of them.
package struct LatencyHistogram: Sendable {
    /// Longer ones count as this one: eighteen minutes.
    package static let longest: UInt64 = 1 << 40 - 1

    private static let linear: UInt64 = 128
    private static let bucketCount = index(of: longest) + 1

    private var buckets = [UInt32](repeating: 0, count: bucketCount)
    package private(set) var count = 0
    /// Exact, unlike what `percentile` tells. Nanoseconds.
    package private(set) var maximum: UInt64 = 0

    package init() {}

    /// Adds a duration in nanoseconds.
    @inline(__always)
    package mutating func record(_ nanoseconds: UInt64) {
        let value = min(nanoseconds, Self.longest)
        buckets[Self.index(of: value)] += 1
        count += 1
        if value > maximum { maximum = value }
    }

    /// Nanoseconds that `percent` of the durations do not exceed; nil when there are none.
    package func percentile(_ percent: Double) -> Double? {
        guard count > 0 else { return nil }
        // 99.9 % of a thousand are 999, also when binary fractions make it a hair more.
        let exact = percent * Double(count) / 100 - 1e-6
        let rank = max(1, min(count, Int(exact.rounded(.up))))
        if rank == count { return Double(maximum) }
        var seen = 0
        for (index, number) in buckets.enumerated() where number > 0 {
            seen += Int(number)
            if seen >= rank { return min(Self.middle(of: index), Double(maximum)) }
        }
        return Double(maximum)
    }

    /// What was recorded since `earlier`, which is this histogram as it was. Of the maximum only the bucket is known.
    package func since(_ earlier: LatencyHistogram) -> LatencyHistogram {
        var difference = LatencyHistogram()
        for index in buckets.indices {
            let number = buckets[index] - earlier.buckets[index]
            guard number > 0 else { continue }
            difference.buckets[index] = number
            difference.count += Int(number)
            difference.maximum = min(maximum, UInt64(Self.middle(of: index)))
        }
        return difference
    }

    @inline(__always)
    private static func index(of value: UInt64) -> Int {
        if value < linear { return Int(value) }
        // The seven leading bits stay; between 64 and 127 they name the bucket within its doubling.
        let shift = 57 - value.leadingZeroBitCount
        return shift << 6 + Int(value >> UInt64(shift))
    }

    private static func middle(of index: Int) -> Double {
        if index < Int(linear) { return Double(index) }
        let shift = index >> 6 - 1
        let low = UInt64(index - shift << 6) << UInt64(shift)
        return Double(low) + Double(UInt64(1) << UInt64(shift)) / 2
    }
}
