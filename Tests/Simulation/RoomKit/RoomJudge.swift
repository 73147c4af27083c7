import JSON
import NetworkPrimitives
import Signaling
import TernV1

/// What was done to the server.
enum RoomAct: CustomStringConvertible {
    case connect(UInt64)
    case hello(UInt64, token: String?, resume: String?, received: Int, replaces: Bool)
    case join(UInt64, room: String, metadata: String, ice: Bool, replaces: Bool)
    case leave(UInt64, room: String)
    case signal(UInt64, room: String, to: String, data: String)
    case broadcast(UInt64, room: String, data: String)
    case update(UInt64, room: String, metadata: String)
    case roster(UInt64, room: String)
    case credentials(UInt64, room: String)
    case kick(UInt64, room: String, to: String, banSeconds: Int)
    case ping(UInt64)
    case nonsense(UInt64, String)
    case bye(UInt64)
    case disconnect(UInt64)
    case slowConsumer(UInt64)
    case pong(UInt64)
    case deadline
    case closeRoom(String)
    case endSession(String)

    var description: String {
        // The names of cases and labels are all that a reader of a trace needs.
        "\(Mirror(reflecting: self).children.first.map { "\($0.label ?? "") \($0.value)" } ?? "deadline")"
    }
}

/// Watches what goes into the server and what comes out, and compares it with what the model says.
final class RoomJudge {
    let model: RoomModel
    private(set) var findings: [String] = []
    private(set) var tally: [String: Int] = [:]
    private let resumeSeconds: UInt32
    private var now: Instant = .zero
    private var sent: [Sent] = []
    private var closed: [UInt64: UInt16] = [:]
    private var changes: [String] = []
    private var entered: MemberTag?
    private var sessionsEnded: [String] = []
    /// Resume tokens by their text, and whose they are.
    private var tokens: [String: ModelSession] = [:]
    /// Texts that are not counted and were expected, by connection.
    private var unnumbered: [UInt64: [String]] = [:]
    private var logStart: [ObjectIdentifier: Int] = [:]
    private var logged: [ModelSession] = []
    /// A resume sends these again before anything new.
    private var replayed: (connection: UInt64, notes: ArraySlice<Note>)?

    init(model: RoomModel, resumeSeconds: UInt32) {
        self.model = model
        self.resumeSeconds = resumeSeconds
    }

    private func find(_ text: String) {
        if findings.count < 20 { findings.append("at \(now.nanoseconds / 1_000_000) ms: \(text)") }
    }

    // MARK: - One input

    func judge(_ act: RoomAct, _ outputs: [SignalingOutput], _ counts: TernV1Server.LiveCounts, at now: Instant) {
        self.now = now
        read(outputs)
        model.beginInput()
        unnumbered = [:]
        replayed = nil
        logged = model.sessions
        logStart = Dictionary(uniqueKeysWithValues: logged.map { (ObjectIdentifier($0), $0.log.count) })
        let connections = Dictionary(uniqueKeysWithValues: logged.map { (ObjectIdentifier($0), $0.connection) })
        apply(act)
        model.settle()
        compareTexts(connections, act)
        compareChanges(act)
        checkCredentials()
        compareCounts(counts, act)
    }

    private func read(_ outputs: [SignalingOutput]) {
        sent = []
        closed = [:]
        changes = []
        sessionsEnded = []
        entered = nil
        for output in outputs {
            switch output {
            case .send(let connections, let text, let isConfidential):
                for connection in connections {
                    if closed[connection.rawValue] != nil { find("a text behind the end of its connection") }
                    guard let text = Sent(text, to: connection.rawValue, isConfidential: isConfidential) else {
                        find("a text that is no message")
                        continue
                    }
                    sent.append(text)
                }
            case .ping: break
            case .close(let connection, let code, _): closed[connection.rawValue] = code
            case .member(.entered(let tag)):
                entered = tag
                changes.append("entered \(tag.bytes)")
            case .member(.issued(let tag, _)): changes.append("issued \(tag.bytes)")
            case .member(.left(let tag, _)): changes.append("left \(tag.bytes)")
            case .member(.revoked(let tag)): changes.append("revoked \(tag.bytes)")
            // Of somebody, and not of a seat.
            case .member(.banned): break
            case .event(.sessionEnded(let id, _)): sessionsEnded.append(id.description)
            case .event: break
            }
        }
    }

    // MARK: - What the rules say

