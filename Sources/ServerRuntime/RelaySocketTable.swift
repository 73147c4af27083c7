import LinuxSockets

/// The relay sockets of one worker. A socket's descriptor is its `RelaySocketID`; the kernel reuses descriptors, so
/// that every look-up names the allocation too.
struct RelaySocketTable: ~Copyable {
    private var sockets: [CInt: (socket: HeldSocket, allocation: UInt32)] = [:]

    mutating func insert(_ socket: HeldSocket, of allocation: UInt32) {
        sockets[socket.socket.raw] = (socket, allocation)
    }

    func isOpen(_ descriptor: CInt, of allocation: UInt32) -> Bool { sockets[descriptor]?.allocation == allocation }

    /// Closes the socket.
    mutating func close(_ descriptor: CInt) {
        sockets[descriptor] = nil
        // A dictionary keeps its storage; after the last socket nothing is to stay.
        if sockets.isEmpty { sockets = [:] }
    }

    var count: Int { sockets.count }
}
