import EventLoop
import LinuxSockets
import NetworkPrimitives
import Testing

extension SocketAddress {
    /// An address of this machine; port 0 asks for a free one.
    static func loopback(_ family: AddressFamily, port: UInt16 = 0) -> SocketAddress {
        SocketAddress(ip: .loopback(family), port: port)
    }

    static func ipv4(_ rawValue: UInt32, port: UInt16) -> SocketAddress {
        SocketAddress(ip: .v4(IPv4Address(rawValue: rawValue)), port: port)
    }
}

extension TransmitBatch {
    /// Sends one datagram at once.
    mutating func send(
        _ bytes: [UInt8], by socket: CInt, to destination: SocketAddress, dontFragment: Bool = false
    ) {
        let envelope = Envelope(socket: socket, destination: destination, dontFragment: dontFragment)
        bytes.withRawSpan { append(copying: $0, envelope) }
        flush()
    }
}

extension ReceiveBatch {
    func bytes(of index: Int) -> [UInt8] { withPayload(index) { $0.array() } }

    /// Receives what loopback has delivered, waiting up to two seconds for the first datagram.
    mutating func receiveSome(from raw: CInt, limit: Int = .max) throws -> Int {
        var poller = try Poller()
        try poller.add(raw, token: 0, interest: .readable)
        let now = Clock.monotonic()
        _ = try poller.wait(until: now.advanced(bySeconds: 2), now: now)
        return try receive(from: raw, limit: limit)
    }
}

/// The address of a loopback port that nobody listens on, taken by opening and closing a socket.
func closedPort(_ family: AddressFamily) throws -> SocketAddress {
    let socket = try UDPSocket(binding: .loopback(family))
    return socket.localAddress
}
