import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

/// What became of the connections of a worker.
package struct StreamCounters: Sendable {
    package var accepted: UInt64 = 0
    /// Not taken, because there were too many in all, or of one source.
    package var refused: UInt64 = 0
    /// Ended by us: what came was no message.
    package var unframable: UInt64 = 0
    /// Ended by us: no allocation in `max-allocate-timeout`.
    package var idle: UInt64 = 0
    /// Ended by us: answers were not read.
    package var unread: UInt64 = 0
    /// Relayed datagrams that were dropped because the client did not read them in time.
    package var dropped: UInt64 = 0

    mutating func add(_ other: StreamCounters) {
        accepted += other.accepted
        refused += other.refused
        unframable += other.unframable
        idle += other.idle
        unread += other.unread
        dropped += other.dropped
    }
}

/// Why a connection ends.
enum StreamEnd {
    /// The client has ended it, or the network has.
    case byClient
    case unframable, idle, unread
}

/// One connection of a TURN client.
struct StreamConnection: ~Copyable {
    let path: FiveTuple
    let socket: TCPConnection
    var deframer: StreamDeframer
    var queue = StreamQueue()
    var hasAllocation = false
    /// The poller looks for room to write.
    var watchesWrites = false
    /// Nothing is read or written any more; it is about to be closed.
    var hasEnded = false

    /// Without an allocation nobody needs more than a request, so that nobody gets more memory.
    var frameByteCountMax: Int {
        hasAllocation ? StreamDeframer.frameByteCountMax : Limits.requestByteCountMax
    }
}

/// The connections of one worker, from accept to close, and what waits to be written to them.
///
/// What is sent to one connection in a row is gathered and written by one call; `flush` ends that. A connection that
/// has come to its end is not closed at once, because its allocation has to end with it: the worker takes the ends when
/// it can tell the control plane.
struct StreamTable: ~Copyable {
    /// Bytes gathered before they are written.
    private static let gatheredByteCountMax = 65_536

    private struct GatheredFrame {
        let kind: StreamFrameKind
        let end: Int
    }

    let idleSeconds: UInt32
    private let book: StreamBook
    private var connections: Slab<StreamConnection>
    private var handles: FlatMap<FiveTuple, SlabHandle>
    /// Of connections without an allocation.
    private var timers: TimerWheel
    private var gathered: [UInt8] = []
    private var frames: [GatheredFrame] = []
    private var gatheredFor: SlabHandle?
    /// Connections for whose room to write the poller has to look.
    private var unwatched: [SlabHandle] = []
    private var ended: [SlabHandle] = []
    private(set) var counters = StreamCounters()

    /// `idleSeconds` 0: a connection may stay without an allocation.
    init(limit: Int, idleSeconds: UInt32, book: StreamBook, seed: UInt64, start: Instant) {
        self.idleSeconds = idleSeconds
        self.book = book
        connections = Slab(limit: limit)
        handles = FlatMap(seed: seed, limit: limit)
        timers = TimerWheel(start: start)
    }

    var count: Int { connections.count }

    // MARK: - Beginning

    /// Takes a connection in; nil when there are too many.
    mutating func insert(
        _ accepted: consuming AcceptedConnection, channelNumbers: ChannelNumberRange, at now: Instant
    ) -> SlabHandle? {
        let path = accepted.path
        let source = path.client.socketAddress.ip
        precondition(handles[path] == nil, "an earlier connection of the five-tuple has ended")
        guard book.admit(source) == nil else {
            counters.refused += 1
            return nil
        }
        let connection = StreamConnection(
            path: path, socket: accepted.take(), deframer: StreamDeframer(channelNumbers: channelNumbers))
        guard let handle = connections.insert(connection) else {
            counters.refused += 1
            book.release(source, hadAllocation: false)
            return nil
        }
        handles.insert(handle, for: path)
        counters.accepted += 1
        startTimer(handle, at: now)
        return handle
    }

    func raw(_ handle: SlabHandle) -> CInt { connections[handle].socket.raw }

    func path(_ handle: SlabHandle) -> FiveTuple { connections[handle].path }

    /// The connection of a five-tuple.
    func handle(of path: FiveTuple) -> SlabHandle? { handles[path] }

    /// The connection that an event is about; nil when an earlier event of the round has ended it.
    func handle(_ name: StreamName) -> SlabHandle? {
        guard let handle = connections.handle(at: name.index), StreamName(handle) == name,
            !connections[handle].hasEnded
        else { return nil }
        return handle
    }

    func isOpen(_ handle: SlabHandle) -> Bool { connections.contains(handle) && !connections[handle].hasEnded }

    // MARK: - Allocations

    mutating func allocationOpened(_ path: FiveTuple) {
        guard let handle = handles[path] else { return }
        connections[handle].hasAllocation = true
        timers.cancel(handle.index)
        book.allocationOpened(path.client.socketAddress.ip)
    }

    mutating func allocationClosed(_ path: FiveTuple, at now: Instant) {
        // Gone when it is the connection that has ended.
        guard let handle = handles[path] else { return }
        connections[handle].hasAllocation = false
        book.allocationClosed(path.client.socketAddress.ip)
        startTimer(handle, at: now)
    }

    private mutating func startTimer(_ handle: SlabHandle, at now: Instant) {
        guard idleSeconds > 0 else { return }
        timers.schedule(handle.index, at: now.advanced(bySeconds: idleSeconds))
    }

    var nextDeadline: Instant? { timers.nextDeadline }

