import Containers
import NetworkPrimitives
import Signaling

// Who plays what.
extension PixelStreamingServer {
    /// Subscribes a player or an SFU to a streamer of its room, and tells the streamer. Nil, and a word for the player,
    /// when there is no place.
    @discardableResult
    mutating func subscribe(
        _ player: SlabHandle, to streamer: SlabHandle, isAnnounced: Bool = true, offers: Bool
    ) -> SlabHandle? {
        guard player != streamer else { return nil }
        unsubscribe(player)
        guard endpoints[streamer.index].subscribers.count < settings.playersPerStreamerMax else {
            streamingCounters.subscriptionsFailed += 1
            let id = String(decoding: endpoints[streamer.index].streamerID, as: UTF8.self)
            let text = "Streamer \(id) is full. Max players = \(settings.playersPerStreamerMax)."
            host.send(PixelStreamingText.subscribeFailed(text), to: player)
            return nil
        }
        endpoints[player.index].subscription = streamer
        endpoints[streamer.index].subscribers.append(player)
        streamingCounters.subscriptions += 1
        if isAnnounced {
            host.send(PixelStreamingText.playerConnected(endpoints[player.index], offers: offers), to: streamer)
        }
        return streamer
    }

    /// Ends what a player or an SFU plays, and tells the streamer.
    mutating func unsubscribe(_ player: SlabHandle) {
        guard let streamer = endpoints[player.index].subscription else { return }
        endpoints[player.index].subscription = nil
        endpoints[streamer.index].subscribers.removeAll { $0 == player }
        let text = PixelStreamingText.playerDisconnected(endpoints[player.index])
        host.send(text, to: streamer)
        // The data channels of a player behind an SFU are the streamer's.
        if endpoints[player.index].hasChannelsThroughSFU, let source = endpoints[streamer.index].subscription {
            host.send(text, to: source)
        }
        endpoints[player.index].hasChannelsThroughSFU = false
    }

    /// A streamer streams no more: its players are sent away, so that their pages show it or try again, and its SFUs
    /// are told.
    mutating func loseStreamer(_ streamer: SlabHandle, at now: Instant) {
        let subscribers = endpoints[streamer.index].subscribers
        endpoints[streamer.index].subscribers = []
        for subscriber in subscribers {
            endpoints[subscriber.index].subscription = nil
            endpoints[subscriber.index].hasChannelsThroughSFU = false
            guard endpoints[subscriber.index].role == .sfu else {
                host.end(
                    subscriber, .bye, code: DialectCloseCode.goingAway, reason: "Streamer disconnected", at: now)
                continue
            }
            host.send(PixelStreamingText.streamerDisconnected, to: subscriber)
            stopStreaming(subscriber, at: now)
        }
    }

    /// An SFU that streams nothing is not listed, and nobody plays it.
    mutating func stopStreaming(_ client: SlabHandle, at now: Instant) {
        guard endpoints[client.index].isListed else { return }
        endpoints[client.index].streaming = .identified
        loseStreamer(client, at: now)
    }

    /// The streamer of an id, in the player's room.
    func streamer(_ id: [UInt8], for player: SlabHandle) -> SlabHandle? {
        stages[endpoints[player.index].stage].streamers.first { candidate in
            endpoints[candidate.index].isListed && endpoints[candidate.index].streamerID == id
        }
    }

    /// The one that a player without a wish gets: the first that streams, else the first that may be about to, as those
    /// of before 5.2 take a while to be known.
    func firstStreamer(for player: SlabHandle) -> SlabHandle? {
        let streamers = stages[endpoints[player.index].stage].streamers.filter { $0 != player }
        if endpoints[player.index].options.prefersSFU,
            let sfu = streamers.first(where: { endpoints[$0.index].role == .sfu })
        {
            return sfu
        }
        return streamers.first { endpoints[$0.index].isListed }
            ?? streamers.first { endpoints[$0.index].role == .streamer }
    }

