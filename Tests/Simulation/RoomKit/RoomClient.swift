import JSON
import TestSupport

/// A client with its memory of the session: what it needs to resume, and all that it was ever told.
struct RoomClient {
    let number: Int
    let token: String?
    var connection: UInt64?
    private(set) var session: String?
    private(set) var rooms: [String] = []
    private var resume: String?
    /// Numbered messages that it has had of its session.
    private var received = 0
    /// Participants that it has heard of, in all rooms.
    private var known: [String] = []
    /// A line that has broken, though neither side has noticed: what is sent is lost.
    private(set) var isDeaf = false

    init(number: Int, token: String?) {
        self.number = number
        self.token = token
    }

    func somebody(_ random: inout SeededRandom) -> String {
        known.isEmpty || random.below(12) == 0 ? "AAECAwQFBgcICQoLDA0ODw" : known[random.below(known.count)]
    }

    func hello(_ connection: UInt64, resumes: Bool, replaces: Bool) -> RoomAct {
        .hello(
            connection, token: token, resume: resumes ? resume : nil, received: resumes ? received : 0,
            replaces: replaces)
    }

    /// Takes in what the server sent, unless the line breaks just before it: then that and all behind it is lost.
    mutating func receive(_ sent: Sent, _ breaks: Bool) {
        let note = sent.note
        if note.type == "welcome" {
            isDeaf = false
            session = sent.root["session"]?.string
            resume = sent.root["resume"]?.string
            if sent.root["resumed"]?.bool == false {
                received = 0
                rooms = []
                known = []
            }
            return
        }
        if breaks { isDeaf = true }
        guard !isDeaf, note.isNumbered else { return }
        received += 1
        switch note.type {
        case "joined":
            rooms.append(note.room)
            known += note.detail.split(separator: ",").map(String.init).filter { !known.contains($0) }
        case "participant-joined": if !known.contains(note.who) { known.append(note.who) }
        case "left", "kicked": rooms.removeAll { $0 == note.room }
        default: break
        }
        if known.count > 20 { known.removeFirst() }
    }

    /// What a request looks like on the line.
    static func text(_ act: RoomAct) -> String {
        switch act {
        case .hello(_, let token, let resume, let received, let replaces):
            #"{"type":"hello","v":1,"id":1,"received":\#(received),"replace":\#(replaces)"#
                + (token.map { #","token":"\#($0)""# } ?? "") + (resume.map { #","resume":"\#($0)""# } ?? "") + "}"
        case .join(_, let room, let metadata, let ice, let replaces):
            #"{"type":"join","id":1,"room":"\#(room)","ice":\#(ice),"replace":\#(replaces)"#
                + (metadata.isEmpty ? "" : #","meta":\#(metadata)"#) + "}"
        case .leave(_, let room): #"{"type":"leave","id":1,"room":"\#(room)"}"#
        case .signal(_, let room, let to, let data):
            #"{"type":"signal","id":1,"room":"\#(room)","to":"\#(to)","data":\#(data)}"#
        case .broadcast(_, let room, let data): #"{"type":"broadcast","id":1,"room":"\#(room)","data":\#(data)}"#
        case .update(_, let room, let data): #"{"type":"update","id":1,"room":"\#(room)","meta":\#(data)}"#
        case .roster(_, let room): #"{"type":"roster","id":1,"room":"\#(room)"}"#
        case .credentials(_, let room): #"{"type":"credentials","id":1,"room":"\#(room)"}"#
        case .kick(_, let room, let to, let seconds):
            #"{"type":"kick","id":1,"room":"\#(room)","to":"\#(to)","reason":"out","ban_s":\#(seconds)}"#
        case .ping: #"{"type":"ping"}"#
        case .bye: #"{"type":"bye","id":1}"#
        case .connect, .nonsense, .disconnect, .slowConsumer, .pong, .deadline, .closeRoom, .endSession: ""
        }
    }
}
