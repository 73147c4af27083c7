import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("Batches of datagrams")
struct BatchTests {
    @Test("64 datagrams are echoed in place, in order, by one call each way", arguments: AddressFamily.allCases)
    func echo(family: AddressFamily) throws {
        let server = try UDPSocket(binding: .loopback(family))
        let client = try UDPSocket(binding: .loopback(family))
        var received = ReceiveBatch()
        var outgoing = TransmitBatch(slotsOf: received)
        for number in 0..<64 {
            let envelope = Envelope(socket: client.raw, destination: server.localAddress)
            [UInt8](repeating: UInt8(number), count: number).withRawSpan { outgoing.append(copying: $0, envelope) }
        }
        outgoing.flush()

        #expect(try received.receiveSome(from: server.raw) == 64)
        for index in 0..<64 {
            #expect(received.source(of: index) == client.localAddress)
            #expect(received.localAddress(of: index) == nil)
            #expect(received.isTruncated(index) == false)
            // Four bytes before the payload, as a ChannelData header would be put there (RFC 8656 §12.4).
            let payload = received.payloadRange(of: index)
            received.withSlot(index) { $0.storeBigEndian(UInt32(0x4001_0000) | UInt32(index), at: 60) }
            outgoing.append(
                slot: index, bytes: (payload.lowerBound - 4)..<payload.upperBound,
                Envelope(socket: server.raw, destination: received.source(of: index)))
        }
        outgoing.flush()

        var answers = ReceiveBatch()
        #expect(try answers.receiveSome(from: client.raw) == 64)
        for index in 0..<64 {
            let body = [UInt8](repeating: UInt8(index), count: index)
            #expect(answers.bytes(of: index) == [0x40, 0x01, 0, UInt8(index)] + body)
            #expect(answers.source(of: index) == server.localAddress)
        }
        #expect(outgoing.counters.sent == 128)
        #expect(outgoing.counters.failed == 0)
    }

