import Containers
import NetworkPrimitives
import Signaling

// Seats of sessions: how they are taken, lost, and heard from.
extension TernV1Server {
    mutating func join(_ join: Request.Join, _ exchange: Exchange) throws(Refusal) {
        let handle = exchange.session
        // The gate first: nothing of a room is told to who may not enter it.
        let admission = try admit(join, exchange)
        guard sessions[handle].memberships.count < settings.limits.roomsPerSessionMax else {
            storedCounters.count(.roomsPerSession)
            throw Refusal(
                .quotaExceeded, "be in at most \(settings.limits.roomsPerSessionMax) rooms: `leave` one first")
        }
        if admission.identity == nil, !anonymousJoins.allow(sessions[handle].visitor.address, at: exchange.now) {
            storedCounters.count(.anonymousJoins)
            throw Refusal(
                .rateLimited, "too many enter without a token from this address: try again later, or bring a token",
                retryAfterMilliseconds: 1000)
        }
        let entrance = Entrance(
            endpoint: EndpointID(rawValue: handle.rawValue), admission: admission, name: join.name, role: join.role,
            metadata: join.metadata, replaces: join.replaces)
        let seat: SeatID
        do {
            seat = try rooms.join(join.room, entrance, at: exchange.now, unixTime: exchange.unixTime)
        } catch {
            if case .roomFull = error { storedCounters.count(.roomCapacity) }
            if case .tooManyRooms = error { storedCounters.count(.rooms) }
            throw refusal(error)
        }
        let tag = MemberTag(tags.next())
        // The room's own name, so that its bytes are there once for all of its members.
        let room = rooms.room(of: seat) ?? join.room
        sessions[handle].memberships.append(Membership(room: room, seat: seat, tag: tag))
        storedCounters.joins += 1
        outputs.append(.member(.entered(tag)))
        deliverAll(at: exchange.now)
        greet(in: join, exchange)
    }

    /// Tells who has entered about the room. A session that was replaced by its own entrance has gone.
    private mutating func greet(in join: Request.Join, _ exchange: Exchange) {
        let handle = exchange.session
        guard sessions.contains(handle),
            let index = sessions[handle].memberships.firstIndex(where: { $0.room == join.room }),
            let own = rooms.participant(of: sessions[handle].memberships[index].seat)
        else { return }
        let grant = join.wantsCredentials ? issue(index, of: handle, exchange.now, exchange.unixTime) : nil
        let roster = roster(of: sessions[handle].memberships[index])
        let text = MessageText.joined(roster, as: own.id, grant, id: exchange.id)
        send(text, to: handle, isConfidential: grant != nil, at: exchange.now)
        // Rosters and credentials are long, and most members then say nothing for a while: the pong lets go of them.
        if sessions.contains(handle), sessions[handle].heartbeat.unanswered == nil { pingsDue.append(handle) }
        acknowledge(exchange)
    }

    private mutating func admit(_ join: Request.Join, _ exchange: Exchange) throws(Refusal) -> Admission {
        let visitor = sessions[exchange.session].visitor
        var pass = sessions[exchange.session].pass?.pass
        if let token = join.token {
            do { pass = try gate.identify(token, at: exchange.unixTime) } catch {
                var refusal = refuse(error, visitor: visitor, room: join.room)
                if error == .unauthorized { refusal.isFatal = countsAsGuessing(exchange.session) }
                throw refusal
            }
        }
        do { return try gate.admit(pass, to: join.room, from: visitor, at: exchange.unixTime) } catch {
            // To come without a token is no attempt at guessing one.
            guard error == .unauthorized else { throw refuse(error, visitor: visitor, room: join.room) }
            outputs.append(.event(.refused(visitor, join.room)))
            throw Refusal(.unauthorized, "bring a token that this server accepts")
        }
    }

    /// Notes a wrong token. Whether there were so many that its session has to come by another connection, which its
    /// source is not let make for a while.
    private mutating func countsAsGuessing(_ handle: SlabHandle) -> Bool {
        if sessions[handle].wrongTokenCount < Self.wrongTokensMax { sessions[handle].wrongTokenCount += 1 }
        return sessions[handle].wrongTokenCount == Self.wrongTokensMax
    }

