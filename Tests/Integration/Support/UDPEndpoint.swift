import Foundation
import NetworkPrimitives
import Synchronization
import TestSupport

/// A blocking UDP socket of a test: a client's, or a peer's.
final class UDPEndpoint {
    let descriptor: Int32
    let address: SocketAddress
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    /// Addresses that the kernel has chosen. A server may still have an allocation for one whose socket is closed.
    private static let chosen = Mutex<Set<SocketAddress>>([])

    /// Binds; `port` 0 lets the kernel choose one that no other endpoint has had.
    init(_ ip: String = "127.0.0.1", port: UInt16 = 0) throws {
        let wanted = try SocketAddress(ip: IPAddress.parsed(ip), port: port)
        // Held until there is another one, or the kernel would choose it again.
        var used: [Int32] = []
        defer { for descriptor in used { close(descriptor) } }
        while true {
            let (descriptor, address) = try Self.open(wanted)
            guard port == 0, used.count < 100, !Self.chosen.withLock({ $0.insert(address).inserted }) else {
                self.descriptor = descriptor
                self.address = address
                return
            }
            used.append(descriptor)
        }
    }

    private static func open(_ wanted: SocketAddress) throws -> (descriptor: Int32, address: SocketAddress) {
        let descriptor = socket(wanted.family == .ipv4 ? AF_INET : AF_INET6, Int32(SOCK_DGRAM.rawValue), 0)
        guard descriptor >= 0 else { throw TestFailure("socket: errno \(errno)") }
        var size: Int32 = 4 << 20
        setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
        let status = wanted.withSockaddr { Glibc.bind(descriptor, $0, $1) }
        guard status == 0 else {
            let error = errno
            close(descriptor)
            throw TestFailure("bind \(wanted): errno \(error)")
        }
        var name = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        _ = withUnsafeMutablePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
        }
        return (descriptor, SocketAddress(name))
    }

    deinit { close(descriptor) }

    /// Sends; a refusal of the kernel is no failure, as on a real network.
    @discardableResult
    func send(_ bytes: [UInt8], to destination: SocketAddress) -> Bool {
        for _ in 0..<3 {
            let count = destination.withSockaddr { sendto(descriptor, bytes, bytes.count, 0, $0, $1) }
            // The kernel reports the ICMP error of an earlier datagram here, and sends nothing.
            if count == bytes.count { return true }
            guard errno == ECONNREFUSED || errno == EINTR else { return false }
        }
        return false
    }

    /// Sends all by one call that the kernel cuts into datagrams of `size` bytes, the last of which may be shorter
    /// (UDP_SEGMENT, udp(7)): so they travel together until somebody wants them apart.
    @discardableResult
    func sendTrain(_ bytes: [UInt8], of size: Int, to destination: SocketAddress) -> Bool {
        setSegment(size)
        defer { setSegment(0) }
        return send(bytes, to: destination)
    }

    private func setSegment(_ size: Int) {
        var value = Int32(size)
        setsockopt(descriptor, Int32(IPPROTO_UDP), 103, &value, socklen_t(MemoryLayout<Int32>.size))
    }

    /// The next datagram; nil when none comes in time.
    func receive(within limit: Duration = .seconds(2)) -> (bytes: [UInt8], source: SocketAddress)? {
        let deadline = ContinuousClock.now + limit
        while true {
            let left = max(.zero, deadline - ContinuousClock.now)
            var ready = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
            let milliseconds = left.components.seconds * 1000 + left.components.attoseconds / 1_000_000_000_000_000
            guard poll(&ready, 1, Int32(milliseconds)) > 0 else { return nil }
            var name = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let count = withUnsafeMutablePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    recvfrom(descriptor, &buffer, buffer.count, 0, $0, &length)
                }
            }
            guard count >= 0 else { continue }
            return (Array(buffer[..<count]), SocketAddress(name))
        }
    }

    /// Everything that arrives until nothing has for `pause`.
    func receiveAll(pause: Duration = .milliseconds(100)) -> [[UInt8]] {
        var all: [[UInt8]] = []
        while let next = receive(within: pause) { all.append(next.bytes) }
        return all
    }
}

extension IPAddress {
    /// The address that a test spells.
    static func parsed(_ text: String) throws -> IPAddress {
        guard let address = IPAddress(text) else { throw TestFailure("\(text) is no address") }
        return address
    }
}

extension SocketAddress {
    init(_ name: sockaddr_storage) {
        self = withUnsafeBytes(of: name) { bytes in
            let port = UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2, as: UInt16.self))
            guard name.ss_family == sa_family_t(AF_INET6) else {
                let ip = UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self))
                return SocketAddress(ip: .v4(IPv4Address(rawValue: ip)), port: port)
            }
            let high = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            let low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self))
            return SocketAddress(ip: .v6(IPv6Address(high: high, low: low)), port: port)
        }
    }

    /// Lends the address as the kernel takes it.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var name = sockaddr_storage()
        let length: Int
        switch ip {
        case .v4(let address):
            length = MemoryLayout<sockaddr_in>.size
            name.ss_family = sa_family_t(AF_INET)
            withUnsafeMutableBytes(of: &name) {
                $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
                $0.storeBytes(of: address.rawValue.bigEndian, toByteOffset: 4, as: UInt32.self)
            }
        case .v6(let address):
            length = MemoryLayout<sockaddr_in6>.size
            name.ss_family = sa_family_t(AF_INET6)
            withUnsafeMutableBytes(of: &name) {
                $0.storeBytes(of: port.bigEndian, toByteOffset: 2, as: UInt16.self)
                $0.storeBytes(of: address.high.bigEndian, toByteOffset: 8, as: UInt64.self)
                $0.storeBytes(of: address.low.bigEndian, toByteOffset: 16, as: UInt64.self)
            }
        }
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(length)) }
        }
    }
}
