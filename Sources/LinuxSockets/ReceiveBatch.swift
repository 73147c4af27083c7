package import CLinux
package import NetworkPrimitives

/// Room for a batch of datagrams, filled by one system call and laid out once.
///
/// A slot is `headroom` bytes, the payload, and at least eight bytes of tail: a header can be put before the payload or
/// padding behind it without moving it. The payload is a datagram, or if the socket `coalesces` a train of datagrams
/// from one source. Slot numbers run from 0; what a slot tells is valid until it is filled again.
@safe package struct ReceiveBatch: ~Copyable {
    /// Bytes behind the longest payload, enough for any padding to a multiple of eight.
    package static let tailBytes = 8

    package let region: SlotRegion
    package let headroom: Int
    private let kernel: OpaquePointer
    // Copies of what region and kernel hold, so that the accessors below follow one pointer and not two.
    package let datagrams: UnsafePointer<tern_datagram>
    package let base: UnsafeMutableRawPointer
    package let slotCount: Int
    package let slotBytes: Int

    /// What the socket of the last `receive` has dropped in all for want of buffer, if its datagrams told.
    package private(set) var droppedByKernel: UInt32?

    /// `slotBytes` holds headroom, payload and tail; the default is enough for any datagram. The memory is taken from
    /// the system only as slots are touched.
    package init(slots: Int = 64, slotBytes: Int = 65_664, headroom: Int = 64) {
        let payloadBytes = min(slotBytes - headroom - Self.tailBytes, 65_535)
        precondition(headroom >= 0 && payloadBytes > 0, "a slot has room for a payload")
        region = SlotRegion(slots: slots, slotBytes: slotBytes)
        unsafe base = region.base
        var layout = tern_slot_layout(
            slots: UInt32(slots), stride: UInt32(slotBytes), headroom: UInt32(headroom), capacity: UInt32(payloadBytes))
        guard let created = unsafe tern_receive_batch_create(base.assumingMemoryBound(to: UInt8.self), &layout) else {
            preconditionFailure("no memory for a receive batch")
        }
        unsafe kernel = created
        unsafe datagrams = tern_receive_batch_datagrams(created)
        self.headroom = headroom
        self.slotBytes = slotBytes
        slotCount = slots
        droppedByKernel = nil
    }

    deinit { unsafe tern_receive_batch_destroy(kernel) }

    /// Fills at most `limit` slots from `firstSlot` on; returns how many, 0 when nothing is waiting.
    ///
    /// One batch can gather from several sockets, each behind the other. Entries of a `TransmitBatch` that point into
    /// the slots must have been flushed. An error with `isDeliveryReport` says that the error queue wants reading.
    package mutating func receive(
        from raw: CInt, limit: Int = .max, startingAt firstSlot: Int = 0
    ) throws(SystemError) -> Int {
        precondition(unsafe firstSlot >= region.pinnedSlots.pointee, "unsent datagrams would be overwritten")
        precondition(firstSlot < slotCount && limit > 0, "there is a slot to fill")
        let room = UInt32(min(limit, slotCount - firstSlot))
        let result = unsafe tern_receive_batch_receive(kernel, raw, UInt32(firstSlot), room)
        guard result > 0 else { return Int(try SystemError.check("recvmmsg", result)) }
        let last = unsafe datagrams[firstSlot + Int(result) - 1]
        droppedByKernel = last.flags & UInt32(TERN_DATAGRAM_HAS_DROPS) != 0 ? last.dropped : nil
        return Int(result)
    }

    /// See `receive(from:limit:startingAt:)`.
    package mutating func receive(
        from socket: borrowing UDPSocket, limit: Int = .max, startingAt firstSlot: Int = 0
    ) throws(SystemError) -> Int {
        try receive(from: socket.raw, limit: limit, startingAt: firstSlot)
    }
}

// What a slot holds. A slot that was never filled holds an empty datagram.
extension ReceiveBatch {
    /// Who sent it. IPv4-mapped addresses are reported as IPv4.
    @inlinable package func source(of index: Int) -> SocketAddress {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        return unsafe KernelAddress.socketAddress(datagrams[index].source)
    }

