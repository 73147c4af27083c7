import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

/// The listeners and the connections of one worker's allocations that relay TCP (RFC 6062).
struct PeerTable: ~Copyable {
    /// How long one end of a splice may be silent after the other one has ended. Who has closed its connection and who
    /// has only ended its own direction look alike, so that a limit is needed on what nobody may ever come back for.
    static let halfClosedSeconds: UInt32 = 120
    /// For how long a splice rests whose allocation has used up its bandwidth.
    static let pauseMilliseconds: UInt32 = 20
    /// Bytes read from one end of a splice before the others get their turn.
    static let readByteCount = 32_768
    /// Peers that the kernel lets wait for us at one relayed address.
    private static let backlog = 16

    private struct Listener {
        let held: HeldListener
        let allocation: UInt32
    }

    private enum Place {
        case socket(SlabHandle)
        case splice(SlabHandle)
    }

    private var listeners: [CInt: Listener] = [:]
    /// Those that no client is bound to, and those that one is.
    var sockets: Slab<PeerSocket>
    var splices: Slab<Splice>
    private var places: [PeerConnectionID: Place] = [:]
    /// Of splices that rest, or that only one end has ended.
    var timers: TimerWheel
    /// Lent to one splice after the other; without memory until one moves.
    private var scratch: [UInt8] = []
    /// The splice that the request asks for that is looked at.
    private var wish: PeerConnectionID?
    /// Listeners that are not watched until then, because descriptors ran out.
    private var resting: [CInt] = []
    private(set) var opensAt: Instant?

    init(limit: Int, start: Instant) {
        sockets = Slab(limit: limit)
        splices = Slab(limit: limit)
        timers = TimerWheel(start: start)
    }

    var count: Int { places.count }

    // MARK: - Listeners

    mutating func listen(
        on address: SocketAddress, of allocation: UInt32, device: String?, _ poller: borrowing Poller
    ) throws(SystemError) -> RelaySocketID {
        var options = TCPListenerOptions(backlog: Self.backlog, device: device)
        options.lendsAddress = true
        // A reader may take its time; the lifetime of the allocation is the limit.
        options.unacknowledgedSeconds = 0
        let held = HeldListener(try TCPListener(binding: address, options: options))
        let raw = held.listener.raw
        let token = WorkerToken.peerListener(descriptor: raw, allocation: allocation)
        try poller.add(raw, token: token.bits, interest: .readable)
        listeners[raw] = Listener(held: held, allocation: allocation)
        return RelaySocketID(rawValue: raw)
    }

    mutating func closeListener(_ raw: CInt) {
        listeners[raw] = nil
        resting.removeAll { $0 == raw }
        if listeners.isEmpty { listeners = [:] }
    }

    /// The listener that an event is about; nil when an earlier event of the round has closed it.
    func listener(_ raw: CInt, of allocation: UInt32) -> HeldListener? {
        guard let listener = listeners[raw], listener.allocation == allocation else { return nil }
        return listener.held
    }

    /// Leaves a listener alone for a while.
    mutating func rest(_ raw: CInt, until deadline: Instant, _ poller: borrowing Poller) {
        watch(raw, [], poller)
        resting.append(raw)
        opensAt = opensAt ?? deadline
    }

    mutating func endRest(at now: Instant, _ poller: borrowing Poller) {
        guard let opensAt, opensAt <= now else { return }
        for raw in resting { watch(raw, .readable, poller) }
        resting = []
        self.opensAt = nil
    }

    private func watch(_ raw: CInt, _ interest: Poller.Interest, _ poller: borrowing Poller) {
        guard let listener = listeners[raw] else { return }
        let token = WorkerToken.peerListener(descriptor: raw, allocation: listener.allocation)
        // It fails only for a descriptor that is not watched, and this one is.
        try? poller.modify(raw, token: token.bits, interest: interest)
    }

    // MARK: - Connections

