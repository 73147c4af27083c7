import Containers
import Signaling

/// A socket: of the root, where channels are announced, or of a channel.
struct ChannelGuest {
    let handle: SlabHandle
    /// The channel; nil for the root.
    let channel: RoomName?
    /// Its seat in the channel, once that is known.
    var seat: SeatID?
    /// What its first message called its sender, in JSON: what the others are told when it goes.
    var userName: [UInt8]?
    /// The channels that it announced, some of which may be gone.
    var announced: [RoomName] = []
}

/// A channel that was announced, or connected to.
struct AnnouncedChannel {
    let room: RoomName
    /// Who announced itself or spoke there, in this order.
    var senders: [Sender] = []
    /// Whether somebody was in it since it was announced.
    var wasEntered = false

    /// Somebody who announced itself, or spoke.
    struct Sender {
        let word: [UInt8]
        /// The socket that speaks as this one, from its first message until it is gone.
        var socket: SlabHandle?
    }
}
