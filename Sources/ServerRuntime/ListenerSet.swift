import LinuxSockets
import NetworkPrimitives

/// The listeners of one worker, by index: those for requests first, which are read before all others, then those for
/// data. A client's datagrams come to either by what they are, so that a flood of data neither delays requests nor
/// takes their room in the kernel's queue.
struct ListenerSet: ~Copyable, Sendable {
    private let sockets: [HeldSocket]
    // Copies of what the sockets hold: asking an object would count a reference for each datagram.
    private let descriptors: [CInt]
    private let addresses: [SocketAddress]
    /// Listeners below this index hear requests.
    let controlCount: Int

    /// Without `control` those for data hear everything.
    init(data: [HeldSocket], control: [HeldSocket]) {
        sockets = control + data
        controlCount = control.count
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

/// The listeners of all workers for one address: sockets that share it, one or two for each worker.
struct ListenerGroup {
    let data: [HeldSocket]
    /// Empty where the kernel does not tell requests from data.
    let control: [HeldSocket]

    /// Opens the sockets of all workers; nil when `open` finds nothing to listen on.
    init?(workers: Int, open: () throws(StartFailure) -> HeldSocket?) throws(StartFailure) {
        var sockets: [HeldSocket] = []
        for _ in 0..<2 * workers {
            guard let socket = try open() else { return nil }
            sockets.append(socket)
        }
        data = Array(sockets[..<workers])
        let others = Array(sockets[workers...])
        var random = OSRandom()
        let secret = UInt32(truncatingIfNeeded: random.next())
        let isSteered = (try? data[0].socket.steerGroup(workers: workers, secret: secret)) != nil
        // Not steered, the kernel would spread clients over sockets that are closed in a moment.
        control = isSteered ? others : []
    }
}
