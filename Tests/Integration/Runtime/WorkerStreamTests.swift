import Configuration
import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TLS
import TLSClient
import TURN
import TestSupport
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
            let count = worker.streams.count
            #expect(count == 1)
        }
    }

    /// Six hundred empty messages of a channel that does not exist, of which a turn has 512.
    private static let crowd = [[UInt8]](repeating: [0x40, 0, 0, 0], count: 600).flatMap { $0 }

    @Test("a connection that is behind has one turn a round", .requirement("RI-stream-10"))
    func turns() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let pair = try Pair()
        let path = pair.path
        let written = unsafe pair.client.write(Self.crowd.span.bytes)
        #expect(written == .wrote(2400))
        worker.adopt(HandedStream(ClientStream(pair.server), path: path, said: []), at: now)
        let found1 = Self.handle(worker, path)
        let handle = try #require(found1)
        #expect(Self.mayRead(worker, handle) == true)
        _ = worker.readStream(handle, startingAt: 0, at: now)
        #expect(Self.handled(worker) == 512)
        #expect(Self.mayRead(worker, handle) == false)
        let behind = worker.streams.takeBehind()
        #expect(behind == [handle])
        _ = worker.readStream(handle, startingAt: 0, at: now)
        #expect(Self.handled(worker) == 600)
        #expect(Self.mayRead(worker, handle) == true)
        let next = worker.streams.takeBehind()
        #expect(next.isEmpty)
    }

    @Test("who is handed on with many messages has one turn a round too", .requirement("RI-stream-10"))
    func handedOn() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let pair = try Pair()
        let path = pair.path
        worker.adopt(HandedStream(ClientStream(pair.server), path: path, said: Self.crowd), at: now)
        #expect(Self.handled(worker) == 512)
        let found2 = Self.handle(worker, path)
        let handle = try #require(found2)
        let behind = worker.streams.takeBehind()
        #expect(behind == [handle])
        _ = worker.readStream(handle, startingAt: 0, at: now)
        #expect(Self.handled(worker) == 600)
    }

    @Test("newcomers wait when many handshakes were answered in a round, and nobody else does")
    func handshakes() throws {
        var worker = try Self.makeWorker()
        let now = Clock.monotonic()
        let first = try Pair()
        let second = try Pair()
        let (known, newcomer) = (first.path, second.path)
        let written = unsafe first.client.write(Self.crowd.span.bytes.extracting(first: 4))
        #expect(written == .wrote(4))
        worker.adopt(HandedStream(ClientStream(first.server), path: known, said: []), at: now)
        worker.adopt(HandedStream(ClientStream(second.server), path: newcomer, said: []), at: now)
        let found3 = Self.handle(worker, known)
        let plain = try #require(found3)
        let found4 = Self.handle(worker, newcomer)
        let undecided = try #require(found4)
        _ = worker.readStream(plain, startingAt: 0, at: now)
        worker.streams.workspace.flights = StreamTable.flightsPerRound - 1
        #expect(Self.mayRead(worker, plain) == true)
        #expect(Self.mayRead(worker, undecided) == true)
        worker.streams.workspace.flights = StreamTable.flightsPerRound
        #expect(Self.mayRead(worker, plain) == true)
        #expect(Self.mayRead(worker, undecided) == false)
        worker.streams.beginRound()
        #expect(Self.mayRead(worker, undecided) == true)
    }

    @Test("who is in the middle of a handshake cannot be told anything, and nobody waits for room to do it")
    func nothingBeforeTheHandshake() throws {
        let identity = try TLSIdentity(
            certificates: TestIdentity.ecdsa.certificate, named: "cert.pem", key: TestIdentity.ecdsa.key,
            named: "key.pem")
        let context = try TLSContext([identity], TLSContext.Settings(transport: .tls))
        let greeting = TestClient(ClientOffer())
        _ = greeting.handshake()
        let hello = Array(greeting.output().joined())
        let pair = try Pair()
        let written = unsafe pair.client.write(hello.span.bytes)
        #expect(written == .wrote(hello.count))
        var stream = ClientStream(pair.server)
        var workspace = TLSWorkspace()
        var bytes = [UInt8](repeating: 7, count: 1024)
        var span = bytes.mutableSpan
        var room = span.mutableBytes
        let read = stream.read(into: &room, &workspace, context)
        #expect(read == .bytes(0, more: false))
        let protection = stream.protection
        #expect(protection == .greeting)
        let outcome = stream.write(gathering: [[1, 2, 3]], &workspace)
        guard case .failed = outcome else {
            Issue.record("a word was taken, or is to be tried for ever: \(outcome)")
            return
        }
    }

    // Values that cannot be copied have no place in an expectation.
    private static func handle(_ worker: borrowing Worker, _ path: FiveTuple) -> SlabHandle? {
        worker.streams.handle(of: path)
    }

    private static func mayRead(_ worker: borrowing Worker, _ handle: SlabHandle) -> Bool {
        worker.streams.mayRead(handle)
    }

    private static func handled(_ worker: borrowing Worker) -> Int { worker.handled }
}
