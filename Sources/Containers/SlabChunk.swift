/// 128 neighbouring places of a slab: their elements, who lives there, and memory that exists only while
/// needed.
///
/// A copyable view without ownership: the slab allocates and releases.
@safe @usableFromInline
struct SlabChunk<Element: ~Copyable> {
    @usableFromInline static var slotCount: Int { 128 }

    /// The memory of a chunk: both parts come and go together.
    @safe @usableFromInline
    struct Storage {
        @usableFromInline let elements: UnsafeMutablePointer<Element>
        /// The generation of the element in each slot; zero where there is none.
        @usableFromInline let generations: UnsafeMutablePointer<UInt32>

        @inlinable static func allocate() -> Storage {
            let elements = UnsafeMutablePointer<Element>.allocate(capacity: SlabChunk.slotCount)
            let generations = UnsafeMutablePointer<UInt32>.allocate(capacity: SlabChunk.slotCount)
            unsafe generations.initialize(repeating: 0, count: SlabChunk.slotCount)
            return unsafe Storage(elements: elements, generations: generations)
        }

        @inlinable init(elements: UnsafeMutablePointer<Element>, generations: UnsafeMutablePointer<UInt32>) {
            unsafe self.elements = elements
            unsafe self.generations = generations
        }

        /// The elements must be gone already.
        @inlinable func deallocate() {
            unsafe elements.deallocate()
            unsafe generations.deallocate()
        }

        @inlinable func generation(of slot: Int) -> UInt32 {
            precondition(slot >= 0 && slot < SlabChunk.slotCount, "the caller masks the slot")
            return unsafe generations[slot]
        }

        @inlinable func setGeneration(_ generation: UInt32, of slot: Int) {
            precondition(slot >= 0 && slot < SlabChunk.slotCount, "the caller masks the slot")
            unsafe generations[slot] = generation
        }

        @inlinable func element(_ slot: Int) -> UnsafeMutablePointer<Element> {
            precondition(slot >= 0 && slot < SlabChunk.slotCount, "the caller masks the slot")
            return unsafe elements + slot
        }
    }

    @usableFromInline var storage: Storage?
    /// One bit a slot, set where an element lives: slots 0–63, then 64–127.
    @usableFromInline var occupiedLow: UInt64
    @usableFromInline var occupiedHigh: UInt64

    @inlinable init() {
        storage = nil
        occupiedLow = 0
        occupiedHigh = 0
    }

    @inlinable var isEmpty: Bool { occupiedLow | occupiedHigh == 0 }
    @inlinable var isFull: Bool { occupiedLow & occupiedHigh == .max }

    @inlinable var lowestFreeSlot: Int {
        occupiedLow == .max ? 64 + (~occupiedHigh).trailingZeroBitCount : (~occupiedLow).trailingZeroBitCount
    }

    /// The first occupied slot at or after `slot`.
    @inlinable func occupiedSlot(from slot: Int) -> Int? {
        if slot < 64 {
            let rest = occupiedLow & (.max << UInt64(slot))
            if rest != 0 { return rest.trailingZeroBitCount }
            return occupiedHigh == 0 ? nil : 64 + occupiedHigh.trailingZeroBitCount
        }
        // A smart shift by 64 or more yields zero, so a slot beyond the chunk finds nothing.
        let rest = occupiedHigh & (.max << UInt64(slot - 64))
        return rest == 0 ? nil : 64 + rest.trailingZeroBitCount
    }

    @inlinable mutating func flip(_ slot: Int) {
        if slot < 64 {
            occupiedLow ^= 1 << UInt64(slot)
        } else {
            occupiedHigh ^= 1 << UInt64(slot - 64)
        }
    }
}