    private func apply(_ act: RoomAct) {
        tally["\(act)".prefix { $0 != " " }.description, default: 0] += 1
        switch act {
        case .connect, .pong: break
        case .hello(let connection, let token, let resume, let received, let replaces):
            hello(connection, token, resume, received, replaces)
        case .disconnect(let connection), .slowConsumer(let connection):
            if let session = model.session(on: connection) {
                model.detach(session, until: now.advanced(bySeconds: resumeSeconds))
            }
        case .deadline: deadline()
        case .closeRoom(let room): model.close(room)
        case .endSession(let id):
            guard let session = model.sessions.first(where: { $0.id == id }) else { return }
            if let connection = session.connection { unnumbered[connection] = ["fatal"] }
            model.end(session, "kicked", change: "revoked")
        case .join(let connection, _, _, _, _), .leave(let connection, _), .signal(let connection, _, _, _),
            .broadcast(let connection, _, _), .update(let connection, _, _), .roster(let connection, _),
            .credentials(let connection, _), .kick(let connection, _, _, _), .ping(let connection),
            .nonsense(let connection, _), .bye(let connection):
            guard let session = model.session(on: connection) else { return }
            request(act, of: session, on: connection)
        }
    }

    private func request(_ act: RoomAct, of session: ModelSession, on connection: UInt64) {
        switch act {
        case .join(_, let room, let metadata, let ice, let replaces):
            join(session, on: connection, room, metadata, wantsCredentials: ice, replaces: replaces)
        case .leave(_, let room):
            guard let seat = member(session, room) else { return }
            model.vacate(seat, "left", change: "left")
            model.settle()
            model.append(Note(type: "left", room: room, detail: "left"), to: session)
            acknowledge(session)
        case .signal(_, let room, let target, let data):
            guard let seat = member(session, room) else { return }
            guard let other = model.rooms[room]?.first(where: { $0.participant == target }) else {
                return refuse(session, "participant_not_found")
            }
            model.tell(Note(type: "signal", room: room, who: seat.participant, detail: data), [other.session])
            model.settle()
            acknowledge(session)
        case .broadcast(_, let room, let data):
            guard let seat = member(session, room) else { return }
            tellOthers(Note(type: "broadcast", room: room, who: seat.participant, detail: data), seat)
        case .update(_, let room, let metadata):
            guard let seat = member(session, room) else { return }
            tellOthers(Note(type: "participant-updated", room: room, who: seat.participant, detail: metadata), seat)
        case .roster(_, let room):
            guard member(session, room) != nil else { return }
            model.append(Note(type: "ok", room: room, who: "1", detail: roster(room)), to: session)
        case .credentials(_, let room):
            guard let seat = member(session, room) else { return }
            guard SimulatedGate.grants(session.subject).contains(.turn) else {
                return refuse(session, "credentials_denied")
            }
            issue(seat)
            model.append(Note(type: "credentials", room: room), to: session)
            acknowledge(session)
        case .kick(_, let room, let target, let banSeconds): kick(session, room, target, banSeconds)
        case .ping: unnumbered[connection] = ["pong"]
        case .nonsense(_, let code): refuse(session, code)
        case .bye:
            acknowledge(session)
            model.end(session, "left")
        case .connect, .hello, .disconnect, .slowConsumer, .pong, .deadline, .closeRoom, .endSession: break
        }
    }

    private func member(_ session: ModelSession, _ room: String) -> ModelSeat? {
        if let seat = model.seat(of: session, in: room) { return seat }
        refuse(session, "not_in_room")
        return nil
    }

    private func refuse(_ session: ModelSession, _ code: String) {
        tally["error \(code)", default: 0] += 1
        model.append(Note(type: "error", who: "1", detail: code), to: session)
    }

    /// Every request of the simulation is called 1.
    private func acknowledge(_ session: ModelSession) { model.append(Note(type: "ok", who: "1"), to: session) }

    private func tellOthers(_ note: Note, _ seat: ModelSeat) {
        model.tell(note, (model.rooms[seat.room] ?? []).filter { $0 !== seat }.map(\.session))
        model.settle()
        acknowledge(seat.session)
    }

    private func roster(_ room: String) -> String {
        (model.rooms[room] ?? []).map(\.participant).joined(separator: ",")
    }

    private func issue(_ seat: ModelSeat) {
        seat.issuedAt = now
        changes.removeAll { $0 == "issued \(seat.tag.bytes)" }
    }

