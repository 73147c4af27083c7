import LinuxSockets
import NetworkPrimitives
import Testing

/// Datagrams of one flow leave in runs that the kernel cuts again (UDP_SEGMENT); nobody must notice.
@Suite("Runs of datagrams")
struct RunTests {
    @Test(
        "a flow arrives whole and in order, whatever its sizes",
        arguments: [
            [160, 160, 160, 160], [160, 160, 100], [100, 160], [160, 0, 160], [0, 0], [1200, 1200, 1, 1200, 1200],
            [1, 1, 1], [60000, 60000], [32000, 32000, 32000], [65_507], [10, 20, 30, 20, 10],
            Array(repeating: 1200, count: 60), Array(repeating: 7, count: 64),
        ])
    func sizes(lengths: [Int]) throws {
        try send(lengths.map { (flow: 0, length: $0) }, flows: 1, .ipv4)
        try send(lengths.map { (flow: 0, length: $0) }, flows: 1, .ipv6)
    }

    @Test("flows that interleave keep their order, each for itself", arguments: [1, 2, 3, 8])
    func interleaved(flows: Int) throws {
        try send((0..<60).map { (flow: $0 % flows, length: $0 % 7 == 0 ? 90 : 160) }, flows: flows, .ipv4)
    }

    @Test("a datagram that must not be fragmented stays in its place")
    func dontFragment() throws {
        try send((0..<9).map { (flow: 0, length: 50 + $0 / 3) }, flows: 1, .ipv4, dontFragment: [4])
    }

    /// Sends all in one flush; expects each flow to arrive as it was appended, and the counters to count datagrams.
    private func send(
        _ datagrams: [(flow: Int, length: Int)], flows: Int, _ family: AddressFamily, dontFragment: Set<Int> = []
    ) throws {
        let sender = try UDPSocket(binding: .loopback(family))
        let receivers = try (0..<flows).map { _ in
            Receiver(try UDPSocket(binding: .loopback(family), options: UDPSocketOptions(receiveBufferBytes: 4 << 20)))
        }
        var room = ReceiveBatch(slots: datagrams.count)
        var outgoing = TransmitBatch(slotsOf: room)
        var expected = [[[UInt8]]](repeating: [], count: flows)
        for (index, datagram) in datagrams.enumerated() {
            let content = (0..<datagram.length).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ index) }
            expected[datagram.flow].append(content)
            let start = room.headroom
            room.withSlot(index) { slot in
                for (offset, byte) in content.enumerated() { slot.storeBigEndian(byte, at: start + offset) }
            }
            outgoing.append(
                slot: index, bytes: start..<start + datagram.length,
                Envelope(
                    socket: sender.raw, destination: receivers[datagram.flow].socket.localAddress,
                    dontFragment: dontFragment.contains(index)))
        }
        outgoing.flush()
        #expect(outgoing.counters.sent == UInt64(datagrams.count))
        #expect(outgoing.counters.failed == 0)
        var incoming = ReceiveBatch()
        for flow in 0..<flows {
            var arrived: [[UInt8]] = []
            while arrived.count < expected[flow].count {
                let count = try incoming.receiveSome(from: receivers[flow].socket.raw)
                guard count > 0 else { break }
                arrived += (0..<count).map { incoming.bytes(of: $0) }
            }
            #expect(arrived == expected[flow])
        }
    }
}

/// A socket that an array can hold.
private final class Receiver {
    let socket: UDPSocket
    init(_ socket: consuming UDPSocket) { self.socket = socket }
}
