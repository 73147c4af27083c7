import LinuxSockets
import NetworkPrimitives
import TURN

/// Why a connection to a peer could not be had.
enum ConnectionFailure: Error {
    /// Nobody gets one for a while.
    case shortage
    /// This wish cannot be met, and says nothing about others.
    case impossible
}

/// The relay sockets of one worker, and the connections to single peers beside them. A socket's descriptor is its
/// `RelaySocketID`; the kernel reuses descriptors, so that every look-up names the allocation too.
struct RelaySocketTable: ~Copyable {
    private struct Entry {
        let socket: HeldSocket
        /// The descriptor of the connection beside this relay socket.
        var connection: CInt?
    }

    private static let nobody = UInt32.max

    private let connectionsMax: Int
    private(set) var connectionCount = 0
    private var sockets: [CInt: Entry] = [:]
    /// By descriptor: asked for each event, when the owners are nobody's business.
    private var allocations: [UInt32] = []
    /// Of sockets that are closed.
    private var dropsOfThePast: UInt64 = 0

    /// Connections are a convenience: they may take `connectionsMax` descriptors and no more.
    init(connectionsMax: Int) { self.connectionsMax = connectionsMax }

    mutating func insert(_ socket: HeldSocket, of allocation: UInt32) {
        let raw = socket.socket.raw
        sockets[raw] = Entry(socket: socket)
        if allocations.count <= Int(raw) {
            // Twice as long, because descriptors come in ascending order.
            let missing = max(64, 2 * (Int(raw) + 1)) - allocations.count
            allocations.append(contentsOf: repeatElement(Self.nobody, count: missing))
        }
        allocations[Int(raw)] = allocation
    }

    func isOpen(_ descriptor: CInt, of allocation: UInt32) -> Bool {
        descriptor >= 0 && descriptor < allocations.count && allocations[Int(descriptor)] == allocation
    }

    /// Opens a connection to the wish's peer beside its relay socket, in place of one to another peer. Without it
    /// everything goes on as before.
    mutating func connect(_ wish: ConnectionWish, options: UDPSocketOptions) throws(ConnectionFailure) -> CInt {
        let relay = wish.relay.rawValue
        guard isOpen(relay, of: wish.allocation), let entry = sockets[relay],
            entry.socket.socket.localAddress.family == wish.peer.family
        else { throw .impossible }
        disconnect(relay)
        guard connectionCount < connectionsMax else { throw .shortage }
        let held: HeldSocket
        do {
            held = HeldSocket(try UDPSocket(beside: entry.socket.socket, connectedTo: wish.peer, options: options))
        } catch {
            // Anybody can name a peer without a route. What fails before is about this host.
            throw error.operation == "connect" ? .impossible : .shortage
        }
        insert(held, of: wish.allocation)
        connectionCount += 1
        sockets[relay]?.connection = held.socket.raw
        return held.socket.raw
    }

    /// Closes the connection beside a relay socket, if there is one.
    mutating func disconnect(_ relay: CInt) {
        guard let connection = sockets[relay]?.connection else { return }
        sockets[relay]?.connection = nil
        connectionCount -= 1
        closeSocket(connection)
    }

    /// Closes a relay socket and the connection beside it.
    mutating func close(_ relay: CInt) {
        disconnect(relay)
        closeSocket(relay)
        // Containers keep their storage; after the last socket nothing is to stay.
        if sockets.isEmpty {
            sockets = [:]
            allocations = []
        }
    }

    private mutating func closeSocket(_ descriptor: CInt) {
        guard let entry = sockets.removeValue(forKey: descriptor) else { return }
        dropsOfThePast += UInt64(entry.socket.socket.dropsByKernel)
        allocations[Int(descriptor)] = Self.nobody
    }

    /// Datagrams that came to these sockets and were dropped because nobody read them in time.
    var dropsByKernel: UInt64 {
        sockets.values.reduce(dropsOfThePast) { $0 + UInt64($1.socket.socket.dropsByKernel) }
    }

    var count: Int { sockets.count }
}
