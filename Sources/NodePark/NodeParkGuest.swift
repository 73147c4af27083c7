import Containers
import JSON
import Signaling

/// Somebody who speaks the dialect of node-park.
struct NodeParkGuest {
    let handle: SlabHandle
    /// As the socket is called to others.
    let name: String
    var place: Place?

    /// Where it is, and as whom.
    struct Place {
        let room: RoomName
        let seat: SeatID
        let vocabulary: Vocabulary
        /// What it calls itself; nil when it said nothing.
        let userID: [UInt8]?
        /// What the others are told of it, in JSON.
        let card: [UInt8]
    }

    /// The words for coming that a client understands.
    enum Vocabulary {
        /// Of the program: `joined` with the object of the joiner, `welcome`, `createOffer`.
        case program
        /// Of the article: `joined` with the ids of all, `newUserJoined`.
        case article
    }
}

/// What somebody says who wants to join a room. How it says it tells its vocabulary.
struct NodeParkWish {
    let roomName: [UInt8]
    let vocabulary: NodeParkGuest.Vocabulary
    let userID: [UInt8]?
    private let room: JSONValue
    /// The object that it sent, for those who send one with `roomId`.
    private let object: JSONValue?

    /// Of the event `join`; nil when it names no room.
    init?(_ event: ApplicationEvent) {
        guard let first = event[0] else { return nil }
        if let room = first["roomId"], let name = ApplicationEvent.word(room) {
            (self.room, roomName, vocabulary, object) = (room, name, .program, first)
            userID = ApplicationEvent.word(first["userId"])
        } else if let room = first["room"], let name = ApplicationEvent.word(room) {
            (self.room, roomName, vocabulary, object) = (room, name, .article, nil)
            userID = ApplicationEvent.word(first["userId"])
        } else if let name = ApplicationEvent.word(first) {
            (room, roomName, vocabulary, object) = (first, name, .article, nil)
            userID = ApplicationEvent.word(event[1])
        } else {
            return nil
        }
    }

    /// How much of it is kept, at most.
    var byteCount: Int { object?.rawBytes.count ?? room.rawBytes.count + (userID?.count ?? 0) }

    /// The object that stands for the client: its own, byte for byte; else one of the same form.
    func card(of name: String) -> [UInt8] {
        if let object { return Array(object.rawBytes) }
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("roomId", raw: room.rawBytes)
        writer.name("userId")
        if let userID { writer.string(utf8: userID) } else { writer.string(name) }
        writer.endObject()
        return writer.bytes
    }
}
