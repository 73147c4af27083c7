import Containers
import JSON
package import NetworkPrimitives
package import Signaling

/// The signalling of Epic's Pixel Streaming as cirrus (4.26 to 5.4) and Wilbur (from 5.5 on) do it: programs stream,
/// pages play, SFUs stand between. One server for all versions: it finds out from what each side says, and does not
/// say, which one it speaks with. `Docs/Signaling/Dialects/PixelStreaming.md` says what they see.
///
/// A room has its own streamers and players. Within it a player is subscribed to one streamer, and only the two of a
/// subscription can say anything to each other. Rooms of `Signaling` decide who is in; they know no sides and no
/// subscriptions, so those are kept here beside, in the order of coming that a player without a wish depends on.
package struct PixelStreamingServer: ~Copyable, Dialect {
    package var host: DialectHost
    let settings: PixelStreamingSettings
    /// By the index of the handle.
    var endpoints: SparseArray<Endpoint>
    var stages: Slab<Stage>
    var stageByRoom: FlatMap<RoomName, SlabHandle>
    var playerByNumber: FlatMap<UInt64, SlabHandle>
    /// The first player of the oldest servers was 101.
    var lastPlayerNumber: UInt32 = 100
    var legacyCount: UInt64 = 0
    /// What happened beside what all dialects count.
    package internal(set) var streamingCounters = PixelStreamingCounters()

    static let jsonLimits = JSONLimits(depthMax: 16, valuesMax: 4096)
    /// Members of the message itself; an offer of an SFU has six.
    static let membersMax = 32

    /// Nobody yet. The secret is 32 random bytes that no other machine has.
    package init(settings: PixelStreamingSettings, gate: any Gatekeeper, secret: [UInt8]) {
        self.settings = settings
        host = DialectHost(settings: settings.host, gate: gate, secret: secret)
        var seeds = IdentifierSource(secret: secret, purpose: 7)
        let clientsMax = DialectHost.clientsMax(settings.host)
        endpoints = SparseArray(limit: clientsMax)
        stages = Slab(limit: clientsMax)
        stageByRoom = FlatMap(seed: seeds.next().high, limit: clientsMax)
        playerByNumber = FlatMap(seed: seeds.next().high, limit: clientsMax)
    }

    // MARK: - Connections

    /// Takes a connection of a side. Without a room in its path it is in the default one.
    ///
    /// What cirrus says by closing, as that too many are here, is said so: behind the upgrade, with code 1013.
    package mutating func connect(
        _ connection: ConnectionID, _ role: PixelStreamingRole, _ opening: Opening,
        _ options: PixelStreamingOptions = PixelStreamingOptions(), at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        defer { settle(at: now) }
        var opening = opening
        let room = opening.room ?? settings.defaultRoom
        opening.room = room
        let client = try host.connect(
            connection, opening, requiring: role == .player ? .join : settings.streamerGrants,
            paceFactor: role == .player ? 1 : settings.streamerPaceFactor, at: now, unixTime: unixTime)
        enter(room, as: role, client, options, at: now, unixTime: unixTime)
    }

    private mutating func enter(
        _ room: RoomName, as role: PixelStreamingRole, _ client: SlabHandle, _ options: PixelStreamingOptions,
        at now: Instant, unixTime: UnixTime
    ) {
        let known = stageByRoom[room]
        if role == .player {
            let hasStreamer = known.map { !stages[$0].streamers.isEmpty } ?? false
            guard hasStreamer || !settings.closesPlayersWithoutStreamer else {
                return sendAway(client, "Streamer is not connected", at: now)
            }
        } else if let known, stages[known].streamers.count >= settings.streamersPerRoomMax {
            streamingCounters.streamersFull += 1
            return sendAway(client, "too many streamers. max: \(settings.streamersPerRoomMax)", at: now)
        }
        let seat: SeatID
        do {
            seat = try host.enter(client, room, role: role.rawValue, at: now, unixTime: unixTime)
        } catch {
            return refuse(client, error, at: now)
        }
        guard let stage = known ?? openStage(room) else { return sendAway(client, "too many rooms", at: now) }
        let number = role == .streamer ? 0 : nextPlayerNumber()
        let endpoint = Endpoint(
            handle: client, role: role, stage: stage, seat: seat, options: options, playerNumber: number)
        endpoints.insert(endpoint, at: client.index)
        if role != .streamer { playerByNumber.insert(client, for: UInt64(number)) }
        configure(client, at: now, unixTime: unixTime)
        switch role {
        case .player: begin(player: client, at: now)
        case .streamer, .sfu: begin(streamer: client, at: now)
        }
        rearm(client)
    }

    private mutating func refuse(_ client: SlabHandle, _ refusal: EntryRefusal, at now: Instant) {
        if case .room(.roomFull(let capacity)) = refusal {
            // The words of cirrus.
            return sendAway(client, "too many connections. max: \(capacity), current: \(capacity)", at: now)
        }
        switch refusal {
        case .admission, .room(.forbidden):
            host.end(client, .misbehaviour, code: DialectCloseCode.policy, reason: refusal.code, at: now)
        case .room, .tooManySeats, .tooManyStrangers: sendAway(client, refusal.code, at: now)
        }
    }

    private mutating func sendAway(_ client: SlabHandle, _ reason: String, at now: Instant) {
        host.end(client, .misbehaviour, code: DialectCloseCode.tryAgainLater, reason: reason, at: now)
    }

    private mutating func openStage(_ room: RoomName) -> SlabHandle? {
        guard let stage = stages.insert(Stage(room: room)) else { return nil }
        stageByRoom.insert(stage, for: room)
        return stage
    }

    private mutating func nextPlayerNumber() -> UInt32 {
        // Old streamers read a number of 32 bits with a sign.
        repeat {
            lastPlayerNumber = lastPlayerNumber == 0x7FFF_FFFF ? 101 : lastPlayerNumber + 1
        } while playerByNumber[UInt64(lastPlayerNumber)] != nil
        return lastPlayerNumber
    }

    /// The first message of everybody: the options of its peer connections, with credentials of its own.
    private mutating func configure(_ client: SlabHandle, at now: Instant, unixTime: UnixTime) {
        let isPlayer = endpoints[client.index].role == .player
        let seconds = isPlayer ? settings.playerCredentialSeconds : settings.streamerCredentialSeconds
        // There is no message that renews them, so they are not: a player's only have to last until it connects.
        let grant = host.issue(
            to: client, for: endpoints[client.index].seat, seconds: seconds, renews: false, at: now,
            unixTime: unixTime)
        host.send(PixelStreamingText.config(grant), to: client, isConfidential: grant != nil)
    }

    private mutating func begin(streamer client: SlabHandle, at now: Instant) {
        let stage = endpoints[client.index].stage
        stages[stage].streamers.append(client)
        if endpoints[client.index].role == .sfu {
            streamingCounters.sfus += 1
        } else {
            streamingCounters.streamers += 1
        }
        host.send(PixelStreamingText.identify, to: client)
        endpoints[client.index].identifyBy = now.advanced(bySeconds: settings.identifySeconds)
    }

    private mutating func begin(player client: SlabHandle, at now: Instant) {
        let stage = endpoints[client.index].stage
        stages[stage].players.append(client)
        streamingCounters.players += 1
        endpoints[client.index].silentUntil = now.advanced(byMilliseconds: settings.silentPlayerMilliseconds)
        let hasSFU = stages[stage].streamers.contains { endpoints[$0.index].role == .sfu }
        if endpoints[client.index].options.prefersSFU, !hasSFU { host.send(PixelStreamingText.noSFU, to: client) }
        tellPlayerCount(stage)
    }

    /// Tells the players of old how many there are; those of today do not expect it. Each change is a message for each
    /// of them, so it is told to few only.
    mutating func tellPlayerCount(_ stage: SlabHandle) {
        let players = stages[stage].players
        guard players.count <= settings.countedPlayersMax else { return }
        let receivers = players.filter { endpoints[$0.index].isOldPlayer }
        guard !receivers.isEmpty else { return }
        host.send(PixelStreamingText.playerCount(players.count), to: receivers)
    }

    /// What a player does, or that it does nothing, has shown that it is an old one.
    mutating func noteOldPlayer(_ client: SlabHandle) {
        guard !endpoints[client.index].isOldPlayer else { return }
        endpoints[client.index].isOldPlayer = true
        let stage = endpoints[client.index].stage
        guard stages[stage].players.count <= settings.countedPlayersMax else { return }
        host.send(PixelStreamingText.playerCount(stages[stage].players.count), to: client)
    }

    /// Whether nobody is here, and nothing is kept about anybody.
    package var isEmpty: Bool {
        endpoints.count == 0 && stages.count == 0 && stageByRoom.count == 0 && playerByNumber.count == 0
            && host.liveCounts.participants == 0
    }

    // MARK: - Changes

    package mutating func settle(at now: Instant) {
        while let change = host.nextChange() {
            switch change {
            // Nobody is told who comes and goes but by subscriptions, and nothing is renewed.
            case .deliver, .renewed: break
            case .due(let client): attend(to: client, at: now)
            case .lostSeat(let client, _, _, _):
                host.end(client, .removedByOperator, code: DialectCloseCode.policy, reason: "removed", at: now)
            case .ended(let client, _): forget(client, at: now)
            }
        }
    }

    /// The time of something has come; of what may have changed since it was set.
    private mutating func attend(to client: SlabHandle, at now: Instant) {
        guard let endpoint = endpoint(client) else { return }
        if let until = endpoint.identifyBy, until <= now { becomeLegacy(client, at: now) }
        if let until = endpoint.silentUntil, until <= now {
            endpoints[client.index].silentUntil = nil
            if !endpoint.hasSpoken { noteOldPlayer(client) }
            subscribeSilently(client, at: now)
        }
        if let until = endpoint.keepaliveAt, until <= now {
            // Only a number to the client, which gives it back.
            host.send(PixelStreamingText.ping(time: now.nanoseconds / 1_000_000 & 0x7FFF_FFFF), to: client)
            endpoints[client.index].keepaliveAt = now.advanced(bySeconds: settings.keepaliveSeconds)
        }
        rearm(client)
    }

    /// What is known about somebody who is here.
    func endpoint(_ client: SlabHandle) -> Endpoint? {
        guard endpoints.contains(client.index), endpoints[client.index].handle == client else { return nil }
        return endpoints[client.index]
    }

    mutating func rearm(_ client: SlabHandle) {
        guard let endpoint = endpoint(client) else { return }
        host.setDue(client, at: endpoint.nextDeadline)
    }

    private mutating func forget(_ client: SlabHandle, at now: Instant) {
        guard let endpoint = endpoint(client) else { return }
        let stage = endpoint.stage
        stages[stage].streamers.removeAll { $0 == client }
        if endpoint.role != .streamer { unsubscribe(client) }
        if endpoint.role != .player { loseStreamer(client, at: now) }
        if endpoint.role != .streamer { playerByNumber.remove(UInt64(endpoint.playerNumber)) }
        endpoints.remove(at: client.index)
        if endpoint.role == .player {
            stages[stage].players.removeAll { $0 == client }
            tellPlayerCount(stage)
        }
        if stages[stage].isEmpty, let room = stages.remove(stage)?.room { stageByRoom.remove(room) }
    }
}
