import Configuration
import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN
import TestSupport
import Testing

@testable import ServerRuntime
@testable import TURN

@Suite("A worker that gives an allocation to another one")
struct WorkerHandoverTests {
    /// One worker on its thread. The other one is the test, whose mailbox holds one message.
    private struct Running {
        let settings: ServerSettings
        let ledger: SharedLedger
        let mailbox: Mailbox<WorkerMessage>
        let other: Mailbox<WorkerMessage>
        let book = MobilityBook()
        let listener: SocketAddress
        let thread: WorkerThread

        init() throws {
            let options = [
                "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--user=alice:secret", "--realm=example.org",
                "--allow-loopback-peers", "--mobility",
            ]
            let configuration = try #require(
                ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: options)).configuration)
            let host = HostFacts(addresses: [], hostName: "test", openFilesMax: 1_024, workerCount: 2)
            settings = ServerSettings(configuration, host: host, nonceSecret: [1, 2, 3])
            ledger = SharedLedger(
                QuotaLedger(
                    policy: settings.quotas, relayAddresses: settings.turn.relayAddresses.map(\.local),
                    ports: settings.relayPorts, quarantineSeconds: 1, random: OSRandom()))
            mailbox = try Mailbox(limit: 16)
            other = try Mailbox(limit: 1)
            let socket = HeldSocket(try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0)))
            listener = socket.socket.localAddress
            var context = WorkerContext(
                number: 0, settings: settings, ledger: ledger, reservations: ReservationBook(), mailbox: mailbox,
                log: try Log(minimum: .error), streams: StreamBook(connectionsMax: 1, idlePerSourceMax: 1))
            context.colleagues = Colleagues(mailboxes: [mailbox, other], book: book)
            let finished = context
            thread = try WorkerThread.spawn(name: "worker") {
                do {
                    var worker = try Worker(finished, listeners: ListenerSet(data: [socket], control: []))
                    try worker.run()
                } catch {
                    Issue.record("the worker stopped: \(error)")
                }
            }
        }

        func stop() {
            mailbox.post(.stop)
            thread.join()
        }

        /// What the worker has said to the other one.
        func heard() throws -> MobilityMessage? {
            var poller = try Poller()
            try poller.add(other.raw, token: 0, interest: .readable)
            let now = Clock.monotonic()
            _ = try poller.wait(until: now.advanced(bySeconds: 2), now: now)
            guard case .mobility(let message) = other.drain().first else { return nil }
            return message
        }

        func say(_ message: MobilityMessage) { mailbox.post(.mobility(message)) }
    }

    @Test("it keeps what cannot be given, and takes back what comes back", .requirement("RI-mobility-6"))
    func keeps() throws {
        let running = try Running()
        defer { running.stop() }
        let client = try Client(running.settings, running.listener)
        let peer = try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0))
        let answer = try #require(try client.ask(.allocate, peer: nil))
        let shown = try #require(Self.value(.mobilityTicket, of: answer))
        let relayed = try #require(Self.value(.xorRelayedAddress, of: answer))
        let relay = SocketAddress(
            ip: .loopback(.ipv4), port: (UInt16(relayed[2]) << 8 | UInt16(relayed[3])) ^ 0x2112)
        #expect(try client.succeeds(.createPermission, peer: peer.localAddress))
        let opened = running.settings.turn.tickets?.open(shown.span.bytes)
        let ticket = try #require(opened)
        #expect(running.book.owner(of: ticket.mobility) == 0)

        // A client at the other worker shows the ticket.
        let path = FiveTuple(
            client: ClientAddress(SocketAddress(ip: .loopback(.ipv4), port: 9)), server: running.listener,
            transport: .udp)
        let claim = MobilityClaim(
            ticket: ticket, path: path, transactionID: TransactionID(high: 1, low: 1), username: Array("alice".utf8),
            requestedSeconds: nil, family: nil)
        running.say(.claim(claim, from: 1, attempt: 1))
        guard case .claimAnswered(claim, .granted, _) = try running.heard() else {
            Issue.record("the claim is granted")
            return
        }
        // The other one cannot be told: nothing changes.
        running.other.post(.revoke)
        running.say(.fetch(ticket.mobility, for: path, from: 1))
        #expect(try client.succeeds(.refresh, peer: nil))
        _ = running.other.drain()
        running.say(.fetch(ticket.mobility, for: path, from: 1))
        guard case .handOver(var handover) = try running.heard() else {
            Issue.record("the allocation comes")
            return
        }
        #expect(handover.sockets.count == 1)
        #expect(handover.state.relays.map(\.local) == [handover.sockets[0].relay.socket.localAddress])
        #expect(try !client.succeeds(.refresh, peer: nil))
        #expect(running.ledger.liveCounts == (1, 1))

        // The other one could not take it. What a peer has sent meanwhile has waited.
        Self.send([7, 8, 9], from: peer, to: relay)
        handover.isReturned = true
        running.say(.handOver(handover))
        let indication = try #require(try client.hear())
        #expect(Self.value(.data, of: indication) == [7, 8, 9])
        #expect(running.book.owner(of: ticket.mobility) == 0)
        #expect(try client.succeeds(.refresh, peer: nil, seconds: 0))
        #expect(running.ledger.liveCounts == (0, 0))
        #expect(running.book.count == 0)
    }

    /// The value of the first such attribute, found the plain way.
    private static func value(_ type: AttributeType, of message: [UInt8]) -> [UInt8]? {
        var offset = 20
        while offset + 4 <= message.count {
            let length = Int(message[offset + 2]) << 8 | Int(message[offset + 3])
            let found = UInt16(message[offset]) << 8 | UInt16(message[offset + 1])
            if found == type.rawValue { return Array(message[offset + 4..<offset + 4 + length]) }
            offset += 4 + (length + 3) & ~3
        }
        return nil
    }

    private static func send(_ bytes: [UInt8], from socket: borrowing UDPSocket, to destination: SocketAddress) {
        var outgoing = TransmitBatch(slotsOf: ReceiveBatch(slots: 1))
        outgoing.append(copying: bytes.span.bytes, Envelope(socket: socket.raw, destination: destination))
        outgoing.flush()
    }

    /// A client with credentials that hold, and nothing to learn first.
    private final class Client {
        private let socket: UDPSocket
        private let settings: ServerSettings
        private let server: SocketAddress
        private let key: ResponseIntegrity

        init(_ settings: ServerSettings, _ server: SocketAddress) throws {
            socket = try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0))
            self.settings = settings
            self.server = server
            key = LongTermKey.derive(
                .md5, username: Array("alice".utf8), realm: settings.turn.realm, password: Array("secret".utf8)
            ).responseIntegrity(.sha1)
        }

        func succeeds(_ method: Method, peer: SocketAddress?, seconds: UInt32 = 600) throws -> Bool {
            guard let answer = try ask(method, peer: peer, seconds: seconds) else { return false }
            return try STUNMessage(parsing: answer.span.bytes).type.messageClass == .success
        }

        func ask(_ method: Method, peer: SocketAddress?, seconds: UInt32 = 600) throws -> [UInt8]? {
            guard case .credentials(let directory) = settings.turn.access, case .sha1(let key) = key else { return nil }
            let nonce = settings.turn.nonces.issue(
                to: ClientAddress(socket.localAddress), features: directory.features, at: Clock.wall())
            var buffer = [UInt8](repeating: 0, count: 512)
            let count: Int
            do {
                var span = buffer.mutableSpan
                var writer = MessageWriter(
                    into: span.mutableBytes, type: MessageType(method, .request),
                    transactionID: TransactionID(high: 1, low: UInt64(Clock.monotonic().nanoseconds)))
                if method == .allocate {
                    writer.append(.requestedTransport, UInt32(17) << 24)
                    writer.append(.mobilityTicket, [])
                }
                if method == .refresh { writer.append(.lifetime, seconds) }
                if let peer { writer.appendXORAddress(.xorPeerAddress, peer) }
                writer.append(.username, Array("alice".utf8))
                writer.append(.realm, settings.turn.realm)
                writer.append(.nonce, nonce)
                writer.appendMessageIntegrity(key)
                count = writer.finish()
            }
            WorkerHandoverTests.send(Array(buffer.prefix(count)), from: socket, to: server)
            return try hear()
        }

        /// The next datagram.
        func hear() throws -> [UInt8]? {
            var incoming = ReceiveBatch(slots: 1)
            var poller = try Poller()
            try poller.add(socket.raw, token: 0, interest: .readable)
            let now = Clock.monotonic()
            _ = try poller.wait(until: now.advanced(bySeconds: 2), now: now)
            guard try incoming.receive(from: socket.raw) == 1 else { return nil }
            return incoming.payload(of: 0).array()
        }
    }
}

