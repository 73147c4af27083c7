import Containers
import NetworkPrimitives
import TLS
import TLSClient
import TURN
import TestSupport
import Testing

@testable import ServerRuntime

/// A table, and clients that reach it without a network.
private final class Scene {
    static let server = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0264)), port: 3478)
    static let context = Result { try context(.ecdsa) }

    var table: DTLSTable
    let book: DTLSBook
    var now = Instant(nanoseconds: 0).advanced(bySeconds: 1000)
    /// Messages of clients, in the order in which they came.
    var received: [[UInt8]] = []

    init(retransmissionMilliseconds: UInt32 = 60_000, _ change: (inout DTLSLimits) -> Void = { _ in }) throws {
        var limits = DTLSLimits(associationsMax: 100, handshakesPerSecond: 0, idleSeconds: 60)
        change(&limits)
        let context =
            retransmissionMilliseconds == 60_000
            ? try Self.context.get() : try Self.context(.ecdsa, retransmissionMilliseconds)
        book = DTLSBook(
            cookieKey: [UInt8](repeating: 5, count: 16),
            associations: StreamBook(connectionsMax: 100, idlePerSourceMax: 8))
        table = DTLSTable(context, limits: limits, book: book, seeds: (1, 2), start: now)
    }

    static func context(_ identity: TestIdentity, _ milliseconds: UInt32 = 60_000) throws -> TLSContext {
        var settings = TLSContext.Settings(transport: .dtls)
        settings.retransmissionMilliseconds = milliseconds
        let identity = try TLSIdentity(
            certificates: identity.certificate, named: "cert.pem", key: identity.key, named: "key.pem")
        return try TLSContext([identity], settings)
    }

    /// The five-tuple of a client at a port of an address.
    static func path(_ port: UInt16 = 1000, host: UInt32 = 1) -> FiveTuple {
        let client = SocketAddress(ip: .v4(IPv4Address(rawValue: 0xC000_0200 + host)), port: port)
        return FiveTuple(client: ClientAddress(client), server: server, transport: .dtls)
    }

    private static func datagrams(of outbox: borrowing TLSOutbox) -> [[UInt8]] {
        var datagrams: [[UInt8]] = []
        for index in 0..<outbox.datagramCount {
            datagrams.append(outbox.datagram(index).withUnsafeBytes { Array($0) })
        }
        return datagrams
    }

    func sent() -> [[UInt8]] {
        let datagrams = Self.datagrams(of: table.outbox)
        table.emptyOutbox()
        return datagrams
    }

    /// A datagram comes in, as the worker has it; what the table answers at once.
    @discardableResult
    func feed(_ datagram: [UInt8], _ path: FiveTuple) -> [[UInt8]] {
        guard let handle = table.reader(of: datagram.span.bytes, on: path) else {
            table.meet(datagram.span.bytes, on: path, at: now)
            return sent()
        }
        table.load(datagram.span.bytes)
        var answers: [[UInt8]] = []
        while true {
            var room = [UInt8](repeating: 0, count: 2000)
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            let reading = table.read(handle, into: &bytes, at: now)
            if reading.byteCount > 0 { received.append(Array(room[..<reading.byteCount])) }
            answers += sent()
            guard reading.hasMore else { return answers }
        }
    }

    /// A handshake up to the first flight of the server, which is returned.
    func begin(_ client: TestClient, _ path: FiveTuple) -> [[UInt8]] {
        _ = client.handshake()
        for datagram in client.output() { for answer in feed(datagram, path) { client.input(answer) } }
        _ = client.handshake()
        return client.output().flatMap { feed($0, path) }
    }

    /// A whole handshake; false when nobody answers any more.
    func shake(_ client: TestClient, _ path: FiveTuple) -> Bool {
        for _ in 0..<8 {
            let state = client.handshake()
            for datagram in client.output() {
                for answer in feed(datagram, path) {
                    client.input(answer)
                    _ = client.handshake()
                }
            }
            if state == 1 { return true }
        }
        return false
    }

    func connected(_ path: FiveTuple = Scene.path()) -> TestClient {
        let client = TestClient(ClientOffer(datagrams: true))
        let isDone = shake(client, path)
        #expect(isDone)
        return client
    }

    func say(_ message: [UInt8], to path: FiveTuple) -> [[UInt8]] {
        #expect(table.send(message.span.bytes, to: path) == .sent)
        return sent()
    }

    /// Says whether the client is still heard.
    func hears(_ client: TestClient, _ path: FiveTuple = Scene.path()) -> Bool {
        received = []
        #expect(client.write([7]))
        for datagram in client.output() { feed(datagram, path) }
        return received == [[7]]
    }

    /// Whom the table has something to say to when time has passed, and what.
    func pass(seconds: UInt32) -> [(FiveTuple, [[UInt8]])] {
        // Timers are up to a millisecond late.
        now = now.advanced(bySeconds: seconds).advanced(byMilliseconds: 2)
        var told: [(FiveTuple, [[UInt8]])] = []
        while let path = table.handleDeadline(at: now) { told.append((path, sent())) }
        return told
    }

    func ends() -> [FiveTuple] {
        var paths: [FiveTuple] = []
        while let path = table.takeEnded() { paths.append(path) }
        return paths
    }
}

