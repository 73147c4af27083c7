import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TLS
import TURN

/// Why a connection ends.
enum StreamEnd {
    /// The client has ended it, or the network has.
    case byClient
    case unframable, idle, unread
    /// It had no allocation, and another client wanted in.
    case displaced
}

/// What a connection is for, which its first bytes tell.
enum StreamApplication {
    case turn
    /// For signaling.
    case http
}

/// One connection of a TURN client.
struct StreamConnection: ~Copyable {
    var path: FiveTuple
    var stream: ClientStream
    /// HTTP is served where it came in.
    let mayBeHTTP: Bool
    var deframer: StreamDeframer
    var queue = StreamQueue()
    /// Nil until the client has said something.
    var application: StreamApplication?
    /// What a proxy has said so far about who the client is; nil when nothing of the kind is expected.
    var proxyHeader: [UInt8]?
    var hasAllocation = false
    /// Whole messages wait for the next round, because this connection brought so many at once.
    var isBehind = false
    /// The poller looks for room to write.
    var watchesWrites = false
    /// Nothing is read or written any more; it is about to be closed.
    var hasEnded = false

    /// The poller has to look for room to write.
    var isWaiting: Bool { !queue.isEmpty || stream.hasUnsent }

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
    /// Who begins with TLS has to be done with its handshake in so long.
    private static let handshakeSeconds: UInt32 = 10
    /// Answers to newcomers under TLS before the other sockets get their turn.
    static let flightsPerRound = 16

