import Configuration
import Crypto
import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@testable import ServerRuntime

@Suite("A worker that is told of a revocation, or of other servers")
struct WorkerRevocationTests {
    private static let user = Array("tern.3.m-abcdefghijklmnop".utf8)

    /// One worker on its thread, with a listener on loopback.
    private struct Running {
        let settings: ServerSettings
        let ledger: SharedLedger
        let members = SharedMembers(MemberTable(start: .zero))
        let mailbox: Mailbox<WorkerMessage>
        let listener: SocketAddress
        let thread: WorkerThread

        init() throws {
            let options = [
                "-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--use-auth-secret",
                "--static-auth-secret=north", "--realm=example.org", "--allow-loopback-peers",
            ]
            let configuration = try #require(
                ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: options)).configuration)
            let host = HostFacts(addresses: [], hostName: "test", openFilesMax: 1_024, workerCount: 1)
            settings = ServerSettings(configuration, host: host, nonceSecret: [1, 2, 3])
            ledger = SharedLedger(
                QuotaLedger(
                    policy: settings.quotas, relayAddresses: settings.turn.relayAddresses.map(\.local),
                    ports: settings.relayPorts, quarantineSeconds: 1, random: OSRandom()))
            mailbox = try Mailbox(limit: 16)
            let socket = HeldSocket(try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0)))
            listener = socket.socket.localAddress
            let context = WorkerContext(
                number: 0, settings: settings, ledger: ledger, members: members, reservations: ReservationBook(),
                mailbox: mailbox, log: try Log(minimum: .error),
                streams: StreamBook(connectionsMax: 1, idlePerSourceMax: 1))
            thread = try WorkerThread.spawn(name: "worker") {
                do {
                    var worker = try Worker(context, listeners: ListenerSet(data: [socket], control: []))
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
    }

    @Test("deletes at once, closes the relay, and lets nobody in again", .requirement("RI-member-8"))
    func deletes() throws {
        let running = try Running()
        defer { running.stop() }
        let client = try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0))
        #expect(running.members.enter(Self.user, at: Clock.monotonic()))
        #expect(try exchange(.allocate, client, running) == .success)
        #expect(running.ledger.liveCounts == (1, 1))
        #expect(
            running.members.revoke(
                [.user(Self.user)], until: UnixTime(seconds: Clock.wall().seconds + 600), at: Clock.monotonic(),
                unixTime: Clock.wall()))
        let deadline = Clock.monotonic().advanced(bySeconds: 1)
        var poller = try Poller()
        while running.ledger.liveCounts != (0, 0), Clock.monotonic() < deadline {
            let now = Clock.monotonic()
            _ = try poller.wait(until: now.advanced(byMilliseconds: 1), now: now)
        }
        #expect(running.ledger.liveCounts == (0, 0))
        #expect(try exchange(.allocate, client, running) == .error)
        #expect(running.ledger.liveCounts == (0, 0))
    }

    @Test(
        "sends Allocate requests to other servers when told to, and serves them again", .requirement("RI-redirection-3")
    )
    func redirects() throws {
        let running = try Running()
        defer { running.stop() }
        let client = try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0))
        #expect(running.members.enter(Self.user, at: Clock.monotonic()))
        let other = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0201)), port: 3478)
        running.mailbox.post(.redirect(AlternateServers(udp: [AlternateServer(other)])))
        #expect(try exchange(.allocate, client, running) == .error)
        #expect(running.ledger.liveCounts == (0, 0))
        running.mailbox.post(.redirect(.none))
        #expect(try exchange(.allocate, client, running) == .success)
        #expect(running.ledger.liveCounts == (1, 1))
    }

    /// Sends a request with credentials that hold; the answer's class.
    private func exchange(
        _ method: Method, _ client: borrowing UDPSocket, _ running: Running
    ) throws -> MessageClass? {
        guard case .credentials(let directory) = running.settings.turn.access else { return nil }
        let name = EphemeralCredential.mint(
            user: Self.user, expiresAt: Clock.wall().seconds + 600, separator: UInt8(ascii: ":"),
            secret: HMACSHA1Key(key: Array("north".utf8)))
        let key = LongTermKey.derive(
            .md5, username: name.username, realm: running.settings.turn.realm, password: name.password)
        let nonce = running.settings.turn.nonces.issue(
            to: ClientAddress(client.localAddress), features: directory.features, at: Clock.wall())
        var buffer = [UInt8](repeating: 0, count: 512)
        var span = buffer.mutableSpan
        var writer = MessageWriter(
            into: span.mutableBytes, type: MessageType(method, .request),
            transactionID: TransactionID(high: 1, low: UInt64(Clock.monotonic().nanoseconds)))
        writer.append(.requestedTransport, UInt32(17) << 24)
        writer.append(.username, name.username)
        writer.append(.realm, running.settings.turn.realm)
        writer.append(.nonce, nonce)
        if case .sha1(let sha1) = key.responseIntegrity(.sha1) { writer.appendMessageIntegrity(sha1) }
        let count = writer.finish()
        var incoming = ReceiveBatch(slots: 1)
        var outgoing = TransmitBatch(slotsOf: incoming)
        outgoing.append(
            copying: buffer.span.bytes.extracting(0..<count),
            Envelope(socket: client.raw, destination: running.listener))
        outgoing.flush()
        var poller = try Poller()
        try poller.add(client.raw, token: 0, interest: .readable)
        let now = Clock.monotonic()
        _ = try poller.wait(until: now.advanced(bySeconds: 2), now: now)
        guard try incoming.receive(from: client.raw) == 1 else { return nil }
        return try STUNMessage(parsing: incoming.payload(of: 0)).type.messageClass
    }
}
