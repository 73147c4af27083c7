import Configuration
import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN
import TURN
import Testing

@testable import ServerRuntime

@Suite("A worker that is about to connect a steady peer")
struct WorkerConnectionTests {
    /// A worker that reads when it is told to, so that what arrives meanwhile is read in one turn.
    private struct Still: ~Copyable {
        var worker: Worker
        let listener: SocketAddress
        private var incoming: ReceiveBatch
        private var outgoing: TransmitBatch
        private var transactions: UInt64 = 0

        init() throws {
            let options = [
                "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--relay-ip=::1", "--no-auth",
                "--allow-loopback-peers",
            ]
            let configuration = try #require(
                ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: options)).configuration)
            let host = HostFacts(addresses: [], hostName: "test", openFilesMax: 1_024, workerCount: 1)
            let settings = ServerSettings(configuration, host: host, nonceSecret: [1, 2, 3])
            let ledger = SharedLedger(
                QuotaLedger(
                    policy: settings.quotas, relayAddresses: settings.turn.relayAddresses.map(\.local),
                    ports: settings.relayPorts, quarantineSeconds: 1, random: OSRandom()))
            let socket = HeldSocket(try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0)))
            let context = WorkerContext(
                number: 0, settings: settings, ledger: ledger, reservations: ReservationBook(),
                mailbox: try Mailbox(limit: 16), log: try Log(minimum: .error),
                streams: StreamBook(connectionsMax: 1, idlePerSourceMax: 1))
            let worker = try Worker(context, listeners: ListenerSet(data: [socket], control: []))
            self.worker = worker
            listener = socket.socket.localAddress
            incoming = ReceiveBatch(slots: 1)
            outgoing = TransmitBatch(slotsOf: incoming)
        }

        mutating func send(
            _ method: Method, _ messageClass: MessageClass = .request, from client: borrowing UDPSocket,
            _ body: (inout MessageWriter) -> Void
        ) {
            transactions += 1
            var buffer = [UInt8](repeating: 0, count: 256)
            var span = buffer.mutableSpan
            var writer = MessageWriter(
                into: span.mutableBytes, type: MessageType(method, messageClass),
                transactionID: TransactionID(high: 1, low: transactions))
            body(&writer)
            let count = writer.finish()
            outgoing.append(
                copying: buffer.span.bytes.extracting(0..<count),
                Envelope(socket: client.raw, destination: listener))
            outgoing.flush()
        }

        /// Lets the worker read all that has arrived.
        mutating func read() { worker.readListener(0, at: Clock.monotonic()) }

        mutating func requestAllocation(_ family: AddressFamily, from client: borrowing UDPSocket) {
            send(.allocate, from: client) { writer in
                writer.append(.requestedTransport, UInt32(17) << 24)
                writer.append(.requestedAddressFamily, UInt32(family.rawValue) << 24)
            }
        }

        /// Asks for an allocation and for a permission, and is given both.
        mutating func allocate(_ client: borrowing UDPSocket, reaching peer: SocketAddress) throws {
            requestAllocation(.ipv4, from: client)
            read()
            #expect(try answer(to: client) == MessageType(.allocate, .success))
            send(.createPermission, from: client) { $0.appendXORAddress(.xorPeerAddress, peer) }
            read()
            #expect(try answer(to: client) == MessageType(.createPermission, .success))
        }

        /// As many datagrams as make the worker connect when it has read them.
        mutating func sendSteadily(from client: borrowing UDPSocket, to peer: SocketAddress) {
            for _ in 0..<64 {
                send(.send, .indication, from: client) { writer in
                    writer.appendXORAddress(.xorPeerAddress, peer)
                    writer.append(.data, [1])
                }
            }
        }

        /// The type of the first answer that the client has not seen yet.
        mutating func answer(to client: borrowing UDPSocket) throws -> MessageType? {
            guard try incoming.receive(from: client.raw) == 1 else { return nil }
            return try STUNMessage(parsing: incoming.payload(of: 0)).type
        }
    }

    private static func endpoint() throws -> UDPSocket {
        try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0))
    }

    @Test("forgets it when the allocation ends first, even if another one gets its place and its descriptor")
    func replaced() throws {
        var still = try Still()
        let client = try Self.endpoint()
        let peer = try Self.endpoint()
        try still.allocate(client, reaching: peer.localAddress)
        // Two turns of the batch, behind which the worker connects.
        still.sendSteadily(from: client, to: peer.localAddress)
        still.send(.refresh, from: client) { $0.append(.lifetime, UInt32(0)) }
        still.requestAllocation(.ipv6, from: client)
        still.read()
        #expect(try still.answer(to: client) == MessageType(.refresh, .success))
        #expect(try still.answer(to: client) == MessageType(.allocate, .success))
        #expect(still.worker.relays.connectionCount == 0)
    }

    @Test("goes on connecting others when one peer cannot be reached")
    func unreachable() throws {
        var still = try Still()
        let first = try Self.endpoint()
        // From loopback there is no way to anybody else.
        let nowhere = SocketAddress(ip: .v4(IPv4Address(rawValue: 0x0800_0001)), port: 9)
        try still.allocate(first, reaching: nowhere)
        still.sendSteadily(from: first, to: nowhere)
        still.read()
        #expect(still.worker.relays.connectionCount == 0)

        let second = try Self.endpoint()
        let peer = try Self.endpoint()
        try still.allocate(second, reaching: peer.localAddress)
        still.sendSteadily(from: second, to: peer.localAddress)
        still.read()
        #expect(still.worker.relays.connectionCount == 1)
    }
}