    @Test("a receive that finds nothing returns 0")
    func nothing() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4))
        var batch = ReceiveBatch(slots: 2)
        #expect(try batch.receive(from: socket) == 0)
    }

    @Test(
        "zero bytes and 65,507 bytes arrive whole", arguments: AddressFamily.allCases, [0, 1, 1472, 2048, 2049, 65_507])
    func sizes(family: AddressFamily, size: Int) throws {
        let server = try UDPSocket(binding: .loopback(family))
        let client = try UDPSocket(binding: .loopback(family))
        var batch = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: batch)
        let bytes = (0..<size).map { UInt8(truncatingIfNeeded: $0 * 7) }
        outgoing.send(bytes, by: client.raw, to: server.localAddress)
        #expect(try batch.receiveSome(from: server.raw) == 1)
        #expect(batch.payloadRange(of: 0) == 64..<(64 + size))
        #expect(batch.bytes(of: 0) == bytes)
        #expect(batch.isTruncated(0) == false)

        // The echo leaves from the slot, which must hold all of it.
        outgoing.append(
            slot: 0, bytes: batch.payloadRange(of: 0), Envelope(socket: server.raw, destination: batch.source(of: 0)))
        outgoing.flush()
        var answer = ReceiveBatch(slots: 1)
        #expect(try answer.receiveSome(from: client.raw) == 1)
        #expect(answer.bytes(of: 0) == bytes)
    }

    @Test("a datagram longer than the slot is marked as truncated; one that just fits is not")
    func truncation() throws {
        let server = try UDPSocket(binding: .loopback(.ipv4))
        var batch = ReceiveBatch(slots: 2, slotBytes: 64 + 100 + 8)
        var outgoing = TransmitBatch(slotsOf: batch)
        outgoing.send([UInt8](repeating: 1, count: 100), by: server.raw, to: server.localAddress)
        outgoing.send([UInt8](repeating: 1, count: 101), by: server.raw, to: server.localAddress)
        #expect(try batch.receiveSome(from: server.raw) == 2)
        #expect(batch.isTruncated(0) == false)
        #expect(batch.isTruncated(1) == true)
        #expect(batch.payloadRange(of: 1).count == 100)
    }

    @Test("the limit is kept, and one batch gathers from two sockets")
    func gathering() throws {
        let first = try UDPSocket(binding: .loopback(.ipv4))
        let second = try UDPSocket(binding: .loopback(.ipv6))
        var batch = ReceiveBatch(slots: 4)
        var outgoing = TransmitBatch(slotsOf: batch)
        for number in 1...3 as ClosedRange<UInt8> {
            outgoing.send([number], by: first.raw, to: first.localAddress)
            outgoing.send([number + 10], by: second.raw, to: second.localAddress)
        }
        #expect(try batch.receive(from: first, limit: 2) == 2)
        #expect(try batch.receive(from: second, startingAt: 2) == 2)
        #expect((0..<4).map { batch.bytes(of: $0) } == [[1], [2], [11], [12]])
        #expect(batch.source(of: 1) == first.localAddress)
        #expect(batch.source(of: 2) == second.localAddress)
    }

    @Test("datagrams of several sockets keep their order within each", arguments: [1, 2, 64, 65, 256])
    func orderPerSocket(count: Int) throws {
        let sinks = [try Sink(), try Sink(), try Sink()]
        let senders = [try Sink(), try Sink(), try Sink()]
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused, replySlots: 256)
        for number in 0..<count {
            let envelope = Envelope(
                socket: senders[number % 3].socket.raw, destination: sinks[number % 3].socket.localAddress)
            outgoing.appendReply(envelope) { span in
                span.storeBigEndian(UInt16(number), at: 0)
                return 2
            }
        }
        #expect(outgoing.count == count)
        outgoing.flush()
        #expect(outgoing.count == 0)
        var numbers: [Int] = []
        for (index, sink) in sinks.enumerated() {
            let received = try sink.drain().map { Int($0[0]) << 8 | Int($0[1]) }
            #expect(received == Array(stride(from: index, to: count, by: 3)))
            numbers += received
        }
        #expect(numbers.sorted() == Array(0..<count))
    }

    @Test("a full batch sends what it has before it takes more", arguments: [(2, 8), (8, 2)])
    func fullBatch(capacity: Int, replySlots: Int) throws {
        let sink = try Sink()
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused, capacity: capacity, replySlots: replySlots)
        for number in 1...5 as ClosedRange<UInt8> {
            let envelope = Envelope(socket: sink.socket.raw, destination: sink.socket.localAddress)
            [number].withRawSpan { outgoing.append(copying: $0, envelope) }
        }
        #expect(outgoing.counters.sent == 4)
        outgoing.flush()
        #expect(outgoing.counters.sent == 5)
        #expect(try sink.drain() == [[1], [2], [3], [4], [5]])
    }

    @Test("a reply of length 0 sends nothing")
    func emptyReply() throws {
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        outgoing.appendReply(Envelope(socket: 0, destination: .loopback(.ipv4))) { _ in 0 }
        #expect(outgoing.count == 0)
    }

    @Test("a wildcard socket answers from the address that was asked")
    func packetInfo() throws {
        let server = try UDPSocket(
            binding: SocketAddress(ip: .any(.ipv4), port: 0), options: UDPSocketOptions(packetInfo: true))
        let client = try UDPSocket(binding: .loopback(.ipv4))
        let asked = SocketAddress.ipv4(0x7F00_0002, port: server.localAddress.port)
        var batch = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: batch)
        outgoing.send([1], by: client.raw, to: asked)
        #expect(try batch.receiveSome(from: server.raw) == 1)
        #expect(batch.localAddress(of: 0) == asked.ip)
        outgoing.append(
            slot: 0, bytes: batch.payloadRange(of: 0),
            Envelope(
                socket: server.raw, destination: batch.source(of: 0), localAddress: batch.localAddress(of: 0)))
        outgoing.flush()
        #expect(try batch.receiveSome(from: client.raw) == 1)
        #expect(batch.source(of: 0) == asked)
    }

    @Test("an IPv6 wildcard socket is told the address, and may answer from it")
    func packetInfoIPv6() throws {
        let server = try UDPSocket(
            binding: SocketAddress(ip: .any(.ipv6), port: 0), options: UDPSocketOptions(packetInfo: true))
        let client = try UDPSocket(binding: .loopback(.ipv6))
        var batch = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: batch)
        outgoing.send([1], by: client.raw, to: .loopback(.ipv6, port: server.localAddress.port))
        #expect(try batch.receiveSome(from: server.raw) == 1)
        #expect(batch.localAddress(of: 0) == .v6(.loopback))
        outgoing.append(
            slot: 0, bytes: batch.payloadRange(of: 0),
            Envelope(
                socket: server.raw, destination: batch.source(of: 0), localAddress: batch.localAddress(of: 0)))
        outgoing.flush()
        #expect(try batch.receiveSome(from: client.raw) == 1)
        #expect(batch.source(of: 0).port == server.localAddress.port)
    }

    @Test("filling a slot whose bytes are not sent yet ends the process; filling the next one does not")
    func unsentSlots() async throws {
        await #expect(processExitsWith: .failure) {
            var worker = try EchoWorker()
            worker.append(slot: 0)
            _ = try worker.received.receive(from: worker.socket)
        }
        var worker = try EchoWorker()
        worker.append(slot: 0)
        #expect(try worker.received.receive(from: worker.socket, startingAt: 1) == 0)
        worker.outgoing.flush()
        #expect(try worker.received.receive(from: worker.socket) == 1)
    }

    @Test("a worker that owns both batches rewrites and appends in one pass")
    func worker() throws {
        var worker = try EchoWorker()
        [1, 2, 3].withRawSpan { bytes in
            worker.outgoing.append(
                copying: bytes, Envelope(socket: worker.socket.raw, destination: worker.socket.localAddress))
        }
        worker.outgoing.flush()
        #expect(try worker.echo() == 1)
        #expect(try worker.received.receive(from: worker.socket) == 1)
        #expect(worker.received.bytes(of: 0) == [9, 2, 3])
    }

    @Test("drops for want of buffer are reported")
    func drops() throws {
        let server = try UDPSocket(
            binding: .loopback(.ipv4), options: UDPSocketOptions(receiveBufferBytes: 2048, reportsDrops: true))
        var batch = ReceiveBatch()
        var outgoing = TransmitBatch(slotsOf: batch)
        for _ in 0..<64 { outgoing.send([UInt8](repeating: 0, count: 1000), by: server.raw, to: server.localAddress) }
        let arrived = try batch.receiveSome(from: server.raw)
        #expect(arrived < 64)
        #expect(batch.droppedByKernel == nil, "these were queued before the first drop")
        outgoing.send([1], by: server.raw, to: server.localAddress)
        #expect(try batch.receiveSome(from: server.raw) == 1)
        #expect(batch.droppedByKernel == UInt32(64 - arrived))
    }
}

