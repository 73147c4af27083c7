import Containers
import Crypto
package import NetworkPrimitives
package import Signaling

/// The sessions of the native protocol, `tern.v1`, over the rooms that it owns, as a value that is driven from outside:
/// texts and times in, texts and requests to the shell out. `Docs/Signaling/Protocol.md` says what clients see.
///
/// > After every input, take `nextOutput()` until it is nil. An input may be given in between; what it asks for comes
/// > behind what waits already.
///
/// A session outlives its connection for a while, with its seats and with what it was sent meanwhile. The gate is asked
/// before anything of a room or any credentials are told.
package struct TernV1Server: ~Copyable {
    private(set) var settings: TernV1Settings
    let gate: any Gatekeeper
    var rooms: RoomServer
    var sessions: Slab<Session>
    var sessionByConnection: FlatMap<ConnectionID, SlabHandle>
    var sessionByID: FlatMap<Identifier, SlabHandle>
    /// The newest session of each identity, by a keyed hash of it; the others are linked behind it. Those whose hashes
    /// collide share a list.
    var sessionByIdentity: FlatMap<UInt64, SlabHandle>
    let identitySeed: UInt64
    var timers: TimerWheel
    /// Connections that have not said who they are.
    var greetingCount = 0
    var sessionIDs: IdentifierSource
    var secrets: IdentifierSource
    var tags: IdentifierSource
    /// Spreads pings and renewals over time; nothing that has to be secret comes from it.
    var jitter: SplitMix64
    var outputs = SignalingOutputQueue()
    /// Sessions whose replay buffers are filling and want to be emptied by a pong.
    var pingsDue: [SlabHandle] = []
    /// When everybody is sent away; nil while the server goes on.
    var drainDeadline: Instant?
    var isStopped = false
    var storedCounters = SignalingCounters()
    var anonymousJoins: SourceRateLimiter

    /// Sessions of nobody yet. The secret is 32 random bytes: ids and tokens are derived from it.
    package init(settings: TernV1Settings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        self.gate = gate
        sessionIDs = IdentifierSource(secret: secret, purpose: 2)
        secrets = IdentifierSource(secret: secret, purpose: 3)
        tags = IdentifierSource(secret: secret, purpose: 4)
        var seeds = IdentifierSource(secret: secret, purpose: 5)
        rooms = RoomServer(
            limits: settings.limits, identifiers: IdentifierSource(secret: secret, purpose: 1))
        let sessionsMax = min(max(0, settings.limits.sessionsMax), 1 << 28)
        // Every connection may be a new one while every session waits for its own to come back.
        sessions = Slab(limit: 2 * sessionsMax)
        sessionByConnection = FlatMap(seed: seeds.next().high, limit: sessionsMax)
        sessionByID = FlatMap(seed: seeds.next().high, limit: 2 * sessionsMax)
        sessionByIdentity = FlatMap(seed: seeds.next().high, limit: 2 * sessionsMax)
        identitySeed = seeds.next().high
        timers = TimerWheel(start: .zero)
        anonymousJoins = Self.anonymousJoins(settings.limits, seed: seeds.next().high)
        jitter = SplitMix64(seed: seeds.next().high)
    }

    private static func anonymousJoins(_ limits: SignalingLimits, seed: UInt64) -> SourceRateLimiter {
        SourceRateLimiter(
            seed: seed, ratePerSecond: Int(limits.anonymousJoinsPerSecond), burst: Int(limits.anonymousJoinsBurst),
            capacity: 4096)
    }

    /// Goes by other limits from now on; the sizes of tables stay. Sessions keep what they were told.
    package mutating func adopt(_ new: TernV1Settings) {
        let (limits, before) = (new.limits, settings.limits)
        precondition(
            limits.sessionsMax == before.sessionsMax && limits.roomsPerSessionMax == before.roomsPerSessionMax,
            "tables are made once")
        if limits.anonymousJoinsPerSecond != before.anonymousJoinsPerSecond
            || limits.anonymousJoinsBurst != before.anonymousJoinsBurst
        {
            anonymousJoins = Self.anonymousJoins(limits, seed: sessionIDs.next().high)
        }
        settings = new
        rooms.adopt(limits)
    }

    // MARK: - Connections

    /// A connection is there, perhaps with a token from its upgrade request. False when there is no place for it.
    package mutating func connect(
        _ connection: ConnectionID, visitor: Visitor, token: [UInt8]?, at now: Instant
    ) -> Bool {
        guard drainDeadline == nil, sessionByConnection[connection] == nil else { return false }
        guard sessionByConnection.count < sessionByConnection.limit else {
            storedCounters.count(.sessions)
            return false
        }
        let until = now.advanced(bySeconds: settings.limits.helloSeconds)
        let session = Session(
            id: sessionIDs.next(), resumeSecret: secrets.next(),
            phase: .greeting(connection, token: token, until: until), visitor: visitor)
        guard let handle = sessions.insert(session) else { return false }
        sessionByConnection.insert(handle, for: connection)
        greetingCount += 1
        storedCounters.connections += 1
        timers.schedule(handle.index, at: until)
        return true
    }

    /// A message of a client.
    package mutating func receive(
        _ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) {
        guard let handle = sessionByConnection[connection] else { return }
        storedCounters.messagesIn += 1
        guard text.count <= settings.limits.messageByteCountMax else {
            storedCounters.count(.messageBytes)
            let refusal = Refusal(
                .tooLarge, "keep a message within \(settings.limits.messageByteCountMax) bytes")
            return end(connection, refusal, id: nil, code: .tooBig, at: now)
        }
        let envelope = Envelope(parsing: text, limits: settings.limits)
        let exchange = Exchange(session: handle, id: envelope.id, now: now, unixTime: unixTime)
        if sessions[handle].isGreeting {
            receiveFirst(envelope.content, on: connection, exchange)
        } else if isWithinPace(exchange, on: connection) {
            sessions[handle].heartbeat.noteLife()
            perform(envelope.content, exchange)
        }
        settle(at: now)
    }

    /// The answer to a ping of the server.
    package mutating func receivePong(from connection: ConnectionID, at now: Instant) {
        guard let handle = sessionByConnection[connection] else { return }
        let arrived = sessions[handle].heartbeat.notePong()
        sessions[handle].replay.confirm(upTo: arrived)
    }

    /// The connection is gone. Its session waits for another one.
    package mutating func disconnect(_ connection: ConnectionID, at now: Instant) {
        guard let handle = sessionByConnection[connection] else { return }
        detach(handle, at: now)
        settle(at: now)
    }

    /// More waits to be written to the connection than may. It is closed; its session waits for another one.
    package mutating func slowConsumer(_ connection: ConnectionID, at now: Instant) {
        guard let handle = sessionByConnection[connection] else { return }
        storedCounters.count(.queue)
        storedCounters.count(.slowConsumer)
        outputs.append(.event(.slowConsumer(session: sessions[handle].id)))
        close(connection, .slowConsumer, "slow_consumer")
        detach(handle, at: now)
        settle(at: now)
    }

    // MARK: - Outputs and queries

    package mutating func nextOutput() -> SignalingOutput? { outputs.next() }

    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? {
        [timers.nextDeadline, rooms.nextDeadline, isStopped ? nil : drainDeadline].compactMap { $0 }.min()
    }

    /// What happened since the start.
    package var counters: SignalingCounters {
        var counters = storedCounters
        counters.set(.bans, to: rooms.evictedBans)
        return counters
    }

    /// What is alive at present.
    package var liveCounts: LiveCounts {
        LiveCounts(
            sessions: sessions.count - greetingCount, connections: sessionByConnection.count,
            rooms: rooms.roomCount, participants: rooms.memberCount)
    }

    /// How much is alive at a time.
    package struct LiveCounts: Hashable, Sendable {
        /// Sessions, those included that wait for their connection to come back.
        package let sessions: Int
        /// Connections, those included that have not said who they are.
        package let connections: Int
        package let rooms: Int
        package let participants: Int
    }

    /// One message of a client, as it came in.
    struct Exchange {
        let session: SlabHandle
        /// What the client calls its request; nil when it wants no answer.
        let id: ArraySlice<UInt8>?
        let now: Instant
        let unixTime: UnixTime
    }
}

extension Admission.Identity {
    /// Sixty-four bits that nobody without the seed can make collide. The length of the issuer keeps `a`+`bc` apart
    /// from `ab`+`c`.
    func hash(seed: UInt64) -> UInt64 {
        var state = seed ^ UInt64(issuer.utf8.count)
        for byte in issuer.utf8 { state = mix(state ^ UInt64(byte), 0x9E37_79B9_7F4A_7C15) ^ seed }
        for byte in subject.utf8 { state = mix(state ^ UInt64(byte), 0xD6E8_FEB8_6659_FD93) ^ seed }
        return state.hash(seed: seed)
    }
}
