import Containers
import NetworkPrimitives
import SimulationKit
import TURN

/// Clients at the ends of byte pipes, and a worker without a kernel: it does with its connections what `StreamTable`
/// does. Pipes have room for so much, and give and take as few or as many bytes as the seed wants.
final class StreamWorld {
    /// What the two kernels hold for one direction.
    static let pipeByteCount = 16_384

    /// The server's end of a connection.
    struct Connection {
        var deframer = StreamDeframer(channelNumbers: .rfc8656)
        var queue = StreamQueue()
        var hasAllocation = false
    }

    let node: ServerNode
    let clients: [StreamClient]
    private(set) var random: SplitMix64
    private(set) var now: Instant
    private let clock = VirtualClock()
    private(set) var connections: [FiveTuple: Connection] = [:]
    private var sockets: [RelaySocketID: (address: SocketAddress, allocation: UInt32)] = [:]
    private var owners: [UInt32: FiveTuple] = [:]
    private var lastSocket: Int32 = 0
    /// What must not have happened.
    private(set) var violations: [String] = []
    var tally = Tally()
    /// Whether connections end otherwise than by what the server does.
    var endsConnections = true

    /// What a run has seen, so that a quiet one is noticed.
    struct Tally {
        var relayed = 0, delivered = 0, dropped = 0, answers = 0, resets = 0, halfCloses = 0, unframable = 0
        var overflows = 0
    }

    init(seed: UInt64, clientCount: Int = 4) {
        random = SplitMix64(seed: seed)
        var setup = ServerSetup()
        setup.users = [SimulatedUser("user", password: "password")]
        setup.ports = 49_152...51_151
        node = ServerNode(setup, seed: random.next(), clock: clock)
        now = clock.now
        let keys = WireKeys(username: "user", realm: setup.realm, password: "password")
        clients = (0..<clientCount).map { StreamClient($0, keys: keys, realm: setup.realm) }
    }

    func fail(_ sentence: String) { if violations.count < 20 { violations.append(sentence) } }

    func chance(_ permille: Int) -> Bool { below(1_000) < permille }

    func below(_ bound: Int) -> Int { Int(random.next() % UInt64(bound)) }

    // MARK: - A step

    func step() {
        now = now.advanced(byMilliseconds: UInt32(below(20)))
        let client = clients[below(clients.count)]
        guard let path = client.path else {
            client.connect(port: UInt16(10_000 + below(50_000)))
            connections[client.path!] = Connection()
            return
        }
        switch below(100) {
        case 0..<12: client.request(below(6), random: &random)
        case 12..<30: client.sendData(random: &random)
        case 30..<55: read(client, path, atMost: chance(300) ? 1 + below(7) : 1 + below(5_000))
        case 55..<70: peersSend(to: path, client, count: chance(100) ? 1 + below(60) : 1 + below(3))
        case 70..<92: move(client, path)
        case 92..<96: client.isStalled.toggle()
        case 96: if endsConnections, chance(300) { reset(client, path) }
        case 97: if endsConnections, chance(300) { halfClose(client, path) }
        case 98: if endsConnections, chance(100) { client.sendNonsense() }
        default: client.isStalled = false
        }
    }

    /// The client reads what the pipe holds, and the server fills it again, both in pieces.
    private func move(_ client: StreamClient, _ path: FiveTuple) {
        if !client.isStalled { client.read(1 + below(6_000), self) }
        pump(client, path, atMost: chance(300) ? below(9) : below(9_000))
    }

    /// Everybody reads and writes until nothing moves any more.
    func settle() {
        for client in clients {
            client.isStalled = false
            for _ in 0..<10_000 {
                guard let path = client.path else { break }
                let before = (client.toServer.count, client.toClient.count, connections[path]?.queue.byteCount ?? 0)
                read(client, path, atMost: .max)
                pump(client, path, atMost: .max)
                client.read(.max, self)
                if before == (0, 0, 0), client.toServer.isEmpty { break }
            }
        }
    }

    // MARK: - Reading

