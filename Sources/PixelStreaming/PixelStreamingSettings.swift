package import Signaling

/// What the operator decided about Pixel Streaming.
package struct PixelStreamingSettings: Sendable {
    package var host = DialectSettings()
    /// The room of those whose path names none.
    package var defaultRoom: RoomName
    /// What a token must grant for who streams. A token for players only is one without `broadcast`.
    package var streamerGrants: Grants = [.join, .broadcast]
    /// Streamers and SFUs of one room.
    package var streamersPerRoomMax = 64
    /// Players that are subscribed to one streamer.
    package var playersPerStreamerMax = 1000
    /// Bytes of a streamer's id.
    package var streamerIDByteCountMax = 128
    /// How much more than a player a streamer may say, as it speaks with many of them.
    package var streamerPaceFactor: UInt32 = 20
    /// A streamer that has not said its id for so long is one of the engine before 5.2.
    package var identifySeconds: UInt32 = 5
    /// A player that has said nothing for so long is one of the engine 5.0 or 5.1, which waits for an offer.
    package var silentPlayerMilliseconds: UInt32 = 500
    /// Between two `ping` messages to players that know them; 0 sends none. They keep middleboxes from closing the
    /// connection, which pings of the WebSocket do as well for most.
    package var keepaliveSeconds: UInt32 = 30
    /// Whether players are sent away while nothing streams, as servers before 5.2 did, so that their pages try again.
    package var closesPlayersWithoutStreamer = false
    /// More players of one room, if they are old ones that show it, are not told their number each time that it
    /// changes.
    package var countedPlayersMax = 64
    /// The lifetime of a streamer's credentials. It takes them for all of its players, as long as it streams; they end
    /// with its connection, however long they are.
    package var streamerCredentialSeconds: UInt32 = 86_400
    /// The lifetime of a player's credentials; nil is the usual one.
    package var playerCredentialSeconds: UInt32?

    package init(defaultRoom: RoomName) {
        self.defaultRoom = defaultRoom
        host.limits.roomsPerSessionMax = 1
        host.limits.roomCapacity = 1000
    }
}

/// What Pixel Streaming did beside what all dialects count.
package struct PixelStreamingCounters: Hashable, Sendable {
    package var streamers: UInt64 = 0
    package var players: UInt64 = 0
    package var sfus: UInt64 = 0
    package var subscriptions: UInt64 = 0
    package var subscriptionsFailed: UInt64 = 0
    package var legacyStreamers: UInt64 = 0
    package var legacyPlayers: UInt64 = 0
    /// Streamers that took the place of one with the same id and owner.
    package var takeovers: UInt64 = 0
    package var playersDisconnected: UInt64 = 0
    package var streamersFull: UInt64 = 0
    /// Messages of types that are not known. They do not end the connection, as other versions know other types.
    package var unknownTypes: UInt64 = 0

    package init() {}
}

/// Which side somebody is on; the listener says so, as all three look alike.
package enum PixelStreamingRole: String, Hashable, Sendable {
    case player, streamer, sfu
}

/// What the URL of a player says beside room and token.
package struct PixelStreamingOptions: Hashable, Sendable {
    /// `?OfferToReceive=true`: the player offers, not the streamer.
    package var offersToReceive = false
    /// `?preferSFU=true`, from before players could choose.
    package var prefersSFU = false

    package init(offersToReceive: Bool = false, prefersSFU: Bool = false) {
        self.offersToReceive = offersToReceive
        self.prefersSFU = prefersSFU
    }

    /// Whether a value of the query means yes: there, and not `false`.
    package static func isSet(_ value: String?) -> Bool { value != nil && value != "false" }
}
