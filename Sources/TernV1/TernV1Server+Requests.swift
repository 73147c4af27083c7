import Containers
import NetworkPrimitives
import Signaling

// What greeted clients ask for.
extension TernV1Server {
    mutating func perform(_ content: Result<Request, Refusal>, _ exchange: Exchange) {
        do throws(Refusal) {
            switch content {
            case .failure(let refusal): throw refusal
            case .success(let request): try perform(request, exchange)
            }
        } catch {
            guard error.isFatal, let connection = sessions[exchange.session].connection else {
                return refuse(error, exchange)
            }
            end(connection, error, id: exchange.id, code: .unauthorized, at: exchange.now)
        }
    }

    private mutating func perform(_ request: Request, _ exchange: Exchange) throws(Refusal) {
        switch request {
        case .signal(let room, let target, let data): try signal(room, to: target, data, exchange)
        case .broadcast(let room, let data): try broadcast(room, data, exchange)
        case .hello: throw Refusal(.badRequest, "send `hello` once, as the first message of a connection")
        case .join(let join): try self.join(join, exchange)
        case .leave(let room): try leave(room, exchange)
        case .roster(let room): try sendRoster(room, exchange)
        case .update(let room, let metadata): try update(room, metadata, exchange)
        case .credentials(let room): try sendCredentials(room, exchange)
        case .kick(let kick): try self.kick(kick, exchange)
        case .ping(let echo, let received): pong(echo, received, exchange)
        case .bye: bye(exchange)
        }
    }

    // MARK: - Messages

    private mutating func signal(
        _ room: RoomName, to target: ParticipantID?, _ data: ArraySlice<UInt8>, _ exchange: Exchange
    ) throws(Refusal) {
        let index = try membership(room, exchange)
        guard let target else { throw Self.nobody }
        do {
            try rooms.signal(to: target, from: sessions[exchange.session].memberships[index].seat, data: data)
        } catch { throw refusal(error) }
        deliverAll(at: exchange.now)
        acknowledge(exchange)
    }

    private mutating func broadcast(
        _ room: RoomName, _ data: ArraySlice<UInt8>, _ exchange: Exchange
    ) throws(Refusal) {
        let index = try membership(room, exchange)
        do {
            try rooms.broadcast(from: sessions[exchange.session].memberships[index].seat, data: data)
        } catch { throw refusal(error) }
        deliverAll(at: exchange.now)
        acknowledge(exchange)
    }

    private mutating func update(_ room: RoomName, _ metadata: [UInt8], _ exchange: Exchange) throws(Refusal) {
        let index = try membership(room, exchange)
        do {
            try rooms.update(sessions[exchange.session].memberships[index].seat, metadata: metadata)
        } catch { throw refusal(error) }
        deliverAll(at: exchange.now)
        acknowledge(exchange)
    }

    private mutating func sendRoster(_ room: RoomName, _ exchange: Exchange) throws(Refusal) {
        let index = try membership(room, exchange)
        let roster = roster(of: sessions[exchange.session].memberships[index])
        send(MessageText.roster(roster, id: exchange.id), to: exchange.session, at: exchange.now)
    }

    private mutating func kick(_ kick: Request.Kick, _ exchange: Exchange) throws(Refusal) {
        let index = try membership(kick.room, exchange)
        let seat = sessions[exchange.session].memberships[index].seat
        // Who may not kick does not learn by trying who is there.
        guard rooms.admission(of: seat)?.grants.contains(.kick) == true else { throw refusal(.forbidden) }
        guard let target = kick.target else { throw Self.nobody }
        let banned: Admission.Identity?
        do {
            banned = try rooms.kick(
                target, by: seat, explanation: kick.reason, banSeconds: kick.banSeconds, at: exchange.now)
        } catch { throw refusal(error) }
        if let banned { outputs.append(.member(.banned(banned, kick.room))) }
        storedCounters.kicks += 1
        outputs.append(.event(.kicked(kick.room, target, by: sessions[exchange.session].id)))
        deliverAll(at: exchange.now)
        acknowledge(exchange)
    }

    private mutating func pong(
        _ echo: ArraySlice<UInt8>?, _ received: UInt64?, _ exchange: Exchange
    ) {
        if let received { sessions[exchange.session].replay.confirm(upTo: received) }
        guard let connection = sessions[exchange.session].connection else { return }
        // A pong is not counted, so that whoever pings all the time makes nothing grow.
        emit(MessageText.pong(echo: echo, id: exchange.id), to: [connection], isConfidential: false)
        acknowledge(exchange)
    }

    private mutating func bye(_ exchange: Exchange) {
        acknowledge(exchange)
        if let connection = sessions[exchange.session].connection { close(connection, .normal, "bye") }
        endSession(exchange.session, .bye, at: exchange.now)
    }

    // MARK: - Parts

    static let nobody = Refusal(.participantNotFound, "ask with `roster` who is in the room")

    /// Where the session keeps what it knows of its seat in a room.
    func membership(_ room: RoomName, _ exchange: Exchange) throws(Refusal) -> Int {
        let index = sessions[exchange.session].memberships.firstIndex { $0.room == room }
        guard let index else { throw refusal(.notInRoom) }
        return index
    }

    func roster(of membership: Membership) -> MessageText.Roster {
        var participants: [Participant] = []
        rooms.forEachParticipant(inRoomOf: membership.seat) { participants.append($0) }
        return MessageText.Roster(
            room: membership.room, participants: participants, capacity: rooms.capacity(of: membership.seat) ?? 0)
    }

    /// What a room's refusal is called.
    func refusal(_ refusal: RoomRefusal) -> Refusal {
        switch refusal {
        case .forbidden: Refusal(.forbidden, "ask for a token that grants this")
        case .roomFull(let capacity):
            Refusal(.roomFull, "the room takes \(capacity): try again when somebody has left")
        case .alreadyInRoom: Refusal(.duplicateJoin, "the session is in this room: `leave` first to join anew")
        case .identityInRoom: Refusal(.duplicateJoin, "you are in this room: join with `replace` to take the place")
        case .tooManyRooms: Refusal(.quotaExceeded, "the server has no room for more rooms: try again later")
        case .notInRoom: Refusal(.notInRoom, "`join` the room first")
        case .participantNotFound: Self.nobody
        }
    }
}
