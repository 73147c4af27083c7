import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

/// The other end of a connection: a blocking socket that knows nothing of the code under test.
package final class TCPClient {
    package let raw: CInt

    /// Connects from this address's family; a small receive buffer makes the sender's end fill soon.
    package init(to address: SocketAddress, receiveBufferBytes: CInt? = nil) throws {
        let family = address.family == .ipv4 ? AF_INET : AF_INET6
        raw = socket(family, CInt(SOCK_STREAM.rawValue), 0)
        try #require(raw >= 0)
        var timeout = timeval(tv_sec: 5, tv_usec: 0)
        setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &timeout, socklen_t(MemoryLayout<timeval>.size))
        if var bytes = receiveBufferBytes {
            setsockopt(raw, SOL_SOCKET, SO_RCVBUF, &bytes, socklen_t(MemoryLayout<CInt>.size))
        }
        try #require(connect(to: address) == 0)
    }

    deinit { close(raw) }

    private func connect(to address: SocketAddress) -> CInt {
        if address.family == .ipv4 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = address.port.bigEndian
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = address.port.bigEndian
        name.sin6_addr = in6addr_loopback
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Glibc.connect(raw, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }

    /// The port that the kernel gave this end.
    package var port: UInt16 {
        var name = sockaddr_in6()
        var length = socklen_t(MemoryLayout<sockaddr_in6>.size)
        withUnsafeMutablePointer(to: &name) { pointer in
            _ = pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(raw, $0, &length) }
        }
        // The port is in the same place for both families.
        return UInt16(bigEndian: name.sin6_port)
    }

    package func send(_ bytes: [UInt8]) { #expect(Glibc.send(raw, bytes, bytes.count, 0) == bytes.count) }

    /// Reads until so many bytes have come, or the stream has ended.
    package func receive(_ count: Int) -> [UInt8] {
        var result: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while result.count < count {
            let got = recv(raw, &chunk, min(chunk.count, count - result.count), 0)
            guard got > 0 else { break }
            result += chunk[..<got]
        }
        return result
    }

    package func endWrites() { shutdown(raw, CInt(SHUT_WR)) }

    /// Closing resets the connection.
    package func resetOnClose() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(raw, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<Glibc.linger>.size))
    }
}

/// Waits until the poller would report the descriptor, at most five seconds.
package func wait(for interest: Poller.Interest, on raw: CInt) throws {
    var poller = try Poller()
    try poller.add(raw, token: 0, interest: interest)
    let now = Clock.monotonic()
    #expect(try poller.wait(until: now.advanced(bySeconds: 5), now: now) == 1)
}

extension TCPListener {
    /// The connection that has come or is about to.
    package func acceptSoon() throws -> AcceptedConnection {
        try wait(for: .readable, on: raw)
        switch accept() {
        case .connection(let accepted): return accepted
        default: throw SystemError(operation: "accept", errno: 0)
        }
    }
}

extension TCPConnection {
    /// What one read gives, once there is something.
    package func readSoon(_ capacity: Int = 4096) throws -> (ReadResult, [UInt8]) {
        try wait(for: .readable, on: raw)
        return readNow(capacity)
    }

    package func readNow(_ capacity: Int = 4096) -> (ReadResult, [UInt8]) {
        var buffer = [UInt8](repeating: 0, count: capacity)
        var span = buffer.mutableSpan
        var room = span.mutableBytes
        let result = read(into: &room)
        guard case .bytes(let count) = result else { return (result, []) }
        return (result, Array(buffer[..<count]))
    }

    package func write(_ bytes: [UInt8]) -> WriteResult { write(bytes.span.bytes) }
}
