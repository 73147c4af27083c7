/// Chance that can be repeated: the same seed yields the same numbers on every machine and in every release.
///
/// The generator is SplitMix64, a counter and three mixing steps.
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    /// Starts the sequence that belongs to `seed`.
    package init(seed: UInt64) { state = seed }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state = state &+ 0x9E37_79B9_7F4A_7C15  // reason: the counter wraps by design
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    /// A number from 0 up to but not including `bound`; cheap rather than perfectly even.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0)
        // A shift binds more tightly than a product.
        return Int(truncatingIfNeeded: ((next() >> 32) * UInt64(bound)) >> 32)
    }

    /// `count` random bytes.
    package mutating func bytes(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(count)
        var word: UInt64 = 0
        for index in 0..<count {
            if index % 8 == 0 { word = next() }
            result.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
        }
        return result
    }
}