    /// The address of ours that it was sent to, if the socket was opened with `packetInfo`.
    @inlinable package func localAddress(of index: Int) -> IPAddress? {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        return unsafe KernelAddress.ip(datagrams[index].local)
    }

    /// All that there is to know of a slot.
    @inlinable package func train(of index: Int) -> Train {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        let datagram = unsafe datagrams + index
        let end = unsafe headroom + Int(datagram.pointee.length)
        return unsafe Train(
            source: KernelAddress.socketAddress(datagram.pointee.source),
            localAddress: KernelAddress.ip(datagram.pointee.local),
            segments: Segments(slot: index, bytes: headroom..<end, byteCount: Int(datagram.pointee.segment_bytes)),
            isTruncated: datagram.pointee.flags & UInt32(TERN_DATAGRAM_TRUNCATED) != 0)
    }

    /// The datagrams of a slot. Of a slot that is truncated the last one is cut.
    @inlinable package func segments(of index: Int) -> Segments { train(of: index).segments }

    /// Where the payload lies in the slot.
    @inlinable package func payloadRange(of index: Int) -> Range<Int> {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        return unsafe headroom..<(headroom + Int(datagrams[index].length))
    }

    /// What came was longer than the slot, and its end is lost. Cannot happen with slots of the default size.
    @inlinable package func isTruncated(_ index: Int) -> Bool {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        return unsafe datagrams[index].flags & UInt32(TERN_DATAGRAM_TRUNCATED) != 0
    }

    /// Lends the payload.
    @inlinable package func withPayload<Result: ~Copyable, Failure: Error>(
        _ index: Int, _ body: (RawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(payload(of: index))
    }

    /// The payload, for as long as the batch is not changed.
    @_lifetime(borrow self)
    @inlinable package func payload(of index: Int) -> RawSpan {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        // The count comes from the kernel, which was told how much the slot holds.
        let count = unsafe Int(datagrams[index].length)
        let span = unsafe RawSpan(_unsafeStart: base + (index * slotBytes + headroom), byteCount: count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// One datagram, for as long as the batch is not changed.
    @_lifetime(borrow self)
    @inlinable package func payload(of segment: Segment) -> RawSpan {
        let bytes = segment.bytes
        precondition(segment.slot >= 0 && segment.slot < slotCount, "the slot exists")
        precondition(bytes.lowerBound >= 0 && bytes.upperBound <= slotBytes, "the segment lies in the slot")
        let start = unsafe base + (segment.slot * slotBytes + bytes.lowerBound)
        let span = unsafe RawSpan(_unsafeStart: start, byteCount: bytes.count)
        return unsafe _overrideLifetime(span, borrowing: self)
    }

    /// Lends the whole slot, headroom first, for rewriting in place. Headroom and tail hold leftovers of earlier
    /// datagrams: what is to be sent of them must be written first.
    @inlinable package mutating func withSlot<Result: ~Copyable, Failure: Error>(
        _ index: Int, _ body: (inout MutableRawSpan) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        var span = unsafe MutableRawSpan(_unsafeStart: base + index * slotBytes, byteCount: slotBytes)
        return try body(&span)
    }

    /// Where a caller that fills a slot itself may do so: behind the headroom and before the tail. Entries of a
    /// `TransmitBatch` that point into the slot must have been flushed.
    @inlinable package var payloadRoom: Range<Int> { headroom..<slotBytes - Self.tailBytes }

    /// The whole slot, as `withSlot` lends it, for as long as the batch is not used otherwise.
    @_lifetime(&self)
    @inlinable package mutating func slot(_ index: Int) -> MutableRawSpan {
        precondition(index >= 0 && index < slotCount, "the slot exists")
        let span = unsafe MutableRawSpan(_unsafeStart: base + index * slotBytes, byteCount: slotBytes)
        return unsafe _overrideLifetime(span, mutating: &self)
    }
}
