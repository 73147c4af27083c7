import Containers
import NetworkPrimitives
import Signaling

/// Who has an id at present.
struct Peer {
    let handle: SlabHandle
    let name: PeerName
    let id: [UInt8]
    let token: [UInt8]
    let room: RoomName
    let seat: SeatID
    var lastHeardAt: Instant
    /// What waits of it for others.
    var queuedCount = 0
    var queuedByteCount = 0
}

/// An id within a room. Room names have no slash, so no two pairs make one name.
struct PeerName: FlatMapKey {
    let bytes: [UInt8]

    init(_ id: [UInt8], in room: RoomName) { bytes = room.bytes + [UInt8(ascii: "/")] + id }

    func hash(seed: UInt64) -> UInt64 { unsafe Containers.hash(bytes.span.bytes, seed: seed) }
}

/// Messages for somebody who is not there.
struct OfflineQueue {
    let name: PeerName
    let id: [UInt8]
    let expiresAt: Instant
    var messages: [Message] = []

    struct Message {
        let sender: SlabHandle
        let senderID: [UInt8]
        let text: [UInt8]
    }
}

/// What the server says in PeerJS.
enum PeerJSText {
    static let open = Array(#"{"type":"OPEN"}"#.utf8)
    static let idTaken = Array(#"{"type":"ID-TAKEN","payload":{"msg":"ID is taken"}}"#.utf8)

    /// An error in the words of PeerServer, which need no escapes.
    static func error(_ message: StaticString) -> [UInt8] {
        Array(#"{"type":"ERROR","payload":{"msg":"\#(message)"}}"#.utf8)
    }

    static let missing = error("No id, token, or key supplied to websocket server")
    static let invalidKey = error("Invalid key provided")
    static let invalidID = error("Invalid id or token provided")
    static let full = error("Server has reached its concurrent user limit")

    /// A message of somebody, as PeerServer writes it. Ids have no characters that need escapes.
    static func forwarded(
        _ type: PeerJSMessageType, from source: [UInt8], to target: [UInt8], payload: ArraySlice<UInt8>?
    ) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity(60 + source.count + target.count + (payload?.count ?? 0))
        text += #"{"type":""#.utf8
        text += type.rawValue.utf8
        text += #"","src":""#.utf8
        text += source
        text += #"","dst":""#.utf8
        text += target
        text.append(UInt8(ascii: "\""))
        if let payload {
            text += #","payload":"#.utf8
            text += payload
        }
        text.append(UInt8(ascii: "}"))
        return text
    }
}

/// What clients say.
enum PeerJSMessageType: String, CaseIterable {
    case offer = "OFFER"
    case answer = "ANSWER"
    case candidate = "CANDIDATE"
    case leave = "LEAVE"
    case expire = "EXPIRE"
    case heartbeat = "HEARTBEAT"

    /// Whether it waits for somebody who is not there.
    var waits: Bool {
        switch self {
        case .offer, .answer, .candidate: true
        case .leave, .expire, .heartbeat: false
        }
    }
}