@Suite("What waits for an allocation on its way")
struct HeldMessagesTests {
    private func path(_ port: UInt16) -> FiveTuple {
        let address = SocketAddress(ip: .loopback(.ipv4), port: port)
        return FiveTuple(client: ClientAddress(address), server: address, transport: .udp)
    }

    @Test("sixteen messages of a five-tuple, in their order", .requirement("RI-mobility-7"))
    func count() {
        var held = HeldMessages()
        let taken = (0..<UInt8(17)).map { held.hold([$0], on: path(1)) }
        #expect(taken == [Bool](repeating: true, count: 16) + [false])
        let other = held.hold([0], on: path(2))
        #expect(other)
        let (first, second) = (held.take(path(1)), held.take(path(1)))
        #expect(first == (0..<16).map { [$0] } && second.isEmpty)
        #expect(held.byteCount == 1)
    }

    @Test("a megabyte in all", .requirement("RI-mobility-7"))
    func bytes() {
        var held = HeldMessages()
        let message = [UInt8](repeating: 1, count: 65_536)
        let taken = (0..<UInt16(16)).map { held.hold(message, on: path($0)) }
        #expect(!taken.contains(false))
        let (tooMuch, nothing) = (held.hold([1], on: path(16)), held.hold([], on: path(16)))
        #expect(!tooMuch && nothing)
        _ = held.take(path(3))
        let again = held.hold(message, on: path(16))
        #expect(again)
    }
}

@Suite("Who has which allocation")
struct MobilityBookTests {
    @Test("only the worker that has an allocation forgets it")
    func forgets() {
        let book = MobilityBook()
        let mobility = MobilityID(rawValue: 1)
        book.note(mobility, of: 0)
        book.note(mobility, of: 1)
        book.forget(mobility, of: 0)
        #expect(book.owner(of: mobility) == 1)
        book.forget(mobility, of: 1)
        #expect(book.owner(of: mobility) == nil && book.count == 0)
    }
}