    /// A ConnectionBind has succeeded; the connection it came by is to be joined when its answer is on the way.
    mutating func wishToJoin(_ id: PeerConnectionID) { wish = id }

    mutating func takeWish() -> PeerConnectionID? { wish.take() }

    /// False when there is no room for it; then the connection is gone.
    mutating func insert(
        _ id: PeerConnectionID, of allocation: UInt32, _ socket: consuming TCPConnection, _ phase: PeerSocket.Phase,
        _ poller: borrowing Poller
    ) -> Bool {
        guard let handle = sockets.insert(PeerSocket(id, of: allocation, socket, phase)) else { return false }
        places[id] = .socket(handle)
        guard sockets[handle].watch(as: StreamName(handle), poller) else {
            _ = removeSocket(id)
            return false
        }
        return true
    }

    /// A client has been bound to the peer: what waits for either of them goes first. Nil when the peer is gone.
    mutating func join(
        _ id: PeerConnectionID, with client: consuming ClientStream, of source: IPAddress, toPeer: [UInt8],
        toClient: [UInt8], at now: Instant
    ) -> SlabHandle? {
        guard let peer = removeSocket(id) else { return nil }
        let splice = Splice(peer, client, of: source, toPeer: toPeer, toClient: toClient, at: now)
        // There are not more than sockets, and one of those has just gone.
        guard let handle = splices.insert(splice) else { return nil }
        places[id] = .splice(handle)
        return handle
    }

    /// The connection that an event is about; nil when an earlier event of the round has ended it.
    func socket(_ name: StreamName) -> SlabHandle? {
        guard let handle = sockets.handle(at: name.index), StreamName(handle) == name else { return nil }
        return handle
    }

    func splice(_ name: StreamName) -> SlabHandle? {
        guard let handle = splices.handle(at: name.index), StreamName(handle) == name else { return nil }
        return handle
    }

    /// Closes a connection to a peer that no client is bound to; nil when there is none.
    @discardableResult
    mutating func removeSocket(_ id: PeerConnectionID) -> PeerSocket? {
        guard case .socket(let handle)? = places[id] else { return nil }
        forget(id)
        return sockets.remove(handle)
    }

    mutating func removeSplice(_ id: PeerConnectionID) -> Splice? {
        guard case .splice(let handle)? = places[id] else { return nil }
        forget(id)
        timers.cancel(handle.index)
        return splices.remove(handle)
    }

    private mutating func forget(_ id: PeerConnectionID) {
        places[id] = nil
        // A dictionary keeps its storage; after the last connection nothing is to stay.
        if places.isEmpty { places = [:] }
    }

    /// Reads one end once, at most so many bytes at a time, and writes what the other one takes.
    mutating func move(
        _ direction: StreamDirection, _ handle: SlabHandle, _ workspace: inout TLSWorkspace, byteCountMax: Int
    ) -> SpliceTurn {
        if scratch.isEmpty { scratch = [UInt8](repeating: 0, count: Self.readByteCount) }
        return Self.move(direction, &splices[handle], &workspace, through: &scratch, min(byteCountMax, scratch.count))
    }

    // The splice and the memory are parts of one value, and each is named by itself here.
    private static func move(
        _ direction: StreamDirection, _ splice: inout Splice, _ workspace: inout TLSWorkspace,
        through scratch: inout [UInt8], _ byteCountMax: Int
    ) -> SpliceTurn {
        var span = scratch.mutableSpan
        var whole = unsafe span.mutableBytes
        var room = whole._mutatingExtracting(0..<byteCountMax)
        return switch direction {
        case .toPeer: splice.readClient(into: &room, &workspace)
        case .toClient: splice.readPeer(into: &room, &workspace)
        }
    }

    var nextDeadline: Instant? {
        guard let opensAt else { return timers.nextDeadline }
        return timers.nextDeadline.map { min($0, opensAt) } ?? opensAt
    }
}
