import Containers
import JSON
package import NetworkPrimitives
package import Signaling

// What the three sides say.
extension PixelStreamingServer {
    package mutating func receive(
        _ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) {
        defer { settle(at: now) }
        guard let client = host.receive(byteCount: text.count, from: connection, at: now),
            let endpoint = endpoint(client)
        else { return }
        guard let message = try? JSONDocument(parsing: text, limits: Self.jsonLimits).root else {
            host.counters.malformed += 1
            return host.end(
                client, .misbehaviour, code: DialectCloseCode.policy, reason: "Cannot parse", at: now)
        }
        guard message.kind == .object, message.count <= Self.membersMax, let word = message["type"]?.string else {
            host.counters.malformed += 1
            return
        }
        guard let type = MessageType(rawValue: word) else {
            streamingCounters.unknownTypes += 1
            return
        }
        switch type {
        case .ping: host.send(PixelStreamingText.pong(time: message["time"]), to: client)
        // Life was noted already; statistics are for the log of another server.
        case .pong, .stats: break
        default:
            switch endpoint.role {
            case .player: receive(type, message, fromPlayer: client, at: now)
            case .streamer: receive(type, message, fromStreamer: client, at: now)
            case .sfu: receive(type, message, fromSFU: client, at: now)
            }
        }
        rearm(client)
    }

    /// What is said by one side or another, in all versions.
    enum MessageType: String {
        case ping, pong, stats, offer, answer, iceCandidate, listStreamers, subscribe, unsubscribe
        case dataChannelRequest, peerDataChannelsReady, layerPreference, endpointId, disconnectPlayer
        case streamerDataChannels, peerDataChannels, startStreaming, stopStreaming
    }

    // MARK: - Players

    private mutating func receive(
        _ type: MessageType, _ message: JSONValue, fromPlayer client: SlabHandle, at now: Instant
    ) {
        switch type {
        case .listStreamers, .subscribe, .unsubscribe: choose(type, message, client, at: now)
        case .offer, .answer, .iceCandidate, .dataChannelRequest, .peerDataChannelsReady, .layerPreference:
            if type == .offer, !endpoints[client.index].hasSpoken { noteOldPlayer(client) }
            endpoints[client.index].hasSpoken = true
            guard let streamer = subscription(of: client, isOffering: type == .offer) else {
                host.counters.undeliverable += 1
                return
            }
            forward(message, from: client, to: streamer, playerID: endpoints[client.index].playerID)
        default: streamingCounters.unknownTypes += 1
        }
    }

    /// Those who may choose among streamers, and do.
    private mutating func choose(
        _ type: MessageType, _ message: JSONValue, _ client: SlabHandle, at now: Instant
    ) {
        endpoints[client.index].hasSpoken = true
        if !endpoints[client.index].isModern {
            endpoints[client.index].isModern = true
            endpoints[client.index].isOldPlayer = false
            if settings.keepaliveSeconds > 0 {
                endpoints[client.index].keepaliveAt = now.advanced(bySeconds: settings.keepaliveSeconds)
            }
        }
        switch type {
        case .listStreamers:
            let ids = stages[endpoints[client.index].stage].streamers
                .filter { $0 != client && endpoints[$0.index].isListed }
                .map { endpoints[$0.index].streamerID }
            host.send(PixelStreamingText.streamerList(ids), to: client)
        case .subscribe:
            let id = message["streamerId"]?.utf8 ?? []
            guard let streamer = streamer(id, for: client), streamer != client else {
                streamingCounters.subscriptionsFailed += 1
                let name = String(decoding: id.prefix(settings.streamerIDByteCountMax), as: UTF8.self)
                let text = PixelStreamingText.subscribeFailed("Streamer \(name) does not exist.")
                return host.send(text, to: client)
            }
            subscribe(client, to: streamer, offers: endpoints[client.index].options.offersToReceive)
        default: unsubscribe(client)
        }
    }

    /// The streamer of a player; for one that has not chosen, the first. A player of 4.27 offers at once, and its
    /// streamer wants to hear of nothing before that.
    private mutating func subscription(of client: SlabHandle, isOffering: Bool) -> SlabHandle? {
        if let streamer = endpoints[client.index].subscription { return streamer }
        guard let streamer = firstStreamer(for: client) else { return nil }
        let isAnnounced = endpoints[streamer.index].isModernStreamer || !isOffering
        return subscribe(client, to: streamer, isAnnounced: isAnnounced, offers: isOffering)
    }

    /// Passes a message on, if its sender may say something to one at all.
    private mutating func forward(
        _ message: JSONValue, from client: SlabHandle, to receiver: SlabHandle, playerID: String? = nil,
        sfuID: String? = nil
    ) {
        guard host.homeGrants(of: client).contains(.signal) else {
            host.counters.undeliverable += 1
            return
        }
        host.send(PixelStreamingText.forwarded(message, playerID: playerID, sfuID: sfuID), to: receiver)
    }

