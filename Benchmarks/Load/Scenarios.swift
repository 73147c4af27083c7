import CLoad
import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN

/// What a run found out.
struct Outcome {
    var interval: Interval
    /// Of all that was sent, warm-up included.
    var lost = 0
    var sent = 0
    var refusals: [Int] = []
    var failures = 0
    var unexpected = 0
    var stalls = 0
    var memory: Memory?

    struct Memory {
        let before: Int
        let open: Int
        let afterwards: Int
        let idleCPUShare: Double?
    }
}

enum ScenarioError: Error {
    case system(SystemError)
    /// Clients could not be set up; the codes of the first refusals.
    case setUp(failures: Int, codes: [Int])
}

/// The modes of the generator.
struct Scenarios {
    let options: Options

    func run() throws(ScenarioError) -> Outcome {
        do {
            switch options.mode {
            case .channel, .indication: return try relay()
            case .binding: return try binding()
            case .allocate: return try allocate()
            case .idle: return try idle()
            }
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as ScenarioError {
            throw error
        } catch { preconditionFailure("the modes throw nothing else") }
    }

    // MARK: - Relaying

    private func relay() throws -> Outcome {
        let peers = try makePeers()
        let pool = try ClientPool(options)
        try pool.addClients(toPeers: peers.map(\.localAddress))
        try setUp(pool, options.isFloor ? [.openFloor] : [.challenge, .allocate, .permit] + (isChannel ? [.bind] : []))
        let traffic = try Traffic(options)
        // Framing is the same for all channels, which all have one number; an indication names its peer.
        let sharedUp = isChannel ? traffic.addTrain(of: channelData()) : 0
        let down = traffic.addTrain(of: payload())
        for (client, peer) in zip(pool.clients, peers) {
            guard let relayed = client.relayed else { throw ScenarioError.setUp(failures: 1, codes: []) }
            try peer.connect(to: relayed)
            if options.direction != .down {
                let bytes = isChannel ? 4 + options.payload : sendIndication(to: peer.localAddress).count
                let train = isChannel ? sharedUp : traffic.addTrain(of: sendIndication(to: peer.localAddress))
                traffic.addFlow(from: client.socket.raw, train: train, datagramBytes: bytes)
                try traffic.addArrival(at: peer.raw, bytes: options.payload...options.payload)
            }
            if options.direction != .up {
                traffic.addFlow(from: peer.raw, train: down, datagramBytes: options.payload)
                try traffic.addArrival(at: client.socket.raw, bytes: framedBytes)
            }
        }
        // The traffic knows descriptors only; their owners have to live as long.
        let outcome = try withExtendedLifetime((pool, peers)) { try measure(traffic) }
        // Whoever holds on to allocations spoils the next run.
        if !options.isFloor { try? pool.run([.release], concurrency: 32) }
        return outcome
    }

    private var isChannel: Bool { options.mode == .channel }

    /// What a payload becomes on the way to the client. In a Data indication header, XOR-PEER-ADDRESS and DATA with its
    /// padding are a must; some servers add SOFTWARE or FINGERPRINT.
    private var framedBytes: ClosedRange<Int> {
        if isChannel { return 4 + options.payload...(4 + options.payload + 3) & ~0b11 }
        let least = 20 + 12 + 4 + (options.payload + 3) & ~0b11
        return least...least + 128
    }

    private func makePeers() throws(SystemError) -> [Socket] {
        var peers: [Socket] = []
        for _ in 0..<options.allocations { peers.append(try Socket(on: .loopback)) }
        return peers
    }

    private func setUp(_ pool: ClientPool, _ script: [Client.Step]) throws {
        try pool.run(script, concurrency: 16)
        guard pool.failures == 0 else { throw ScenarioError.setUp(failures: pool.failures, codes: pool.refusals) }
    }

    private func measure(_ traffic: Traffic) throws(SystemError) -> Outcome {
        let interval = try traffic.run()
        let lost = try traffic.countLost()
        return Outcome(
            interval: interval, lost: lost, sent: traffic.totalSent, unexpected: traffic.unexpected,
            stalls: traffic.stalls)
    }

    private func payload() -> [UInt8] { (0..<options.payload).map { UInt8(truncatingIfNeeded: $0) } }

    private func channelData() -> [UInt8] {
        [UInt8(Client.channel >> 8), UInt8(Client.channel & 0xFF)]
            + [UInt8(options.payload >> 8), UInt8(options.payload & 0xFF)] + payload()
    }

    private func sendIndication(to peer: SocketAddress) -> [UInt8] {
        message(MessageType(.send, .indication), capacity: options.payload + 64) { writer in
            writer.appendXORAddress(.xorPeerAddress, peer)
            writer.append(.data, payload())
        }
    }

    private func message(
        _ type: MessageType, capacity: Int, _ body: (inout MessageWriter) -> Void
    ) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: capacity)
        var span = bytes.mutableSpan
        var writer = MessageWriter(
            into: unsafe span.mutableBytes, type: type, transactionID: TransactionID(high: 1, low: 2))
        body(&writer)
        let count = writer.finish()
        return Array(bytes[..<count])
    }

    // MARK: - Requests

    private func binding() throws -> Outcome {
        let traffic = try Traffic(options)
        let request = message(MessageType(.binding, .request), capacity: 20) { _ in }
        let train = traffic.addTrain(of: request)
        var sockets: [Socket] = []
        for _ in 0..<options.allocations {
            let socket = try Socket(on: .loopback)
            try socket.connect(to: options.server)
            traffic.addFlow(from: socket.raw, train: train, datagramBytes: request.count)
            try traffic.addArrival(at: socket.raw, bytes: 32...1024)
            sockets.append(socket)
        }
        return try withExtendedLifetime(sockets) { try measure(traffic) }
    }

    private func allocate() throws -> Outcome {
        let pool = try ClientPool(options)
        let peer = try Socket(on: .loopback)
        let start = Clock.monotonic().nanoseconds
        let measureFrom = start + UInt64(options.warmup * 1e9)
        let end = measureFrom + UInt64(options.seconds * 1e9)
        var first: Reading?
        var last: Reading?
        try pool.cycle(
            [.challenge, .allocate, .permit, .bind, .release], concurrency: options.window ?? 16,
            peer: peer.localAddress
        ) { finished in
            let now = Clock.monotonic().nanoseconds
            if first == nil, now >= measureFrom { first = Reading(pid: options.pid, delivered: finished) }
            guard first != nil, now >= end else { return false }
            last = Reading(pid: options.pid, delivered: finished)
            return true
        }
        guard let first, let last else { throw ScenarioError.setUp(failures: pool.failures, codes: pool.refusals) }
        return Outcome(interval: Interval(from: first, to: last), refusals: pool.refusals, failures: pool.failures)
    }

    /// Costs of having allocations: to open them, to keep them, and whether the memory comes back.
    private func idle() throws -> Outcome {
        let pool = try ClientPool(options)
        let peer = try Socket(on: .loopback)
        try pool.addClients(toPeers: Array(repeating: peer.localAddress, count: options.allocations))
        let before = residentBytes(options.pid) ?? 0
        let start = Reading(pid: options.pid)
        try setUp(pool, [.challenge, .allocate])
        let opened = Reading(pid: options.pid, delivered: options.allocations)
        let open = residentBytes(options.pid) ?? 0
        try sleep(options.seconds)
        let kept = Interval(from: opened, to: Reading(pid: options.pid))
        try setUp(pool, [.release])
        try sleep(0.5)
        var outcome = Outcome(interval: Interval(from: start, to: opened))
        outcome.memory = Outcome.Memory(
            before: before, open: open, afterwards: residentBytes(options.pid) ?? 0,
            idleCPUShare: kept.server.map { $0 / kept.seconds })
        return outcome
    }

    private func sleep(_ seconds: Double) throws(SystemError) {
        var poller = try Poller()
        let now = Clock.monotonic()
        _ = try poller.wait(until: Instant(nanoseconds: now.nanoseconds + UInt64(seconds * 1e9)), now: now)
    }
}
