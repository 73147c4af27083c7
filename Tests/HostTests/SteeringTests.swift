import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("Sockets that share an address, half of them for requests")
struct SteeringTests {
    private static let binding: [UInt8] = [0x00, 0x01, 0x00, 0x00]
    private static let refresh: [UInt8] = [0x00, 0x04, 0x00, 0x00]
    private static let sendIndication: [UInt8] = [0x00, 0x16, 0x00, 0x00]
    private static let channelData: [UInt8] = [0x40, 0x00, 0x00, 0x01, 0xAA]
    private static let dtls: [UInt8] = [23, 0xFE, 0xFD]

    /// Descriptors of a steered group, and what it takes to keep them open.
    private static func group(_ workers: Int, _ address: SocketAddress) throws -> [SocketBox] {
        let options = UDPSocketOptions(reusePort: true)
        let first = SocketBox(try UDPSocket(binding: address, options: options))
        var boxes = [first]
        for _ in 1..<2 * workers {
            boxes.append(SocketBox(try UDPSocket(binding: first.socket.localAddress, options: options)))
        }
        try first.socket.steerGroup(workers: workers, secret: 0x5EED_5EED)
        return boxes
    }

    /// Which socket of the group gets the datagram.
    private static func place(_ group: [SocketBox], _ received: inout ReceiveBatch) throws -> Int? {
        for (index, box) in group.enumerated() where try received.receive(from: box.socket) > 0 { return index }
        return nil
    }

    @Test("requests and data of a client go to one worker, each to its own socket", arguments: AddressFamily.allCases)
    func placesOfClients(family: AddressFamily) throws {
        let workers = 3
        let group = try Self.group(workers, .loopback(family))
        let address = group[0].socket.localAddress
        var received = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: received)
        var workersMet: Set<Int> = []
        for _ in 0..<32 {
            let client = try UDPSocket(binding: .loopback(family))
            outgoing.send(Self.channelData, by: client.raw, to: address)
            let worker = try #require(try Self.place(group, &received))
            #expect(worker < workers)
            workersMet.insert(worker)
            for data in [Self.sendIndication, Self.dtls, [], [0x00]] {
                outgoing.send(data, by: client.raw, to: address)
                #expect(try Self.place(group, &received) == worker)
            }
            for request in [Self.binding, Self.refresh] {
                outgoing.send(request, by: client.raw, to: address)
                #expect(try Self.place(group, &received) == worker + workers)
            }
        }
        // 32 clients all of whom miss one of three workers are rarer than one in 10^5.
        #expect(workersMet == [0, 1, 2])
    }

    @Test("one worker has one socket of each kind")
    func oneWorker() throws {
        let group = try Self.group(1, .loopback(.ipv4))
        var received = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: received)
        let client = try UDPSocket(binding: .loopback(.ipv4))
        outgoing.send(Self.channelData, by: client.raw, to: group[0].socket.localAddress)
        #expect(try Self.place(group, &received) == 0)
        outgoing.send(Self.binding, by: client.raw, to: group[0].socket.localAddress)
        #expect(try Self.place(group, &received) == 1)
    }

    @Test("a socket that shares nothing cannot be steered")
    func alone() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4))
        #expect(throws: SystemError.self) { try socket.steerGroup(workers: 1, secret: 1) }
    }
}

private final class SocketBox {
    let socket: UDPSocket
    init(_ socket: consuming UDPSocket) { self.socket = socket }
}
