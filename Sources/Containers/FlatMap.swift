/// A hash table for keys that strangers choose: one flat piece of memory, a limit, and a secret seed.
///
/// Open addressing with linear probing; at most three quarters of the slots are in use. It doubles when that
/// is reached and halves when three quarters are empty, so that a change of size is always paid for by a
/// quarter of the slots in insertions or removals. An empty map owns no memory until the first insert.
///
/// There is no iteration on purpose: the order of entries depends on the seed and must not reach an output.
@safe @usableFromInline package struct FlatMap<Key: FlatMapKey, Value>: ~Copyable {
    /// How many keys are present.
    @inlinable package var count: Int { storedCount }
    /// How many may be present at once.
    @usableFromInline package let limit: Int
    @usableFromInline var storedCount: Int
    @usableFromInline let seed: UInt64
    @usableFromInline var slots: FlatMapSlots<Key, Value>?

    @inlinable static var minimumCapacity: Int { 4 }

    /// An empty map. The seed comes from the kernel's randomness wherever strangers choose keys.
    @inlinable package init(seed: UInt64, limit: Int) {
        precondition(limit >= 0 && limit <= 1 << 29, "the tag of a slot names at most 2^31 homes")
        self.seed = seed
        self.limit = limit
        storedCount = 0
        slots = nil
    }

    deinit { slots?.destroy() }

    /// The value of the key, nil when it is absent.
    @inlinable package subscript(key: Key) -> Value? {
        guard let slots, let slot = slots.find(key, tag: tag(key)) else { return nil }
        return unsafe slots.entry(slot).pointee.value
    }

    /// Adds a key. False, and no change, when it is there already or the map is at its limit.
    @inlinable @discardableResult
    package mutating func insert(_ value: Value, for key: Key) -> Bool {
        let tag = tag(key)
        if let slots, slots.find(key, tag: tag) != nil { return false }
        guard storedCount < limit else { return false }
        let target = slotsForOneMore()
        target.place(FlatMapSlots.Entry(key: key, value: value), tag: tag)
        storedCount += 1
        return true
    }

    /// Replaces the value of a key. False when it is absent.
    @inlinable @discardableResult
    package mutating func update(_ value: Value, for key: Key) -> Bool {
        guard let slots, let slot = slots.find(key, tag: tag(key)) else { return false }
        unsafe slots.entry(slot).pointee.value = value
        return true
    }

    /// Removes a key and gives its value back, nil when it is absent.
    @inlinable @discardableResult
    package mutating func remove(_ key: Key) -> Value? {
        guard let slots, let slot = slots.find(key, tag: tag(key)) else { return nil }
        let value = slots.take(slot)
        storedCount -= 1
        // After halving, the map is half full: it takes a quarter of the slots to make it grow or shrink again.
        if storedCount * 4 <= slots.capacity, slots.capacity > Self.minimumCapacity { resize(to: slots.capacity / 2) }
        return value
    }

    /// Slots that hold memory at present. For tests and for the account of memory.
    package var capacity: Int { slots?.capacity ?? 0 }

    @inlinable borrowing func tag(_ key: Key) -> UInt32 { FlatMapSlots<Key, Value>.tag(hash: key.hash(seed: seed)) }

    @inlinable mutating func slotsForOneMore() -> FlatMapSlots<Key, Value> {
        guard let slots else { return resize(to: Self.minimumCapacity) }
        if (storedCount + 1) * 4 <= slots.capacity * 3 { return slots }
        return resize(to: slots.capacity * 2)
    }

    @inlinable @inline(never) @discardableResult
    mutating func resize(to capacity: Int) -> FlatMapSlots<Key, Value> {
        let new = FlatMapSlots<Key, Value>(capacity: capacity)
        slots?.drain(into: new)
        slots = new
        return new
    }
}