    /// A signature takes a tenth of a millisecond to check: enough of them would keep the server from all else.
    static let wrongTokensMax: UInt8 = 5

    mutating func leave(_ room: RoomName, _ exchange: Exchange) throws(Refusal) {
        let index = try membership(room, exchange)
        let seat = sessions[exchange.session].memberships[index].seat
        rooms.leave(seat, .left, at: exchange.now)
        deliverAll(at: exchange.now)
        guard sessions.contains(exchange.session) else { return }
        send(MessageText.removed(room, .left, explanation: ""), to: exchange.session, at: exchange.now)
        acknowledge(exchange)
    }

    // MARK: - What rooms say

    /// Does what the rooms ask for, until they ask for nothing more.
    mutating func deliverAll(at now: Instant) {
        while let output = rooms.nextOutput() {
            switch output {
            case .deliver(let delivery): deliver(delivery, at: now)
            case .membership(let change): note(change, at: now)
            }
        }
    }

    /// Makes one text of an event, for all who get it.
    private mutating func deliver(_ delivery: Delivery, at now: Instant) {
        guard !isStopped, let text = text(of: delivery.event) else { return }
        var connections: [ConnectionID] = []
        connections.reserveCapacity(delivery.recipients.count)
        for recipient in delivery.recipients {
            let handle = SlabHandle(rawValue: recipient.rawValue)
            guard sessions.contains(handle),
                let connection = keep(text, for: handle, isConfidential: false, at: now)
            else { continue }
            connections.append(connection)
        }
        if !connections.isEmpty { emit(text, to: connections, isConfidential: false) }
        sendPings()
    }

    private func text(of event: RoomEvent) -> [UInt8]? {
        switch event {
        case .signal(let room, let from, let data):
            MessageText.relayed("signal", room, from: from, data: data)
        case .broadcast(let room, let from, let data):
            MessageText.relayed("broadcast", room, from: from, data: data)
        case .participantJoined(let room, let who): MessageText.participant("participant-joined", room, who)
        case .participantUpdated(let room, let who): MessageText.participant("participant-updated", room, who)
        case .participantLeft(let room, let who, let reason): MessageText.participantLeft(room, who, reason)
        // The session ends with the seat, and hears of that.
        case .removed(_, .replaced, _): nil
        case .removed(let room, let reason, let explanation):
            MessageText.removed(room, reason, explanation: explanation)
        }
    }

    private mutating func note(_ change: MembershipChange, at now: Instant) {
        switch change {
        case .opened(let room): outputs.append(.event(.roomOpened(room)))
        case .freed(let room): outputs.append(.event(.roomFreed(room)))
        case .entered(let room, _, let endpoint, let participant):
            let handle = SlabHandle(rawValue: endpoint.rawValue)
            guard sessions.contains(handle) else { return }
            outputs.append(.event(.entered(session: sessions[handle].id, room, participant)))
        case .left(let room, let seat, let endpoint, let participant, let reason):
            outputs.append(.event(.left(room, participant, reason)))
            loseSeat(seat, of: SlabHandle(rawValue: endpoint.rawValue), reason, at: now)
        }
    }

    /// A seat is gone. A session that ended has given all of its seats up before.
    private mutating func loseSeat(
        _ seat: SeatID, of handle: SlabHandle, _ reason: DepartureReason, at now: Instant
    ) {
        guard sessions.contains(handle),
            let index = sessions[handle].memberships.firstIndex(where: { $0.seat == seat })
        else { return }
        let membership = sessions[handle].memberships.remove(at: index)
        storedCounters.leaves += 1
        switch reason {
        case .left, .timeout: outputs.append(.member(.left(membership.tag, keepsGrace: true)))
        case .kicked, .closed: outputs.append(.member(.revoked(membership.tag)))
        case .replaced:
            outputs.append(.member(.left(membership.tag, keepsGrace: true)))
            storedCounters.takeovers += 1
            endSession(handle, .replaced, at: now)
        }
    }
}