    private func read(_ client: StreamClient, _ path: FiveTuple, atMost limit: Int) {
        let count = min(limit, client.toServer.count)
        guard count > 0, var connection = connections[path] else { return }
        var room = [UInt8](repeating: 0xEE, count: StreamDeframer.frameByteCountMax + Self.pipeByteCount * 2)
        let held: Int
        do {
            var span = room.mutableSpan
            var bytes = span.mutableBytes
            held = connection.deframer.resume(in: &bytes)
        }
        room.replaceSubrange(held..<held + count, with: client.toServer.prefix(count))
        client.toServer.removeFirst(count)
        connections[path] = connection
        let bytes = Array(room[..<(held + count)])
        var start = 0
        while let current = connections[path] {
            let limit = current.hasAllocation ? StreamDeframer.frameByteCountMax : Limits.requestByteCountMax
            switch current.deframer.step(in: bytes.span.bytes, from: start, byteCountMax: limit) {
            case .frame(let frame):
                receive(Array(bytes[frame]), client, path)
                start = frame.upperBound
            case .incomplete:
                connections[path]?.deframer.keep(bytes.span.bytes.extracting(start..<bytes.count))
                if bytes.count - start > limit { fail("more is held than a frame has") }
                return
            case .unframable:
                if !client.hasSentNonsense { fail("a stream of whole frames cannot be read") }
                tally.unframable += 1
                return end(client, path)
            }
        }
    }

    private func receive(_ frame: [UInt8], _ client: StreamClient, _ path: FiveTuple) {
        client.checkArrival(of: frame, self)
        switch node.workers[0].forwarder.receiveFromClient(frame.span.bytes, on: path, at: now) {
        case .drop(let reason): fail("what a client may send is dropped: \(reason)")
        case .sendToPeer(let peer, through: let socket, connection: _, payload: let range, dontFragment: _):
            guard let relay = sockets[socket], owners[relay.allocation] == path else {
                return fail("data leaves by somebody else's relay")
            }
            client.checkRelayed(Array(frame[range]), to: peer, self)
        case .handToControlPlane:
            let answer = respond { server, reply in
                server.receive(frame.span.bytes, on: path, at: now, unixTime: clock.unixTime, reply: reply)
            }
            drain(client, path)
            if let answer { write(.control, answer, client, path) }
        }
    }

    private func respond(_ input: (inout TURNServer, consuming MutableRawSpan) -> Reply?) -> [UInt8]? {
        var buffer = [UInt8](repeating: 0xEE, count: TURNServer.replyByteCountMax)
        let reply: Reply?
        do {
            var span = buffer.mutableSpan
            reply = input(&node.workers[0].server, span.mutableBytes)
        }
        return reply.map { Array(buffer[..<$0.byteCount]) }
    }

    private func drain(_ client: StreamClient, _ path: FiveTuple) {
        while let output = node.workers[0].server.nextOutput() {
            switch output {
            case .openRelay(let id, let address, _):
                lastSocket += 1
                let socket = RelaySocketID(rawValue: lastSocket)
                if sockets.values.contains(where: { $0.address == address }) { fail("a port has two owners") }
                sockets[socket] = (address, id.index)
                let answer = respond { server, reply in
                    server.relayOpened(id, socket: socket, address: address, at: now, reply: reply)
                }
                // First the deeds, then the word.
                drain(client, path)
                if let answer { write(.control, answer, client, path) }
            case .closeRelay(let socket): if sockets.removeValue(forKey: socket) == nil { fail("closed twice") }
            case .route(let change):
                node.workers[0].forwarder.apply(change, at: now)
                if case .removeAllocation(let allocation) = change { owners[allocation] = nil }
            case .sessionOpened(let session):
                owners[session.allocation.index] = session.fiveTuple
                connections[session.fiveTuple]?.hasAllocation = true
            case .sessionClosed(let session, _): connections[session.fiveTuple]?.hasAllocation = false
            case .claimReservation, .endReservation, .mobility, .tcp: fail("nobody asked for \(output)")
            case .authenticationFailed, .bindingAnswered, .peerRefused: break
            }
        }
    }

    // MARK: - Writing