    private func join(
        _ session: ModelSession, on connection: UInt64, _ room: String, _ metadata: String, wantsCredentials: Bool,
        replaces: Bool
    ) {
        if let code = model.refusal(session, room, replaces: replaces, at: now) { return refuse(session, code) }
        guard let tag = entered,
            let own = sent.first(where: { $0.connection == connection && $0.note.type == "joined" })
        else { return find("\(session.subject ?? "visitor") may enter \(room) and does not") }
        let seat = ModelSeat(room: room, participant: own.note.who, tag: tag, session: session)
        // A session of the same person goes, and the texts that it gets before.
        for other in model.rooms[room] ?? [] where replaces && other.session.subject == session.subject {
            if session.subject != nil, let old = other.session.connection { unnumbered[old] = ["fatal"] }
        }
        model.join(session, seat, replaces: replaces, metadata: metadata)
        if wantsCredentials, SimulatedGate.grants(session.subject).contains(.turn) {
            issue(seat)
            if own.root["ice"] == nil { find("credentials are missing") }
        } else if own.root["ice"] != nil {
            find("credentials that nobody asked for or granted")
        }
        model.append(Note(type: "joined", room: room, who: seat.participant, detail: roster(room)), to: session)
        acknowledge(session)
    }

    private func kick(_ session: ModelSession, _ room: String, _ target: String, _ banSeconds: Int) {
        guard member(session, room) != nil else { return }
        guard SimulatedGate.grants(session.subject).contains(.kick) else { return refuse(session, "forbidden") }
        guard let seat = model.rooms[room]?.first(where: { $0.participant == target }) else {
            return refuse(session, "participant_not_found")
        }
        if banSeconds > 0 {
            model.ban(seat.session.subject, from: room, until: now.advanced(bySeconds: UInt32(banSeconds)))
        }
        model.tell(Note(type: "kicked", room: room, detail: "out"), [seat.session])
        model.vacate(seat, "kicked", change: "revoked")
        model.settle()
        acknowledge(session)
    }

    // MARK: - Sessions

    private func hello(_ connection: UInt64, _ token: String?, _ resume: String?, _ received: Int, _ replaces: Bool) {
        if let resume, let session = tokens[resume], !session.isEnded {
            if model.canResume(session, received: received) {
                return self.resume(session, on: connection, received)
            }
            if let old = session.connection, closed[old] != 4009 { find("the older connection stays") }
            model.end(session, "timeout")
        }
        if token?.first == "!" {
            unnumbered[connection] = ["fatal"]
            if closed[connection] != 4001 { find("a bad token, and the connection stays") }
            return
        }
        if replaces, let token {
            for session in model.sessions.reversed() where session.subject == token {
                if let old = session.connection { unnumbered[old] = ["fatal"] }
                model.end(session, "replaced")
            }
        }
        guard let welcome = expectWelcome(connection, isResumed: false) else { return }
        let session = model.open(welcome.root["session"]?.string ?? "", subject: token, on: connection)
        remember(welcome, session)
        acknowledge(session)
        logged.append(session)
        logStart[ObjectIdentifier(session)] = 0
        freshConnections[ObjectIdentifier(session)] = connection
    }

    private func resume(_ session: ModelSession, on connection: UInt64, _ received: Int) {
        tally["resumed", default: 0] += 1
        if let old = session.connection, closed[old] != 4009 { find("two connections of one session") }
        guard let welcome = expectWelcome(connection, isResumed: true) else { return }
        if welcome.root["session"]?.string != session.id { find("the session has another id") }
        tokens = tokens.filter { $0.value !== session }
        remember(welcome, session)
        session.connection = connection
        session.detachedUntil = nil
        replayed = (connection, session.log[received...])
        tally["replayed", default: 0] += session.log.count - received
        acknowledge(session)
        freshConnections[ObjectIdentifier(session)] = connection
    }

    private func expectWelcome(_ connection: UInt64, isResumed: Bool) -> Sent? {
        unnumbered[connection] = ["welcome"]
        let welcome = sent.first { $0.connection == connection }
        guard let welcome, welcome.note.type == "welcome", welcome.root["resumed"]?.bool == isResumed else {
            find("no welcome with resumed \(isResumed), but \(welcome?.note.description ?? "nothing")")
            return nil
        }
        if !welcome.isConfidential { find("a resume token that may be compressed") }
        return welcome
    }

