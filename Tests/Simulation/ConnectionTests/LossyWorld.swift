import Containers
import NetworkPrimitives
import SimulationKit
import TLS
import TLSClient
import TURN

@testable import ServerRuntime

/// A link that loses, doubles and reorders datagrams by chance.
struct LossyLink {
    var inFlight: [[UInt8]] = []

    mutating func send(_ datagrams: [[UInt8]], _ random: inout SplitMix64) {
        for datagram in datagrams {
            let fate = random.next() % 100
            if fate < 12 { continue }
            inFlight.append(datagram)
            if fate < 24 { inFlight.append(datagram) }
        }
    }

    /// One of those under way, usually the oldest.
    mutating func next(_ random: inout SplitMix64) -> [UInt8]? {
        guard !inFlight.isEmpty else { return nil }
        let place = random.next() % 4 == 0 ? Int(random.next() % UInt64(inFlight.count)) : 0
        return inFlight.remove(at: place)
    }
}

/// A client that begins anew when its handshake does not get on, and what was said over its associations.
final class LossyClient {
    let path: FiveTuple
    var openSSL = TestClient(ClientOffer(datagrams: true))
    var up = LossyLink()
    var down = LossyLink()
    var isConnected = false
    var handshakes = 0
    /// Steps since something has come of this handshake or this association.
    var patience = 0
    var saidByClient: Set<[UInt8]> = []
    var saidByServer: Set<[UInt8]> = []

    init(_ index: Int) {
        let client = IPAddress.v4(7, 0, 0, UInt8(index + 1)).port(UInt16(1_000 + index))
        path = FiveTuple(
            client: ClientAddress(client), server: IPAddress.v4(9, 9, 9, 9).port(3478), transport: .dtls)
        begin()
    }

    func begin() {
        var offer = ClientOffer(datagrams: true)
        offer.retransmissionMilliseconds = 16
        openSSL = TestClient(offer)
        (isConnected, patience) = (false, 0)
        handshakes += 1
    }
}

/// The table of a worker at the other end of the links. Time is virtual; OpenSSL's own timers, by which flights are
/// sent again, run by the wall clock and are as short as they can be. Nothing that is judged here hangs by them.
final class LossyWorld {
    static let associationsMax = 6
    static let handshakesMax = 3

    private var table: DTLSTable
    private var random: SplitMix64
    private var now = Instant(nanoseconds: 0).advanced(bySeconds: 1_000)
    let clients: [LossyClient]
    var violations: [String] = []
    var connections = 0, delivered = 0, lost = 0

    init(seed: UInt64, _ context: TLSContext) {
        random = SplitMix64(seed: seed)
        var limits = DTLSLimits(associationsMax: Self.associationsMax, handshakesPerSecond: 0, idleSeconds: 60)
        limits.handshakesMax = Self.handshakesMax
        let book = DTLSBook(
            cookieKey: [UInt8](repeating: 5, count: 16),
            associations: StreamBook(connectionsMax: Self.associationsMax, idlePerSourceMax: 2))
        table = DTLSTable(context, limits: limits, book: book, seeds: (random.next(), random.next()), start: now)
        clients = (0..<8).map { LossyClient($0) }
    }

    static func context() throws -> TLSContext {
        var settings = TLSContext.Settings(transport: .dtls)
        settings.retransmissionMilliseconds = 16
        let made = TestIdentity.ecdsa
        let identity = try TLSIdentity(certificates: made.certificate, named: "cert", key: made.key, named: "key")
        return try TLSContext([identity], settings)
    }

    var leftCount: Int { table.count }

    func step() {
        now = now.advanced(byMilliseconds: UInt32(random.next() % 8))
        table.beginRound()
        let client = clients[Int(random.next() % UInt64(clients.count))]
        if let datagram = client.up.next(&random) { receive(datagram, client) }
        if let datagram = client.down.next(&random) {
            client.openSSL.input(datagram)
            read(client)
        }
        act(client)
        expire()
        if table.count > Self.associationsMax { violations.append("more associations than there may be") }
    }

    private func act(_ client: LossyClient) {
        client.patience += 1
        if client.isConnected {
            // The other end may have forgotten us: an association ends like a handshake does, by silence.
            if client.patience > 150 { return client.begin() }
            if random.next() % 100 == 0 { return leave(client) }
            let message = stamp()
            client.saidByClient.insert(message)
            if !client.openSSL.write(message) { violations.append("a client cannot write") }
            let answer = stamp()
            let sending = table.send(answer.span.bytes, to: client.path)
            if case .sent = sending { client.saidByServer.insert(answer) }
            takeOut(client)
        } else {
            switch client.openSSL.handshake() {
            case 1:
                (client.isConnected, client.patience) = (true, 0)
                connections += 1
            case 0: client.openSSL.handleTimeout()
            default: client.begin()
            }
            if client.patience > 60 { client.begin() }
        }
        client.up.send(client.openSSL.output(), &random)
    }

    /// The client says that it goes, which may be lost, and begins anew.
    private func leave(_ client: LossyClient) {
        client.openSSL.close()
        client.up.send(client.openSSL.output(), &random)
        client.begin()
    }

    private func stamp() -> [UInt8] {
        let word = random.next()
        return (0..<(8 + Int(word % 900))).map { UInt8(truncatingIfNeeded: word >> UInt64($0 % 8 * 8)) }
    }

    private func receive(_ datagram: [UInt8], _ client: LossyClient) {
        guard let handle = table.reader(of: datagram.span.bytes, on: client.path) else {
            table.meet(datagram.span.bytes, on: client.path, at: now)
            return takeOut(client)
        }
        table.load(datagram.span.bytes)
        for _ in 0..<100 {
            var room = [UInt8](repeating: 0, count: 2_000)
            let reading: DTLSReading
            do {
                var span = room.mutableSpan
                var bytes = span.mutableBytes
                reading = table.read(handle, into: &bytes, at: now)
            }
            takeOut(client)
            if reading.byteCount > 0 {
                delivered += 1
                // Taken out, so that a second copy is noticed.
                if client.saidByClient.remove(Array(room[..<reading.byteCount])) == nil {
                    violations.append("a message comes altered, or twice")
                }
            }
            if !reading.hasMore { break }
        }
        while table.takeEnded() != nil {}
        _ = table.takeFailure()
    }

    private func read(_ client: LossyClient) {
        guard client.isConnected else { return }
        while case .bytes(let message) = client.openSSL.read() {
            client.patience = 0
            delivered += 1
            if client.saidByServer.remove(message) == nil { violations.append("an answer comes altered, or twice") }
        }
    }

    private func takeOut(_ client: LossyClient) {
        var datagrams: [[UInt8]] = []
        Self.copy(table.outbox, to: &datagrams)
        table.emptyOutbox()
        client.down.send(datagrams, &random)
    }

    private static func copy(_ outbox: borrowing TLSOutbox, to datagrams: inout [[UInt8]]) {
        for index in 0..<outbox.datagramCount { datagrams.append(outbox.datagram(index).array()) }
    }

    private func expire() {
        var rounds = 0
        while let path = table.handleDeadline(at: now) {
            rounds += 1
            if rounds > 100 { return violations.append("the deadline does not move on") }
            if let client = clients.first(where: { $0.path == path }) { takeOut(client) }
        }
        while table.takeEnded() != nil {}
        _ = table.takeFailure()
    }

    /// Everybody falls silent, and what is idle runs out.
    func end() {
        for _ in 0..<80 {
            now = now.advanced(bySeconds: 1)
            expire()
        }
    }
}
