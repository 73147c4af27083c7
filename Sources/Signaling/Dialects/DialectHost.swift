package import Containers
package import NetworkPrimitives

/// What dialects over plain connections share: who is connected, by what right, in which rooms, how much they say, when
/// they were last heard from, and their TURN credentials. A dialect adds its words.
///
/// It is driven by the dialect, which is driven from outside:
///
/// > After every input, the dialect takes `nextChange()` until it is nil, and does each before the next.
///
/// Clients are named by handles that are stale, and without effect, once the client has gone. A client has no session
/// beyond its connection, because none of these dialects can resume one.
package struct DialectHost: ~Copyable {
    package let settings: DialectSettings
    let gate: any Gatekeeper
    var rooms: RoomServer
    var clients: Slab<DialectClient>
    var clientByConnection: FlatMap<ConnectionID, SlabHandle>
    var timers: TimerWheel
    var sessionIDs: IdentifierSource
    var tags: IdentifierSource
    /// Spreads pings, renewals and the end over time; nothing that has to be secret comes from it.
    var jitter: SplitMix64
    var anonymousJoins: SourceRateLimiter
    var outputs = SignalingOutputQueue()
    var changes = DialectChangeQueue()
    var drainDeadline: Instant?
    /// What happened, for the dialect to add to.
    package var counters = DialectCounters()

    /// Nobody yet. The secret is 32 random bytes; machines with the same one make the same ids, so each gets its own.
    package init(settings: DialectSettings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        self.gate = gate
        sessionIDs = IdentifierSource(secret: secret, purpose: 2)
        tags = IdentifierSource(secret: secret, purpose: 4)
        var seeds = IdentifierSource(secret: secret, purpose: 5)
        rooms = RoomServer(
            limits: settings.limits, identifiers: IdentifierSource(secret: secret, purpose: 1))
        let clientsMax = Self.clientsMax(settings)
        clients = Slab(limit: clientsMax)
        clientByConnection = FlatMap(seed: seeds.next().high, limit: clientsMax)
        timers = TimerWheel(start: .zero)
        anonymousJoins = SourceRateLimiter(
            seed: seeds.next().high, ratePerSecond: Int(settings.limits.anonymousJoinsPerSecond),
            burst: Int(settings.limits.anonymousJoinsBurst), capacity: 4096)
        jitter = SplitMix64(seed: seeds.next().high)
    }

    /// How many clients there can be: the limit of tables that a dialect keeps beside, by the index of the handle.
    package static func clientsMax(_ settings: DialectSettings) -> Int {
        min(max(0, settings.limits.sessionsMax), 1 << 28)
    }

    // MARK: - Connections

    /// Takes a connection. With a token, the gate says whose it is; with a room, whether it opens that.
    ///
    /// With `required` grants, a room of the path must give all of them. `paceFactor` multiplies how much the client
    /// may say, for those who speak with many others.
    package mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, requiring required: Grants = [], paceFactor: UInt32 = 1,
        at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) -> SlabHandle {
        precondition(changes.isEmpty, "what was before has been done before somebody new comes")
        guard drainDeadline == nil else { throw .draining }
        guard clients.count < clients.limit, clientByConnection[connection] == nil else {
            counters.count(.sessions)
            throw .full
        }
        let pass: PassBox?
        let home: DialectClient.Home?
        do throws(AdmissionRefusal) {
            pass = try identify(opening.token, visitor: opening.visitor, at: unixTime)
            home = try admitHome(opening, pass, requiring: required, at: unixTime)
        } catch { throw .admission(error) }
        let limits = settings.limits
        let pace = DialectClient.Pace(
            perSecond: Self.scaled(limits.messagesPerSecond, by: paceFactor),
            burst: Self.scaled(limits.messagesBurst, by: paceFactor))
        let client = DialectClient(
            connection: connection, session: sessionIDs.next(), visitor: opening.visitor, pass: pass, home: home,
            pace: pace, since: unixTime)
        guard let handle = clients.insert(client) else { throw .full }
        clientByConnection.insert(handle, for: connection)
        clients[handle].heartbeat.nextAt = nextHeartbeat(after: now)
        timers.schedule(handle.index, at: clients[handle].nextDeadline)
        counters.connections += 1
        let event = SignalingEvent.sessionOpened(
            session: clients[handle].session, visitor: opening.visitor, identity: pass?.identity)
        outputs.append(.event(event))
        return handle
    }

    private static func scaled(_ rate: UInt32, by factor: UInt32) -> UInt32 {
        let product = rate.multipliedReportingOverflow(by: factor)
        return product.overflow ? .max : product.partialValue
    }

    /// A message has come. The client whose it is, or nil when it is not to be read: nobody's, too long, or one of too
    /// many. The client may have gone then.
    package mutating func receive(byteCount: Int, from connection: ConnectionID, at now: Instant) -> SlabHandle? {
        guard let handle = clientByConnection[connection] else { return nil }
        counters.messagesIn += 1
        guard byteCount <= settings.limits.messageByteCountMax else {
            counters.count(.messageBytes)
            end(handle, .misbehaviour, code: DialectCloseCode.tooBig, reason: "message too long", at: now)
            return nil
        }
        guard isWithinPace(handle, at: now) else { return nil }
        clients[handle].heartbeat.noteLife()
        return handle
    }

    /// Too much is dropped, as there is no word for it in any dialect; whoever goes on is cut off.
    private mutating func isWithinPace(_ handle: SlabHandle, at now: Instant) -> Bool {
        let pace = clients[handle].pace
        guard clients[handle].level.take(perSecond: pace.perSecond, burst: pace.burst, at: now) != nil else {
            return true
        }
        counters.count(.messageRate)
        let isAbuse = clients[handle].excess.take(
            perSecond: max(1, pace.perSecond / 5), burst: pace.burst, at: now)
        if isAbuse != nil {
            end(handle, .rateAbuse, code: DialectCloseCode.policy, reason: "too many messages", at: now)
        }
        return false
    }

    /// The answer to a ping.
    package mutating func receivePong(from connection: ConnectionID) {
        if let handle = clientByConnection[connection] { clients[handle].heartbeat.noteLife() }
    }

    /// The connection is gone.
    package mutating func disconnect(_ connection: ConnectionID, at now: Instant) {
        if let handle = clientByConnection[connection] { remove(handle, .bye, at: now) }
    }

    /// More waits to be written to the connection than may.
    package mutating func slowConsumer(_ connection: ConnectionID, at now: Instant) {
        guard let handle = clientByConnection[connection] else { return }
        counters.count(.queue)
        outputs.append(.event(.slowConsumer(session: clients[handle].session)))
        end(handle, .timeout, code: DialectCloseCode.policy, reason: "slow consumer", at: now)
    }

    /// Closes a client's connection, and with it gives up all that the client has.
    package mutating func end(
        _ client: SlabHandle, _ end: SessionEnd, code: UInt16, reason: String, at now: Instant
    ) {
        guard clients.contains(client) else { return }
        close(clients[client].connection, code: code, reason: reason)
        remove(client, end, at: now)
    }

    private mutating func remove(_ handle: SlabHandle, _ end: SessionEnd, at now: Instant) {
        guard let client = clients.remove(handle) else { return }
        timers.cancel(handle.index)
        clientByConnection.remove(client.connection)
        counters.sessionsEnded += 1
        for seat in client.seats {
            counters.leaves += 1
            if let tag = seat.tag { outputs.append(.member(end.memberChange(tag))) }
            rooms.leave(seat.seat, end.departureReason, at: now)
        }
        outputs.append(.event(.sessionEnded(session: client.session, end)))
        changes.append(.ended(handle, end))
    }

    // MARK: - Queries

    /// Whether the client is still here.
    package func isHere(_ client: SlabHandle) -> Bool { clients.contains(client) }

    /// The client of a connection.
    package func client(of connection: ConnectionID) -> SlabHandle? { clientByConnection[connection] }

    /// The connection of a client that is here.
    package func connection(of client: SlabHandle) -> ConnectionID? {
        clients.contains(client) ? clients[client].connection : nil
    }

    /// Who a client is, when its token says so.
    package func identity(of client: SlabHandle) -> Admission.Identity? {
        clients.contains(client) ? clients[client].pass?.identity : nil
    }

    /// The room that a client's token opens, when it is for one.
    package func onlyRoom(of client: SlabHandle) -> RoomName? {
        clients.contains(client) ? clients[client].pass?.pass.rooms?.room : nil
    }

    /// What a client may do in the room of its path; nothing without one.
    package func homeGrants(of client: SlabHandle) -> Grants {
        clients.contains(client) ? clients[client].home?.admission.grants ?? [] : []
    }

    package var liveCounts: DialectLiveCounts {
        DialectLiveCounts(connections: clients.count, rooms: rooms.roomCount, participants: rooms.memberCount)
    }

    /// What happened since the start.
    package var allCounters: DialectCounters {
        var all = counters
        all.set(.bans, to: rooms.evictedBans)
        return all
    }

    // MARK: - Outputs

    package mutating func nextOutput() -> SignalingOutput? { outputs.next() }

    /// Sends one text to clients that are here. What is confidential is never compressed.
    package mutating func send(_ text: [UInt8], to receivers: [SlabHandle], isConfidential: Bool = false) {
        var connections: [ConnectionID] = []
        connections.reserveCapacity(receivers.count)
        for receiver in receivers where clients.contains(receiver) {
            clients[receiver].sentCount += 1
            connections.append(clients[receiver].connection)
        }
        guard !connections.isEmpty else { return }
        counters.messagesOut += UInt64(connections.count)
        outputs.append(.send(to: connections, text: text, isConfidential: isConfidential))
    }

    /// Sends one text to a client.
    package mutating func send(_ text: [UInt8], to receiver: SlabHandle, isConfidential: Bool = false) {
        guard clients.contains(receiver) else { return }
        counters.messagesOut += 1
        clients[receiver].sentCount += 1
        outputs.append(.send(to: [clients[receiver].connection], text: text, isConfidential: isConfidential))
    }

    /// A text and the end for a connection that did not become a client's.
    package mutating func dismiss(_ connection: ConnectionID, text: [UInt8], code: UInt16, reason: String) {
        counters.messagesOut += 1
        outputs.append(.send(to: [connection], text: text, isConfidential: false))
        close(connection, code: code, reason: reason)
    }

    private mutating func close(_ connection: ConnectionID, code: UInt16, reason: String) {
        outputs.append(.close(connection, code: code, reason: DialectHost.cut(reason)))
    }

    /// The reason of a close frame has 123 bytes at most (RFC 6455 §5.5), and strangers may have chosen it.
    private static func cut(_ reason: String) -> String {
        var byteCount = 0
        var cut = String.UnicodeScalarView()
        for scalar in reason.unicodeScalars {
            byteCount += UTF8.width(scalar)
            guard byteCount <= 123 else { break }
            cut.append(scalar)
        }
        return String(cut)
    }
}
