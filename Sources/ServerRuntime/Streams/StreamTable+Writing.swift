import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

// What connections are sent: gathered while it comes in a row for one of them, queued while the client does not read.
extension StreamTable {
    /// Sends `header`, `payload` and zeros to the client at the other end of `path`, soon. False when there is none.
    mutating func send(
        _ kind: StreamFrameKind, header: RawSpan, payload: RawSpan, padding: Int, to path: FiveTuple
    ) -> Bool {
        guard let handle = handle(of: path), !connections[handle].hasEnded else { return false }
        if gathered.owner != handle || gathered.isFull {
            writeGathered()
            guard !connections[handle].hasEnded else { return false }
            gathered.owner = handle
        }
        gathered.append(kind, header, payload, padding: padding)
        return true
    }

    /// Writes what was gathered, and has the poller look for room where that was too much.
    mutating func flush(_ poller: borrowing Poller) {
        writeGathered()
        while let handle = unwatched.popLast() {
            guard isOpen(handle) else { continue }
            watchWrites(handle, true, poller)
        }
    }

    private mutating func writeGathered() {
        guard let handle = gathered.owner else { return }
        gathered.owner = nil
        var written = 0
        if isOpen(handle), connections[handle].queue.isEmpty {
            switch Self.write(gathered, to: &connections[handle].stream, &workspace) {
            case .wrote(let count): written = count
            case .wouldBlock: break
            case .failed: end(handle, .byClient)
            }
        }
        if isOpen(handle) {
            if written < gathered.bytes.count { enqueue(handle, from: written) }
            if connections[handle].isWaiting, !connections[handle].watchesWrites { unwatched.append(handle) }
        }
        gathered.removeAll()
    }

    private static func write(
        _ gathered: borrowing GatheredFrames, to stream: inout ClientStream, _ workspace: inout TLSWorkspace
    ) -> WriteResult {
        stream.write(unsafe gathered.bytes.span.bytes, ends: gathered.ends, &workspace)
    }

    /// Writes what was gathered, and gives away what waits for a connection that is about to be taken out.
    mutating func takeUnsent(_ handle: SlabHandle, _ poller: borrowing Poller) -> [UInt8] {
        flush(poller)
        guard isOpen(handle) else { return [] }
        let unsent = connections[handle].queue.pieces.flatMap { $0 }
        connections[handle].queue = StreamQueue()
        return unsent
    }

    /// Has what was gathered wait, but for the bytes that are written.
    private mutating func enqueue(_ handle: SlabHandle, from written: Int) {
        var start = 0
        for (kind, end) in zip(gathered.kinds, gathered.ends) {
            defer { start = end }
            guard end > written else { continue }
            guard start >= written else {
                connections[handle].queue.resume(gathered.bytes[written..<end])
                continue
            }
            switch connections[handle].queue.append(kind, gathered.bytes[start..<end]) {
            case .queued(let dropped): counters.dropped += UInt64(dropped)
            case .overflow: return self.end(handle, .unread)
            }
        }
    }

    /// The client has room again.
    mutating func writeQueued(_ handle: SlabHandle, _ poller: borrowing Poller) {
        switch connections[handle].stream.flush() {
        case .wrote: break
        case .wouldBlock: return
        case .failed: return end(handle, .byClient)
        }
        while !connections[handle].queue.isEmpty {
            let result = writeFront(of: handle)
            switch result {
            case .wrote(let count): connections[handle].queue.wrote(count)
            case .wouldBlock: return
            case .failed: return end(handle, .byClient)
            }
        }
        if !connections[handle].isWaiting { watchWrites(handle, false, poller) }
    }

    private mutating func writeFront(of handle: SlabHandle) -> WriteResult {
        // The pieces are named nowhere else, so that nothing but the queue holds the bytes when they are taken out.
        connections[handle].stream.isEncrypted
            ? connections[handle].stream.write(gathering: connections[handle].queue.front, &workspace)
            : connections[handle].stream.write(gathering: connections[handle].queue.pieces, &workspace)
    }

    private mutating func watchWrites(_ handle: SlabHandle, _ watches: Bool, _ poller: borrowing Poller) {
        guard connections[handle].watchesWrites != watches else { return }
        connections[handle].watchesWrites = watches
        // It fails only for a descriptor that is not watched, and this one is.
        try? poller.modify(
            raw(handle), token: WorkerToken.stream(StreamName(handle)).bits,
            interest: watches ? [.readable, .writable] : .readable)
    }
}

/// Frames of one connection, one behind the other, until they are written by one call.
struct GatheredFrames {
    /// Bytes gathered before they are written.
    private static let byteCountMax = 65_536

    var owner: SlabHandle?
    private(set) var bytes: [UInt8] = []
    /// Of each frame.
    private(set) var kinds: [StreamFrameKind] = []
    private(set) var ends: [Int] = []

    var isFull: Bool { bytes.count >= Self.byteCountMax }

    mutating func append(_ kind: StreamFrameKind, _ header: RawSpan, _ payload: RawSpan, padding: Int) {
        append(header)
        append(payload)
        for _ in 0..<padding { bytes.append(0) }
        kinds.append(kind)
        ends.append(bytes.count)
    }

    private mutating func append(_ more: RawSpan) {
        unsafe more.withUnsafeBytes { unsafe bytes.append(contentsOf: $0) }
    }

    mutating func removeAll() {
        bytes.removeAll(keepingCapacity: true)
        kinds.removeAll(keepingCapacity: true)
        ends.removeAll(keepingCapacity: true)
    }
}