    var idleSeconds: UInt32
    /// Nil where TLS is not served.
    var context: TLSContext?
    /// Nobody is served who does not begin with TLS.
    var requiresTLS = false
    let book: StreamBook
    var connections: Slab<StreamConnection>
    /// By the addresses of the two ends, whatever is spoken between them: `wire`.
    var handles: FlatMap<FiveTuple, SlabHandle>
    /// Of connections without an allocation.
    private var timers: TimerWheel
    /// The same connections: the oldest makes room for a new one when there are too many.
    private var idle = AgeList()
    var workspace = TLSWorkspace()
    var gathered = GatheredFrames()
    /// Connections for whose room to write the poller has to look.
    var unwatched: [SlabHandle] = []
    private var behind: [SlabHandle] = []
    private var ended: [SlabHandle] = []
    var counters = StreamCounters()

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
        _ accepted: consuming AcceptedConnection, from listener: HeldListener, channelNumbers: ChannelNumberRange,
        at now: Instant
    ) -> SlabHandle? {
        let path = accepted.path
        return insert(ClientStream(accepted.take()), path, from: listener, channelNumbers: channelNumbers, at: now)
    }

    /// Takes a connection in that came by a listener of this worker, or from another worker; nil when there are too
    /// many.
    mutating func insert(
        _ stream: consuming ClientStream, _ path: FiveTuple, from listener: HeldListener? = nil,
        channelNumbers: ChannelNumberRange, at now: Instant
    ) -> SlabHandle? {
        let source = path.client.socketAddress.ip
        precondition(handles[path.wire] == nil, "an earlier connection of the five-tuple has ended")
        guard book.admit(source) == nil else {
            counters.refused += 1
            return nil
        }
        var connection = StreamConnection(
            path: path, stream: stream, mayBeHTTP: listener?.mayBeHTTP ?? false,
            deframer: StreamDeframer(channelNumbers: channelNumbers))
        // Another worker has heard already what it is for.
        if listener == nil { connection.application = .turn }
        let expectsProxy = listener?.expectsProxy ?? false
        if expectsProxy { connection.proxyHeader = [] }
        guard let handle = connections.insert(connection) else {
            counters.refused += 1
            book.release(source, hadAllocation: false)
            return nil
        }
        handles.insert(handle, for: path.wire)
        // It may come from another worker, with something that is encrypted already.
        if connections[handle].stream.hasUnsent { unwatched.append(handle) }
        counters.accepted += 1
        idle.append(handle.index)
        if expectsProxy {
            timers.schedule(handle.index, at: now.advanced(bySeconds: Self.handshakeSeconds))
        } else {
            startTimer(handle, at: now)
        }
        return handle
    }

    /// Ends the connection that has been here longest without an allocation, when there is no room for one more. False
    /// when nobody can make room. A flood of connections that come to nothing thus ends its own.
    mutating func makeRoom() -> Bool {
        guard book.isFull || connections.count == connections.limit else { return true }
        guard let oldest = idle.oldest, let handle = connections.handle(at: oldest) else { return false }
        idle.remove(oldest)
        end(handle, .displaced)
        return true
    }

    func raw(_ handle: SlabHandle) -> CInt { connections[handle].stream.raw }

    func hasAllocation(_ handle: SlabHandle) -> Bool { connections[handle].hasAllocation }

    func path(_ handle: SlabHandle) -> FiveTuple { connections[handle].path }

    /// The connection of a five-tuple.
    func handle(of path: FiveTuple) -> SlabHandle? { handles[path.wire] }

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
        guard let handle = handles[path.wire], !connections[handle].hasAllocation else { return }
        connections[handle].hasAllocation = true
        timers.cancel(handle.index)
        idle.remove(handle.index)
        book.allocationOpened(path.client.socketAddress.ip)
    }

    mutating func allocationClosed(_ path: FiveTuple, at now: Instant) {
        // Gone when it is the connection that has ended.
        guard let handle = handles[path.wire], connections[handle].hasAllocation else { return }
        connections[handle].hasAllocation = false
        book.allocationClosed(path.client.socketAddress.ip)
        idle.append(handle.index)
        startTimer(handle, at: now)
    }

    mutating func startTimer(_ handle: SlabHandle, at now: Instant) {
        timers.cancel(handle.index)
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

    /// A round of the worker begins.
    mutating func beginRound() { workspace.flights = 0 }

    /// Whether a connection of which the poller says that it is readable is to be read now; if not, the poller says so
    /// again. One that is behind has its turn without that, and must not have two. A handshake costs as much as some
    /// hundred relayed packets, which must not wait for a crowd of newcomers.
    func mayRead(_ handle: SlabHandle) -> Bool {
        guard !connections[handle].isBehind else { return false }
        return switch connections[handle].stream.protection {
        case .undecided, .greeting: workspace.flights < Self.flightsPerRound
        case .plain, .encrypted: true
        }
    }

    /// Reads once into `room`, behind what is left of earlier reads; the bytes are counted together.
    mutating func read(_ handle: SlabHandle, into room: inout MutableRawSpan, at now: Instant) -> StreamRead {
        if let result = readProxyHeader(handle, at: now) { return result }
        let held = connections[handle].deframer.resume(in: &room)
        guard !connections[handle].isBehind else {
            connections[handle].isBehind = false
            return .bytes(held, more: false)
        }
        var free = room._mutatingExtracting(held..<room.byteCount)
        let before = connections[handle].stream.protection
        let result = connections[handle].stream.read(into: &free, &workspace, context)
        if refusesPlain(handle) { return .failed }
        noteProtection(of: handle, before, at: now)
        if connections[handle].stream.hasUnsent { unwatched.append(handle) }
        switch result {
        case .bytes(0, _):
            connections[handle].deframer.keep(room.bytes.extracting(0..<held))
            return result
        case .bytes(let count, let more):
            if connections[handle].application == nil {
                connections[handle].application = application(of: handle, first: room.bytes.byte(at: 0))
            }
            return .bytes(held + count, more: more)
        case .endOfStream, .failed:
            workspace.removeAll()
            return result
        }
    }

    func application(of handle: SlabHandle) -> StreamApplication? { connections[handle].application }

    mutating func noteStranger() { counters.strangers += 1 }

    mutating func noteHandOver() { counters.handedOver += 1 }

    private func application(of handle: SlabHandle, first: UInt8) -> StreamApplication {
        guard connections[handle].mayBeHTTP else { return .turn }
        switch connections[handle].stream.applicationProtocol {
        case "http/1.1": return .http
        // A method is letters (RFC 9110 §9.1), and no message of TURN that can be the first begins with one.
        case nil: return (65...90).contains(first) ? .http : .turn
        default: return .turn
        }
    }

    private mutating func noteProtection(of handle: SlabHandle, _ before: ClientStream.Protection, at now: Instant) {
        let protection = connections[handle].stream.protection
        guard protection != before, protection != .plain else { return }
        let path = connections[handle].path
        connections[handle].path = FiveTuple(client: path.client, server: path.server, transport: .tls)
        switch protection {
        case .undecided, .plain: return
        case .greeting: timers.schedule(handle.index, at: now.advanced(bySeconds: Self.handshakeSeconds))
        case .encrypted:
            counters.handshakes += 1
            timers.cancel(handle.index)
            startTimer(handle, at: now)
        }
    }

    /// The connection is not read on although something of it has come.
    mutating func abandonInput() { workspace.removeAll() }

    func step(_ handle: SlabHandle, in bytes: RawSpan, from start: Int) -> StreamStep {
        connections[handle].deframer.step(
            in: bytes, from: start, byteCountMax: connections[handle].frameByteCountMax)
    }

    mutating func keep(_ bytes: RawSpan, of handle: SlabHandle) { connections[handle].deframer.keep(bytes) }

    /// What was kept holds whole messages, whose turn is in the next round.
    mutating func postpone(_ handle: SlabHandle) {
        guard !connections[handle].isBehind else { return }
        connections[handle].isBehind = true
        behind.append(handle)
    }

    /// Connections that have had less than they brought; each is to be read, although nothing new may have come.
    mutating func takeBehind() -> [SlabHandle] {
        guard !behind.isEmpty else { return [] }
        defer { behind = [] }
        return behind
    }

    func isBehind(_ handle: SlabHandle) -> Bool { isOpen(handle) && connections[handle].isBehind }

    var hasBehind: Bool { !behind.isEmpty }

    // MARK: - Ending

    /// Marks a connection as ended; `takeEnded` hands it out.
    mutating func end(_ handle: SlabHandle, _ end: StreamEnd) {
        guard isOpen(handle) else { return }
        connections[handle].hasEnded = true
        ended.append(handle)
        if connections[handle].stream.protection == .greeting { counters.failedHandshakes += 1 }
        switch end {
        case .byClient: break
        case .unframable: counters.unframable += 1
        case .idle: counters.idle += 1
        case .unread: counters.unread += 1
        case .displaced: counters.displaced += 1
        }
    }

    /// Closes one of the connections that have ended; its allocation is the caller's to end.
    mutating func takeEnded() -> FiveTuple? {
        guard let handle = ended.popLast() else { return nil }
        let path = connections[handle].path
        connections[handle].stream.close(&workspace)
        _ = remove(handle)
        return path
    }

    /// Gives a connection away that has no allocation; nobody here knows it any more.
    mutating func takeOut(_ handle: SlabHandle, _ poller: borrowing Poller) -> ClientStream {
        precondition(!connections[handle].hasAllocation && !connections[handle].hasEnded, "it is of use to others")
        // It fails only for a descriptor that is not watched, and this one is.
        try? poller.remove(raw(handle))
        return remove(handle)
    }

    private mutating func remove(_ handle: SlabHandle) -> ClientStream {
        guard let connection = connections.remove(handle) else { preconditionFailure("a connection is removed once") }
        handles.remove(connection.path.wire)
        timers.cancel(handle.index)
        idle.remove(handle.index)
        book.release(connection.path.client.socketAddress.ip, hadAllocation: connection.hasAllocation)
        return connection.stream
    }
}

extension FiveTuple {
    /// The same addresses, without regard to what is spoken between them.
    var wire: FiveTuple { FiveTuple(client: client, server: server, transport: .tcp) }
}

extension AcceptedConnection {
    /// The five-tuple of the client at its other end.
    var path: FiveTuple {
        FiveTuple(client: ClientAddress(remoteAddress), server: localAddress, transport: .tcp)
    }
}
