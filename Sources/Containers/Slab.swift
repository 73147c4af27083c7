/// A table of elements that do not move, named by handles that notice when their element is gone.
///
/// Elements live in chunks of 128; growth adds a chunk and moves nothing. A new element always takes the
/// lowest free place, so indices stay below the limit and a slab that had a busy day becomes dense again: a
/// chunk whose last element leaves is deallocated, except for one that is kept so that an insert and a
/// removal at the border of a chunk do not allocate each time. What remains of a past peak is a directory of
/// a quarter of a byte an element.
///
/// Generations come from one counter of the slab, not one of each place, so a chunk can be released without
/// remembering anything about it. A handle could be taken for a newer one only if it was kept for exactly
/// 2^32 inserts.
@safe @usableFromInline package struct Slab<Element: ~Copyable>: ~Copyable {
    /// How many elements live here.
    @inlinable package var count: Int { storedCount }
    /// How many may live here at once; an insert beyond that is refused.
    @usableFromInline package let limit: Int
    @usableFromInline var storedCount: Int
    @usableFromInline var chunks: [SlabChunk<Element>]
    /// One bit a chunk, set where a place is free.
    @usableFromInline var room: [UInt64]
    /// Words of `room` before this one are zero.
    @usableFromInline var firstRoomWord: Int
    @usableFromInline var spare: SlabChunk<Element>.Storage?
    @usableFromInline var lastGeneration: UInt32

    /// An empty slab without memory for elements.
    @inlinable package init(limit: Int) {
        precondition(limit >= 0 && limit <= 1 << 31, "an index is 32 bits wide")
        self.limit = limit
        storedCount = 0
        chunks = []
        room = []
        firstRoomWord = 0
        spare = nil
        lastGeneration = 0
    }

    deinit {
        for chunk in chunks {
            guard let storage = chunk.storage else { continue }
            var slot = chunk.occupiedSlot(from: 0)
            while let occupied = slot {
                unsafe storage.element(occupied).deinitialize(count: 1)
                slot = chunk.occupiedSlot(from: occupied + 1)
            }
            storage.deallocate()
        }
        spare?.deallocate()
    }

    /// Stores the element at the lowest free place. At the limit the element is destroyed and the answer is
    /// nil.
    @inlinable package mutating func insert(_ element: consuming Element) -> SlabHandle? {
        guard count < limit else { return nil }
        let chunk = lowestChunkWithRoom()
        let storage = backing(of: chunk)
        let slot = chunks[chunk].lowestFreeSlot
        lastGeneration = lastGeneration == .max ? 1 : lastGeneration + 1
        unsafe storage.element(slot).initialize(to: element)
        storage.setGeneration(lastGeneration, of: slot)
        chunks[chunk].flip(slot)
        if chunks[chunk].isFull { room[chunk >> 6] ^= 1 << UInt64(chunk & 63) }
        storedCount += 1
        return SlabHandle(index: UInt32(chunk * SlabChunk<Element>.slotCount + slot), generation: lastGeneration)
    }

    /// Takes the element out; nil when the handle is stale.
    @inlinable package mutating func remove(_ handle: SlabHandle) -> Element? {
        guard let storage = storage(of: handle) else { return nil }
        let (chunk, slot) = Self.split(handle.index)
        storage.setGeneration(0, of: slot)
        chunks[chunk].flip(slot)
        room[chunk >> 6] |= 1 << UInt64(chunk & 63)
        firstRoomWord = min(firstRoomWord, chunk >> 6)
        storedCount -= 1
        let element = unsafe storage.element(slot).move()
        if chunks[chunk].isEmpty { retire(chunk) }
        return element
    }

    /// Whether the handle's element still lives.
    @inlinable package borrowing func contains(_ handle: SlabHandle) -> Bool { storage(of: handle) != nil }

    /// The element in place. The handle must be live: ask `contains(_:)` where that is not known.
    @inlinable package subscript(handle: SlabHandle) -> Element {
        _read {
            guard let storage = storage(of: handle) else { preconditionFailure("the handle is stale") }
            yield unsafe storage.element(Self.split(handle.index).slot).pointee
        }
        _modify {
            guard let storage = storage(of: handle) else { preconditionFailure("the handle is stale") }
            yield unsafe &storage.element(Self.split(handle.index).slot).pointee
        }
    }

    /// The handle of whoever lives at the index, nil when nobody does.
    @inlinable package borrowing func handle(at index: UInt32) -> SlabHandle? {
        let (chunk, slot) = Self.split(index)
        guard chunk < chunks.count, let storage = chunks[chunk].storage else { return nil }
        let generation = storage.generation(of: slot)
        return generation == 0 ? nil : SlabHandle(index: index, generation: generation)
    }

    /// The first live handle at or after the index: a sweep that removes elements, or spreads over several
    /// turns of the loop, goes on from the last index plus one.
    @inlinable package borrowing func firstHandle(from index: UInt32) -> SlabHandle? {
        var (chunk, slot) = Self.split(index)
        while chunk < chunks.count {
            if let storage = chunks[chunk].storage, let occupied = chunks[chunk].occupiedSlot(from: slot) {
                let index = UInt32(chunk * SlabChunk<Element>.slotCount + occupied)
                return SlabHandle(index: index, generation: storage.generation(of: occupied))
            }
            chunk += 1
            slot = 0
        }
        return nil
    }

    /// Visits the live handles in ascending order of index.
    @inlinable package borrowing func forEachHandle(_ body: (SlabHandle) -> Void) {
        var next = firstHandle(from: 0)
        while let handle = next {
            body(handle)
            next = firstHandle(from: handle.index + 1)
        }
    }

    /// Chunks that hold memory at present, the spare included. For tests and for the account of memory.
    package var chunksInMemory: Int {
        var sum = spare == nil ? 0 : 1
        for chunk in chunks where chunk.storage != nil { sum += 1 }
        return sum
    }

    @inlinable static func split(_ index: UInt32) -> (chunk: Int, slot: Int) {
        (Int(index >> 7), Int(index & 127))
    }

    @inlinable borrowing func storage(of handle: SlabHandle) -> SlabChunk<Element>.Storage? {
        let (chunk, slot) = Self.split(handle.index)
        // Generation zero marks an empty slot; a handle made up with it must not match.
        guard handle.generation != 0, chunk < chunks.count, let storage = chunks[chunk].storage,
            storage.generation(of: slot) == handle.generation
        else { return nil }
        return storage
    }

    @inlinable mutating func lowestChunkWithRoom() -> Int {
        while firstRoomWord < room.count {
            let word = room[firstRoomWord]
            if word != 0 { return firstRoomWord * 64 + word.trailingZeroBitCount }
            firstRoomWord += 1
        }
        let chunk = chunks.count
        chunks.append(SlabChunk())
        if chunk & 63 == 0 { room.append(0) }
        room[chunk >> 6] |= 1 << UInt64(chunk & 63)
        firstRoomWord = chunk >> 6
        return chunk
    }

    @inlinable mutating func backing(of chunk: Int) -> SlabChunk<Element>.Storage {
        if let storage = chunks[chunk].storage { return storage }
        let storage = spare ?? .allocate()
        spare = nil
        chunks[chunk].storage = storage
        return storage
    }

    @inlinable mutating func retire(_ chunk: Int) {
        guard let storage = chunks[chunk].storage else { return }
        chunks[chunk].storage = nil
        if spare == nil {
            spare = storage
        } else {
            storage.deallocate()
        }
    }
}
