import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

/// Datagrams that the kernel hands over together (UDP_GRO) are told apart, and can be sent on with a header each.
@Suite("Trains of datagrams")
struct TrainTests {
    @Test(
        "a train arrives in one slot and is told apart", arguments: AddressFamily.allCases,
        [
            (size: 1200, bytes: 9600), (1200, 9601), (1200, 1201), (1200, 2399), (160, 161), (1, 2), (1, 64),
            (1000, 64_000), (1023, 64 * 1023 - 1), (32_000, 64_001),
        ])
    func train(family: AddressFamily, shape: (size: Int, bytes: Int)) throws {
        let receiver = try UDPSocket(binding: .loopback(family), options: UDPSocketOptions(coalesces: true))
        let sender = try UDPSocket(binding: .loopback(family))
        let content = pattern(shape.bytes)
        sendTrain(content, of: shape.size, by: sender, to: receiver)
        var batch = ReceiveBatch(slots: 2)
        #expect(try batch.receiveSome(from: receiver.raw) == 1)
        #expect(batch.source(of: 0) == sender.localAddress)
        #expect(batch.isTruncated(0) == false)

        let segments = Array(batch.segments(of: 0))
        let last = segments.count - 1
        #expect(segments.count == (shape.bytes + shape.size - 1) / shape.size)
        #expect(segments.dropLast().allSatisfy { $0.bytes.count == shape.size })
        #expect(segments.map(\.isFirst) == (0...last).map { $0 == 0 })
        #expect(segments.map(\.isLast) == (0...last).map { $0 == last })
        #expect(segments.flatMap { batch.payload(of: $0).array() } == content)
    }

    @Test("a datagram alone is one segment, and an empty one too", arguments: AddressFamily.allCases, [0, 1, 65_507])
    func alone(family: AddressFamily, size: Int) throws {
        let receiver = try UDPSocket(binding: .loopback(family), options: UDPSocketOptions(coalesces: true))
        var batch = ReceiveBatch(slots: 2)
        var outgoing = TransmitBatch(slotsOf: batch)
        // A slot that held a train before must not be taken for one again.
        sendTrain(pattern(300), of: 100, by: receiver, to: receiver)
        #expect(try batch.receiveSome(from: receiver.raw) == 1)
        outgoing.send(pattern(size), by: receiver.raw, to: receiver.localAddress)
        #expect(try batch.receiveSome(from: receiver.raw) == 1)
        let segments = Array(batch.segments(of: 0))
        #expect(segments.map(\.bytes) == [64..<64 + size])
        #expect(segments.map(\.isFirst) == [true])
        #expect(segments.map(\.isLast) == [true])
    }

    @Test("a socket that does not coalesce receives each datagram alone")
    func apart() throws {
        let receiver = try UDPSocket(binding: .loopback(.ipv4))
        sendTrain(pattern(35), of: 10, by: receiver, to: receiver)
        var batch = ReceiveBatch()
        #expect(try batch.receiveSome(from: receiver.raw) == 4)
        #expect((0..<4).map { Array(batch.segments(of: $0)).count } == [1, 1, 1, 1])
        #expect((0..<4).map { batch.bytes(of: $0).count } == [10, 10, 10, 5])
    }

    @Test("trains of several senders stay apart")
    func senders() throws {
        let receiver = try UDPSocket(binding: .loopback(.ipv4), options: UDPSocketOptions(coalesces: true))
        let senders = [try Sink(), try Sink()]
        for round in 1...3 {
            for (index, sender) in senders.enumerated() {
                let bytes = [UInt8](repeating: UInt8(index), count: 10 * round + 5)
                sendTrain(bytes, of: 10, by: sender.socket, to: receiver)
            }
        }
        var batch = ReceiveBatch()
        #expect(try batch.receiveSome(from: receiver.raw) == 6)
        for slot in 0..<6 {
            #expect(batch.source(of: slot) == senders[slot % 2].socket.localAddress)
            #expect(Array(batch.segments(of: slot)).count == slot / 2 + 2)
            #expect(batch.bytes(of: slot).allSatisfy { $0 == UInt8(slot % 2) })
        }
    }

    @Test("a train longer than the slot is marked as truncated, and its last segment is cut")
    func truncation() throws {
        let receiver = try UDPSocket(binding: .loopback(.ipv4), options: UDPSocketOptions(coalesces: true))
        var batch = ReceiveBatch(slots: 1, slotBytes: 64 + 250 + 8)
        sendTrain(pattern(400), of: 100, by: receiver, to: receiver)
        #expect(try batch.receiveSome(from: receiver.raw) == 1)
        #expect(batch.isTruncated(0) == true)
        #expect(batch.segments(of: 0).map(\.bytes.count) == [100, 100, 50])
    }

    @Test("sizes, local address and drops are told together", arguments: AddressFamily.allCases)
    func allControlMessages(family: AddressFamily) throws {
        let options = UDPSocketOptions(packetInfo: true, receiveBufferBytes: 2048, reportsDrops: true, coalesces: true)
        let server = try UDPSocket(binding: SocketAddress(ip: .any(family), port: 0), options: options)
        let asked = SocketAddress.loopback(family, port: server.localAddress.port)
        let client = try UDPSocket(binding: .loopback(family))
        var batch = ReceiveBatch()
        var outgoing = TransmitBatch(slotsOf: batch)
        for _ in 0..<64 { outgoing.send([UInt8](repeating: 0, count: 1000), by: client.raw, to: asked) }
        let arrived = try batch.receiveSome(from: server.raw)
        sendTrain(pattern(25), of: 10, by: client, to: asked)
        #expect(try batch.receiveSome(from: server.raw) == 1)
        #expect(batch.droppedByKernel == UInt32(64 - arrived))
        #expect(batch.localAddress(of: 0) == asked.ip)
        #expect(batch.segments(of: 0).map(\.bytes.count) == [10, 10, 5])
    }