    // MARK: - Streamers

    private mutating func receive(
        _ type: MessageType, _ message: JSONValue, fromStreamer client: SlabHandle, at now: Instant
    ) {
        switch type {
        case .endpointId: identify(client, message, at: now)
        case .offer, .answer, .iceCandidate:
            guard let player = subscriber(message, of: client) else {
                host.counters.undeliverable += 1
                return
            }
            forward(message, from: client, to: player)
        case .disconnectPlayer: disconnectPlayer(message, by: client, at: now)
        case .layerPreference:
            for sfu in endpoints[client.index].subscribers where endpoints[sfu.index].role == .sfu {
                host.send(Array(message.rawBytes), to: sfu)
            }
        default: streamingCounters.unknownTypes += 1
        }
    }

    private mutating func identify(_ client: SlabHandle, _ message: JSONValue, at now: Instant) {
        let id = message["id"]?.utf8 ?? []
        // A longer one is cut; what is left must still be UTF-8 that shows.
        let text = String(decoding: id.prefix(settings.streamerIDByteCountMax), as: UTF8.self)
        let shown = text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7F && $0.value != 0xFFFD }
        if shown.count != text.unicodeScalars.count || id.count > settings.streamerIDByteCountMax {
            host.counters.count(.nameBytes)
        }
        identify(client, as: Array(String(String.UnicodeScalarView(shown)).utf8), at: now)
    }

    /// Whom a streamer means by `playerId`, which is a number or a string: one of its own players, or nobody.
    private func subscriber(_ message: JSONValue, of streamer: SlabHandle) -> SlabHandle? {
        guard let value = message["playerId"],
            let number = value.integer ?? value.string.flatMap({ $0.utf8.count <= 10 ? Int($0) : nil }),
            number > 0, let player = playerByNumber[UInt64(number)],
            endpoints[player.index].subscription == streamer
        else { return nil }
        return player
    }

    private mutating func disconnectPlayer(_ message: JSONValue, by client: SlabHandle, at now: Instant) {
        guard let player = subscriber(message, of: client) else {
            host.counters.undeliverable += 1
            return
        }
        streamingCounters.playersDisconnected += 1
        let reason = message["reason"]?.string ?? ""
        host.end(player, .misbehaviour, code: DialectCloseCode.internalError, reason: reason, at: now)
    }

    // MARK: - SFUs

    private mutating func receive(
        _ type: MessageType, _ message: JSONValue, fromSFU client: SlabHandle, at now: Instant
    ) {
        switch type {
        case .endpointId: identify(client, message, at: now)
        case .listStreamers, .subscribe, .unsubscribe: choose(type, message, client, at: now)
        case .startStreaming:
            guard !endpoints[client.index].streamerID.isEmpty else { return host.counters.undeliverable += 1 }
            if !endpoints[client.index].isListed { endpoints[client.index].streaming = .ready }
        case .stopStreaming: stopStreaming(client, at: now)
        case .disconnectPlayer: disconnectPlayer(message, by: client, at: now)
        case .offer, .peerDataChannels:
            guard let player = subscriber(message, of: client) else { return host.counters.undeliverable += 1 }
            if type == .peerDataChannels { endpoints[player.index].hasChannelsThroughSFU = true }
            forward(message, from: client, to: player)
        case .iceCandidate:
            guard let player = subscriber(message, of: client) else {
                return speakUp(message, client, playerID: endpoints[client.index].playerID)
            }
            forward(message, from: client, to: player)
        case .answer, .layerPreference: speakUp(message, client, playerID: endpoints[client.index].playerID)
        case .streamerDataChannels:
            // Names the player that the channels are for; the SFU itself, when that is none of its own.
            let player = subscriber(message, of: client).map { endpoints[$0.index].playerID }
            let own = endpoints[client.index].playerID
            speakUp(message, client, playerID: player ?? own, sfuID: own)
        case .ping, .pong, .stats, .dataChannelRequest, .peerDataChannelsReady:
            streamingCounters.unknownTypes += 1
        }
    }

    /// What an SFU says to the streamer that it plays.
    private mutating func speakUp(
        _ message: JSONValue, _ client: SlabHandle, playerID: String, sfuID: String? = nil
    ) {
        guard let streamer = endpoints[client.index].subscription else { return host.counters.undeliverable += 1 }
        forward(message, from: client, to: streamer, playerID: playerID, sfuID: sfuID)
    }
}

extension Endpoint {
    /// Whether it has said its id, as engines from 5.2 on do.
    var isModernStreamer: Bool {
        switch streaming {
        case .identified, .ready: true
        case .unidentified, .legacy: false
        }
    }
}