/// A socket whose datagrams are collected.
final class Sink {
    let socket: UDPSocket

    init(_ family: AddressFamily = .ipv4) throws { socket = try UDPSocket(binding: .loopback(family)) }

    func drain() throws -> [[UInt8]] {
        var batch = ReceiveBatch()
        var all: [[UInt8]] = []
        while case let count = try batch.receive(from: socket), count > 0 {
            all += (0..<count).map { batch.bytes(of: $0) }
        }
        return all
    }
}

/// Owns its batches as a worker of the server does: what compiles here compiles there.
struct EchoWorker: ~Copyable {
    let socket: UDPSocket
    var received: ReceiveBatch
    var outgoing: TransmitBatch

    init() throws {
        socket = try UDPSocket(binding: .loopback(.ipv4))
        received = ReceiveBatch(slots: 2)
        outgoing = TransmitBatch(slotsOf: received)
    }

    mutating func append(slot: Int) {
        outgoing.append(
            slot: slot, bytes: received.payloadRange(of: slot),
            Envelope(socket: socket.raw, destination: socket.localAddress))
    }

    mutating func echo() throws -> Int {
        let count = try received.receive(from: socket)
        for index in 0..<count {
            let payload = received.payloadRange(of: index)
            let envelope = Envelope(socket: socket.raw, destination: received.source(of: index))
            received.withSlot(index) { slot in
                slot.storeBytes(of: 8, toByteOffset: payload.lowerBound, as: UInt8.self)
                outgoing.append(slot: index, bytes: payload, envelope)
            }
            var slot = received.slot(index)
            slot.storeBytes(of: 9, toByteOffset: payload.lowerBound, as: UInt8.self)
        }
        outgoing.flush()
        return count
    }
}
