/// A small, fast generator whose whole state is its seed, so that a simulation or a failing test replays
/// exactly.
///
/// It spreads seeds and drives tests. Nothing that a stranger must not guess may come from it: two outputs
/// reveal the state.
@usableFromInline package struct SplitMix64: RandomNumberGenerator, Sendable {
    @usableFromInline var state: UInt64

    @inlinable package init(seed: UInt64) { state = seed }

    /// The next 64 bits. Every state is visited once before the sequence repeats, so a zero seed is as good
    /// as any.
    @inlinable package mutating func next() -> UInt64 {
        // reason: the sequence is defined modulo 2^64; the increment is the odd number nearest to 2^64 /
        // golden ratio.
        state = state &+ 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9  // reason: as above
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB  // reason: as above
        return mixed ^ (mixed >> 31)
    }
}
