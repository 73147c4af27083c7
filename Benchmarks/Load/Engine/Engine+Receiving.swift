import EventLoop
import NetworkPrimitives

// What arrives, and whether it is what it should be.
extension Engine {
    /// Takes what waits at a socket.
    mutating func takeArrivals(_ index: Int) {
        guard arrivals[index].link < 0 else { return takeMessages(index) }
        // A socket that had something in the last round as well may have more than one by now.
        let isBusy = arrivals[index].round == round - 1
        let limit = isBusy ? max(arrivals[index].limit, 2) : arrivals[index].limit
        arrivals[index].round = round
        let slots = inbox.receive(from: arrivals[index].raw, limit: limit)
        guard slots > 0 else { return }
        // Asks for twice as much when a batch was filled, and for one again when one was all.
        let isFull = limit > 1 && slots == Int(limit)
        arrivals[index].limit = isFull ? min(limit * 2, Inbox.slots) : slots == 1 ? 1 : limit
        let now = Clock.monotonic().nanoseconds
        var datagrams = 0
        for slot in 0..<slots {
            datagrams += unsafe inbox.forEachDatagram(inSlot: slot) { unsafe accept($0, index, at: now) }
        }
        lastArrival = now
        inFlight = max(0, inFlight - datagrams)
    }

    /// The same for a connection.
    private mutating func takeMessages(_ index: Int) {
        guard let links else { return }
        let link = arrivals[index].link
        // When they came is known when they are read, and the engine is not to be asked for it by the closure.
        var now: UInt64 = 0
        let messages = unsafe links.receive(from: link) {
            if now == 0 { now = Clock.monotonic().nanoseconds }
            unsafe accept($0, index, at: now)
        }
        if links.hasEnded(link) { ended += 1 }
        guard messages > 0 else { return }
        lastArrival = now
        inFlight = max(0, inFlight - messages)
    }

    @inline(__always)
    private mutating func accept(_ datagram: UnsafeRawBufferPointer, _ index: Int, at now: UInt64) {
        let form = arrivals[index].form
        if form == .response, unsafe Self.isErrorResponse(datagram) {
            refused += 1
            unsafe refusals.append((index, Array(datagram)))
            return
        }
        guard arrivals[index].bytes.contains(datagram.count) else {
            unexpected += 1
            return
        }
        if latency != nil {
            guard let due = unsafe readStamp(datagram, index) else {
                unexpected += 1
                return
            }
            if due >= measureFrom, now >= due { latency?.record(now - due) }
        }
        delivered += 1
    }

    @inline(__always)
    private mutating func readStamp(_ datagram: UnsafeRawBufferPointer, _ index: Int) -> UInt64? {
        guard let base = datagram.baseAddress else { return nil }
        let offset = arrivals[index].stampOffset
        if offset + Stamp.byteCount <= datagram.count, let time = unsafe stamp.read(from: base + offset) { return time }
        guard arrivals[index].form == .indication, let found = unsafe Self.dataOffset(in: datagram.bytes),
            found + Stamp.byteCount <= datagram.count
        else { return nil }
        arrivals[index].stampOffset = found
        return unsafe stamp.read(from: base + found)
    }

    /// Both bits of the class are set (RFC 8489 §5).
    private static func isErrorResponse(_ datagram: UnsafeRawBufferPointer) -> Bool {
        unsafe datagram.count >= 20 && datagram[0] & 0x01 != 0 && datagram[1] & 0x10 != 0
    }

    /// Where the value of DATA begins (RFC 8656 §18.4). Attributes may stand in any order.
    private static func dataOffset(in bytes: RawSpan) -> Int? {
        var offset = 20
        while offset + 4 <= bytes.byteCount {
            if bytes.bigEndianUInt16(at: offset) == 0x0013 { return offset + 4 }
            offset += 4 + (Int(bytes.bigEndianUInt16(at: offset + 2)) + 3) & ~0b11
        }
        return nil
    }
}
