import CLoad
import LinuxSockets
import NetworkPrimitives

// Where clients and peers are.
extension Options {
    /// Whether clients can have as many addresses as they like.
    var isOnLoopback: Bool { own.rawValue >> 24 == 127 }

    /// With the address of ours from which the server is reached. Peers are there too, so the server has to find them.
    func facingServer() throws(SystemError) -> Options {
        guard case .v4(let ip) = server.ip, ip.rawValue >> 24 != 127, !isDirect else { return self }
        let socket = try Socket(on: IPv4Address(rawValue: 0))
        try socket.connect(to: server)
        let found = cload_local_address(socket.raw)
        guard found > 0 else { throw SystemError(operation: "getsockname", errno: Int32(clamping: -found)) }
        var options = self
        options.own = IPv4Address(rawValue: UInt32(truncatingIfNeeded: found))
        return options
    }
}
