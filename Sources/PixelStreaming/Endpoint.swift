import Containers
import NetworkPrimitives
import Signaling

/// Somebody on one of the three sides. An SFU is on two: it plays one streamer, and streams to many.
struct Endpoint {
    let handle: SlabHandle
    let role: PixelStreamingRole
    let stage: SlabHandle
    let seat: SeatID
    let options: PixelStreamingOptions
    /// By which streamers know a player or an SFU: a number, because old ones read it as one. 0 for streamers.
    let playerNumber: UInt32

    // The side that streams.
    var streamerID: [UInt8] = []
    var streaming = Streaming.unidentified
    /// In the order of their coming.
    var subscribers: [SlabHandle] = []

    // The side that plays.
    var subscription: SlabHandle?
    /// Whether it has said something: whoever waits for an offer has not.
    var hasSpoken = false
    /// Whether it knows that there may be several streamers, as those from 5.2 on do.
    var isModern = false
    /// Whether it is from before 5.2, and so wants to hear how many players there are.
    var isOldPlayer = false
    /// Whether an SFU has given it data channels, of which the streamer behind it has to be told when it goes.
    var hasChannelsThroughSFU = false

    // What time does to it.
    var identifyBy: Instant?
    var silentUntil: Instant?
    var keepaliveAt: Instant?

    enum Streaming {
        /// It was asked for its id.
        case unidentified
        /// It has an id; an SFU that does not stream yet, too.
        case identified
        /// It can be subscribed to.
        case ready
        /// It can be subscribed to, and has never said its id: an engine before 5.2.
        case legacy
    }

    var playerID: String { String(playerNumber) }

    /// Whether it is offered to players that ask.
    var isListed: Bool {
        switch streaming {
        case .ready, .legacy: true
        case .unidentified, .identified: false
        }
    }

    var nextDeadline: Instant? { [identifyBy, silentUntil, keepaliveAt].compactMap { $0 }.min() }
}

/// Who streams and plays in one room.
struct Stage {
    let room: RoomName
    /// Streamers and SFUs in the order of their coming.
    var streamers: [SlabHandle] = []
    /// Players in the order of their coming.
    var players: [SlabHandle] = []

    var isEmpty: Bool { streamers.isEmpty && players.isEmpty }
}
