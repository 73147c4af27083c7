import Containers
import NetworkPrimitives
import STUN
import TURN
import Testing

/// One worker without a machine under it: the control plane, the data plane, a ledger, a clock that is moved by hand,
/// and a shell that does what the outputs ask for. After every input the invariants of `TURNHarness+Invariants` are
/// asserted.
final class TURNHarness {
    static let serverAddress = socket("192.0.2.1:3478")
    static let unixStart: Int64 = 1_750_000_000

    var server: TURNServer
    var forwarder: RelayForwarder
    var settings: TURNSettings
    let ledger: TestLedger
    var random: SplitMix64

    var now = Instant(nanoseconds: 5_000_000_000_000)
    /// What the wall clock shows beyond the time that has passed.
    var clockJump: Int64 = 0

    // What the shell holds.
    var sockets: [RelaySocketID: SocketAddress] = [:]
    var held: [UInt64: RelaySocketID] = [:]
    /// Relayed addresses of TCP, and the connections to their peers.
    var listeners: [RelaySocketID: (address: SocketAddress, allocation: AllocationID)] = [:]
    var peers: [PeerConnectionID: TCPPeer] = [:]
    /// Connections that the shell has stopped trying, and not said so yet.
    var givenUp: [PeerConnectionID] = []
    var nextSocket: Int32 = 100
    /// Failures of the next openings, in order; nil is an opening that works.
    var scriptedFailures: [RelayFailure?] = []
    /// With `opensLater`, openings wait here for `settleNextRelay`.
    var opensLater = false
    var unsettled: [Opening] = []

    // What was seen.
    var routes = RouteModel()
    var sessions: [AllocationID: SessionSummary] = [:]
    /// Where clients are about to use an allocation.
    var expected: Set<FiveTuple> = []
    /// All outputs of the last input, its relay openings included.
    var outputs: [Output] = []
    /// All answers to the last input.
    var answers: [TestResponse] = []
    /// The addresses that relays were asked for at, since the start.
    var openingsAsked: [SocketAddress] = []
    var closed: [(summary: SessionSummary, end: SessionEnd, traffic: Traffic)] = []

    /// The other workers, and what is said between them.
    weak var office: TestOffice?

    /// False when several harnesses share a ledger.
    var isSoleUserOfLedger: Bool

    /// A relay opening that the server waits for.
    struct Opening {
        let id: AllocationID
        let result: Result<(RelaySocketID, SocketAddress), Failure>

        struct Failure: Error { let reason: RelayFailure }
    }

    /// A connection to a peer, as the shell knows it.
    struct TCPPeer: Equatable {
        let relay: SocketAddress
        let peer: SocketAddress
        var isConnected = false
        /// The client's connection that it is joined with.
        var client: FiveTuple?
    }

    init(
        _ setup: TestSetup = TestSetup(), seed: UInt64 = 1, ledger shared: TestLedger? = nil,
        members: TestMembers? = nil,
        connections: (any ConnectionRegister)? = nil
    ) {
        var random = SplitMix64(seed: seed)
        settings = setup.settings
        isSoleUserOfLedger = shared == nil
        ledger =
            shared
            ?? TestLedger(
                policy: setup.quota, addresses: settings.relayAddresses.map(\.local), ports: setup.ports,
                quarantineSeconds: setup.quarantineSeconds, seed: random.next())
        server = TURNServer(
            settings: settings, ledger: ledger, members: members, connections: connections,
            random: SplitMix64(seed: random.next()), start: now)
        forwarder = RelayForwarder(settings: settings, tableSeed: random.next(), transactionSeed: random.next())
        self.random = random
    }

    var unixTime: UnixTime {
        UnixTime(seconds: Self.unixStart + clockJump + Int64(now.nanoseconds / 1_000_000_000) - 5_000)
    }

    var nextDeadline: Instant? { server.nextDeadline }

    func transactionID() -> TransactionID {
        TransactionID(high: UInt32(truncatingIfNeeded: random.next()), low: random.next())
    }

    func client(
        _ address: String = "198.51.100.7:40000", _ credentials: TestCredentials = .alice,
        server: SocketAddress = TURNHarness.serverAddress, over transport: ClientTransport = .udp
    ) -> TestClient {
        TestClient(self, socket(address), server, credentials, over: transport)
    }

    // MARK: - Inputs

    /// A datagram for the control plane; the answer is the one to this client, if any.
    @discardableResult
    func receive(_ datagram: [UInt8], on path: FiveTuple) -> TestResponse? {
        let responses = run(.datagram(datagram, path))
        #expect(responses.count <= 1, "one request has at most one answer")
        return responses.first
    }

    /// The next relay opening that waited gets its result.
    @discardableResult
    func settleNextRelay() -> TestResponse? {
        let opening = unsettled.removeFirst()
        return run(.relay(opening)).first
    }

    /// An ICMP error for the relay socket of an allocation.
    @discardableResult
    func receiveICMP(_ error: ICMPMessage, allocation: UInt32) -> TestResponse? {
        run(.icmp(error, allocation)).first
    }

