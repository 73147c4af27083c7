import Containers
package import NetworkPrimitives
import STUN

/// The control plane of one worker: STUN and TURN as a value that is driven from outside.
///
/// It owns no socket, clock, thread or log. Inputs are the `receive…`, `relay…`, `revoke…` and `handleDeadline`
/// methods; each takes the time. A response is written into the buffer that the caller lends and described by the
/// `Reply`. What else has to happen is asked for by outputs:
///
/// > After every input, take `nextOutput()` until it is nil, and do each before the next; then give the next input.
///
/// Nothing of an unauthenticated request is kept (RFC 8489 §16): challenges are remade from the request, and the meters
/// that limit them have a fixed size.
package struct TURNServer: ~Copyable {
    /// A buffer of this size holds any response.
    package static let replyByteCountMax = 1600

    /// Replaced as a whole by `adopt`, and by nothing else.
    var settings: TURNSettings
    /// Of the settings, ready for use.
    let externalAddresses: ExternalAddresses
    var style: ResponseStyle
    let ledger: any AllocationLedger
    /// Nil on a server without signaling: every ephemeral name goes by its own time.
    let members: (any MemberRegister)?
    var random: any RandomNumberGenerator & Sendable

    var allocations: Slab<Allocation>
    var allocationByFiveTuple: FlatMap<FiveTuple, SlabHandle>
    var accounts: AccountTable
    /// Allocations whose clients may move.
    var mobiles: FlatMap<MobilityID, Mobile>
    /// Clients that are about to use an allocation from another five-tuple than so far.
    var arrivals: MobileArrivalTable
    /// What waits for the shell, in no order; usually nothing or one.
    var openings: [RelayOpening] = []
    var timers: TimerWheel
    /// Tokens handed out by this worker, in the order in which they run out.
    var reservations: RingQueue<Reservation>
    /// Reservations whose sockets the shell is asked for; room in `reservations` is set aside for them.
    var openingReservationCount = 0
    var outputs = OutputQueue()
    /// The peers of the CreatePermission that is looked at; empty in between.
    var namedPeers: [IPAddress] = []
    /// TCP connections of relayed addresses with peers (RFC 6062).
    var peerConnections: PeerDataConnectionTable
    var challengeMeter: SourceRateLimiter
    var bindingMeter: SourceRateLimiter
    /// What challenges of earlier settings asked for, the oldest first.
    var formerChallenges: [FormerChallenge] = []
    /// From which index on the peers of allocations are to be judged again; nil when all have been.
    var nextReview: UInt32?
    /// Where Allocate requests are sent instead. May change at any time: a server that is drained names others.
    package var alternates: AlternateServers
    /// Whether nobody new is served: Allocate gets 508 where no alternate is named, and everything else goes on.
    package var isDraining = false
    /// Nil before the first one was sent away.
    var alternateTurns: AlternateTurns?
    package internal(set) var counters = TURNCounters()
    /// Whether the last datagram is to be given again, once the allocation that it is about has come from another
    /// worker.
    package internal(set) var isWaitingForAllocation = false
    /// Why the last datagram got no answer; nil when it got one, or will.
    package internal(set) var lastDrop: DropReason?

    struct Reservation {
        let token: UInt64
        let expiresAt: Instant
    }

    package init(
        settings: TURNSettings, ledger: any AllocationLedger, members: (any MemberRegister)? = nil,
        connections: (any ConnectionRegister)? = nil, random: any RandomNumberGenerator & Sendable, start: Instant
    ) {
        var random = random
        self.settings = settings
        externalAddresses = settings.externalAddresses
        style = ResponseStyle(software: settings.software, sendsReasonPhrases: settings.sendsReasonPhrases)
        self.ledger = ledger
        self.members = members
        alternates = settings.alternates
        let limits = settings.limits
        allocations = Slab(limit: limits.allocationsMax)
        let pathSeed = random.next()
        allocationByFiveTuple = FlatMap(seed: pathSeed, limit: limits.allocationsMax)
        accounts = AccountTable(limit: limits.allocationsMax, realm: settings.realm, seed: random.next())
        // Its keys are drawn by us and shown to nobody.
        mobiles = FlatMap(seed: 0, limit: limits.allocationsMax)
        arrivals = MobileArrivalTable(limit: limits.allocationsMax, seed: pathSeed, start: start)
        timers = TimerWheel(start: start)
        reservations = RingQueue(limit: limits.reservationsMax)
        peerConnections = PeerDataConnectionTable(
            limit: limits.tcpPeersMax, register: connections, seed: random.next(), start: start)
        challengeMeter = Self.meter(settings.unauthenticatedRepliesPerSecond, limits, seed: random.next())
        bindingMeter = Self.meter(settings.bindingRepliesPerSecond, limits, seed: random.next())
        self.random = random
    }

    // MARK: - Inputs

    /// A datagram of a client that is not data to relay. Nil: no answer.
    package mutating func receive(
        _ datagram: RawSpan, on path: FiveTuple, at now: Instant, unixTime: UnixTime,
        reply: consuming MutableRawSpan
    ) -> Reply? {
        lastDrop = nil
        isWaitingForAllocation = false
        guard datagram.byteCount <= Limits.requestByteCountMax else { return drop(.tooLong) }
        let message: STUNMessage
        do { message = try STUNMessage(parsing: datagram) } catch {
            return receiveUnparsable(datagram, error, on: path, at: now, reply: reply)
        }
        // Responses and indications from clients ask for nothing (RFC 8489 §6.3.2, §6.3.3).
        guard message.type.messageClass == .request else { return drop(.ignoredMessage) }
        let arrival = Arrival(message: message, path: path, now: now, unixTime: unixTime)
        switch message.type.method {
        case .binding: return receiveBinding(datagram, arrival, reply: reply)
        case .allocate, .refresh, .createPermission, .channelBind, .connect, .connectionBind:
            return receiveTURNRequest(datagram, arrival, reply: reply)
        default: return drop(.ignoredMessage)
        }
    }

    /// The shell opened the relay socket that the first pending output of this allocation asked for.
    package mutating func relayOpened(
        _ id: AllocationID, socket: RelaySocketID, address: SocketAddress, at now: Instant,
        reply: consuming MutableRawSpan
    ) -> Reply? {
        settleRelay(id, .opened(socket, address), at: now, reply: reply)
    }

    /// The shell could not open it.
    package mutating func relayFailed(
        _ id: AllocationID, _ failure: RelayFailure, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        settleRelay(id, .failed(failure), at: now, reply: reply)
    }

    /// Ends what has run out. At most `expiriesPerCall` allocations a call; call again while `nextDeadline` has passed.
    package mutating func handleDeadline(at now: Instant) {
        for _ in 0..<Self.expiriesPerCall {
            guard let index = timers.popExpired(at: now) else { break }
            guard let handle = allocations.handle(at: index) else { continue }
            expire(AllocationID(handle), at: now)
        }
        for _ in 0..<Self.expiriesPerCall {
            guard let connection = peerConnections.popExpired(at: now) else { break }
            expire(connection)
        }
        endReservations(at: now)
        endArrivals(at: now)
    }

    static let expiriesPerCall = 256

    // MARK: - Outputs and queries

    package mutating func nextOutput() -> Output? { outputs.next() }

    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? {
        var earliest = timers.nextDeadline
        for deadline in [reservations.first?.expiresAt, arrivals.nextDeadline, peerConnections.nextDeadline] {
            guard let deadline else { continue }
            earliest = earliest.map { min($0, deadline) } ?? deadline
        }
        return earliest
    }

    /// What is alive: allocations, accounts, running timers, tokens. All zero after the last allocation has gone.
    package var liveCounts: (allocations: Int, accounts: Int, timers: Int, reservations: Int) {
        (allocations.count, accounts.count, timers.count, reservations.count)
    }

    /// TCP connections with peers, and those on their way.
    package var peerConnectionCount: Int { peerConnections.count }

    // MARK: - Helpers of all requests

    /// A request as it came in.
    struct Arrival {
        let message: STUNMessage
        let path: FiveTuple
        let now: Instant
        let unixTime: UnixTime
    }

    func addsFingerprint(to message: STUNMessage) -> Bool {
        settings.alwaysAddsFingerprint || message.has(.fingerprint)
    }

    mutating func drop(_ reason: DropReason) -> Reply? {
        counters.drops.count(reason)
        lastDrop = reason
        return nil
    }
}
