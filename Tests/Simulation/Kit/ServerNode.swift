import Containers
import NetworkPrimitives
import TURN

/// The shell of the simulation: it does with virtual sockets what the real one does with the kernel's. The code that
/// decides anything is the code that we ship.
package final class ServerNode: Node {
    /// One share-nothing worker: a control plane and a data plane.
    package final class Worker {
        package var server: TURNServer
        package var forwarder: RelayForwarder

        init(
            settings: TURNSettings, ledger: SharedLedger, members: SimulatedMembers?, seed: UInt64, start: Instant
        ) {
            server = TURNServer(
                settings: settings, ledger: ledger, members: members, random: SplitMix64(seed: seed), start: start)
            forwarder = RelayForwarder(settings: settings, tableSeed: seed, transactionSeed: ~seed)
        }
    }

    /// A relay socket that is open: whose it is, as the shell knows it.
    struct RelaySocket {
        let id: RelaySocketID
        let address: SocketAddress
        let worker: Int
        let allocation: UInt32
    }

    /// Looks at a worker after each step of its control plane, and says what is wrong.
    package typealias Audit = (Worker) -> String?

    private let setup: ServerSetup
    private let clock: VirtualClock
    package let ledger: SharedLedger
    package let workers: [Worker]
    private var random: SplitMix64
    private var sockets: [SocketAddress: RelaySocket] = [:]
    private var addressBySocket: [RelaySocketID: SocketAddress] = [:]
    /// Sockets held under a token for whichever worker meets the client that shows it.
    private var held: [UInt64: (id: RelaySocketID, address: SocketAddress)] = [:]
    private var lastSocket: Int32 = 0
    private var errors: [PendingError] = []
    private let audit: Audit?
    private var quietSteps = 0
    /// Defects that the wire does not show: what the audit found, and sockets that contradict one another.
    package private(set) var defects: [String] = []

    private struct PendingError {
        let at: Instant
        let socket: RelaySocketID
        let message: ICMPMessage
    }

    package init(
        _ setup: ServerSetup, seed: UInt64, clock: VirtualClock, members: SimulatedMembers? = nil, audit: Audit? = nil
    ) {
        var random = SplitMix64(seed: seed)
        self.setup = setup
        self.clock = clock
        self.audit = audit
        let ledger = SharedLedger(setup, seed: random.next())
        let settings = setup.settings(nonceSecret: Array("nonce secret \(random.next())".utf8))
        let start = clock.now
        var workers: [Worker] = []
        for _ in 0..<setup.workerCount {
            workers.append(
                Worker(settings: settings, ledger: ledger, members: members, seed: random.next(), start: start))
        }
        self.ledger = ledger
        self.workers = workers
        self.random = random
    }

    package var hosts: [IPAddress] {
        var hosts: [IPAddress] = []
        for host in setup.listeners.map(\.ip) + setup.relays.flatMap({ [$0.local, $0.advertised] })
        where !hosts.contains(host) { hosts.append(host) }
        return hosts
    }

    package var nextDeadline: Instant? {
        (workers.compactMap { $0.server.nextDeadline } + errors.map(\.at)).min()
    }

    /// What is left: all zero when the last allocation and reservation have ended.
    package var openSocketCount: Int { sockets.count + held.count }

    // MARK: - Inputs

    package func receive(_ datagram: Datagram, at now: Instant) -> [Datagram] {
        // A one-to-one NAT in front (`external-ip`) leaves us our local address.
        let destination = local(datagram.destination)
        if setup.listeners.contains(destination) {
            let client = ClientAddress(datagram.source)
            let path = FiveTuple(client: client, server: destination, transport: .udp)
            return receive(datagram.payload, on: path, at: now)
        }
        guard let socket = sockets[destination] else { return [] }
        return receive(datagram.payload, from: local(datagram.source), at: socket, now)
    }

    package func handleDeadline(at now: Instant) -> [Datagram] {
        var sent: [Datagram] = []
        for index in workers.indices {
            guard let deadline = workers[index].server.nextDeadline, deadline <= now else { continue }
            workers[index].server.handleDeadline(at: now)
            drain(index, at: now, &sent)
        }
        let due = errors.filter { $0.at <= now }
        errors.removeAll { $0.at <= now }
        for error in due { deliver(error, &sent) }
        return sent
    }

    /// Signaling put somebody out: every worker is told. Nothing is sent because of it.
    package func revoke(_ scopes: Set<CredentialScope>, at now: Instant) {
        var sent: [Datagram] = []
        for index in workers.indices {
            workers[index].server.revoke(scopes, at: now)
            drain(index, at: now, &sent)
        }
        if !sent.isEmpty { defects.append("a revocation is answered") }
    }

    // MARK: - Clients

    /// SO_REUSEPORT: the kernel hashes the addresses, so one client always meets the same worker.
    private func worker(of client: SocketAddress) -> Int {
        Int(client.hash(seed: 0x5EED) % UInt64(workers.count))
    }

    private func receive(_ payload: [UInt8], on path: FiveTuple, at now: Instant) -> [Datagram] {
        let index = worker(of: path.client.socketAddress)
        var sent: [Datagram] = []
        let verdict = payload.withRawSpan { workers[index].forwarder.receiveFromClient($0, on: path, at: now) }
        switch verdict {
        case .drop: break
        case .sendToPeer(let peer, through: let socket, connection: _, payload: let range, dontFragment: _):
            guard let source = addressBySocket[socket] else {
                defects.append("the data plane sends through a socket that is closed")
                break
            }
            send(Array(payload[range]), from: source, through: socket, to: peer, at: now, &sent)
        case .handToControlPlane:
            let (reply, bytes) = respond { reply in
                workers[index].server.receive(
                    payload.span.bytes, on: path, at: now, unixTime: clock.unixTime, reply: reply)
            }
            append(reply, bytes, &sent)
            drain(index, at: now, &sent)
        }
        return sent
    }

    private func send(
        _ payload: [UInt8], from source: SocketAddress, through socket: RelaySocketID, to peer: SocketAddress,
        at now: Instant, _ sent: inout [Datagram]
    ) {
        if setup.unreachable.contains(peer.ip) {
            let type: UInt8 = peer.family == .ipv4 ? 3 : 1
            let message = ICMPMessage(peer: peer, type: type, code: 1, errorData: 0)
            errors.append(PendingError(at: now.advanced(byMilliseconds: 40), socket: socket, message: message))
        }
        // The NAT translates what leaves the host; between our own relays nothing leaves it.
        let stays = setup.relays.contains { $0.local == peer.ip }
        sent.append(Datagram(source: stays ? source : advertised(source), destination: peer, payload: payload))
    }

    private func deliver(_ error: PendingError, _ sent: inout [Datagram]) {
        // An error waits in the queue of its socket and goes with it.
        guard let address = addressBySocket[error.socket], let socket = sockets[address] else { return }
        let (reply, bytes) = respond { reply in
            workers[socket.worker].server.receiveICMP(
                error.message, allocation: socket.allocation, at: error.at, reply: reply)
        }
        append(reply, bytes, &sent)
    }

    // MARK: - Peers

    private func receive(
        _ payload: [UInt8], from peer: SocketAddress, at socket: RelaySocket, _ now: Instant
    ) -> [Datagram] {
        // What earlier datagrams left in the headroom must not show in a later one.
        var headroom = [UInt8](repeating: 0xAA, count: RelayForwarder.headroom)
        var verdict = RelayForwarder.PeerVerdict.drop(.noAllocation)
        do {
            var span = headroom.mutableSpan
            var bytes = unsafe span.mutableBytes
            verdict = workers[socket.worker].forwarder.receiveFromPeer(
                payload.count, from: peer, allocation: socket.allocation, at: now, headroom: &bytes)
        }
        switch verdict {
        case .drop: return []
        case .sendToClient(let path, let frame):
            let padding = [UInt8](repeating: 0, count: frame.padding)
            return [datagram(along: path, Array(headroom.suffix(frame.header)) + payload + padding)]
        }
    }

    // MARK: - Outputs

    /// Runs one input with a buffer for its answer.
    private func respond(_ input: (consuming MutableRawSpan) -> Reply?) -> (Reply?, [UInt8]) {
        var buffer = [UInt8](repeating: 0x55, count: TURNServer.replyByteCountMax)
        var span = buffer.mutableSpan
        let reply = input(unsafe span.mutableBytes)
        return (reply, buffer)
    }

    private func append(_ reply: Reply?, _ bytes: [UInt8], _ sent: inout [Datagram]) {
        guard let reply else { return }
        sent.append(datagram(along: reply.path, Array(bytes[..<reply.byteCount])))
    }

    private func datagram(along path: FiveTuple, _ payload: [UInt8]) -> Datagram {
        Datagram(source: advertised(path.server), destination: path.client.socketAddress, payload: payload)
    }

    /// Takes each output and does it before the next.
    private func drain(_ index: Int, at now: Instant, _ sent: inout [Datagram]) {
        var isQuiet = true
        while let output = workers[index].server.nextOutput() {
            isQuiet = false
            perform(output, index, at: now, &sent)
        }
        // After steps that wanted nothing, such as challenges in a flood, every eighth look is enough.
        quietSteps += isQuiet ? 1 : 0
        if isQuiet, quietSteps & 7 != 0 { return }
        if let audit, let defect = audit(workers[index]) { defects.append("at \(now.milliseconds) ms: \(defect)") }
    }

    private func perform(_ output: Output, _ index: Int, at now: Instant, _ sent: inout [Datagram]) {
        switch output {
        case .openRelay(let id, let address, let token):
            let (reply, bytes) = open(id, address, token, index, at: now)
            append(reply, bytes, &sent)
        case .claimReservation(let id, let token):
            guard let socket = held.removeValue(forKey: token) else {
                let (reply, bytes) = respond { reply in
                    workers[index].server.relayFailed(id, .noReservation, at: now, reply: reply)
                }
                append(reply, bytes, &sent)
                return
            }
            install(RelaySocket(id: socket.id, address: socket.address, worker: index, allocation: id.index))
            let (reply, bytes) = respond { reply in
                workers[index].server.relayOpened(id, socket: socket.id, address: socket.address, at: now, reply: reply)
            }
            append(reply, bytes, &sent)
        case .endReservation(let token):
            guard let socket = held.removeValue(forKey: token) else { return }
            ledger.returnPort(socket.address.port, of: socket.address.ip, wasUsable: true, at: now)
        case .closeRelay(let id):
            guard let address = addressBySocket.removeValue(forKey: id) else {
                defects.append("a socket is closed twice")
                return
            }
            sockets[address] = nil
        case .route(let change):
            workers[index].forwarder.apply(change, at: now)
        case .mobility: defects.append("somebody moves, though nobody may")
        case .tcp: defects.append("TCP is relayed for a client over UDP")
        case .sessionOpened, .sessionClosed, .authenticationFailed, .bindingAnswered, .peerRefused:
            break
        }
    }

    private func open(
        _ id: AllocationID, _ address: SocketAddress, _ token: UInt64?, _ index: Int, at now: Instant
    ) -> (Reply?, [UInt8]) {
        if let failure = bindFailure() {
            return respond { reply in workers[index].server.relayFailed(id, failure, at: now, reply: reply) }
        }
        let socket = makeSocket()
        install(RelaySocket(id: socket, address: address, worker: index, allocation: id.index))
        if let token {
            let next = address.with(port: address.port + 1)
            if sockets[next] != nil { defects.append("the port next to \(address) is reserved and in use") }
            held[token] = (makeSocket(), next)
        }
        return respond { reply in
            workers[index].server.relayOpened(id, socket: socket, address: address, at: now, reply: reply)
        }
    }

    private func install(_ socket: RelaySocket) {
        if sockets[socket.address] != nil || held.values.contains(where: { $0.address == socket.address }) {
            defects.append("\(socket.address) is bound twice")
        }
        sockets[socket.address] = socket
        addressBySocket[socket.id] = socket.address
    }

    private func makeSocket() -> RelaySocketID {
        lastSocket += 1
        return RelaySocketID(rawValue: lastSocket)
    }

    private func bindFailure() -> RelayFailure? {
        let draw = Int.random(in: 0..<1000, using: &random)
        if draw < setup.addressInUsePermille { return .addressInUse }
        if draw < setup.addressInUsePermille + setup.outOfResourcesPermille { return .outOfResources }
        return nil
    }

    // MARK: - The NAT in front

    private func local(_ address: SocketAddress) -> SocketAddress {
        guard let relay = setup.relays.first(where: { $0.advertised == address.ip }) else { return address }
        return relay.local.port(address.port)
    }

    private func advertised(_ address: SocketAddress) -> SocketAddress {
        guard let relay = setup.relays.first(where: { $0.local == address.ip }) else { return address }
        return relay.advertised.port(address.port)
    }
}
