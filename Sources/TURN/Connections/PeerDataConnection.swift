import Containers
import NetworkPrimitives

/// A TCP connection between a relayed address and a peer (RFC 6062 §3, "peer data connection"), as the control plane
/// holds it. Its bytes are the shell's.
struct PeerDataConnection {
    enum Phase {
        /// The shell is at it; this is the Connect that waits for the answer.
        case connecting(Exchange)
        /// It is there, and waits for ConnectionBind. What the peer sends waits in the kernel.
        case pending
        /// A client data connection belongs to it.
        case bound
    }

    let id: PeerConnectionID
    let allocation: AllocationID
    /// On our network.
    let peer: SocketAddress
    var phase: Phase

    var isBound: Bool {
        switch phase {
        case .connecting, .pending: false
        case .bound: true
        }
    }
}

/// The peer data connections of one worker. A timer runs for each that is not bound.
struct PeerDataConnectionTable: ~Copyable {
    private var connections: Slab<PeerDataConnection>
    private var handles: FlatMap<PeerConnectionID, SlabHandle>
    private var timers: TimerWheel
    private let register: (any ConnectionRegister)?

    /// How often an id is drawn that may be in use: with a million connections one in four thousand is.
    private static let drawsMax = 8

    init(limit: Int, register: (any ConnectionRegister)?, seed: UInt64, start: Instant) {
        connections = Slab(limit: limit)
        handles = FlatMap(seed: seed, limit: limit)
        timers = TimerWheel(start: start)
        self.register = register
    }

    var count: Int { connections.count }

    var nextDeadline: Instant? { timers.nextDeadline }

    subscript(id: PeerConnectionID) -> PeerDataConnection? { handles[id].map { connections[$0] } }

    /// A new connection, under an id that nobody has; nil when there is no room.
    mutating func insert(
        of allocation: AllocationID, to peer: SocketAddress, _ phase: PeerDataConnection.Phase, until deadline: Instant,
        using random: inout any RandomNumberGenerator & Sendable
    ) -> PeerConnectionID? {
        guard connections.count < connections.limit, let id = drawID(using: &random) else { return nil }
        let connection = PeerDataConnection(id: id, allocation: allocation, peer: peer, phase: phase)
        guard let handle = connections.insert(connection) else { preconditionFailure("room was found before") }
        handles.insert(handle, for: id)
        timers.schedule(handle.index, at: deadline)
        return id
    }

    private func drawID(using random: inout any RandomNumberGenerator & Sendable) -> PeerConnectionID? {
        for _ in 0..<Self.drawsMax {
            let id = PeerConnectionID(rawValue: UInt32(truncatingIfNeeded: random.next()))
            guard handles[id] == nil else { continue }
            guard let register else { return id }
            if register.enter(id) { return id }
        }
        return nil
    }

    /// It waits for ConnectionBind until `deadline`.
    mutating func setPending(_ id: PeerConnectionID, until deadline: Instant) {
        guard let handle = handles[id] else { return }
        connections[handle].phase = .pending
        timers.schedule(handle.index, at: deadline)
    }

    mutating func setBound(_ id: PeerConnectionID) {
        guard let handle = handles[id] else { return }
        connections[handle].phase = .bound
        timers.cancel(handle.index)
    }

    @discardableResult
    mutating func remove(_ id: PeerConnectionID) -> PeerDataConnection? {
        guard let handle = handles.remove(id) else { return nil }
        timers.cancel(handle.index)
        register?.leave(id)
        return connections.remove(handle)
    }

    /// One whose time is over; nil when there is none.
    mutating func popExpired(at now: Instant) -> PeerDataConnection? {
        while let index = timers.popExpired(at: now) {
            if let handle = connections.handle(at: index) { return connections[handle] }
        }
        return nil
    }
}