@Suite("Table of DTLS associations")
struct DTLSTableTests {
    @Test(
        "a stranger is remembered when the cookie has come back, and not before", .requirement("R6347-4.2.1-1"),
        .requirement("RI-dtls-1"))
    func cookie() throws {
        let scene = try Scene()
        let client = TestClient(ClientOffer(datagrams: true))
        _ = client.handshake()
        let hello = client.output()[0]
        var answers: [[UInt8]] = []
        for _ in 0..<50 {
            answers = scene.feed(hello, Scene.path())
            #expect(answers.count == 1 && answers[0].count < hello.count)
        }
        #expect(scene.table.count == 0 && scene.table.nextDeadline == nil && scene.table.counters.challenged == 50)
        client.input(answers[0])
        #expect(scene.shake(client, Scene.path()))
        #expect(scene.table.count == 1 && scene.table.counters.begun == 1)
    }

    @Test("messages go both ways, and each datagram may hold several")
    func messages() throws {
        let scene = try Scene()
        let client = scene.connected()
        #expect(scene.table.counters.established == 1)
        for message in [[1, 2, 3], [4]] as [[UInt8]] { #expect(client.write(message)) }
        scene.feed(client.output().flatMap { $0 }, Scene.path())
        #expect(scene.received == [[1, 2, 3], [4]])
        for datagram in scene.say([5, 6], to: Scene.path()) { client.input(datagram) }
        #expect(client.read() == .bytes([5, 6]))
        let (header, payload): ([UInt8], [UInt8]) = ([1, 2, 3, 4], [5])
        let sending = scene.table.send(
            header: header.span.bytes, payload: payload.span.bytes, padding: 3, to: Scene.path())
        #expect(sending == .sent)
        for datagram in scene.sent() { client.input(datagram) }
        #expect(client.read() == .bytes([1, 2, 3, 4, 5, 0, 0, 0]))
    }

    @Test("nothing is sent to who is not there, or not yet, nor what no record holds")
    func refusedMessages() throws {
        let scene = try Scene()
        let message: [UInt8] = [1]
        #expect(scene.table.send(message.span.bytes, to: Scene.path()) == .noAssociation)
        _ = scene.begin(TestClient(ClientOffer(datagrams: true)), Scene.path())
        #expect(scene.table.send(message.span.bytes, to: Scene.path()) == .noAssociation)
        let client = TestClient(ClientOffer(datagrams: true))
        #expect(scene.shake(client, Scene.path(2)))
        let long = [UInt8](repeating: 0, count: 16_385)
        #expect(scene.table.send(long.span.bytes, to: Scene.path(2)) == .tooLong)
        #expect(scene.sent() == [])
    }

    @Test("replayed, changed and foreign datagrams are passed over in silence", .requirement("R6347-4.1.2.7-1"))
    func forgeries() throws {
        let scene = try Scene()
        let client = scene.connected()
        #expect(client.write([1, 2, 3]))
        let good = client.output()[0]
        var random = SeededRandom(seed: 9)
        for _ in 0..<300 {
            var bad = good
            switch random.below(3) {
            case 0: bad[1 + random.below(bad.count - 1)] ^= UInt8(1 << random.below(8))
            case 1: bad.removeLast(1 + random.below(bad.count - 1))
            default: bad = [UInt8(20 + random.below(44))] + random.bytes(random.below(60))
            }
            #expect(scene.feed(bad, Scene.path()) == [])
        }
        scene.feed(good, Scene.path())
        scene.feed(good, Scene.path())
        #expect(scene.received == [[1, 2, 3]] && scene.table.count == 1)
        #expect(scene.hears(client))
    }

    @Test(
        "a hello in the client's name ends nothing; with the cookie another association begins",
        .requirement("R6347-4.2.8-1"), .requirement("RI-dtls-3"))
    func restart() throws {
        let scene = try Scene()
        let old = scene.connected()
        scene.table.allocationOpened(Scene.path())
        let new = TestClient(ClientOffer(datagrams: true))
        _ = new.handshake()
        let challenge = scene.feed(new.output()[0], Scene.path())
        #expect(challenge.count == 1 && scene.hears(old) && scene.ends() == [])
        new.input(challenge[0])
        #expect(scene.shake(new, Scene.path()))
        #expect(scene.ends() == [Scene.path()])
        // The old allocation ends only now that the control plane is told, and is not taken for one of the new.
        scene.table.allocationClosed(Scene.path(), at: scene.now)
        #expect(scene.table.count == 1 && scene.table.counters.replaced == 1)
        #expect(scene.hears(new))
        #expect(!scene.hears(old))
    }

    @Test("the hello that began an association begins no other, whoever sends it again")
    func repeatedHello() throws {
        let scene = try Scene()
        let client = TestClient(ClientOffer(datagrams: true))
        _ = client.handshake()
        client.input(scene.feed(client.output()[0], Scene.path())[0])
        _ = client.handshake()
        let hello = client.output()[0]
        for _ in 0..<2 { for answer in scene.feed(hello, Scene.path()) { client.input(answer) } }
        #expect(scene.shake(client, Scene.path()))
        scene.feed(hello, Scene.path())
        #expect(scene.hears(client) && scene.table.counters.begun == 1)
    }

    @Test("close_notify is answered, and ends the association", .requirement("RI-dtls-4"))
    func closing() throws {
        let scene = try Scene()
        let client = scene.connected()
        client.close()
        let answers = client.output().flatMap { scene.feed($0, Scene.path()) }
        for answer in answers { client.input(answer) }
        #expect(client.read() == .closed)
        #expect(scene.table.count == 0 && scene.ends() == [Scene.path()] && scene.table.nextDeadline == nil)
        // The same address may come again.
        _ = scene.connected()
        #expect(scene.table.count == 1)
    }

    @Test("the server says goodbye to all when it stops")
    func goodbye() throws {
        let scene = try Scene()
        let client = scene.connected()
        _ = scene.begin(TestClient(ClientOffer(datagrams: true)), Scene.path(2))
        #expect(scene.table.establishedPaths == [Scene.path()])
        scene.table.close(Scene.path())
        for datagram in scene.sent() { client.input(datagram) }
        #expect(client.read() == .closed)
    }

    @Test("renewed certificates are for those who come, and cookies stay good")
    func renewal() throws {
        let scene = try Scene()
        let old = scene.connected()
        let new = TestClient(ClientOffer(datagrams: true))
        _ = new.handshake()
        for answer in scene.feed(new.output()[0], Scene.path(2)) { new.input(answer) }
        scene.table.renew(try Scene.context(.rsa))
        #expect(scene.shake(new, Scene.path(2)))
        #expect(old.serverKey != new.serverKey && scene.table.counters.challenged == 2)
        #expect(scene.hears(old))
        scene.table.renew(nil)
        #expect(scene.hears(old) && scene.hears(new, Scene.path(2)))
        let third = TestClient(ClientOffer(datagrams: true))
        _ = third.handshake()
        #expect(scene.feed(third.output()[0], Scene.path(3)) == [])
    }
}

@Suite("Limits of DTLS associations", .requirement("RI-dtls-5"))
struct DTLSLimitTests {
    private func hopeful() -> TestClient { TestClient(ClientOffer(datagrams: true)) }

