import CLinux
package import NetworkPrimitives

/// What a UDP socket should report and how much it may hold. Everything is off, or the system's default, unless asked.
package struct UDPSocketOptions: Sendable {
    /// Several sockets share the address, and the kernel spreads clients over them (SO_REUSEPORT).
    package var reusePort = false
    /// Every datagram tells the address that it was sent to, so that a wildcard socket can answer from there.
    package var packetInfo = false
    /// ICMP errors are queued for `readErrorQueue` (IP_RECVERR).
    package var receiveErrors = false
    /// Nil leaves the system's default. The kernel may give less without saying so.
    package var receiveBufferBytes: Int?
    package var sendBufferBytes: Int?
    /// Only traffic of this network interface.
    package var device: String?
    /// Datagrams tell how many were dropped before them for want of buffer (SO_RXQ_OVFL).
    package var reportsDrops = false
    /// A train of datagrams from one source may be received as one (UDP_GRO); `ReceiveBatch.segments` tells them apart.
    /// A kernel that cannot do it receives each alone.
    package var coalesces = false

    package init() {}

    package init(
        reusePort: Bool = false, packetInfo: Bool = false, receiveErrors: Bool = false,
        receiveBufferBytes: Int? = nil, sendBufferBytes: Int? = nil, device: String? = nil, reportsDrops: Bool = false,
        coalesces: Bool = false
    ) {
        self.reusePort = reusePort
        self.packetInfo = packetInfo
        self.receiveErrors = receiveErrors
        self.receiveBufferBytes = receiveBufferBytes
        self.sendBufferBytes = sendBufferBytes
        self.device = device
        self.reportsDrops = reportsDrops
        self.coalesces = coalesces
    }
}

/// A bound UDP socket: non-blocking, closed on exec, of one address family (IPv6 sockets do not take IPv4), and without
/// the DF bit on what it sends.
package struct UDPSocket: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    /// The bound address, with the port that the kernel chose if the caller left it open.
    package let localAddress: SocketAddress

    package init(binding address: SocketAddress, options: UDPSocketOptions = UDPSocketOptions()) throws(SystemError) {
        var local = tern_address()
        var failure = unsafe tern_failure()
        var wanted = tern_address(address)
        let raw = unsafe Self.withFlat(options) { flat in
            unsafe tern_udp_open(&wanted, flat, &local, &failure)
        }
        descriptor = unsafe try Self.adopt(raw, failure)
        localAddress = KernelAddress.socketAddress(local)
    }

    /// A second socket on the address of `other` that hears `peer` alone, while `other` goes on hearing everybody else.
    /// What it sends to that peer costs less, because the kernel keeps the route. For a moment after this call it may
    /// hold datagrams of others too: whoever reads it looks at the source as with any socket.
    package init(
        beside other: borrowing UDPSocket, connectedTo peer: SocketAddress, options: UDPSocketOptions
    ) throws(SystemError) {
        precondition(peer.family == other.localAddress.family, "a socket speaks to its own family")
        var local = tern_address()
        var failure = unsafe tern_failure()
        var remote = tern_address(peer)
        let beside = other.raw
        let raw = unsafe Self.withFlat(options) { flat in
            unsafe tern_udp_open_connected(beside, &remote, flat, &local, &failure)
        }
        descriptor = unsafe try Self.adopt(raw, failure)
        localAddress = KernelAddress.socketAddress(local)
    }

    /// Has the kernel spread what comes to the address that this socket shares with others (SO_REUSEPORT). Of twice as
    /// many sockets as there are workers, in the order in which they were opened, the first half gets data and the
    /// second half requests; each client has its place in both, which strangers cannot choose without the secret.
    package func steerGroup(workers: Int, secret: UInt32) throws(SystemError) {
        let isIPv6 = localAddress.family == .ipv6
        try SystemError.check("setsockopt(REUSEPORT_CBPF)", tern_udp_steer(raw, UInt32(workers), isIPv6, secret))
    }

    /// Datagrams that the kernel has dropped so far because nobody read them in time.
    package var dropsByKernel: UInt32 { tern_udp_drops(raw) }

    /// The descriptor's number, to be used only while the socket lives.
    package var raw: CInt { descriptor.raw }

    /// Sets or clears the DF bit on datagrams to come (RFC 8656 §14.3). While set, one larger than the path MTU is
    /// refused instead of fragmented.
    package func setDontFragment(_ on: Bool) throws(SystemError) {
        try SystemError.check("setsockopt(MTU_DISCOVER)", tern_set_dont_fragment(raw, on))
    }

    private static func adopt(_ raw: CInt, _ failure: tern_failure) throws(SystemError) -> FileDescriptor {
        guard raw >= 0 else {
            let operation = unsafe failure.operation.map { unsafe String(cString: $0) } ?? "socket"
            throw unsafe SystemError(operation: operation, errno: failure.error)
        }
        return FileDescriptor(adopting: raw)
    }

    /// Lends the options in the form that C takes.
    private static func withFlat(
        _ options: UDPSocketOptions, _ body: (UnsafePointer<tern_udp_options>) -> CInt
    ) -> CInt {
        var flat = unsafe tern_udp_options()
        unsafe flat.reuse_port = options.reusePort
        unsafe flat.packet_info = options.packetInfo
        unsafe flat.receive_errors = options.receiveErrors
        unsafe flat.reports_drops = options.reportsDrops
        unsafe flat.coalesces = options.coalesces
        unsafe flat.receive_buffer = Int32(clamping: options.receiveBufferBytes ?? 0)
        unsafe flat.send_buffer = Int32(clamping: options.sendBufferBytes ?? 0)
        guard let device = options.device else { return unsafe body(&flat) }
        return unsafe device.withCString { name in
            unsafe flat.device = name
            return unsafe body(&flat)
        }
    }
}
