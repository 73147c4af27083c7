import NetworkPrimitives
import Signaling

/// A session as the rules say that it is.
final class ModelSession {
    let id: String
    let subject: String?
    var connection: UInt64?
    var detachedUntil: Instant?
    var sentAtDetach = 0
    /// Every numbered message that it has been sent, whether or not it was there.
    var log: [Note] = []
    var seats: [ModelSeat] = []
    var isEnded = false

    init(id: String, subject: String?, connection: UInt64) {
        self.id = id
        self.subject = subject
        self.connection = connection
    }
}

/// A seat as the rules say that it is.
final class ModelSeat {
    let room: String
    let participant: String
    let tag: MemberTag
    let session: ModelSession
    var issuedAt: Instant?

    init(room: String, participant: String, tag: MemberTag, session: ModelSession) {
        self.room = room
        self.participant = participant
        self.tag = tag
        self.session = session
    }
}

/// What sessions and rooms have to be, in the plainest form: arrays, look-ups from end to end, no limits on memory.
final class RoomModel {
    struct Ban {
        let room: String
        let subject: String
        let until: Instant
    }

    /// What is still to be done, in order.
    private enum Step {
        case tell(Note, [ModelSession])
        /// The session has lost a seat to somebody else of the same name.
        case replace(ModelSession)
    }

    let replayMessagesMax: Int
    let roomsPerSessionMax: Int
    private(set) var sessions: [ModelSession] = []
    /// Members of each room in the order of their joining.
    private(set) var rooms: [String: [ModelSeat]] = [:]
    private var bans: [Ban] = []
    private var steps: [Step] = []
    /// Member changes that the present input has to bring about, in any order.
    private(set) var changes: [String] = []
    /// Sessions that ended during the present input.
    private(set) var ended: [ModelSession] = []

    init(replayMessagesMax: Int, roomsPerSessionMax: Int) {
        self.replayMessagesMax = replayMessagesMax
        self.roomsPerSessionMax = roomsPerSessionMax
    }

    func beginInput() {
        changes = []
        ended = []
    }

    func session(on connection: UInt64) -> ModelSession? { sessions.first { $0.connection == connection } }

    func seat(of session: ModelSession, in room: String) -> ModelSeat? { session.seats.first { $0.room == room } }

    var participantCount: Int { rooms.values.reduce(0) { $0 + $1.count } }

    // MARK: - Sessions

    func open(_ id: String, subject: String?, on connection: UInt64) -> ModelSession {
        let session = ModelSession(id: id, subject: subject, connection: connection)
        sessions.append(session)
        return session
    }

    func detach(_ session: ModelSession, until: Instant) {
        session.connection = nil
        session.detachedUntil = until
        session.sentAtDetach = session.log.count
    }

    func end(_ session: ModelSession, _ reason: String, change: String = "left") {
        guard !session.isEnded else { return }
        session.isEnded = true
        sessions.removeAll { $0 === session }
        ended.append(session)
        let seats = session.seats
        session.seats = []
        for seat in seats { vacate(seat, reason, change: change) }
    }

    // MARK: - Seats

    /// Why the entrance is refused; nil when it is not.
    func refusal(_ session: ModelSession, _ room: String, replaces: Bool, at now: Instant) -> String? {
        guard SimulatedGate.opens(room, to: session.subject) else {
            return session.subject == nil ? "unauthorized" : "forbidden"
        }
        if session.seats.count >= roomsPerSessionMax { return "quota_exceeded" }
        let members = rooms[room] ?? []
        if rooms[room] == nil { bans.removeAll { $0.room == room } }
        if bans.contains(where: { $0.room == room && $0.subject == session.subject && $0.until > now }) {
            return "forbidden"
        }
        if members.contains(where: { $0.session === session }) { return "duplicate_join" }
        let replaced =
            replaces ? members.filter { $0.session.subject == session.subject && session.subject != nil } : []
        return members.count - replaced.count >= SimulatedGate.capacity ? "room_full" : nil
    }

    func join(_ session: ModelSession, _ seat: ModelSeat, replaces: Bool, metadata: String) {
        if replaces, session.subject != nil {
            for other in (rooms[seat.room] ?? []).filter({ $0.session.subject == session.subject }) {
                steps.append(.replace(other.session))
                vacate(other, "replaced", change: "left", keepsRoom: true)
            }
        }
        rooms[seat.room, default: []].append(seat)
        session.seats.append(seat)
        changes.append("entered \(seat.tag.bytes)")
        tell(
            Note(type: "participant-joined", room: seat.room, who: seat.participant, detail: metadata),
            rooms[seat.room, default: []].filter { $0 !== seat }.map(\.session))
        settle()
    }

    func vacate(_ seat: ModelSeat, _ reason: String, change: String, keepsRoom: Bool = false) {
        seat.session.seats.removeAll { $0 === seat }
        changes.append("\(change) \(seat.tag.bytes)")
        rooms[seat.room]?.removeAll { $0 === seat }
        let left = rooms[seat.room] ?? []
        tell(
            Note(type: "participant-left", room: seat.room, who: seat.participant, detail: reason),
            left.map(\.session))
        if left.isEmpty, !keepsRoom {
            rooms[seat.room] = nil
            bans.removeAll { $0.room == seat.room }
        }
    }

    func close(_ room: String) {
        let seats = rooms[room] ?? []
        tell(Note(type: "left", room: room, detail: "closed"), seats.map(\.session))
        for seat in seats {
            seat.session.seats.removeAll { $0 === seat }
            changes.append("revoked \(seat.tag.bytes)")
        }
        rooms[room] = nil
        bans.removeAll { $0.room == room }
        settle()
    }

    func ban(_ subject: String?, from room: String, until: Instant) {
        guard let subject else { return }
        bans.append(Ban(room: room, subject: subject, until: until))
    }

    // MARK: - Telling

    func tell(_ note: Note, _ recipients: [ModelSession]) { steps.append(.tell(note, recipients)) }

    /// Does what is to be done. Whoever misses more than is kept ends, which is told in turn.
    func settle() {
        while !steps.isEmpty {
            switch steps.removeFirst() {
            case .tell(let note, let recipients):
                for session in recipients where !session.isEnded { append(note, to: session) }
            case .replace(let session): end(session, "replaced")
            }
        }
    }

    func append(_ note: Note, to session: ModelSession) {
        session.log.append(note)
        guard session.connection == nil else { return }
        if session.log.count - replayMessagesMax > session.sentAtDetach { end(session, "timeout") }
    }

    func canResume(_ session: ModelSession, received: Int) -> Bool {
        received <= session.log.count && session.log.count - received <= replayMessagesMax
    }
}