    @Test("handshakes of a worker: one more ends the oldest, never an association")
    func handshakes() throws {
        let scene = try Scene { $0.handshakesMax = 3 }
        let established = scene.connected(Scene.path(1))
        let clients = (0..<4).map { _ in hopeful() }
        for (index, client) in clients.enumerated() {
            for answer in scene.begin(client, Scene.path(UInt16(10 + index))) { client.input(answer) }
        }
        #expect(scene.table.count == 4 && scene.table.counters.displaced == 1)
        let isFirstDone = scene.shake(clients[0], Scene.path(10))
        let isSecondDone = scene.shake(clients[1], Scene.path(11))
        #expect(!isFirstDone && isSecondDone)
        #expect(scene.hears(established, Scene.path(1)))
    }

    @Test("handshakes of a round")
    func round() throws {
        let scene = try Scene { $0.handshakesPerRound = 2 }
        for port in 1...2 as ClosedRange<UInt16> { #expect(scene.begin(hopeful(), Scene.path(port)).count > 0) }
        let late = hopeful()
        #expect(scene.begin(late, Scene.path(3)).count == 0)
        #expect(scene.table.counters.refused == 1 && scene.table.count == 2)
        scene.table.beginRound()
        #expect(scene.begin(hopeful(), Scene.path(4)).count > 0)
    }

    @Test("handshakes of a source, by time")
    func rate() throws {
        let scene = try Scene { $0.handshakesPerSecond = 1 }
        for port in 1...5 as ClosedRange<UInt16> { _ = scene.connected(Scene.path(port)) }
        #expect(scene.begin(hopeful(), Scene.path(6)).count == 0)
        #expect(scene.begin(hopeful(), Scene.path(6, host: 2)).count > 0)
        scene.now = scene.now.advanced(bySeconds: 1)
        #expect(scene.begin(hopeful(), Scene.path(7)).count > 0)
    }

    @Test("a made-up cookie is not held against the address in whose name it comes")
    func forgedCookies() throws {
        let scene = try Scene { $0.handshakesPerSecond = 1 }
        let client = hopeful()
        _ = client.handshake()
        client.input(scene.feed(client.output()[0], Scene.path())[0])
        _ = client.handshake()
        var hello = client.output()[0]
        // The first byte of the cookie, which lies behind the length of an empty session id and its own.
        hello[61] ^= 1
        for _ in 0..<50 { #expect(scene.feed(hello, Scene.path()).count == 1) }
        hello[61] ^= 1
        #expect(scene.feed(hello, Scene.path()).count > 0)
        #expect(scene.table.count == 1 && scene.table.counters.refused == 0)
    }

    @Test("associations without an allocation, of a source")
    func source() throws {
        let scene = try Scene()
        for port in 1...8 as ClosedRange<UInt16> { _ = scene.connected(Scene.path(port)) }
        #expect(scene.begin(hopeful(), Scene.path(9)).count == 0)
        #expect(scene.begin(hopeful(), Scene.path(9, host: 2)).count > 0)
        scene.table.allocationOpened(Scene.path(1))
        _ = scene.connected(Scene.path(9))
        scene.table.allocationClosed(Scene.path(1), at: scene.now)
        #expect(scene.begin(hopeful(), Scene.path(10)).count == 0)
        #expect(scene.table.counters.refused == 2)
    }

    @Test("associations of a worker without an allocation: one more ends the oldest, never one with an allocation")
    func idlers() throws {
        let scene = try Scene { $0.idleMax = 2 }
        let clients = (0..<4).map { scene.connected(Scene.path(UInt16($0), host: UInt32(1 + $0))) }
        func hears(_ index: Int) -> Bool {
            scene.hears(clients[index], Scene.path(UInt16(index), host: UInt32(1 + index)))
        }
        #expect(scene.table.count == 2 && scene.table.counters.displaced == 2)
        #expect(!hears(0) && !hears(1) && hears(2) && hears(3))
        scene.table.allocationOpened(Scene.path(2, host: 3))
        for port in 10...12 as ClosedRange<UInt16> { _ = scene.connected(Scene.path(port, host: 9)) }
        #expect(scene.table.count == 3 && hears(2) && !hears(3))
        scene.table.allocationClosed(Scene.path(2, host: 3), at: scene.now)
        #expect(scene.table.count == 2 && hears(2))
    }

    @Test("associations in all")
    func total() throws {
        let scene = try Scene { $0.associationsMax = 2 }
        _ = scene.connected(Scene.path(1))
        _ = scene.connected(Scene.path(2))
        #expect(scene.begin(hopeful(), Scene.path(3)).count == 0)
        #expect(scene.table.counters.refused == 1)
        // What was counted for the one that was refused has been given back.
        _ = scene.pass(seconds: 60)
        #expect(scene.table.count == 0)
        for port in 1...2 as ClosedRange<UInt16> { _ = scene.connected(Scene.path(port)) }
    }

    @Test("an association without an allocation ends in its time, and its client is told", .requirement("RI-dtls-6"))
    func idle() throws {
        let scene = try Scene()
        let idle = scene.connected(Scene.path(1))
        let busy = scene.connected(Scene.path(2))
        scene.table.allocationOpened(Scene.path(2))
        #expect(scene.pass(seconds: 58).isEmpty)
        let told = scene.pass(seconds: 2)
        #expect(told.map(\.0) == [Scene.path(1)])
        for datagram in told.flatMap(\.1) { idle.input(datagram) }
        #expect(idle.read() == .closed && scene.ends() == [Scene.path(1)])
        #expect(scene.table.counters.idle == 1)
        #expect(scene.hears(busy, Scene.path(2)))
        scene.table.allocationClosed(Scene.path(2), at: scene.now)
        #expect(scene.pass(seconds: 60).count == 1)
    }

    @Test("a handshake has ten seconds", .requirement("RI-dtls-6"))
    func slowHandshake() throws {
        let scene = try Scene()
        _ = scene.begin(hopeful(), Scene.path())
        #expect(scene.pass(seconds: 9).isEmpty && scene.table.count == 1)
        #expect(scene.pass(seconds: 1).map(\.0) == [Scene.path()])
        #expect(scene.table.count == 0 && scene.table.counters.failed == 1 && scene.ends() == [])
    }

    @Test("a flight that nobody answers is sent again", .requirement("R6347-4.2.4-1"))
    func retransmission() throws {
        let scene = try Scene(retransmissionMilliseconds: 16)
        let client = hopeful()
        #expect(scene.begin(client, Scene.path()).count > 0)
        // OpenSSL's timers go by the wall clock; the first is due within some milliseconds.
        var again: [[UInt8]] = []
        let (start, begin) = (ContinuousClock.now, scene.now)
        while again.isEmpty, ContinuousClock.now - start < .seconds(5) {
            let milliseconds = (ContinuousClock.now - start) / .milliseconds(1)
            scene.now = begin.advanced(byMilliseconds: UInt32(milliseconds))
            if scene.table.handleDeadline(at: scene.now) != nil { again = scene.sent() }
        }
        #expect(again.count > 0)
        for datagram in again { client.input(datagram) }
        #expect(scene.shake(client, Scene.path()))
    }

    @Test("handshakes over a network that loses a quarter of the datagrams, and relaying behind them")
    func lossy() throws {
        let scene = try Scene(retransmissionMilliseconds: 16)
        var offer = ClientOffer(datagrams: true)
        offer.retransmissionMilliseconds = 16
        let clients = (0..<4).map { _ in TestClient(offer) }
        var random = SeededRandom(seed: 11)
        var arrives: Bool { random.below(4) != 0 }
        let (start, begin) = (ContinuousClock.now, scene.now)
        var left = Set(clients.indices)
        while !left.isEmpty, ContinuousClock.now - start < .seconds(8) {
            for index in clients.indices {
                let path = Scene.path(UInt16(index))
                if clients[index].handshake() == 1 { left.remove(index) }
                let answers = clients[index].output().flatMap { arrives ? scene.feed($0, path) : [] }
                for answer in answers where arrives { clients[index].input(answer); _ = clients[index].handshake() }
                clients[index].handleTimeout()
            }
            scene.now = begin.advanced(byMilliseconds: UInt32((ContinuousClock.now - start) / .milliseconds(1)))
            while let path = scene.table.handleDeadline(at: scene.now) {
                let client = clients[Int(path.client.socketAddress.port)]
                for answer in scene.sent() where arrives { client.input(answer); _ = client.handshake() }
            }
        }
        #expect(left.isEmpty)
        // What is lost now stays lost, and what arrives is whole and in order.
        for index in clients.indices {
            scene.received = []
            for number in 0..<100 as Range<UInt8> { #expect(clients[index].write([number])) }
            for datagram in clients[index].output() where arrives { scene.feed(datagram, Scene.path(UInt16(index))) }
            #expect((60...90).contains(scene.received.count) && scene.received.map { $0[0] }.isSorted)
        }
    }

    @Test("a handshake that fails leaves nothing behind")
    func failure() throws {
        let scene = try Scene()
        var offer = ClientOffer(datagrams: true)
        offer.ciphers = "ECDHE-RSA-AES128-GCM-SHA256"
        let client = TestClient(offer)
        #expect(!scene.shake(client, Scene.path()) && client.handshake() == -1)
        #expect(scene.table.count == 0 && scene.table.nextDeadline == nil && scene.table.counters.failed == 1)
        #expect(scene.book.associations.admit(Scene.path().client.socketAddress.ip) == nil)
    }
}

extension [UInt8] {
    fileprivate var isSorted: Bool { zip(self, dropFirst()).allSatisfy { $0 < $1 } }
}
