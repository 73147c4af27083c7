/// Elements under small indices that somebody else chooses, such as those of a `Slab`: a second table about the same
/// things. Elements lie in chunks of 128 and do not move; a chunk whose last element leaves is deallocated.
@safe @usableFromInline package struct SparseArray<Element: ~Copyable>: ~Copyable {
    @usableFromInline let limit: Int
    @usableFromInline var chunks: [SlabChunk<Element>] = []
    /// How many elements are there.
    @usableFromInline package private(set) var count = 0

    /// An empty array for indices below `limit`.
    package init(limit: Int) { self.limit = limit }

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
    }

    /// Whether there is an element at the index.
    @inlinable package func contains(_ index: UInt32) -> Bool {
        let chunk = Int(index >> 7)
        guard chunk < chunks.count, let storage = chunks[chunk].storage else { return false }
        return storage.generation(of: Int(index & 127)) != 0
    }

    /// The element at the index, which must be there.
    @inlinable package subscript(index: UInt32) -> Element {
        _read {
            precondition(contains(index), "the caller knows which indices are in use")
            // The precondition has found the storage of this chunk.
            yield unsafe chunks[Int(index >> 7)].storage.unsafelyUnwrapped.element(Int(index & 127)).pointee
        }
        _modify {
            precondition(contains(index), "the caller knows which indices are in use")
            yield unsafe &chunks[Int(index >> 7)].storage.unsafelyUnwrapped.element(Int(index & 127)).pointee
        }
    }

    /// Puts an element at an index that is free.
    package mutating func insert(_ element: consuming Element, at index: UInt32) {
        precondition(Int(index) < limit, "indices come from a table of the same limit")
        precondition(!contains(index), "an index holds one element")
        let chunk = Int(index >> 7)
        while chunks.count <= chunk { chunks.append(SlabChunk()) }
        let storage = chunks[chunk].storage ?? .allocate()
        if chunks[chunk].storage == nil {
            for slot in 0..<SlabChunk<Element>.slotCount { storage.setGeneration(0, of: slot) }
            chunks[chunk].storage = storage
        }
        let slot = Int(index & 127)
        unsafe storage.element(slot).initialize(to: element)
        storage.setGeneration(1, of: slot)
        chunks[chunk].flip(slot)
        count += 1
    }

    /// Takes out the element at an index that is in use.
    @discardableResult package mutating func remove(at index: UInt32) -> Element {
        precondition(contains(index), "the caller knows which indices are in use")
        let chunk = Int(index >> 7)
        let slot = Int(index & 127)
        let storage = unsafe chunks[chunk].storage.unsafelyUnwrapped
        let element = unsafe storage.element(slot).move()
        storage.setGeneration(0, of: slot)
        chunks[chunk].flip(slot)
        count -= 1
        if chunks[chunk].isEmpty {
            storage.deallocate()
            chunks[chunk].storage = nil
        }
        return element
    }
}
