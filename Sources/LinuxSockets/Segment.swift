package import NetworkPrimitives

/// What a slot holds: datagrams that one source sent together, most often a single one.
package struct Train: Sendable {
    /// Who sent it. IPv4-mapped addresses are reported as IPv4.
    package let source: SocketAddress
    /// The address of ours that it was sent to, if the socket was opened with `packetInfo`.
    package let localAddress: IPAddress?
    package let segments: Segments
    /// What came was longer than the slot: the last segment is cut, and others may be lost. Cannot happen with slots of
    /// the default size.
    package let isTruncated: Bool

    @inlinable package init(source: SocketAddress, localAddress: IPAddress?, segments: Segments, isTruncated: Bool) {
        self.source = source
        self.localAddress = localAddress
        self.segments = segments
        self.isTruncated = isTruncated
    }
}

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

    /// A part of a slot that the caller has filled itself.
    @inlinable package init(slot: Int, bytes: Range<Int>) {
        self.init(slot: slot, bytes: bytes, isFirst: false, isLast: false)
    }

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