    // MARK: - With headers

    /// Room for a batch that holds a whole train, one that must be flushed amid it, and one that is flushed each time.
    @Test(
        "each datagram of a train gets its header and padding, whatever the room", arguments: AddressFamily.allCases,
        [256, 3, 1])
    func headers(family: AddressFamily, capacity: Int) throws {
        for shape in [(100, 1000), (101, 1000), (1, 7), (1000, 20_000), (98, 98), (97, 97), (1012, 64_768)] {
            for header in [0, 4, 36, 48, 64] {
                try relay(pattern(shape.1), of: shape.0, header: header, by: 1, family, capacity)
            }
        }
    }

    @Test("datagrams of a train that go different ways leave alone, with their headers", arguments: [2, 3])
    func manyWays(ways: Int) throws {
        try relay(pattern(1007), of: 50, header: 36, by: ways, .ipv4, 256)
    }

    @Test("a train with headers leaves by few calls, and each datagram is counted")
    func counters() throws {
        let sent = try relay(pattern(64_000), of: 1000, header: 4, by: 1, .ipv4, 256)
        #expect(sent == 64)
    }

    @Test("an empty datagram gets a header")
    func emptyWithHeader() throws {
        try relay([], of: 1, header: 36, by: 1, .ipv4, 256)
    }

    /// Receives a train and sends each datagram on behind `header` bytes and with padding to four, in turn to `ways`
    /// receivers, as the worker of the server does.
    @discardableResult
    private func relay(
        _ content: [UInt8], of size: Int, header: Int, by ways: Int, _ family: AddressFamily, _ capacity: Int
    ) throws -> UInt64 {
        let relay = try UDPSocket(binding: .loopback(family), options: UDPSocketOptions(coalesces: true))
        let sinks = try (0..<ways).map { _ in try Sink(family) }
        sendTrain(content, of: size, by: sinks[0].socket, to: relay)
        var batch = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: batch, capacity: capacity)
        #expect(try batch.receiveSome(from: relay.raw) == 1)
        var expected = [[[UInt8]]](repeating: [], count: ways)
        for (number, segment) in batch.segments(of: 0).enumerated() {
            let mark = UInt8(truncatingIfNeeded: number &* 3 &+ 1)
            let padding = -segment.bytes.count & 3
            var headroom = outgoing.headroom(before: segment)
            #expect(headroom.byteCount == 64)
            for offset in 64 - header..<64 { headroom.storeBigEndian(mark, at: offset) }
            outgoing.append(
                segment, header: header, padding: padding,
                Envelope(socket: relay.raw, destination: sinks[number % ways].socket.localAddress))
            let start = number * size
            expected[number % ways].append(
                [UInt8](repeating: mark, count: header) + content[start..<min(start + size, content.count)]
                    + [UInt8](repeating: 0, count: padding))
        }
        outgoing.flush()
        for way in 0..<ways {
            let arrived = try sinks[way].drain()
            #expect(arrived == expected[way])
        }
        #expect(outgoing.counters.failed == 0)
        return outgoing.counters.sent
    }

    // MARK: - Trains

    private func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7 + $0 / 251) } }

    private func sendTrain(
        _ bytes: [UInt8], of size: Int, by sender: borrowing UDPSocket, to receiver: borrowing UDPSocket
    ) {
        sendTrain(bytes, of: size, by: sender, to: receiver.localAddress)
    }

    /// By a call of the test's own, so that what sends runs is not judged by what receives them.
    private func sendTrain(
        _ bytes: [UInt8], of size: Int, by sender: borrowing UDPSocket, to destination: SocketAddress
    ) {
        // udp(7): UDP_SEGMENT, which glibc's headers call 103.
        var option = bytes.count > size ? CInt(size) : 0
        let set = setsockopt(sender.raw, CInt(IPPROTO_UDP), 103, &option, socklen_t(MemoryLayout<CInt>.size))
        #expect(set == 0)
        #expect(sendPlainly(bytes, by: sender.raw, to: destination) == bytes.count)
        option = 0
        setsockopt(sender.raw, CInt(IPPROTO_UDP), 103, &option, socklen_t(MemoryLayout<CInt>.size))
    }

    private func sendPlainly(_ bytes: [UInt8], by raw: CInt, to destination: SocketAddress) -> Int {
        if destination.family == .ipv4 {
            var name = sockaddr_in()
            name.sin_family = sa_family_t(AF_INET)
            name.sin_port = destination.port.bigEndian
            name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            return withUnsafePointer(to: &name) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    sendto(raw, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        var name = sockaddr_in6()
        name.sin6_family = sa_family_t(AF_INET6)
        name.sin6_port = destination.port.bigEndian
        name.sin6_addr = in6addr_loopback
        return withUnsafePointer(to: &name) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                sendto(raw, bytes, bytes.count, 0, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
            }
        }
    }
}
