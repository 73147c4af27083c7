/// One generation of a flat map's memory: a tag for each slot and room for an entry.
///
/// A copyable view without ownership: the map allocates and releases.
@safe @usableFromInline
struct FlatMapSlots<Key: FlatMapKey, Value> {
    @usableFromInline
    struct Entry {
        @usableFromInline let key: Key
        @usableFromInline var value: Value

        @inlinable init(key: Key, value: Value) {
            self.key = key
            self.value = value
        }
    }

    /// Zero for an empty slot, else the upper half of the key's hash with its highest bit set. Its low bits
    /// name the home of the key, so that growing and closing gaps never hash again, and all of it spares
    /// nearly every comparison of unequal keys.
    @usableFromInline let tags: UnsafeMutablePointer<UInt32>
    @usableFromInline let entries: UnsafeMutablePointer<Entry>
    /// The number of slots minus one; a power of two minus one.
    @usableFromInline let mask: Int

    @inlinable init(capacity: Int) {
        precondition(capacity >= 4 && capacity.nonzeroBitCount == 1, "the mask needs a power of two")
        unsafe tags = .allocate(capacity: capacity)
        unsafe tags.initialize(repeating: 0, count: capacity)
        unsafe entries = .allocate(capacity: capacity)
        mask = capacity - 1
    }

    @inlinable var capacity: Int { mask + 1 }

    @inlinable static func tag(hash: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: hash >> 32) | 0x8000_0000 }

    @inlinable func home(of tag: UInt32) -> Int { Int(tag) & mask }

    // The mask keeps every slot number inside the allocation; that is what makes the accesses below sound.

    @inlinable func tag(_ slot: Int) -> UInt32 { unsafe tags[slot & mask] }
    @inlinable func entry(_ slot: Int) -> UnsafeMutablePointer<Entry> { unsafe entries + (slot & mask) }

    /// The slot of the key. Terminates because at least a quarter of the slots are empty.
    @inlinable func find(_ key: Key, tag wanted: UInt32) -> Int? {
        var slot = home(of: wanted)
        while true {
            let present = tag(slot)
            if present == 0 { return nil }
            if present == wanted, unsafe entry(slot).pointee.key == key { return slot }
            slot = (slot + 1) & mask
        }
    }

    /// Puts an entry in the first free slot from its home on. The key must be absent.
    @inlinable func place(_ new: consuming Entry, tag newTag: UInt32) {
        var slot = home(of: newTag)
        while tag(slot) != 0 { slot = (slot + 1) & mask }
        unsafe tags[slot] = newTag
        unsafe entry(slot).initialize(to: new)
    }

    /// Takes the entry out and moves later ones of the run back over the gap, so that no tombstone is left
    /// and a table that saw many removals is as fast as a new one.
    @inlinable func take(_ slot: Int) -> Value {
        let taken = unsafe entry(slot).move()
        var gap = slot
        var next = (slot + 1) & mask
        while tag(next) != 0 {
            // An entry may move back only as far as its home: it fills the gap when its home does not lie
            // behind it.
            let distance = (next - home(of: tag(next))) & mask
            if distance >= (next - gap) & mask {
                unsafe tags[gap] = tag(next)
                unsafe entry(gap).moveInitialize(from: entry(next), count: 1)
                gap = next
            }
            next = (next + 1) & mask
        }
        unsafe tags[gap] = 0
        return taken.value
    }

    /// Moves everything to `other`, which is empty and has room, and releases this memory.
    @inlinable func drain(into other: FlatMapSlots) {
        for slot in 0..<capacity where tag(slot) != 0 {
            other.place(unsafe entry(slot).move(), tag: tag(slot))
        }
        unsafe tags.deallocate()
        unsafe entries.deallocate()
    }

    /// Destroys everything and releases the memory.
    @inlinable func destroy() {
        for slot in 0..<capacity where tag(slot) != 0 {
            unsafe entry(slot).deinitialize(count: 1)
        }
        unsafe tags.deallocate()
        unsafe entries.deallocate()
    }
}
