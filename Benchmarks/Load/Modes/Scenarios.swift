import CLoad
import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Why there is nothing to report.
enum ScenarioError: Error {
    case system(SystemError)
    /// Clients could not be set up; the codes of the first refusals.
    case setUp(failures: Int, codes: [Int], loss: String?)
}

/// The modes of the generator.
struct Scenarios {
    let options: Options
    /// The connections of clients; nil for UDP.
    let links: Links?

    init(options: Options) {
        self.options = options
        links = Links(options)
    }

    func run() throws(ScenarioError) -> Outcome {
        do {
            var outcome =
                switch options.mode {
                case .channel, .indication, .churn: options.isDirect ? try direct() : try relay()
                case .binding: try binding()
                case .refresh: try refresh()
                case .allocate: try allocate()
                case .idle: try idle()
                case .handshake: try handshake()
                }
            outcome.protocolName = links?.protocolName
            outcome.resident = residentBytes(options.pid)
            return outcome
        } catch let error as SystemError {
            throw .system(error)
        } catch let error as ScenarioError {
            throw error
        } catch { preconditionFailure("the modes throw nothing else") }
    }

    func setUp(_ pool: ClientPool, _ script: [Client.Step]) throws {
        try pool.run(script, concurrency: 16)
        guard pool.failures == 0 else { throw refusal(of: pool) }
    }

    func refusal(of pool: ClientPool) -> ScenarioError {
        .setUp(failures: pool.failures, codes: pool.refusals, loss: pool.loss)
    }

    /// Runs the traffic over these sockets, which belong to us, and counts what was lost and where.
    func measure(_ traffic: Traffic, over sockets: [CInt], serverPorts: PortSet) throws(SystemError) -> Outcome {
        let ownBefore = sockets.reduce(0) { $0 + Socket.drops($1) }
        let serverBefore = serverPorts.drops
        let interval = try traffic.run()
        let lost = try traffic.countLost()
        var outcome = Outcome(interval: interval, lost: lost, sent: traffic.engine.sent)
        outcome.refusedBySystem = traffic.engine.refusedBySystem
        outcome.generatorDrops = sockets.reduce(0) { $0 + Socket.drops($1) } - ownBefore
        if let before = serverBefore, let after = serverPorts.drops { outcome.serverDrops = max(0, after - before) }
        outcome.unexpected = traffic.engine.unexpected
        outcome.failures = traffic.failures
        outcome.stalls = traffic.engine.stalls
        outcome.endedConnections = traffic.engine.ended
        outcome.latency = traffic.engine.latency
        outcome.lateness = traffic.engine.lateness
        outcome.skipped = (traffic.engine.pacer?.skipped ?? 0) * options.burst
        outcome.samples = traffic.sampler.samples
        outcome.hasSpun = traffic.spins
        return outcome
    }

    /// A client for the probe and, if the server has users, an allocation of its own.
    func makeProbe(peer: SocketAddress) throws -> (probe: Probe, pool: ClientPool) {
        let pool = try ClientPool(options, links, firstNumber: 2_000_000)
        pool.addClients(toPeers: [peer])
        guard let client = pool.clients.first else { preconditionFailure("one was added") }
        let asksForRefresh = !options.isFloor && (options.mode != .binding || !options.user.isEmpty)
        if asksForRefresh { try setUp(pool, [.challenge, .allocate]) }
        try client.link.open()
        let probe = Probe(client: asksForRefresh ? client : nil, link: client.link, credentials: pool.credentials)
        return (probe, pool)
    }
}

/// Ports at which a server on this machine receives, to ask the kernel what was dropped there.
struct PortSet {
    private let address: IPv4Address?
    private var bits = [UInt8](repeating: 0, count: 8192)

    /// The ports of `addresses`; nothing is known of a server on another machine than that of `own`.
    init(on own: IPv4Address, _ addresses: [SocketAddress]) {
        guard let first = addresses.first, case .v4(let ip) = first.ip, ip == own || ip.rawValue >> 24 == 127 else {
            address = nil
            return
        }
        address = ip
        for other in addresses where other.ip == first.ip { bits[Int(other.port / 8)] |= 1 << (other.port % 8) }
    }

    /// So far; nil when that cannot be known.
    var drops: Int? {
        guard let address else { return nil }
        let sum = unsafe bits.withUnsafeBufferPointer { buffer -> Int64 in
            guard let start = buffer.baseAddress else { return -1 }
            return unsafe cload_drops_at_ports(address.rawValue, start)
        }
        return sum < 0 ? nil : Int(sum)
    }
}
