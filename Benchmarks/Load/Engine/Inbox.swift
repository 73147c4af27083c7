import CLoad
import LinuxSockets
import NetworkPrimitives

/// Room for what one call takes from a socket: datagrams, or trains of them.
@safe final class Inbox {
    /// Slots that one call fills at most.
    static let slots = UInt32(CLOAD_SLOTS)

    private let inbox: OpaquePointer
    private let received: UnsafePointer<cload_received>
    private let bytes: UnsafePointer<UInt8>

    init() {
        guard let created = unsafe cload_inbox_create() else { preconditionFailure("no memory to receive into") }
        unsafe inbox = created
        unsafe received = cload_inbox_received(created)
        unsafe bytes = cload_inbox_bytes(created)
    }

    deinit { unsafe cload_inbox_destroy(inbox) }

    /// Fills up to `limit` slots and returns how many; none when nothing waits or the socket has failed.
    @inline(__always)
    func receive(from raw: CInt, limit: UInt32 = Inbox.slots) -> Int {
        max(0, Int(unsafe cload_receive(inbox, raw, limit)))
    }

    /// Calls `body` with every datagram of a slot, one by one; returns how many there were.
    @inline(__always)
    func forEachDatagram(inSlot slot: Int, _ body: (UnsafeRawBufferPointer) -> Void) -> Int {
        let (total, segment) = unsafe (Int(received[slot].bytes), max(1, Int(received[slot].segment)))
        let start = unsafe UnsafeRawPointer(bytes + slot * Int(CLOAD_SLOT_STRIDE))
        // An empty datagram is one as well.
        guard total > 0 else {
            unsafe body(UnsafeRawBufferPointer(start: start, count: 0))
            return 1
        }
        var offset = 0
        var number = 0
        while offset < total {
            unsafe body(UnsafeRawBufferPointer(start: start + offset, count: min(segment, total - offset)))
            offset += segment
            number += 1
        }
        return number
    }
}
