import Configuration
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN
import Testing

@testable import ServerRuntime

@Suite("A worker and the connections of its clients")
struct WorkerStreamTests {
    /// A worker that does what it is told to, and nothing else.
    private static func makeWorker() throws -> Worker {
        let options = ["-n", "--listening-ip=127.0.0.1", "--relay-ip=127.0.0.1", "--no-auth", "--allow-loopback-peers"]
        let configuration = try #require(
            ServerConfiguration.load(file: nil, commandLine: CommandLineOptions(parsing: options)).configuration)
        let host = HostFacts(addresses: [], hostName: "test", openFilesMax: 1_024, workerCount: 1)
        let settings = ServerSettings(configuration, host: host, nonceSecret: [1, 2, 3])
        let ledger = SharedLedger(
            QuotaLedger(
                policy: settings.quotas, relayAddresses: settings.turn.relayAddresses.map(\.local),
                ports: settings.relayPorts, quarantineSeconds: 1, random: OSRandom()))
        let context = WorkerContext(
            number: 0, settings: settings, ledger: ledger, reservations: ReservationBook(),
            mailbox: try Mailbox(limit: 16), log: try Log(minimum: .error),
            streams: StreamBook(connectionsMax: 4, idlePerSourceMax: 0))
        let socket = HeldSocket(try UDPSocket(binding: SocketAddress(ip: .loopback(.ipv4), port: 0)))
        return try Worker(context, listeners: ListenerSet(data: [socket], control: []))
    }

    /// Both ends of a connection; ours with its five-tuple.
    private struct Pair: ~Copyable {
        let client: TCPConnection
        let server: TCPConnection
        let path: FiveTuple

        init() throws {
            let listener = try TCPListener(
                binding: SocketAddress(ip: .loopback(.ipv4), port: 0), options: TCPListenerOptions())
            let client = try TCPConnection.connect(to: listener.localAddress)
            var poller = try Poller()
            try poller.add(listener.raw, token: 0, interest: .readable)
            let now = Clock.monotonic()
            _ = try poller.wait(until: now.advanced(bySeconds: 5), now: now)
            guard case .connection(let accepted) = listener.accept() else { throw TestFailure("nobody comes") }
            path = accepted.path
            server = accepted.take()
            self.client = client
        }

        struct TestFailure: Error {
            init(_ reason: String) { Issue.record("\(reason)") }
        }
    }

    @Test(
        "a client may be handed on again by the port of a connection that it has reset before anybody has noticed",
        .requirement("RI-tcp-5"))
    func comesAgain() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let path = try Pair().path
        for _ in 0..<3 {
            let pair = try Pair()
            worker.adopt(HandedStream(ClientStream(pair.server), path: path, said: []), at: now)
            #expect(worker.streams.count == 1)
        }
    }

    @Test("a connection that is behind has one turn a round", .requirement("RI-stream-10"))
    func turns() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let pair = try Pair()
        let (client, path) = (pair.client, pair.path)
        worker.adopt(HandedStream(ClientStream(pair.server), path: path, said: []), at: now)
        let handle = try #require(worker.streams.handle(of: path))
        // Empty messages of a channel that does not exist: 600, of which a turn has 512.
        let bytes = [[UInt8]](repeating: [0x40, 0, 0, 0], count: 600).flatMap { $0 }
        #expect(unsafe client.write(bytes.span.bytes) == .wrote(2400))
        #expect(worker.streams.mayRead(handle))
        _ = worker.readStream(handle, startingAt: 0, at: now)
        #expect(worker.handled == 512)
        #expect(worker.streams.isBehind(handle))
        #expect(!worker.streams.mayRead(handle))
        #expect(worker.streams.takeBehind() == [handle])
        _ = worker.readStream(handle, startingAt: 0, at: now)
        #expect(worker.handled == 600)
        #expect(worker.streams.mayRead(handle))
        #expect(!worker.streams.hasBehind)
    }

    @Test("who is handed on with many messages has one turn a round too", .requirement("RI-stream-10"))
    func handedOn() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let pair = try Pair()
        let (client, path) = (pair.client, pair.path)
        let said = [[UInt8]](repeating: [0x40, 0, 0, 0], count: 600).flatMap { $0 }
        worker.adopt(HandedStream(ClientStream(pair.server), path: path, said: said), at: now)
        #expect(worker.handled == 512)
        let handle = try #require(worker.streams.handle(of: path))
        #expect(worker.streams.takeBehind() == [handle])
        _ = worker.readStream(handle, startingAt: 0, at: now)
        #expect(worker.handled == 600)
        _ = client.raw
    }

    @Test("newcomers wait when many handshakes were answered in a round, and nobody else does")
    func handshakes() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let (first, second) = (try Pair(), try Pair())
        let (client, path, newcomer) = (first.client, first.path, second.path)
        worker.adopt(HandedStream(ClientStream(first.server), path: path, said: []), at: now)
        worker.adopt(HandedStream(ClientStream(second.server), path: newcomer, said: []), at: now)
        let bytes: [UInt8] = [0x40, 0, 0, 0]
        #expect(unsafe client.write(bytes.span.bytes) == .wrote(4))
        let plain = try #require(worker.streams.handle(of: path))
        let undecided = try #require(worker.streams.handle(of: newcomer))
        _ = worker.readStream(plain, startingAt: 0, at: now)
        worker.streams.workspace.flights = StreamTable.flightsPerRound - 1
        #expect(worker.streams.mayRead(plain) && worker.streams.mayRead(undecided))
        worker.streams.workspace.flights = StreamTable.flightsPerRound
        #expect(worker.streams.mayRead(plain) && !worker.streams.mayRead(undecided))
        worker.streams.beginRound()
        #expect(worker.streams.mayRead(undecided))
    }
}
