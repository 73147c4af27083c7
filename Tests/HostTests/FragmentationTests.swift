import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

/// What is on the wire, seen and forged through raw sockets, for which only root has the right.
///
/// One after the other: a raw socket for UDP is told of the forged error too, and lets the kernel cache the MTU.
@Suite("The DF bit and its errors", .serialized, .enabled(if: geteuid() == 0))
struct FragmentationTests {
    @Test("DF is on the wire only for the datagram that asked for it")
    func bitOnTheWire() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4))
        // An address of its own keeps the datagrams of other tests out of the raw socket's buffer.
        let sink = try UDPSocket(binding: .ipv4(0x7F03_0207, port: 0))
        let wire = try RawSocket(protocol: IPPROTO_UDP, boundTo: 0x7F03_0207)
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        for (number, dontFragment) in [(1, false), (2, true), (3, false)] as [(UInt8, Bool)] {
            let envelope = Envelope(
                socket: socket.raw, destination: sink.localAddress, dontFragment: dontFragment)
            [number].withRawSpan { outgoing.append(copying: $0, envelope) }
        }
        outgoing.flush()
        // RFC 791 §3.1: byte 6 of the header holds the flags, 0x40 being DF. Ours follow 20 bytes of it and 8 of UDP.
        let packets = wire.received().filter {
            $0.count == 29 && UInt16($0[22]) << 8 | UInt16($0[23]) == sink.localAddress.port
        }
        #expect(packets.map { $0[28] } == [1, 2, 3])
        #expect(packets.map { $0[6] } == [0x00, 0x40, 0x00])
    }

    @Test("a late 'fragmentation needed' is reported with its MTU, and does not stop the next try")
    func lateError() throws {
        let socket = try UDPSocket(
            binding: .loopback(.ipv4), options: UDPSocketOptions(receiveErrors: true))
        let peer = SocketAddress.ipv4(0x7F03_0208, port: 9)
        let wire = try RawSocket(protocol: IPPROTO_ICMP, boundTo: 0)
        wire.send(fragmentationNeeded(port: socket.localAddress.port), to: 0x7F00_0001)
        let now = Clock.monotonic()
        var poller = try Poller()
        try poller.add(socket.raw, token: 0, interest: .readable)
        _ = try poller.wait(until: now.advanced(bySeconds: 2), now: now)
        #expect(
            readErrorQueue(of: socket.raw)
                == ICMPError(family: .ipv4, peer: peer, type: 3, code: 4, errorData: 1300))

        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        outgoing.send([UInt8](repeating: 0, count: 1350), by: socket.raw, to: peer, dontFragment: true)
        #expect(outgoing.counters.sent == 1)
    }

    /// RFC 792 with the MTU of RFC 1191 §4: 1300, about a packet of 1378 bytes from 127.0.0.1 to 127.3.2.8, port 9.
    private func fragmentationNeeded(port: UInt16) -> [UInt8] {
        var message: [UInt8] = [3, 4, 0, 0, 0, 0, 0x05, 0x14]
        message += [0x45, 0, 0x05, 0x62, 0, 1, 0x40, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 3, 2, 8]
        message += [UInt8(port >> 8), UInt8(port & 0xFF), 0, 9, 0x05, 0x4E, 0, 0]
        var sum = stride(from: 0, to: message.count, by: 2).reduce(UInt32(0)) {
            $0 + UInt32(message[$1]) << 8 + UInt32(message[$1 + 1])
        }
        sum = (sum & 0xFFFF) + sum >> 16
        sum = ~((sum & 0xFFFF) + sum >> 16)
        message[2] = UInt8(truncatingIfNeeded: sum >> 8)
        message[3] = UInt8(truncatingIfNeeded: sum)
        return message
    }
}

private final class RawSocket {
    private let descriptor: FileDescriptor

    init(protocol number: Int, boundTo host: UInt32) throws {
        let raw = socket(AF_INET, CInt(SOCK_RAW.rawValue), CInt(number))
        try #require(raw >= 0)
        descriptor = FileDescriptor(adopting: raw)
        let result = withName(of: host) { bind(raw, $0, $1) }
        try #require(result == 0)
    }

    func send(_ bytes: [UInt8], to host: UInt32) {
        let sent = withName(of: host) { sendto(self.descriptor.raw, bytes, bytes.count, 0, $0, $1) }
        #expect(sent == bytes.count)
    }

    func received() -> [[UInt8]] {
        var packets: [[UInt8]] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(descriptor.raw, &buffer, buffer.count, CInt(MSG_DONTWAIT)), count >= 0 {
            packets.append(Array(buffer[..<count]))
        }
        return packets
    }
}

private func withName<Result>(of host: UInt32, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_addr.s_addr = host.bigEndian
    return withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
}