    private func remember(_ welcome: Sent, _ session: ModelSession) {
        guard let token = welcome.root["resume"]?.string else { return find("no resume token") }
        if tokens[token] != nil { find("a resume token twice") }
        tokens[token] = session
    }

    /// The server says which sessions it ended and which credentials it renewed; whether it may is for us to say.
    private func deadline() {
        for (connection, code) in closed.sorted(by: { $0.key < $1.key }) {
            guard let session = model.session(on: connection) else { continue }
            if code != 1008 { find("\(code) for no reason") }
            tally["missed pongs", default: 0] += 1
            model.detach(session, until: now.advanced(bySeconds: resumeSeconds))
        }
        for text in sent where text.note.type == "credentials" {
            renew(text)
        }
        for id in sessionsEnded {
            guard let session = model.sessions.first(where: { $0.id == id }) else { continue }
            if session.detachedUntil.map({ $0 > now }) ?? true { find("a session that ended too early") }
            tally["timed out", default: 0] += 1
            model.end(session, "timeout")
        }
        model.settle()
    }

    private func renew(_ text: Sent) {
        guard let session = model.session(on: text.connection),
            let seat = model.seat(of: session, in: text.note.room), let issuedAt = seat.issuedAt
        else { return find("credentials for somebody who is not in the room, or never had any") }
        let lifetime = UInt64(SimulatedGate.lifetimeSeconds) * 1_000_000_000
        let age = now.nanoseconds(since: issuedAt)
        // Whoever was away is renewed when it is back.
        if age < lifetime * 76 / 100 { find("credentials renewed too early") }
        tally["renewed", default: 0] += 1
        issue(seat)
        model.append(text.note, to: session)
    }

    /// Connections that sessions got with this input.
    private var freshConnections: [ObjectIdentifier: UInt64] = [:]
    // MARK: - Comparisons

    private func compareTexts(_ connections: [ObjectIdentifier: UInt64?], _ act: RoomAct) {
        var expected: [UInt64: [Note]] = [:]
        for session in logged {
            let key = ObjectIdentifier(session)
            // A connection that is lost with this input hears nothing; one that is new hears all of it.
            guard let connection = freshConnections[key] ?? connections[key] ?? nil else { continue }
            let start = logStart[key] ?? 0
            var notes = Array(session.log[min(start, session.log.count)...])
            if let replayed, replayed.connection == connection {
                notes = Array(replayed.notes) + session.log[max(start, replayed.notes.endIndex)...]
            }
            expected[connection] = notes
        }
        freshConnections = [:]
        for connection in Set(sent.map(\.connection)).union(expected.keys).sorted() {
            let texts = sent.filter { $0.connection == connection }
            let numbered = texts.map(\.note).filter(\.isNumbered)
            if numbered != expected[connection] ?? [] {
                find("\(act): \(connection) got \(numbered), not \(expected[connection] ?? [])")
            }
            let others = texts.map(\.note).filter { !$0.isNumbered }.map(\.type)
            if others != unnumbered[connection] ?? [] {
                find("\(act): \(connection) got \(others), not \(unnumbered[connection] ?? [])")
            }
        }
    }

    private func compareChanges(_ act: RoomAct) {
        if changes.sorted() != model.changes.sorted() {
            find("\(act): members changed by \(changes), not \(model.changes)")
        }
    }

    /// Whatever else goes wrong: credentials are for members who may have them, and are never compressed.
    private func checkCredentials() {
        for text in sent where text.carriesCredentials {
            if !text.isConfidential { find("credentials that may be compressed") }
            let session = model.session(on: text.connection)
            let subject = session?.subject
            if !SimulatedGate.opens(text.note.room, to: subject) || !SimulatedGate.grants(subject).contains(.turn) {
                find("credentials for somebody who may not have them")
            }
        }
    }

    private func compareCounts(_ counts: TernV1Server.LiveCounts, _ act: RoomAct) {
        if counts.sessions != model.sessions.count {
            find("\(act): \(counts.sessions) sessions, not \(model.sessions.count)")
        }
        if counts.rooms != model.rooms.count { find("\(act): \(counts.rooms) rooms, not \(model.rooms.count)") }
        if counts.participants != model.participantCount {
            find("\(act): \(counts.participants) participants, not \(model.participantCount)")
        }
        for session in model.sessions {
            // The timers of the server are exact to about a millisecond.
            if let until = session.detachedUntil, until.advanced(byMilliseconds: 5) < now {
                find("a session that waits for too long")
            }
        }
    }
}
