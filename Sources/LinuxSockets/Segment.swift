/// One datagram of a slot. A slot holds one, or a train of them that the kernel has coalesced
/// (`UDPSocketOptions.coalesces`).
@frozen @usableFromInline package struct Segment: Equatable, Sendable {
    @usableFromInline package let slot: Int
    /// Where the payload lies in the slot.
    @usableFromInline package let bytes: Range<Int>
    /// Nothing lies before it but the slot's headroom.
    @usableFromInline package let isFirst: Bool
    /// Nothing lies behind it but the slot's tail.
    @usableFromInline package let isLast: Bool

    @inlinable init(slot: Int, bytes: Range<Int>, isFirst: Bool, isLast: Bool) {
        self.slot = slot
        self.bytes = bytes
        self.isFirst = isFirst
        self.isLast = isLast
    }
}

/// The datagrams of a slot in the order in which they were sent, at least one: all of one size but for the last, which
/// may be shorter.
@frozen @usableFromInline package struct Segments: Sequence, IteratorProtocol, Sendable {
    @usableFromInline let slot: Int
    @usableFromInline let start: Int
    @usableFromInline let end: Int
    @usableFromInline let byteCount: Int
    /// Where the next one begins; nil behind the last.
    @usableFromInline var position: Int?

    /// `byteCount` is that of each but the last; 0 means that there is one alone.
    @inlinable init(slot: Int, bytes: Range<Int>, byteCount: Int) {
        precondition(byteCount >= 0, "a size")
        self.slot = slot
        start = bytes.lowerBound
        end = bytes.upperBound
        self.byteCount = byteCount > 0 ? byteCount : bytes.count
        position = start
    }

    @inlinable package mutating func next() -> Segment? {
        guard let lower = position else { return nil }
        let upper = Swift.min(lower + byteCount, end)
        let isLast = upper == end
        position = isLast ? nil : upper
        return Segment(slot: slot, bytes: lower..<upper, isFirst: lower == start, isLast: isLast)
    }
}
