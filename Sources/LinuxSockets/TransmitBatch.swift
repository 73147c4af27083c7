import CLinux
package import NetworkPrimitives

/// How a datagram travels: the socket it leaves by and the addresses at both ends.
package struct Envelope: Sendable {
    /// A descriptor that stays open until the flush.
    package var socket: CInt
    package var destination: SocketAddress
    /// The address to send from, for a socket bound to the wildcard; nil lets the kernel choose.
    package var localAddress: IPAddress?
    /// The socket is connected to the destination.
    package var isConnected: Bool
    /// Send with the DF bit (RFC 8656 §14.3). Costs four system calls of its own.
    package var dontFragment: Bool

    @inlinable package init(
        socket: CInt, destination: SocketAddress, localAddress: IPAddress? = nil, isConnected: Bool = false,
        dontFragment: Bool = false
    ) {
        self.socket = socket
        self.destination = destination
        self.localAddress = localAddress
        self.isConnected = isConnected
        self.dontFragment = dontFragment
    }
}

/// What became of the datagrams of a `TransmitBatch`. All but `refused` add up to the number of entries.
package struct TransmitCounters: Equatable, Sendable {
    package var sent: UInt64 = 0
    /// Dropped because the socket's or the device's queue was full.
    package var wouldBlock: UInt64 = 0
    /// How often the kernel reported the ICMP error of an earlier datagram in place of sending. Those datagrams were
    /// tried again, and are counted by how that ended.
    package var refused: UInt64 = 0
    /// Larger than the path allows with DF, or than UDP allows at all.
    package var messageTooLong: UInt64 = 0
    /// No route, or the host is known to be away.
    package var unreachable: UInt64 = 0
    /// Forbidden by a firewall, or a broadcast.
    package var notPermitted: UInt64 = 0
    package var other: UInt64 = 0

    package init() {}

    /// All that was not sent.
    package var failed: UInt64 { wouldBlock + messageTooLong + unreachable + notPermitted + other }
}

