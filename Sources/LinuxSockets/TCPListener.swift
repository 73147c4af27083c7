import CLinux
import Glibc
package import NetworkPrimitives

/// How a listener takes connections, and what the connections are like.
package struct TCPListenerOptions: Sendable {
    /// Connections that the kernel completes before they are accepted; net.core.somaxconn caps it.
    package var backlog = 1024
    /// Only connections that come in by this network interface.
    package var device: String?
    /// Several listeners share the address, and the kernel spreads connections over them (SO_REUSEPORT).
    package var reusePort = false
    /// `TCPConnection.connect(to:lentBy:)` may call from its address and port.
    package var lendsAddress = false
    /// A connection ends when what was sent is not acknowledged for so long (RFC 5482). The kernel's default is a
    /// quarter of an hour, in which a client that is gone keeps its place; 0 leaves it at that.
    package var unacknowledgedSeconds = 30
    /// A silent connection is probed after so long, so that one whose client vanished is noticed.
    package var idleSecondsBeforeProbe = 60
    /// Bytes that a connection takes beyond what it can send at present (TCP_NOTSENT_LOWAT); nil for as many as fit.
    /// What lies in the kernel cannot be dropped when it has become old, and answers wait behind it.
    package var unsentByteCountMax: Int?

    package init() {}

    package init(
        backlog: Int = 1024, device: String? = nil, reusePort: Bool = false, unsentByteCountMax: Int? = nil
    ) {
        self.backlog = backlog
        self.device = device
        self.reusePort = reusePort
        self.unsentByteCountMax = unsentByteCountMax
    }
}

/// What `TCPListener.accept` gives.
package enum AcceptResult: ~Copyable, Sendable {
    case connection(AcceptedConnection)
    /// Nobody waits.
    case none
    /// This one connection came to nothing: reset before we took it, refused by a firewall. Others may wait, so go on.
    case transient(SystemError)
    /// No descriptor or memory is left. The connection stays in the backlog, and the poller would report the listener
    /// again at once: stop watching it (`Poller.remove`, or `modify` with an empty interest), and begin again when a
    /// descriptor was closed or a tenth of a second later.
    case outOfFiles(SystemError)
}

/// A connection as it arrives, with the addresses of its two ends. They are not kept with the connection, because most
/// callers keep them in another form.
package struct AcceptedConnection: ~Copyable, Sendable {
    private let connection: TCPConnection
    package let remoteAddress: SocketAddress
    /// The address of ours that the client called, also when the listener is bound to the wildcard.
    package let localAddress: SocketAddress

    init(_ connection: consuming TCPConnection, remoteAddress: SocketAddress, localAddress: SocketAddress) {
        self.connection = connection
        self.remoteAddress = remoteAddress
        self.localAddress = localAddress
    }

    /// The connection itself. Not to take it closes it.
    package consuming func take() -> TCPConnection { connection }
}

/// A listening TCP socket: non-blocking, closed on exec, of one address family (IPv6 listeners do not take IPv4).
package struct TCPListener: ~Copyable, Sendable {
    private let descriptor: FileDescriptor
    /// The bound address, with the port that the kernel chose if the caller left it open.
    package let localAddress: SocketAddress
    /// Whether it is a Unix socket: then its addresses are the loopback's, which is where its clients are.
    private let isUnix: Bool

    /// Listens on a Unix socket, which is made for its owner and group.
    package init(unix path: String) throws(SystemError) {
        var failure = unsafe tern_failure()
        let raw = unsafe path.withCString { unsafe tern_unix_listen($0, &failure) }
        guard raw >= 0 else {
            let operation = unsafe failure.operation.map { unsafe String(cString: $0) } ?? "socket"
            throw unsafe SystemError(operation: operation, errno: failure.error)
        }
        descriptor = FileDescriptor(adopting: raw)
        localAddress = SocketAddress(ip: .v4(.loopback), port: 0)
        isUnix = true
    }

    package init(
        binding address: SocketAddress, options: TCPListenerOptions = TCPListenerOptions()
    ) throws(SystemError) {
        var local = tern_address()
        var failure = unsafe tern_failure()
        var wanted = tern_address(address)
        let raw = unsafe Self.open(&wanted, options, &local, &failure)
        guard raw >= 0 else {
            let operation = unsafe failure.operation.map { unsafe String(cString: $0) } ?? "socket"
            throw unsafe SystemError(operation: operation, errno: failure.error)
        }
        descriptor = FileDescriptor(adopting: raw)
        localAddress = KernelAddress.socketAddress(local)
        isUnix = false
    }

    /// The descriptor's number, to be used only while the listener lives.
    package var raw: CInt { descriptor.raw }

    /// Takes the next connection that waits. Call again until `.none`, or a bounded number of times a round: strangers
    /// can keep connections coming.
    package func accept() -> AcceptResult {
        var remote = tern_address()
        var local = tern_address()
        let isWildcard = localAddress.ip.isUnspecified
        let result = unsafe isWildcard ? tern_tcp_accept(raw, &remote, &local) : tern_tcp_accept(raw, &remote, nil)
        guard result < 0 else {
            return .connection(
                AcceptedConnection(
                    TCPConnection(adopting: FileDescriptor(adopting: result)),
                    remoteAddress: isUnix ? localAddress : KernelAddress.socketAddress(remote),
                    localAddress: isWildcard ? KernelAddress.socketAddress(local) : localAddress))
        }
        switch -result {
        case EAGAIN: return .none
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .outOfFiles(SystemError(operation: "accept", errno: -result))
        // accept(2) passes on what the network did to the connection meanwhile: ECONNABORTED, EPROTO and more.
        default: return .transient(SystemError(operation: "accept", errno: -result))
        }
    }

    private static func open(
        _ address: inout tern_address, _ options: TCPListenerOptions, _ local: inout tern_address,
        _ failure: inout tern_failure
    ) -> CInt {
        var flat = unsafe tern_tcp_options()
        unsafe flat.reuse_port = options.reusePort
        unsafe flat.lends_address = options.lendsAddress
        unsafe flat.backlog = Int32(clamping: options.backlog)
        unsafe flat.user_timeout = Int32(clamping: options.unacknowledgedSeconds * 1000)
        unsafe flat.keepalive_idle = Int32(clamping: options.idleSecondsBeforeProbe)
        unsafe flat.keepalive_interval = 10
        unsafe flat.unsent_max = Int32(clamping: options.unsentByteCountMax ?? 0)
        guard let device = options.device else {
            unsafe flat.device = nil
            return unsafe tern_tcp_listen(&address, &flat, &local, &failure)
        }
        return unsafe device.withCString { name in
            unsafe flat.device = name
            return unsafe tern_tcp_listen(&address, &flat, &local, &failure)
        }
    }
}
