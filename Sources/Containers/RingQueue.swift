/// A queue with a limit: what does not fit is refused, not dropped from the front.
///
/// The ring doubles when it is full and halves when a quarter of it is in use, so its memory follows its
/// length; an append costs constant time on average. An empty queue that was never used owns no memory.
@safe @usableFromInline package struct RingQueue<Element: ~Copyable>: ~Copyable {
    /// How many elements wait.
    @inlinable package var count: Int { storedCount }
    /// How many may wait at once.
    @usableFromInline package let limit: Int
    @usableFromInline var storedCount: Int
    /// Where the first element lies.
    @usableFromInline var head: Int
    /// Slots of memory: zero or a power of two from `minimumCapacity` on.
    @usableFromInline var slotCount: Int
    @usableFromInline var slots: UnsafeMutablePointer<Element>?

    @inlinable static var minimumCapacity: Int { 8 }

    /// An empty queue.
    @inlinable package init(limit: Int) {
        precondition(limit >= 0 && limit <= 1 << 40, "a limit that memory could hold")
        self.limit = limit
        storedCount = 0
        head = 0
        slotCount = 0
        unsafe slots = nil
    }

    deinit {
        guard let slots = unsafe slots else { return }
        for offset in 0..<storedCount {
            unsafe (slots + ((head + offset) & (slotCount - 1))).deinitialize(count: 1)
        }
        unsafe slots.deallocate()
    }

    /// Whether nothing waits.
    @inlinable package var isEmpty: Bool { storedCount == 0 }

    /// Puts the element at the end. At the limit it is destroyed and the answer is false.
    @inlinable package mutating func append(_ element: consuming Element) -> Bool {
        guard storedCount < limit else { return false }
        if storedCount == slotCount { resize(to: max(Self.minimumCapacity, slotCount * 2)) }
        unsafe slot(storedCount).initialize(to: element)
        storedCount += 1
        return true
    }

    /// Takes the element that waits the longest; nil when none does.
    @inlinable package mutating func popFirst() -> Element? {
        guard storedCount > 0 else { return nil }
        let element = unsafe slot(0).move()
        head = (head + 1) & (slotCount - 1)
        storedCount -= 1
        if slotCount > Self.minimumCapacity, storedCount * 4 <= slotCount { resize(to: slotCount / 2) }
        return element
    }

    /// Slots that hold memory at present. For tests and for the account of memory.
    package var capacity: Int { slotCount }

    /// The slot of the element with `offset` others before it. The mask keeps it inside the allocation.
    @inlinable borrowing func slot(_ offset: Int) -> UnsafeMutablePointer<Element> {
        guard let slots = unsafe slots else {
            preconditionFailure("a queue that holds or will hold something has memory")
        }
        return unsafe slots + ((head + offset) & (slotCount - 1))
    }

    @inlinable @inline(never) mutating func resize(to capacity: Int) {
        let new = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        for offset in 0..<storedCount {
            unsafe (new + offset).moveInitialize(from: slot(offset), count: 1)
        }
        if let old = unsafe slots { unsafe old.deallocate() }
        unsafe slots = new
        slotCount = capacity
        head = 0
    }
}

extension RingQueue where Element: Copyable {
    /// The element that waits the longest; nil when none does.
    @inlinable package var first: Element? { storedCount > 0 ? unsafe slot(0).pointee : nil }
}