    mutating func handleDeadline(at now: Instant) {
        while let index = timers.popExpired(at: now) {
            if let handle = connections.handle(at: index) { end(handle, .idle) }
        }
    }

    // MARK: - Reading

    /// Reads once into `room`, behind what is left of earlier reads.
    mutating func read(_ handle: SlabHandle, into room: inout MutableRawSpan, byteCountMax: Int) -> ReadResult {
        let held = connections[handle].deframer.resume(in: &room)
        let end = min(room.byteCount, held + byteCountMax)
        var free = room._mutatingExtracting(held..<end)
        let result = connections[handle].socket.read(into: &free)
        switch result {
        case .bytes(let count): return .bytes(held + count)
        case .wouldBlock:
            connections[handle].deframer.keep(room.bytes.extracting(0..<held))
            return .wouldBlock
        case .endOfStream, .failed: return result
        }
    }

    func step(_ handle: SlabHandle, in bytes: RawSpan, from start: Int) -> StreamStep {
        connections[handle].deframer.step(
            in: bytes, from: start, byteCountMax: connections[handle].frameByteCountMax)
    }

    mutating func keep(_ bytes: RawSpan, of handle: SlabHandle) { connections[handle].deframer.keep(bytes) }

    // MARK: - Writing

    /// Sends `header`, `payload` and zeros to the client at the other end of `path`, soon. False when there is none.
    mutating func send(
        _ kind: StreamFrameKind, header: RawSpan, payload: RawSpan, padding: Int, to path: FiveTuple
    ) -> Bool {
        guard let handle = handles[path], !connections[handle].hasEnded else { return false }
        if gatheredFor != handle || gathered.count >= Self.gatheredByteCountMax {
            writeGathered()
            guard !connections[handle].hasEnded else { return false }
            gatheredFor = handle
        }
        Self.append(header, to: &gathered)
        Self.append(payload, to: &gathered)
        for _ in 0..<padding { gathered.append(0) }
        frames.append(GatheredFrame(kind: kind, end: gathered.count))
        return true
    }

    private static func append(_ bytes: RawSpan, to array: inout [UInt8]) {
        unsafe bytes.withUnsafeBytes { unsafe array.append(contentsOf: $0) }
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
        guard let handle = gatheredFor else { return }
        gatheredFor = nil
        var written = 0
        if isOpen(handle), connections[handle].queue.isEmpty {
            switch connections[handle].socket.write(unsafe gathered.span.bytes) {
            case .wrote(let count): written = count
            case .wouldBlock: break
            case .failed: end(handle, .byClient)
            }
        }
        if isOpen(handle), written < gathered.count { enqueue(handle, from: written) }
        gathered.removeAll(keepingCapacity: true)
        frames.removeAll(keepingCapacity: true)
    }

    /// Has what was gathered wait, but for the bytes that are written.
    private mutating func enqueue(_ handle: SlabHandle, from written: Int) {
        var start = 0
        for frame in frames {
            defer { start = frame.end }
            guard frame.end > written else { continue }
            guard start >= written else {
                connections[handle].queue.resume(gathered[written..<frame.end])
                continue
            }
            switch connections[handle].queue.append(frame.kind, gathered[start..<frame.end]) {
            case .queued(let dropped): counters.dropped += UInt64(dropped)
            case .overflow: return end(handle, .unread)
            }
        }
        if !connections[handle].watchesWrites { unwatched.append(handle) }
    }

    /// The client has room again.
    mutating func writeQueued(_ handle: SlabHandle, _ poller: borrowing Poller) {
        while !connections[handle].queue.isEmpty {
            // By itself, so that nothing but the queue holds the bytes when they are taken out.
            let result = connections[handle].socket.write(gathering: connections[handle].queue.pieces)
            switch result {
            case .wrote(let count): connections[handle].queue.wrote(count)
            case .wouldBlock: return
            case .failed: return end(handle, .byClient)
            }
        }
        watchWrites(handle, false, poller)
    }

    private mutating func watchWrites(_ handle: SlabHandle, _ watches: Bool, _ poller: borrowing Poller) {
        guard connections[handle].watchesWrites != watches else { return }
        connections[handle].watchesWrites = watches
        // It fails only for a descriptor that is not watched, and this one is.
        try? poller.modify(
            raw(handle), token: WorkerToken.stream(StreamName(handle)).bits,
            interest: watches ? [.readable, .writable] : .readable)
    }

    // MARK: - Ending

    /// Marks a connection as ended; `takeEnded` hands it out.
    mutating func end(_ handle: SlabHandle, _ end: StreamEnd) {
        guard isOpen(handle) else { return }
        connections[handle].hasEnded = true
        ended.append(handle)
        switch end {
        case .byClient: break
        case .unframable: counters.unframable += 1
        case .idle: counters.idle += 1
        case .unread: counters.unread += 1
        }
    }

    /// Closes one of the connections that have ended; its allocation is the caller's to end.
    mutating func takeEnded() -> FiveTuple? {
        guard let handle = ended.popLast() else { return nil }
        guard let connection = connections.remove(handle) else { preconditionFailure("ended once") }
        let path = connection.path
        handles.remove(path)
        timers.cancel(handle.index)
        book.release(path.client.socketAddress.ip, hadAllocation: connection.hasAllocation)
        return path
    }
}

extension AcceptedConnection {
    /// The five-tuple of the client at its other end.
    var path: FiveTuple {
        FiveTuple(client: ClientAddress(remoteAddress), server: localAddress, transport: .tcp)
    }
}
