import Containers
import Crypto
import NetworkPrimitives
import STUN
import TURN

/// One worker without a machine under it: the two planes, the ledger, and a shell that says yes to everything. The
/// clock is moved by hand and every seed is fixed, so that each run executes the same instructions.
struct World: ~Copyable {
    static let realm = Array("example.org".utf8)
    static let user = Array("alice".utf8)
    static let password = Array("correct horse battery staple".utf8)
    static let server = address(192, 88, 100, 1, port: 3478)
    static let relay = address(192, 88, 100, 1, port: 0).ip
    static let unixTime = UnixTime(seconds: 1_750_000_000)
    static let longSeconds: UInt32 = 100_000_000
    static let sharedSecret = Array("north".utf8)

    private static let nonceSecret = Array("thirty-two bytes of nonce secret".utf8)

    private let nonces = NonceAuthority(secret: nonceSecret, lifetimeSeconds: 3600)
    private var control: TURNServer
    private var forwarder: RelayForwarder
    private var now = Instant(nanoseconds: 5_000_000_000_000)
    private var nextSocket: Int32 = 100

    init() {
        let directory = CredentialDirectory(
            realm: Self.realm, users: [StaticUser(name: Self.user, secret: .password(Self.password))],
            sharedSecrets: [Self.sharedSecret])
        let relayAddress = RelayAddress(local: Self.relay, advertised: Self.relay)
        let filter = PeerFilter(
            rules: [], relayAddresses: [relayAddress],
            ports: PeerPortPolicy(ownAddresses: [], listenerPorts: [3478], deniesLowPorts: false),
            allowsLoopback: false)
        var settings = TURNSettings(
            realm: Self.realm, access: .credentials(directory), nonces: nonces, relayAddresses: [relayAddress],
            peerFilter: filter, limits: Limits(allocationsMax: 10_000))
        settings.software = Array("Tern".utf8)
        settings.lifetimes = LifetimePolicy(maximumSeconds: Self.longSeconds)
        // Without limit, or the clock would have to run as fast as the load.
        settings.unauthenticatedRepliesPerSecond = 0
        settings.bindingRepliesPerSecond = 0
        let ledger = Ledger(
            QuotaLedger(
                policy: QuotaPolicy(), relayAddresses: [Self.relay], ports: 49_152...65_535, quarantineSeconds: 10,
                random: SplitMix64(seed: 3)))
        control = TURNServer(settings: settings, ledger: ledger, random: SplitMix64(seed: 4), start: now)
        forwarder = RelayForwarder(settings: settings, tableSeed: 5, transactionSeed: 6)
    }

    static func address(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32, port: UInt16) -> SocketAddress {
        SocketAddress(ip: .v4(IPv4Address(rawValue: a << 24 | b << 16 | c << 8 | d)), port: port)
    }

    /// The nonce that this client would be challenged with.
    func nonce(for path: FiveTuple) -> [UInt8] {
        nonces.issue(to: path.client, features: .passwordAlgorithms, at: Self.unixTime)
    }

    /// Lets time pass, and what has run out go.
    mutating func advance(milliseconds: UInt32) {
        now = now.advanced(byMilliseconds: milliseconds)
        while let deadline = control.nextDeadline, deadline <= now {
            control.handleDeadline(at: now)
            settle()
        }
    }

    // MARK: - What a worker does with a datagram

    /// A client's datagram, as far as the verdict about it.
    mutating func receiveFromClient(_ datagram: [UInt8], on path: FiveTuple) -> Outcome {
        switch unsafe forwarder.receiveFromClient(datagram.span.bytes, on: path, at: now) {
        case .sendToPeer: return .relayed
        case .drop: return .dropped
        case .handToControlPlane: break
        }
        var replyBytes = InlineArray<1600, UInt8>(repeating: 0)
        var span = replyBytes.mutableSpan
        let reply = unsafe control.receive(
            datagram.span.bytes, on: path, at: now, unixTime: Self.unixTime, reply: span.mutableBytes)
        let late = settle()
        guard reply != nil || late else { return .dropped }
        // The lower bit of the class tells success from error (RFC 8489 §5).
        return replyBytes[1] & 0x10 == 0 ? .success : .error
    }

    /// A peer's datagram of `count` bytes, with the room for a header before it.
    mutating func receiveFromPeer(_ peer: SocketAddress, byteCount count: Int, allocation: UInt32) -> Outcome {
        var headroom = InlineArray<64, UInt8>(repeating: 0)
        var span = headroom.mutableSpan
        var bytes = unsafe span.mutableBytes
        let verdict = forwarder.receiveFromPeer(count, from: peer, allocation: allocation, at: now, headroom: &bytes)
        switch verdict {
        case .sendToClient: return .relayed
        case .drop: return .dropped
        }
    }

    /// Does what the outputs ask for. True when a client was answered on the way.
    @discardableResult
    private mutating func settle() -> Bool {
        var answered = false
        while let output = control.nextOutput() {
            switch output {
            case .route(let change): forwarder.apply(change, at: now)
            case .openRelay(let id, let address, holdNextAs: _):
                nextSocket = nextSocket == .max ? 100 : nextSocket + 1
                var replyBytes = InlineArray<1600, UInt8>(repeating: 0)
                var span = replyBytes.mutableSpan
                let reply = unsafe control.relayOpened(
                    id, socket: RelaySocketID(rawValue: nextSocket), address: address, at: now,
                    reply: span.mutableBytes)
                answered = answered || reply != nil
            case .claimReservation, .endReservation, .closeRelay, .sessionOpened, .sessionClosed,
                .mobility, .authenticationFailed, .bindingAnswered, .peerRefused, .tcp:
                break
            }
        }
        return answered
    }
}

/// What became of a datagram.
enum Outcome: Equatable {
    case relayed, dropped
    /// The class of the reply.
    case success, error
}

/// The ledger of one worker, which nobody shares.
private final class Ledger: AllocationLedger {
    private var ledger: QuotaLedger

    init(_ ledger: consuming QuotaLedger) { self.ledger = ledger }

    func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal) {
        try ledger.admit(claim, redeeming: token)
    }

    func release(_ claim: AllocationClaim) { ledger.release(claim) }

    func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal) {
        try ledger.admitReservation(token, claim)
    }

    func endReservation(_ token: UInt64) { ledger.endReservation(token) }

    func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16? {
        ledger.takePort(of: address, preference, at: now)
    }

    func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        ledger.returnPort(port, of: address, wasUsable: wasUsable, at: now)
    }
}
