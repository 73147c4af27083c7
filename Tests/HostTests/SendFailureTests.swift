import EventLoop
import Glibc
import LinuxSockets
import NetworkPrimitives
import Testing

@Suite("Datagrams that cannot be sent")
struct SendFailureTests {
    private let options = UDPSocketOptions(receiveErrors: true)

    @Test("a closed port becomes an ICMP error with the peer", arguments: AddressFamily.allCases)
    func portUnreachable(family: AddressFamily) throws {
        let socket = try UDPSocket(binding: .loopback(family), options: options)
        let peer = try closedPort(family)
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        outgoing.send([1], by: socket.raw, to: peer)
        // ICMPv4 type 3 code 3 (RFC 792), ICMPv6 type 1 code 4 (RFC 4443 §3.1): port unreachable.
        let expected = ICMPError(
            family: family, peer: peer, type: family == .ipv4 ? 3 : 1, code: family == .ipv4 ? 3 : 4, errorData: 0)
        #expect(readErrorQueue(of: socket.raw) == expected)
        #expect(readErrorQueue(of: socket.raw) == nil)
    }

    @Test("a pending error does not cost the next datagram", arguments: AddressFamily.allCases)
    func pendingError(family: AddressFamily) throws {
        let socket = try UDPSocket(binding: .loopback(family), options: options)
        let alive = try UDPSocket(binding: .loopback(family))
        let closed = try closedPort(family)
        var batch = ReceiveBatch(slots: 4)
        var outgoing = TransmitBatch(slotsOf: batch)
        outgoing.send([1], by: socket.raw, to: closed)
        outgoing.send([2], by: socket.raw, to: alive.localAddress)
        #expect(outgoing.counters.refused == 1)
        #expect(outgoing.counters.sent == 2)
        #expect(outgoing.counters.failed == 0)
        #expect(try batch.receiveSome(from: alive.raw) == 1)
        #expect(batch.bytes(of: 0) == [2])
        #expect(readErrorQueue(of: socket.raw)?.peer == closed)
    }

    @Test("within one batch, datagrams behind a refused one arrive", arguments: AddressFamily.allCases)
    func refusedInBatch(family: AddressFamily) throws {
        let socket = try UDPSocket(binding: .loopback(family), options: options)
        let alive = try UDPSocket(binding: .loopback(family))
        let closed = try closedPort(family)
        var batch = ReceiveBatch()
        var outgoing = TransmitBatch(slotsOf: batch)
        for number in 0..<30 as Range<UInt8> {
            let envelope = Envelope(
                socket: socket.raw, destination: number % 2 == 0 ? closed : alive.localAddress)
            [number].withRawSpan { outgoing.append(copying: $0, envelope) }
        }
        outgoing.flush()
        #expect(outgoing.counters.sent == 30)
        #expect(try batch.receiveSome(from: alive.raw) == 15)
        #expect((0..<15).map { batch.bytes(of: $0) } == (0..<15).map { [UInt8($0 * 2 + 1)] })
        var errors = 0
        while let error = readErrorQueue(of: socket.raw) {
            #expect(error.peer == closed)
            errors += 1
        }
        // The kernel may answer a run of datagrams with one error.
        #expect((1...15).contains(errors))
    }

    @Test("a pending error ends a receive with a delivery report, once")
    func receiveReportsError() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4), options: options)
        var batch = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: batch)
        outgoing.send([1], by: socket.raw, to: try closedPort(.ipv4))
        do throws(SystemError) {
            _ = try batch.receive(from: socket)
            Issue.record("the error was swallowed")
        } catch {
            #expect(error == SystemError(operation: "recvmmsg", errno: ECONNREFUSED))
            #expect(error.isDeliveryReport)
        }
        #expect(try batch.receive(from: socket) == 0)
    }

    @Test("the poller reports an error queue until it is read")
    func pollerReportsErrors() throws {
        let socket = try UDPSocket(binding: .loopback(.ipv4), options: options)
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        var poller = try Poller()
        try poller.add(socket.raw, token: 7, interest: .readable)
        outgoing.send([1], by: socket.raw, to: try closedPort(.ipv4))
        let now = Clock.monotonic()
        #expect(try poller.wait(until: now.advanced(bySeconds: 2), now: now) == 1)
        #expect(poller.event(at: 0).token == 7)
        #expect(poller.event(at: 0).hasError)
        while readErrorQueue(of: socket.raw) != nil {}
        #expect(try poller.wait(until: now, now: now) == 0)
    }

    @Test(
        "too long with DF is counted, leaves no error behind, and the bit is taken back",
        arguments: AddressFamily.allCases)
    func tooLong(family: AddressFamily) throws {
        // Only loopback's own MTU of 65,536 is at hand: 65,507 bytes fit an IPv4 packet and 65,488 an IPv6 one of that
        // size, so this asks IPv6 for one byte more, and IPv4 for more than UDP allows.
        let socket = try UDPSocket(binding: .loopback(family), options: options)
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        let size = family == .ipv4 ? 65_508 : 65_489
        outgoing.send([UInt8](repeating: 0, count: size), by: socket.raw, to: socket.localAddress, dontFragment: true)
        #expect(outgoing.counters.messageTooLong == 1)
        #expect(outgoing.counters.sent == 0)
        #expect(readErrorQueue(of: socket.raw) == nil, "only errors from the network are reported")
        outgoing.send([1], by: socket.raw, to: socket.localAddress, dontFragment: true)
        outgoing.send(
            [UInt8](repeating: 0, count: family == .ipv4 ? 65_507 : size), by: socket.raw, to: socket.localAddress)
        #expect(outgoing.counters.sent == 2)
    }

    @Test("one entry that cannot be sent does not stop those around it")
    func mixedFailures() throws {
        let sink = try Sink()
        let socket = try UDPSocket(binding: .loopback(.ipv4), options: options)
        let unused = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: unused)
        func add(_ number: UInt8, _ envelope: Envelope) {
            [number].withRawSpan { outgoing.append(copying: $0, envelope) }
        }
        let good = Envelope(socket: socket.raw, destination: sink.socket.localAddress)
        add(1, good)
        // Broadcast without SO_BROADCAST is EACCES (ip(7)).
        add(2, Envelope(socket: socket.raw, destination: .ipv4(0xFFFF_FFFF, port: 9)))
        add(3, good)
        // A source that is none of ours.
        add(
            4,
            Envelope(
                socket: socket.raw, destination: sink.socket.localAddress,
                localAddress: .v4(IPv4Address(rawValue: 0xC000_0201))))
        // An address of the other family.
        add(5, Envelope(socket: socket.raw, destination: .loopback(.ipv6, port: 9)))
        add(6, good)
        outgoing.flush()
        #expect(try sink.drain() == [[1], [3], [6]])
        #expect(outgoing.counters.sent == 3)
        #expect(outgoing.counters.notPermitted == 1)
        #expect(outgoing.counters.failed == 3)
        #expect(outgoing.counters.refused == 0)
    }
}