    /// The connection of a client has ended.
    func disconnect(_ path: FiveTuple) { _ = run(.disconnection(path)) }

    /// The connection that a Connect asked for is there; the answer to the client.
    @discardableResult
    func connectSucceeds(_ peer: String) -> TestResponse? {
        guard let id = connection(to: socket(peer)) else { return nil }
        peers[id]?.isConnected = true
        return run(.peerConnected(id)).first
    }

    @discardableResult
    func connectFails(_ peer: String) -> TestResponse? {
        guard let id = connection(to: socket(peer)) else { return nil }
        peers[id] = nil
        return run(.peerFailed(id)).first
    }

    /// A peer connects to a relayed address; the indication that its client gets, if any.
    @discardableResult
    func peerConnects(_ peer: String, to relay: SocketAddress) -> TestResponse? {
        run(.peerAccepted(from: socket(peer), at: relay)).first
    }

    /// The connection to a peer, or the client's that belongs to it, has ended.
    func peerEnds(_ id: PeerConnectionID) {
        peers[id] = nil
        _ = run(.peerEnded(id))
    }

    func connection(to peer: SocketAddress) -> PeerConnectionID? { peers.first { $0.value.peer == peer }?.key }

    /// Puts these out, as a worker that is told.
    func revoke(_ scopes: CredentialScope...) { _ = run(.revocation(Set(scopes))) }

    /// Puts out whoever the register says is revoked.
    func revokeByRegister() { _ = run(.revocation(nil)) }

    /// Lets time pass; deadlines are handled when they are due, as a prompt shell does.
    func advance(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let end = Instant(
            nanoseconds: now.nanoseconds + UInt64(seconds) * 1_000_000_000 + UInt64(attoseconds) / 1_000_000_000)
        var rounds = 0
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            _ = run(.deadline)
            rounds += 1
            guard rounds < 100_000 else {
                Issue.record("the deadline does not move on")
                break
            }
        }
        now = end
    }

    /// What the client's datagram comes to, whichever plane it is for.
    func clientSends(_ datagram: [UInt8], on path: FiveTuple) -> ClientResult {
        switch forwarder.receiveFromClient(datagram.span.bytes, on: path, at: now) {
        case .drop(.noAllocation):
            let sign = TestSign()
            _ = run(.other { [now] in sign.value = $0.receiveSign(on: path, at: now) })
            guard sign.value != .none, forwarder.table.hasAllocation(on: path) else { return .dropped(.noAllocation) }
            return clientSends(datagram, on: path)
        case .drop(let reason): return .dropped(reason)
        case .handToControlPlane: return .answered(receive(datagram, on: path))
        case .sendToPeer(let peer, let socket, _, let payload, let dontFragment):
            guard let source = sockets[socket] else {
                Issue.record("the data plane sends through a socket that is closed")
                return .dropped(.noRelay)
            }
            return .sent(
                .init(source: source, peer: peer, payload: Array(datagram[payload]), dontFragment: dontFragment))
        }
    }

    /// A peer's datagram arrives at the relay whose address on our network is `relay`.
    func peerSends(_ payload: [UInt8], from peer: SocketAddress, to relay: SocketAddress) -> PeerResult {
        guard let socket = sockets.first(where: { $0.value == relay })?.key,
            let allocation = routes.relays.first(where: { $0.value.values.contains(socket) })?.key
        else { return .nobodyThere }
        var headroom = [UInt8](repeating: 0xEE, count: RelayForwarder.headroom)
        let verdict: RelayForwarder.PeerVerdict
        do {
            var span = headroom.mutableSpan
            var bytes = span.mutableBytes
            verdict = forwarder.receiveFromPeer(
                payload.count, from: peer, allocation: allocation, at: now, headroom: &bytes)
        }
        switch verdict {
        case .drop(let reason): return .dropped(reason)
        case .sendToClient(let path, let frame):
            let padding = [UInt8](repeating: 0, count: frame.padding)
            return .delivered(path, Array(headroom.suffix(frame.header)) + payload + padding)
        }
    }

    private final class TestSign { var value = ArrivalSign.none }

    enum ClientResult: Equatable {
        struct Datagram: Equatable {
            let source: SocketAddress
            let peer: SocketAddress
            let payload: [UInt8]
            var dontFragment = false
        }

        case sent(Datagram)
        case answered(TestResponse?)
        case dropped(DropReason)

        static func == (left: ClientResult, right: ClientResult) -> Bool {
            switch (left, right) {
            case (.sent(let first), .sent(let second)): first == second
            case (.answered(let first), .answered(let second)): first?.bytes == second?.bytes
            case (.dropped(let first), .dropped(let second)): first == second
            default: false
            }
        }
    }

    enum PeerResult: Equatable {
        case delivered(FiveTuple, [UInt8])
        case dropped(DropReason)
        case nobodyThere
    }
}