/// Datagrams collected while a batch is worked on, to be sent together.
///
/// The bytes lie in the slots of one `ReceiveBatch`, or in reply slots of this batch. What goes before them lies there
/// too, or where it would destroy another datagram of the slot, apart. Appending to a full batch flushes it first, so
/// appending never fails. Datagrams of one flow (socket and addresses) are sent in the order of appending, runs of one
/// size by one call; those of different flows may overtake each other. A datagram that cannot be sent is counted and
/// does not stop those behind it.
@safe package struct TransmitBatch: ~Copyable {
    /// Bytes of a reply slot.
    package static let replySlotBytes = 2048
    /// Bytes that can be put before a datagram and behind it.
    package static let headroom = Int(TERN_HEAD_BYTES)
    package static let paddingMax = Int(TERN_PADDING_MAX)

    package let capacity: Int
    /// Entries waiting for the flush.
    package private(set) var count = 0

    private let kernel: OpaquePointer
    private let entries: UnsafeMutablePointer<tern_outgoing>
    /// `headroom` bytes for each entry.
    private let heads: UnsafeMutableRawPointer
    private let received: SlotRegion
    private let replySlots: UnsafeMutableRawPointer
    private let replySlotCount: Int
    private var replySlotsUsed = 0
    private var totals = tern_transmit_counters()

    /// A batch whose entries may point into the slots of `receiveBatch`. It keeps that memory alive. Only one batch may
    /// do so, because its flush declares all slots free to be filled again.
    package init(slotsOf receiveBatch: borrowing ReceiveBatch, capacity: Int = 256, replySlots: Int = 64) {
        precondition(capacity > 0 && capacity <= 4096, "a batch stays small enough to be cache-warm")
        precondition(replySlots > 0, "replies need a slot to be written to")
        guard let created = unsafe tern_transmit_batch_create(UInt32(capacity)) else {
            preconditionFailure("no memory for a transmit batch")
        }
        unsafe kernel = created
        unsafe entries = tern_transmit_batch_entries(created)
        unsafe heads = UnsafeMutableRawPointer(tern_transmit_batch_heads(created))
        received = receiveBatch.region
        unsafe self.replySlots = .allocate(byteCount: replySlots * Self.replySlotBytes, alignment: 64)
        unsafe self.replySlots.initializeMemory(
            as: UInt8.self, repeating: 0, count: replySlots * Self.replySlotBytes)
        replySlotCount = replySlots
        self.capacity = capacity
    }

    deinit {
        // What was not flushed is not sent, and its bytes need no protection any more.
        if count > 0 { unsafe received.pinnedSlots.pointee = 0 }
        unsafe tern_transmit_batch_destroy(kernel)
        unsafe replySlots.deallocate()
    }

    /// Appends `bytes` of a slot of the receive batch, which stays untouched until the flush.
    package mutating func append(slot: Int, bytes: Range<Int>, _ envelope: Envelope) {
        if count == capacity { flush() }
        unsafe add(address(of: bytes, in: slot), byteCount: bytes.count, envelope)
        pin(slot)
    }

    /// Lends the room for what is to go before `segment`, the end of which it has to end with: the slot's headroom for
    /// the first datagram of a slot, memory of the next entry for the others, before which lies a payload. Holds
    /// leftovers. Flushes a full batch.
    @_lifetime(&self)
    package mutating func headroom(before segment: Segment) -> MutableRawSpan {
        if count == capacity { flush() }
        let start: UnsafeMutableRawPointer
        if segment.isFirst {
            let lower = segment.bytes.lowerBound
            unsafe start = address(of: lower - Self.headroom..<lower, in: segment.slot)
        } else {
            unsafe start = heads + count * Self.headroom
        }
        let span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: Self.headroom)
        return unsafe _overrideLifetime(span, mutating: &self)
    }

    /// Appends `segment`, with the last `header` bytes of what `headroom(before:)` lent just now before it, and
    /// `padding` zeros behind it.
    package mutating func append(_ segment: Segment, header: Int, padding: Int, _ envelope: Envelope) {
        precondition(header >= 0 && header <= Self.headroom, "the header lies in the headroom")
        precondition(padding >= 0 && padding <= Self.paddingMax, "padding is to a multiple of four")
        precondition(count < capacity, "the headroom was lent for this entry")
        // One piece where that does no harm: it goes by the shorter call, and a run gathers faster.
        let before = segment.isFirst ? header : 0
        let behind = segment.isLast ? padding : 0
        let bytes = segment.bytes.lowerBound - before..<segment.bytes.upperBound + behind
        let start = unsafe address(of: bytes, in: segment.slot)
        for offset in bytes.count - behind..<bytes.count {
            unsafe start.storeBytes(of: 0, toByteOffset: offset, as: UInt8.self)
        }
        let entry = unsafe entries + count
        unsafe add(start, byteCount: bytes.count, envelope)
        unsafe entry.pointee.head_length = UInt8(header - before)
        unsafe entry.pointee.padding = UInt8(padding - behind)
        pin(segment.slot)
    }

    /// Lends a reply slot to `body`, which writes a datagram from its start and returns the length; 0 sends nothing.
    /// What the slot holds at the start is undefined.
    @discardableResult
    package mutating func appendReply<Failure: Error>(
        _ envelope: Envelope, writing body: (inout MutableRawSpan) throws(Failure) -> Int
    ) throws(Failure) -> Int {
        if count == capacity || replySlotsUsed == replySlotCount { flush() }
        let start = unsafe replySlots + replySlotsUsed * Self.replySlotBytes
        var span = unsafe MutableRawSpan(_unsafeStart: start, byteCount: Self.replySlotBytes)
        let length = try body(&span)
        precondition(length >= 0 && length <= Self.replySlotBytes, "the reply lies in its slot")
        guard length > 0 else { return 0 }
        replySlotsUsed += 1
        unsafe add(UnsafeRawPointer(start), byteCount: length, envelope)
        return length
    }

    /// Appends a copy of `bytes`. More than a reply slot holds is sent at once, behind all that waits.
    package mutating func append(copying bytes: RawSpan, _ envelope: Envelope) {
        guard bytes.byteCount > Self.replySlotBytes else {
            if count == capacity || replySlotsUsed == replySlotCount { flush() }
            let start = unsafe replySlots + replySlotsUsed * Self.replySlotBytes
            unsafe bytes.withUnsafeBytes { source in
                guard let first = source.baseAddress else { return }
                unsafe start.copyMemory(from: first, byteCount: source.count)
            }
            replySlotsUsed += 1
            unsafe add(UnsafeRawPointer(start), byteCount: bytes.byteCount, envelope)
            return
        }
        flush()
        unsafe bytes.withUnsafeBytes { source in
            unsafe add(source.baseAddress, byteCount: source.count, envelope)
            flush()
        }
    }

    /// Sends all entries and forgets them.
    package mutating func flush() {
        guard count > 0 else { return }
        unsafe tern_transmit_batch_flush(kernel, UInt32(count), &totals)
        count = 0
        replySlotsUsed = 0
        unsafe received.pinnedSlots.pointee = 0
    }

    /// Totals since the batch was made.
    package var counters: TransmitCounters {
        var counters = TransmitCounters()
        counters.sent = totals.sent
        counters.wouldBlock = totals.would_block
        counters.refused = totals.refused
        counters.messageTooLong = totals.message_too_long
        counters.unreachable = totals.unreachable
        counters.notPermitted = totals.not_permitted
        counters.other = totals.other
        return counters
    }

    private func address(of bytes: Range<Int>, in slot: Int) -> UnsafeMutableRawPointer {
        precondition(slot >= 0 && slot < received.slots, "the slot exists")
        precondition(bytes.lowerBound >= 0 && bytes.upperBound <= received.slotBytes, "the bytes lie in the slot")
        return unsafe received.base + (slot * received.slotBytes + bytes.lowerBound)
    }

    private func pin(_ slot: Int) {
        unsafe received.pinnedSlots.pointee = max(received.pinnedSlots.pointee, slot + 1)
    }

    private mutating func add(_ start: UnsafeRawPointer?, byteCount: Int, _ envelope: Envelope) {
        precondition(envelope.socket >= 0, "a descriptor")
        let entry = unsafe entries + count
        unsafe entry.pointee.destination = tern_address(envelope.destination)
        unsafe entry.pointee.local = tern_address(envelope.localAddress)
        unsafe entry.pointee.bytes = start?.assumingMemoryBound(to: UInt8.self)
        unsafe entry.pointee.length = UInt32(byteCount)
        unsafe entry.pointee.fd = envelope.socket
        unsafe entry.pointee.head_length = 0
        unsafe entry.pointee.padding = 0
        unsafe entry.pointee.flags =
            (envelope.dontFragment ? UInt16(TERN_OUTGOING_DONT_FRAGMENT) : 0)
            | (envelope.isConnected ? UInt16(TERN_OUTGOING_CONNECTED) : 0)
        count += 1
    }
}
