import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import SocketSupport
import Testing

@Suite("TCP listeners")
struct TCPListenerTests {
    @Test("a listener knows its port; a connection knows both ends", arguments: AddressFamily.allCases)
    func addresses(family: AddressFamily) throws {
        let listener = try TCPListener(binding: .loopback(family))
        #expect(listener.localAddress.ip == .loopback(family))
        #expect(listener.localAddress.port != 0)
        let client = try TCPClient(to: listener.localAddress)
        let accepted = try listener.acceptSoon()
        #expect(accepted.remoteAddress == .loopback(family, port: client.port))
        #expect(accepted.localAddress == listener.localAddress)
    }

    @Test("a wildcard listener tells the address that was called", arguments: AddressFamily.allCases)
    func wildcard(family: AddressFamily) throws {
        let listener = try TCPListener(binding: SocketAddress(ip: .any(family), port: 0))
        let client = try TCPClient(to: .loopback(family, port: listener.localAddress.port))
        let accepted = try listener.acceptSoon()
        #expect(accepted.localAddress == .loopback(family, port: listener.localAddress.port))
        #expect(accepted.remoteAddress.port == client.port)
    }

    @Test("nobody waits")
    func none() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        guard case .none = listener.accept() else { Issue.record("somebody waits"); return }
    }

    @Test("an IPv6 wildcard listener leaves the port free for IPv4")
    func v6Only() throws {
        let six = try TCPListener(binding: SocketAddress(ip: .any(.ipv6), port: 0))
        let four = try TCPListener(binding: SocketAddress(ip: .any(.ipv4), port: six.localAddress.port))
        let client = try TCPClient(to: .loopback(.ipv4, port: six.localAddress.port))
        let accepted = try four.acceptSoon()
        #expect(accepted.remoteAddress.port == client.port)
        guard case .none = six.accept() else { Issue.record("IPv4 came to the IPv6 listener"); return }
    }

    @Test("a taken address is a typed error", arguments: AddressFamily.allCases)
    func addressInUse(family: AddressFamily) throws {
        let first = try TCPListener(binding: .loopback(family))
        do throws(SystemError) {
            _ = try TCPListener(binding: first.localAddress).raw
            Issue.record("two listeners on one address")
        } catch {
            #expect(error.isAddressInUse)
        }
    }

    @Test("two listeners share a port when both ask for it")
    func reusePort() throws {
        let options = TCPListenerOptions(reusePort: true)
        let first = try TCPListener(binding: .loopback(.ipv4), options: options)
        let second = try TCPListener(binding: first.localAddress, options: options)
        #expect(second.localAddress == first.localAddress)
    }

    @Test("an unknown device is a typed error")
    func device() throws {
        do throws(SystemError) {
            _ = try TCPListener(binding: .loopback(.ipv4), options: TCPListenerOptions(device: "no-such-device")).raw
            Issue.record("bound to a device that does not exist")
        } catch {
            #expect(error.operation == "setsockopt(SO_BINDTODEVICE)")
        }
        #expect(try TCPListener(binding: .loopback(.ipv4), options: TCPListenerOptions(device: "lo")).raw >= 0)
    }

    @Test("the port of connections that ended is free again at once")
    func reuseAddress() throws {
        var address = SocketAddress.loopback(.ipv4)
        do {
            let listener = try TCPListener(binding: address)
            address = listener.localAddress
            let client = try TCPClient(to: address)
            // The side that closes first keeps the connection in TIME_WAIT.
            _ = try listener.acceptSoon().take().raw
            #expect(client.receive(1) == [])
        }
        #expect(try TCPListener(binding: address).localAddress == address)
    }

    @Test("what is accepted is non-blocking, closed on exec, undelayed and probed")
    func inheritedOptions() throws {
        let listener = try TCPListener(binding: .loopback(.ipv6))
        let client = try TCPClient(to: listener.localAddress)
        let connection = try listener.acceptSoon().take()
        #expect(fcntl(connection.raw, F_GETFL) & O_NONBLOCK != 0)
        #expect(fcntl(connection.raw, F_GETFD) & FD_CLOEXEC != 0)
        let tcp = CInt(IPPROTO_TCP)
        #expect(option(connection.raw, tcp, TCP_NODELAY) != 0)
        #expect(option(connection.raw, SOL_SOCKET, SO_KEEPALIVE) != 0)
        #expect(option(connection.raw, tcp, TCP_KEEPIDLE) == 60)
        #expect(option(connection.raw, tcp, TCP_KEEPINTVL) == 10)
        #expect(option(connection.raw, tcp, TCP_USER_TIMEOUT) == 30_000)
        withExtendedLifetime(client) {}
    }

    private func option(_ raw: CInt, _ level: CInt, _ name: CInt) -> CInt {
        var value: CInt = -1
        var length = socklen_t(MemoryLayout<CInt>.size)
        #expect(getsockopt(raw, level, name, &value, &length) == 0)
        return value
    }
}

