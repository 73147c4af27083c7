package import NetworkPrimitives

/// Deadlines of many small ids, one for each: scheduling and cancelling cost the same however many there are.
///
/// A hierarchical wheel: six levels of 64 slots, a tick of 2^20 ns (about a millisecond) at the lowest. A
/// timer lies at the level of the highest base-64 digit in which its tick differs from the present one, so
/// what lies at a lower level always comes first, and a timer moves down at most five times before it fires.
/// What is more than 2^36 ticks (2.3 years) away waits in one list beyond the levels.
///
/// Deadlines are rounded up to a tick: a timer never fires before its deadline and is due less than one tick
/// after it. A deadline within the last tick that an `Instant` can tell never fires.
///
/// The order of timers in one tick is not the order of their deadlines, but it is the same in every run.
@usableFromInline package struct TimerWheel: ~Copyable {
    /// How many timers are scheduled.
    @usableFromInline package private(set) var count: Int
    /// The tick up to which everything is settled. Timers that are due lie in its slot of the lowest level.
    private var current: UInt64
    private var nodes: [Node]
    /// The first id of each slot's ring: levels × 64 slots, then the list beyond them.
    private var heads: [UInt32]
    /// One bit a slot and one word a level, set where a timer lies.
    private var occupied: [UInt64]

    private struct Node {
        var tick: UInt64
        var next: UInt32
        var previous: UInt32
        /// The number of the slot, or `absent`.
        var slot: UInt16

        static let absent = UInt16.max
        static let unscheduled = Node(tick: 0, next: 0, previous: 0, slot: absent)
    }

    private static let tickShift: UInt64 = 20
    private static let levelCount = 6
    private static let beyond = levelCount * 64
    private static let none = UInt32.max
    /// Memory for up to this many ids (24 bytes each) stays when the wheel is empty.
    private static let keptNodeCount = 1024

    /// An empty wheel. No later call may name a time before `start`.
    package init(start: Instant) {
        count = 0
        current = start.nanoseconds >> Self.tickShift
        nodes = []
        heads = Array(repeating: Self.none, count: Self.beyond + 1)
        occupied = Array(repeating: 0, count: Self.levelCount)
    }

    /// Sets the timer of the id, instead of an earlier one if there is. A deadline in the past is due at
    /// once: whoever does that again each time the timer fires keeps `popExpired` busy forever.
    package mutating func schedule(_ id: UInt32, at deadline: Instant) {
        let index = Int(id)
        precondition(id < Self.none, "ids are the small indices of a slab")
        if index < nodes.count {
            if nodes[index].slot != Node.absent { unlink(id) }
        } else {
            while nodes.count <= index { nodes.append(.unscheduled) }
        }
        let whole = deadline.nanoseconds >> Self.tickShift
        nodes[index].tick = whole << Self.tickShift == deadline.nanoseconds ? whole : whole + 1
        link(id)
    }

    /// Sets the timer of the id unless it has one that fires earlier. With owners who look again when it fires, a
    /// deadline that moves away needs no call at all.
    package mutating func scheduleEarlier(_ id: UInt32, at deadline: Instant) {
        if isScheduled(id), nodes[Int(id)].tick <= deadline.nanoseconds >> Self.tickShift { return }
        schedule(id, at: deadline)
    }

    /// Forgets the timer of the id, if it has one.
    package mutating func cancel(_ id: UInt32) {
        guard isScheduled(id) else { return }
        unlink(id)
        releaseMemoryIfEmpty()
    }

    /// Whether the id has a timer.
    package func isScheduled(_ id: UInt32) -> Bool {
        Int(id) < nodes.count && nodes[Int(id)].slot != Node.absent
    }

    /// When to call `popExpired` next; nil while nothing is scheduled.
    ///
    /// Never later than the tick of the earliest timer. It may be earlier, when timers have to move to a
    /// lower level first: then `popExpired` at that time answers nil, and the next deadline is a later one.
    package var nextDeadline: Instant? {
        guard let tick = nextEvent()?.tick else { return nil }
        // Only the tick after the last one an Instant can tell does not fit.
        return Instant(nanoseconds: tick >> 44 == 0 ? tick << Self.tickShift : .max)
    }

    /// Takes out one timer that is due and gives its id; nil when none is left. Call until nil.
    ///
    /// A jump over hours costs no more than the timers and occupied slots in between.
    package mutating func popExpired(at now: Instant) -> UInt32? {
        let nowTick = now.nanoseconds >> Self.tickShift
        while let event = nextEvent(), event.tick <= nowTick {
            current = event.tick
            if event.slot < 64 {
                let id = heads[event.slot]
                unlink(id)
                return id
            }
            cascade(event.slot)
        }
        // No slot begins up to `nowTick`, hence no timer's highest differing digit changes by going there.
        current = max(current, nowTick)
        releaseMemoryIfEmpty()
        return nil
    }

    /// Ids the wheel holds memory for. For tests and for the account of memory.
    package var idsInMemory: Int { nodes.capacity }

    // MARK: - Levels

    /// The first slot with a timer and the tick at which it begins: at the lowest level the tick of its
    /// timers, higher up the time at which they move down.
    private func nextEvent() -> (tick: UInt64, slot: Int)? {
        guard count > 0 else { return nil }
        for level in 0..<Self.levelCount where occupied[level] != 0 {
            // All timers of a level agree with `current` in the digits above it and are not before it in this
            // one.
            let digit = occupied[level].trailingZeroBitCount
            let shift = UInt64(level * 6)
            let upper = (current >> (shift + 6)) << 6 | UInt64(digit)
            return (upper << shift, level * 64 + digit)
        }
        let span = UInt64(Self.levelCount * 6)
        return (((current >> span) + 1) << span, Self.beyond)
    }

    /// Where a timer lies at present. What is due shares the slot of the present tick.
    private func slot(for tick: UInt64) -> Int {
        let tick = max(tick, current)
        let difference = tick ^ current
        if difference == 0 { return Int(current & 63) }
        let level = (63 - difference.leadingZeroBitCount) / 6
        guard level < Self.levelCount else { return Self.beyond }
        return level * 64 + Int(tick >> UInt64(level * 6) & 63)
    }

    /// Moves the timers of a slot that begins now to where they belong seen from now: further down, or for
    /// the list beyond the levels possibly back into it.
    private mutating func cascade(_ slot: Int) {
        let first = heads[slot]
        guard first != Self.none else { return }
        let last = nodes[Int(first)].previous
        heads[slot] = Self.none
        if slot < Self.beyond { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
        var id = first
        while true {
            let next = nodes[Int(id)].next
            count -= 1
            link(id)
            if id == last { return }
            id = next
        }
    }

    // MARK: - Rings

    /// Appends the node to the ring of its slot.
    private mutating func link(_ id: UInt32) {
        let index = Int(id)
        let slot = slot(for: nodes[index].tick)
        nodes[index].slot = UInt16(slot)
        let head = heads[slot]
        if head == Self.none {
            heads[slot] = id
            nodes[index].next = id
            nodes[index].previous = id
            if slot < Self.beyond { occupied[slot >> 6] |= 1 << UInt64(slot & 63) }
        } else {
            let tail = nodes[Int(head)].previous
            nodes[index].next = head
            nodes[index].previous = tail
            nodes[Int(tail)].next = id
            nodes[Int(head)].previous = id
        }
        count += 1
    }

    private mutating func unlink(_ id: UInt32) {
        let node = nodes[Int(id)]
        let slot = Int(node.slot)
        if node.next == id {
            heads[slot] = Self.none
            if slot < Self.beyond { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
        } else {
            nodes[Int(node.previous)].next = node.next
            nodes[Int(node.next)].previous = node.previous
            if heads[slot] == id { heads[slot] = node.next }
        }
        nodes[Int(id)].slot = Node.absent
        count -= 1
    }

    /// Called when popping ends, not when an id is handed out: most owners schedule that id again at once.
    private mutating func releaseMemoryIfEmpty() {
        if count == 0, nodes.capacity > Self.keptNodeCount { nodes = [] }
    }
}
