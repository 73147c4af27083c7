import LinuxSockets
import NetworkPrimitives

/// The listeners of one worker, by index.
struct ListenerSet: ~Copyable, Sendable {
    private let sockets: [HeldSocket]
    // Copies of what the sockets hold: asking an object would count a reference for each datagram.
    private let descriptors: [CInt]
    private let addresses: [SocketAddress]

    init(_ sockets: [HeldSocket]) {
        self.sockets = sockets
        descriptors = sockets.map { $0.socket.raw }
        addresses = sockets.map { $0.socket.localAddress }
    }

    var count: Int { sockets.count }

    func raw(_ index: Int) -> CInt { descriptors[index] }

    func address(_ index: Int) -> SocketAddress { addresses[index] }

    /// Datagrams that came to these sockets and were dropped because nobody read them in time.
    var dropsByKernel: UInt64 { sockets.reduce(0) { $0 + UInt64($1.socket.dropsByKernel) } }

    /// Which socket an answer leaves by that has to come from `server`, and the address to leave from if the socket has
    /// more than one.
    func sender(for server: SocketAddress) -> (raw: CInt, localAddress: IPAddress?)? {
        for index in 0..<addresses.count {
            let address = addresses[index]
            if address == server { return (raw(index), nil) }
            if address.ip.isUnspecified, address.port == server.port, address.family == server.family {
                return (raw(index), server.ip)
            }
        }
        return nil
    }
}