@Suite("TCP connections")
struct TCPConnectionTests {
    @Test("a connection costs its owner four bytes")
    func size() { #expect(MemoryLayout<TCPConnection>.size == 4) }

    @Test("bytes go both ways", arguments: AddressFamily.allCases)
    func echo(family: AddressFamily) throws {
        let listener = try TCPListener(binding: .loopback(family))
        let client = try TCPClient(to: listener.localAddress)
        let connection = try listener.acceptSoon().take()
        #expect(connection.readNow().0 == .wouldBlock)
        client.send([1, 2, 3])
        #expect(try connection.readSoon(2) == (.bytes(2), [1, 2]))
        #expect(try connection.readSoon(2) == (.bytes(1), [3]))
        #expect(connection.readNow().0 == .wouldBlock)
        #expect(connection.write([4, 5, 6]) == .wrote(3))
        #expect(client.receive(3) == [4, 5, 6])
        #expect(connection.write([]) == .wrote(0))
    }

    @Test("the client ends its direction and still reads")
    func clientHalfClose() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress)
        let connection = try listener.acceptSoon().take()
        client.send([7])
        client.endWrites()
        #expect(try connection.readSoon() == (.bytes(1), [7]))
        #expect(try connection.readSoon().0 == .endOfStream)
        #expect(connection.readNow().0 == .endOfStream)
        #expect(connection.write([8]) == .wrote(1))
        #expect(client.receive(1) == [8])
    }

    @Test("we end our direction and still read")
    func serverHalfClose() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress)
        let connection = try listener.acceptSoon().take()
        #expect(connection.write([1]) == .wrote(1))
        try connection.shutdownWrites()
        #expect(client.receive(100) == [1])
        client.send([2])
        #expect(try connection.readSoon() == (.bytes(1), [2]))
        #expect(connection.write([3]) == .failed(SystemError(operation: "sendmsg", errno: EPIPE)))
    }

    @Test("the end of the owner closes the connection")
    func closing() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress)
        do { _ = try listener.acceptSoon().remoteAddress }
        #expect(client.receive(1) == [])
        var byte: UInt8 = 0
        #expect(recv(client.raw, &byte, 1, 0) == 0)
    }

    @Test("a reset by the client is a failure, and the poller reports it")
    func resetByClient() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let connection: TCPConnection
        do {
            let client = try TCPClient(to: listener.localAddress)
            connection = try listener.acceptSoon().take()
            client.resetOnClose()
        }
        var poller = try Poller()
        try poller.add(connection.raw, token: 1, interest: [])
        let now = Clock.monotonic()
        #expect(try poller.wait(until: now.advanced(bySeconds: 5), now: now) == 1)
        #expect(poller.event(at: 0).hasError)
        #expect(connection.readNow().0 == .failed(SystemError(operation: "recv", errno: ECONNRESET)))
        #expect(connection.write([1]) == .failed(SystemError(operation: "sendmsg", errno: EPIPE)))
    }

    @Test("a connection that was reset before it was taken is accepted and then fails")
    func resetBeforeAccept() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        do {
            let client = try TCPClient(to: listener.localAddress)
            client.resetOnClose()
        }
        let connection = try listener.acceptSoon().take()
        #expect(connection.readNow().0 == .failed(SystemError(operation: "recv", errno: ECONNRESET)))
    }

    @Test("our reset reaches the client, and what was not sent is dropped")
    func resetByUs() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress, receiveBufferBytes: 4096)
        let connection = try listener.acceptSoon().take()
        _ = fill(connection)
        connection.reset()
        var chunk = [UInt8](repeating: 0, count: 4096)
        var got = recv(client.raw, &chunk, chunk.count, 0)
        while got > 0 { got = recv(client.raw, &chunk, chunk.count, 0) }
        #expect(got == -1)
        #expect(errno == ECONNRESET)
    }

    @Test("a full buffer takes a part, then nothing, then what the client made room for")
    func fullBuffer() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress, receiveBufferBytes: 4096)
        let connection = try listener.acceptSoon().take()
        let written = fill(connection)
        #expect(connection.write([1]) == .wouldBlock)
        let unsent = connection.unsentByteCount
        #expect(try #require(unsent) > 0)
        #expect(client.receive(written).count == written)
        try wait(for: .writable, on: connection.raw)
        #expect(connection.write([1]) == .wrote(1))
        #expect(client.receive(1) == [1])
    }

    /// Writes until the kernel takes no more; returns how much it took. At least one write was partial.
    private func fill(_ connection: borrowing TCPConnection) -> Int {
        let block = [UInt8](repeating: 0x5A, count: 1_000_000)
        var written = 0
        var sawPart = false
        for _ in 0..<1000 {
            guard case .wrote(let count) = connection.write(block) else { break }
            written += count
            sawPart = sawPart || count < block.count
        }
        #expect(sawPart)
        return written
    }
}