    // MARK: - Ids of streamers

    /// A streamer says how it wants to be called.
    mutating func identify(_ client: SlabHandle, as wanted: [UInt8], at now: Instant) {
        let endpoint = endpoints[client.index]
        let id = uniqueID(wanted, for: client, at: now)
        let isRenamed = endpoint.isListed && endpoint.streamerID != id
        endpoints[client.index].streamerID = id
        endpoints[client.index].identifyBy = nil
        // An SFU streams when it says so.
        let isReady = endpoint.role == .streamer || endpoint.isListed
        endpoints[client.index].streaming = isReady ? .ready : .identified
        host.send(PixelStreamingText.endpointIdConfirm(id), to: client)
        guard isRenamed else { return }
        for text in PixelStreamingText.renamed(id) { host.send(text, to: endpoint.subscribers) }
    }

    /// The id as it is wanted; with a number, if somebody else has it. Somebody of the same owner gives it up: that is
    /// the streamer itself, from before its connection broke.
    private mutating func uniqueID(_ wanted: [UInt8], for client: SlabHandle, at now: Instant) -> [UInt8] {
        let base = wanted.isEmpty ? Array("UnknownStreamer".utf8) : wanted
        if let present = holder(of: base, besides: client), let owner = host.identity(of: client),
            owner == host.identity(of: present)
        {
            streamingCounters.takeovers += 1
            endpoints[present.index].streamerID = []
            host.end(present, .replaced, code: DialectCloseCode.policy, reason: "replaced", at: now)
        }
        guard holder(of: base, besides: client) != nil else { return base }
        // There are at most so many others, so one of these is free.
        for number in 1...max(1, settings.streamersPerRoomMax) {
            let candidate = base + Array(String(number).utf8)
            if holder(of: candidate, besides: client) == nil { return candidate }
        }
        return base + Array(String(settings.streamersPerRoomMax + 1).utf8)
    }

    private func holder(of id: [UInt8], besides client: SlabHandle) -> SlabHandle? {
        stages[endpoints[client.index].stage].streamers.first {
            $0 != client && endpoints[$0.index].streamerID == id
        }
    }

    // MARK: - Versions

    /// A streamer that does not know how to say its id is given one, as 5.3 did.
    mutating func becomeLegacy(_ client: SlabHandle, at now: Instant) {
        let prefix = endpoints[client.index].role == .sfu ? "__LEGACY_SFU__" : "__LEGACY_STREAMER__"
        endpoints[client.index].identifyBy = nil
        endpoints[client.index].streamerID = Array("\(prefix)\(legacyCount)".utf8)
        endpoints[client.index].streaming = .legacy
        legacyCount += 1
        streamingCounters.legacyStreamers += 1
        if endpoints[client.index].role == .sfu {
            // Old ones wait for the streamer's offer, without a word.
            guard endpoints[client.index].subscription == nil, let streamer = firstStreamer(for: client) else {
                return
            }
            subscribe(client, to: streamer, offers: false)
        } else {
            for waiting in stages[endpoints[client.index].stage].players { subscribeSilently(waiting, at: now) }
        }
    }

    /// A player that waits for an offer without a word is one of 5.0 or 5.1: if there is a streamer of that time, it is
    /// for this one.
    mutating func subscribeSilently(_ player: SlabHandle, at now: Instant) {
        let endpoint = endpoints[player.index]
        guard endpoint.subscription == nil, !endpoint.hasSpoken, endpoint.silentUntil == nil,
            let streamer = firstStreamer(for: player), endpoints[streamer.index].streaming.isLegacy
        else { return }
        streamingCounters.legacyPlayers += 1
        subscribe(player, to: streamer, offers: endpoint.options.offersToReceive)
    }
}

extension Endpoint.Streaming {
    /// Whether the engine is one from before 5.2.
    var isLegacy: Bool {
        switch self {
        case .legacy: true
        case .unidentified, .identified, .ready: false
        }
    }
}
