/// Names one element of a `Slab` for as long as it lives; afterwards the handle is stale and finds nothing.
@usableFromInline package struct SlabHandle: Hashable, Sendable {
    /// The place in the slab: always less than the limit of the slab, and small while the slab holds little.
    @usableFromInline package let index: UInt32
    /// Tells this tenant of the place from earlier and later ones. Zero belongs to no element.
    @usableFromInline package let generation: UInt32

    @inlinable package init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }

    /// The handle as one word, for the user data of the kernel's event queues.
    @inlinable package var rawValue: UInt64 { UInt64(generation) << 32 | UInt64(index) }

    /// The handle that `rawValue` came from.
    @inlinable package init(rawValue: UInt64) {
        index = UInt32(truncatingIfNeeded: rawValue)
        generation = UInt32(truncatingIfNeeded: rawValue >> 32)
    }
}