@Suite("TCP connecting")
struct TCPConnectTests {
    @Test("a connection that we begin carries bytes both ways", arguments: AddressFamily.allCases)
    func connect(family: AddressFamily) throws {
        let listener = try TCPListener(binding: .loopback(family))
        let ours = try TCPConnection.connect(to: listener.localAddress)
        try wait(for: .writable, on: ours.raw)
        let theirs = try listener.acceptSoon().take()
        #expect(ours.write([1, 2]) == .wrote(2))
        #expect(try theirs.readSoon() == (.bytes(2), [1, 2]))
        #expect(theirs.write([3]) == .wrote(1))
        #expect(try ours.readSoon() == (.bytes(1), [3]))
        #expect(ours.readNow().0 == .wouldBlock)
        #expect(fcntl(ours.raw, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test("the address to call from can be chosen, and the port is the kernel's")
    func source() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let source = IPAddress.v4(IPv4Address(rawValue: 0x7F03_0201))
        let ours = try TCPConnection.connect(to: listener.localAddress, from: source)
        let accepted = try listener.acceptSoon()
        #expect(accepted.remoteAddress.ip == source)
        #expect(accepted.remoteAddress.port != 0)
        withExtendedLifetime(ours.raw) {}
    }

    @Test("nobody listens: the first read says so")
    func refused() throws {
        let address: SocketAddress
        do { address = try TCPListener(binding: .loopback(.ipv4)).localAddress }
        let ours = try TCPConnection.connect(to: address)
        try wait(for: .writable, on: ours.raw)
        #expect(ours.readNow().0 == .failed(SystemError(operation: "recv", errno: ECONNREFUSED)))
    }

    @Test("an address that is not ours cannot be called from, and is a typed error")
    func foreignSource() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        do throws(SystemError) {
            let source = IPAddress.v4(IPv4Address(rawValue: 0xC000_0201))
            _ = try TCPConnection.connect(to: listener.localAddress, from: source).raw
            Issue.record("connected from somebody else's address")
        } catch {
            #expect(error.operation == "bind")
            #expect(error.isAddressNotAvailable)
        }
    }
}

@Suite("TCP gathering")
struct TCPGatherTests {
    @Test("pieces arrive in order, empty ones as nothing")
    func order() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress)
        let connection = try listener.acceptSoon().take()
        let whole: [UInt8] = [9, 9, 3, 4, 5, 9]
        #expect(connection.write(gathering: [[1, 2], [], whole[2..<5], [6]]) == .wrote(6))
        #expect(client.receive(6) == [1, 2, 3, 4, 5, 6])
        #expect(connection.write(gathering: []) == .wrote(0))
        #expect(connection.write(gathering: [[], []]) == .wrote(0))
        #expect(connection.readNow().0 == .wouldBlock)
    }

    @Test("sixteen pieces are looked at, the seventeenth is not")
    func limit() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress)
        let connection = try listener.acceptSoon().take()
        let pieces = (0..<17).map { [UInt8($0)][...] }
        #expect(connection.write(gathering: Array(pieces.prefix(16))) == .wrote(16))
        #expect(connection.write(gathering: pieces) == .wrote(16))
        var asked: [Int] = []
        let result = connection.write(gathering: 17) { index in
            asked.append(index)
            return pieces[index]
        }
        #expect(result == .wrote(16))
        #expect(asked == Array(0..<16))
        #expect(client.receive(48) == Array(0..<16) + Array(0..<16) + Array(0..<16))
    }

    @Test("a part can end in the middle of a piece, and the stream stays whole")
    func partial() throws {
        let listener = try TCPListener(binding: .loopback(.ipv4))
        let client = try TCPClient(to: listener.localAddress, receiveBufferBytes: 4096)
        let connection = try listener.acceptSoon().take()
        let sizes = [999_983, 1, 2_000_003, 0, 1_500_007, 4_000_037]
        let total = sizes.reduce(0, +)
        var stream: [UInt8] = []
        // A prime length, so that a piece sent twice or left out shows.
        while stream.count < total { stream += 0..<251 as Range<UInt8> }
        stream.removeLast(stream.count - total)
        var sent = 0
        var received: [UInt8] = []
        var parts = 0
        while received.count < stream.count {
            // The pieces as they lie, less what has been sent.
            var pieces: [ArraySlice<UInt8>] = []
            var start = 0
            for size in sizes {
                let piece = stream[start..<(start + size)]
                pieces.append(piece.dropFirst(max(0, min(size, sent - start))))
                start += size
            }
            switch connection.write(gathering: pieces) {
            case .wrote(let count):
                if count < stream.count - sent { parts += 1 }
                sent += count
            case .wouldBlock: break
            case .failed(let error): throw error
            }
            received += client.receive(min(sent - received.count, 1_000_000))
        }
        #expect(received == stream)
        #expect(parts > 0)
    }
}
