import CLoad
import LinuxSockets
import NetworkPrimitives

/// A UDP socket of the generator on the loopback, connected to the one address that it talks to.
///
/// A class, because an array has to hold many of them.
final class Socket {
    private let socket: UDPSocket

    init(on address: IPv4Address, takesTrains: Bool = false) throws(SystemError) {
        // What is in flight, and more, so that a pause of ours loses nothing.
        let options = UDPSocketOptions(receiveBufferBytes: 4 << 20, sendBufferBytes: 1 << 20)
        socket = try UDPSocket(binding: SocketAddress(ip: .v4(address), port: 0), options: options)
        // Where the kernel knows no trains it hands datagrams over one by one.
        if takesTrains { _ = cload_take_trains(raw) }
    }

    var raw: CInt { socket.raw }
    var localAddress: SocketAddress { socket.localAddress }

    /// Datagrams that came and found no room.
    static func drops(_ raw: CInt) -> Int { max(0, Int(cload_drops(raw))) }

    func connect(to address: SocketAddress) throws(SystemError) {
        guard case .v4(let ip) = address.ip else { throw SystemError(operation: "connect: IPv4 only", errno: 97) }
        try SystemError.check("connect", cload_connect(raw, ip.rawValue, address.port))
    }

    /// What the kernel will not take is lost, and will be missed.
    func send(_ bytes: RawSpan) {
        unsafe bytes.withUnsafeBytes { buffer in
            guard let start = buffer.baseAddress else { return }
            _ = unsafe cload_send(raw, start, buffer.count)
        }
    }
}
