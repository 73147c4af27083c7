import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("A socket connected to one peer, beside another on the same address")
struct ConnectedSocketTests {
    @Test("each hears its own peers, and both send from the one address", arguments: AddressFamily.allCases)
    func twoOnOneAddress(family: AddressFamily) throws {
        let peer = try UDPSocket(binding: .loopback(family))
        let stranger = try UDPSocket(binding: .loopback(family))
        let relay = try UDPSocket(binding: .loopback(family))
        let connected = try UDPSocket(beside: relay, connectedTo: peer.localAddress, options: UDPSocketOptions())
        #expect(connected.localAddress == relay.localAddress)

        var received = ReceiveBatch()
        var outgoing = TransmitBatch(slotsOf: received)
        outgoing.send([1], by: peer.raw, to: relay.localAddress)
        outgoing.send([2], by: stranger.raw, to: relay.localAddress)
        #expect(try received.receiveSome(from: connected.raw) == 1)
        #expect(received.bytes(of: 0) == [1])
        #expect(received.source(of: 0) == peer.localAddress)
        #expect(try received.receiveSome(from: relay.raw) == 1)
        #expect(received.bytes(of: 0) == [2])

        let envelope = Envelope(socket: connected.raw, destination: peer.localAddress, isConnected: true)
        for byte in 3...5 as ClosedRange<UInt8> { [byte].withRawSpan { outgoing.append(copying: $0, envelope) } }
        outgoing.flush()
        #expect(outgoing.counters.failed == 0)
        var arrived: [UInt8] = []
        while arrived.count < 3 {
            let count = try received.receiveSome(from: peer.raw)
            guard count > 0 else { break }
            for slot in 0..<count {
                arrived += received.bytes(of: slot)
                #expect(received.source(of: slot) == relay.localAddress)
            }
        }
        #expect(arrived == [3, 4, 5])
    }

    @Test("nobody else gets the address, neither meanwhile nor afterwards", arguments: AddressFamily.allCases)
    func exclusive(family: AddressFamily) throws {
        let peer = try UDPSocket(binding: .loopback(family))
        let relay = try UDPSocket(binding: .loopback(family))
        let address = relay.localAddress
        do {
            let connected = try UDPSocket(beside: relay, connectedTo: peer.localAddress, options: UDPSocketOptions())
            for reusePort in [false, true] {
                #expect(throws: SystemError.self) {
                    _ = try UDPSocket(binding: address, options: UDPSocketOptions(reusePort: reusePort))
                }
            }
            #expect(connected.raw >= 0)
        }
        #expect(throws: SystemError.self) { _ = try UDPSocket(binding: address) }
    }

    @Test("datagrams that nobody read in time are counted")
    func drops() throws {
        let socket = try UDPSocket(
            binding: .loopback(.ipv4), options: UDPSocketOptions(receiveBufferBytes: 4096))
        let sender = try UDPSocket(binding: .loopback(.ipv4))
        #expect(socket.dropsByKernel == 0)
        let received = ReceiveBatch()
        var outgoing = TransmitBatch(slotsOf: received)
        for _ in 0..<200 { outgoing.send([UInt8](repeating: 0, count: 1000), by: sender.raw, to: socket.localAddress) }
        #expect(socket.dropsByKernel > 100)
    }
}