    private func peersSend(to path: FiveTuple, _ client: StreamClient, count: Int) {
        guard let allocation = owners.first(where: { $0.value == path })?.key else { return }
        for _ in 0..<count {
            guard connections[path] != nil else { return }
            let peer = StreamClient.peers[below(2)]
            let payload = client.nextFromPeer(byteCount: chance(100) ? below(5) : below(1_400), random: &random)
            var headroom = [UInt8](repeating: 0xEE, count: RelayForwarder.headroom)
            let verdict: RelayForwarder.PeerVerdict
            do {
                var span = headroom.mutableSpan
                var bytes = span.mutableBytes
                verdict = node.workers[0].forwarder.receiveFromPeer(
                    payload.count, from: peer, allocation: allocation, at: now, headroom: &bytes)
            }
            guard case .sendToClient(let to, let frame) = verdict else { continue }
            if to != path { fail("data for one client goes to another") }
            let bytes = Array(headroom.suffix(frame.header)) + payload + [UInt8](repeating: 0, count: frame.padding)
            if bytes.count % 4 != 0 { fail("a frame of a stream is padded") }
            client.expected.append((peer, payload))
            write(.data, bytes, client, path)
        }
    }

    private func write(_ kind: StreamFrameKind, _ frame: [UInt8], _ client: StreamClient, _ path: FiveTuple) {
        guard var connection = connections[path] else { return }
        defer { if connections[path] != nil { connections[path] = connection } }
        if kind == .control { client.answersOwed += 1 }
        if connection.queue.isEmpty {
            let count = min(frame.count, Self.pipeByteCount - client.toClient.count)
            client.toClient += frame.prefix(count)
            if count == 0 {
                _ = connection.queue.append(kind, frame[...])
            } else if count < frame.count {
                connection.queue.resume(frame[count...])
            }
            return
        }
        let before = connection.queue.byteCount
        switch connection.queue.append(kind, frame[...]) {
        case .queued(let dropped):
            tally.dropped += dropped
            client.droppedCount += dropped
            let isFull = before + frame.count > StreamQueue.dataByteCountMax
            if dropped > 0, kind == .control || !isFull { fail("data is dropped although there is room") }
        case .overflow:
            tally.overflows += 1
            if kind == .data || before < StreamQueue.controlByteCountMax - 2_000 { fail("an answer finds no room") }
            end(client, path)
            return
        }
        let bound = StreamQueue.dataByteCountMax + StreamQueue.controlByteCountMax + 2_000
        if connection.queue.byteCount > bound { fail("a queue is longer than its limits") }
    }

    /// The kernel takes a part of what waits.
    private func pump(_ client: StreamClient, _ path: FiveTuple, atMost limit: Int) {
        guard let queue = connections[path]?.queue else { return }
        let count = min(limit, queue.byteCount, Self.pipeByteCount - client.toClient.count)
        var left = count
        for piece in queue.pieces where left > 0 {
            client.toClient += piece.prefix(left)
            left -= min(left, piece.count)
        }
        connections[path]?.queue.wrote(count)
    }

    // MARK: - Ends

    /// Whatever is under way is gone, at whatever byte.
    private func reset(_ client: StreamClient, _ path: FiveTuple) {
        tally.resets += 1
        end(client, path)
    }

    /// The client sends no more. What it has sent still counts; then the connection ends, because who only listens
    /// cannot refresh.
    private func halfClose(_ client: StreamClient, _ path: FiveTuple) {
        tally.halfCloses += 1
        while connections[path] != nil, !client.toServer.isEmpty { read(client, path, atMost: 1 + below(3_000)) }
        if connections[path] != nil { end(client, path) }
    }

    private func end(_ client: StreamClient, _ path: FiveTuple) {
        connections[path] = nil
        client.disconnect()
        node.workers[0].server.disconnected(path, at: now)
        drain(client, path)
        if owners.values.contains(path) { fail("an allocation outlives its connection") }
        if node.workers[0].forwarder.table.hasAllocation(on: path) { fail("a route outlives its connection") }
        checkBooks()
    }

    func endAll() { for client in clients { if let path = client.path { reset(client, path) } } }

    /// What is alive is what connections own.
    func checkBooks() {
        let worker = node.workers[0]
        let count = owners.count
        if count != connections.values.count(where: \.hasAllocation) { fail("an allocation has no connection") }
        if worker.server.liveCounts.allocations != count { fail("allocations are left") }
        if worker.server.liveCounts.timers != count { fail("timers are left") }
        if worker.forwarder.table.liveCounts.allocations != count { fail("routes are left") }
        if count == 0, worker.forwarder.table.liveCounts != (0, 0, 0) { fail("routes of peers are left") }
        if node.ledger.liveCounts.allocations != count { fail("quotas are left") }
        if node.ledger.liveCounts.ports != sockets.count { fail("ports are left") }
        if sockets.count != count { fail("sockets are left") }
    }
}
