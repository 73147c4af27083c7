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
        /// The connection beside this relay socket, and where it leads.
        var connection: (raw: CInt, peer: SocketAddress)?
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
        sockets[relay]?.connection = (held.socket.raw, wish.peer)
        return held.socket.raw
    }

    /// Closes the connection beside a relay socket, if there is one.
    mutating func disconnect(_ relay: CInt) {
        guard let connection = sockets[relay]?.connection else { return }
        sockets[relay]?.connection = nil
        connectionCount -= 1
        closeSocket(connection.raw)
    }

    /// Closes a relay socket and the connection beside it.
    mutating func close(_ relay: CInt) {
        disconnect(relay)
        closeSocket(relay)
        releaseMemoryIfEmpty()
    }

    /// Containers keep their storage; after the last socket nothing is to stay.
    private mutating func releaseMemoryIfEmpty() {
        guard sockets.isEmpty else { return }
        sockets = [:]
        allocations = []
    }

    // MARK: - Handover

    /// A relay socket with the connection beside it, which stay here as well.
    func handed(_ relay: CInt) -> HandedSocket {
        guard let entry = sockets[relay] else { preconditionFailure("an allocation has its relay sockets") }
        guard let connection = entry.connection, let beside = sockets[connection.raw] else {
            return HandedSocket(relay: entry.socket, connection: nil)
        }
        return HandedSocket(relay: entry.socket, connection: (beside.socket, connection.peer))
    }

    /// They are another worker's now: nothing is closed.
    mutating func release(_ handed: HandedSocket) {
        let relay = handed.relay.socket.raw
        if let connection = sockets[relay]?.connection {
            connectionCount -= 1
            forget(connection.raw)
        }
        forget(relay)
        releaseMemoryIfEmpty()
    }

    /// Takes them from another worker; the connection only while there is room for it, else it is closed.
    mutating func insert(_ handed: HandedSocket, of allocation: UInt32) {
        insert(handed.relay, of: allocation)
        guard let connection = handed.connection, connectionCount < connectionsMax else { return }
        insert(connection.socket, of: allocation)
        connectionCount += 1
        sockets[handed.relay.socket.raw]?.connection = (connection.socket.socket.raw, connection.peer)
    }

    private mutating func closeSocket(_ descriptor: CInt) {
        guard let socket = forget(descriptor) else { return }
        dropsOfThePast += UInt64(socket.socket.dropsByKernel)
    }

    @discardableResult
    private mutating func forget(_ descriptor: CInt) -> HeldSocket? {
        guard let entry = sockets.removeValue(forKey: descriptor) else { return nil }
        allocations[Int(descriptor)] = Self.nobody
        return entry.socket
    }

    /// Datagrams that came to these sockets and were dropped because nobody read them in time.
    var dropsByKernel: UInt64 {
        sockets.values.reduce(dropsOfThePast) { $0 + UInt64($1.socket.socket.dropsByKernel) }
    }

    var count: Int { sockets.count }
}
