package import Containers
package import NetworkPrimitives

/// What happened, for the dialect to put into words.
package enum DialectChange: Sendable {
    /// A room tells its members something. The receivers are in the order of their joining.
    case deliver(RoomEvent, to: [SlabHandle])
    /// A client that is still here has lost its seat.
    case lostSeat(SlabHandle, SeatID, RoomName, DepartureReason)
    /// New credentials in place of those that run out.
    case renewed(SlabHandle, SeatID, CredentialGrant)
    /// The time has come that the dialect set for a client.
    case due(SlabHandle)
    /// A client has gone, with all of its seats. What was kept about it under the handle's index is to be forgotten.
    case ended(SlabHandle, SessionEnd)
}

/// Changes in the order in which they happened.
struct DialectChangeQueue: ~Copyable {
    private var changes: [DialectChange] = []
    private var head = 0

    var isEmpty: Bool { head == changes.count }

    mutating func append(_ change: DialectChange) { changes.append(change) }

    mutating func next() -> DialectChange? {
        guard head < changes.count else {
            changes.removeAll(keepingCapacity: changes.capacity <= 256)
            head = 0
            return nil
        }
        defer { head += 1 }
        return changes[head]
    }
}

// Who may enter, seats, credentials, and what rooms say.
extension DialectHost {
    // MARK: - The gate

    /// What a token says; nil for none. A wrong one is noted for the log and for whoever counts guesses.
    package mutating func identify(
        _ token: [UInt8]?, visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> PassBox? {
        guard let token else { return nil }
        do { return PassBox(try gate.identify(token, at: unixTime)) } catch {
            note(error, visitor: visitor, room: nil)
            throw error
        }
    }

    mutating func admitHome(
        _ opening: Opening, _ pass: PassBox?, requiring required: Grants, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> DialectClient.Home? {
        guard let room = opening.room else { return nil }
        let admission = try admit(pass, to: room, from: opening.visitor, at: unixTime)
        guard admission.grants.isSuperset(of: required) else {
            counters.refusedByGate += 1
            outputs.append(.event(.refused(opening.visitor, room)))
            throw .forbidden
        }
        return DialectClient.Home(room: room, admission: admission)
    }

    /// Asks the gate for a room.
    package mutating func admit(
        _ pass: PassBox?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        do { return try gate.admit(pass?.pass, to: room, from: visitor, at: unixTime) } catch {
            counters.refusedByGate += 1
            // To come without a token is no attempt at guessing one.
            if error == .unauthorized {
                outputs.append(.event(.refused(visitor, room)))
            } else {
                note(error, visitor: visitor, room: room)
            }
            throw error
        }
    }

    private mutating func note(_ refusal: AdmissionRefusal, visitor: Visitor, room: RoomName?) {
        if room == nil { counters.refusedByGate += 1 }
        switch refusal {
        case .unauthorized: outputs.append(.event(.unauthorized(visitor)))
        case .tokenExpired, .tokenNotYetValid: outputs.append(.event(.outdatedToken(visitor)))
        case .forbidden: if let room { outputs.append(.event(.refused(visitor, room))) }
        }
    }

    // MARK: - Seats

    /// The room that a client means by a name of its dialect: within the room of its path, if that names one. Nil for
    /// a name that is empty or too long, which is counted.
    package mutating func room(named name: some Collection<UInt8>, for client: SlabHandle) -> RoomName? {
        guard clients.contains(client) else { return nil }
        let room: RoomName?
        if let home = clients[client].home {
            room = RoomName(name, within: home.room)
        } else {
            room = RoomName(escaping: name)
        }
        if room == nil { counters.count(.nameBytes) }
        return room
    }

    /// Whether a client may enter a room, for questions about rooms that it is not in. Not noted as an attempt.
    package func mayEnter(_ client: SlabHandle, _ room: RoomName, at unixTime: UnixTime) -> Bool {
        guard clients.contains(client) else { return false }
        if let home = clients[client].home { return home.admission.grants.contains(.join) }
        let admission = try? gate.admit(
            clients[client].pass?.pass, to: room, from: clients[client].visitor, at: unixTime)
        return admission?.grants.contains(.join) == true
    }

    /// Gives a client a seat in a room, if the gate lets it in.
    package mutating func enter(
        _ client: SlabHandle, _ room: RoomName, name: String = "", role: String = "", at now: Instant,
        unixTime: UnixTime
    ) throws(EntryRefusal) -> SeatID {
        guard clients.contains(client) else { throw .room(.notInRoom) }
        guard clients[client].seats.count < settings.limits.roomsPerSessionMax else {
            counters.count(.roomsPerSession)
            throw .tooManySeats
        }
        let visitor = clients[client].visitor
        let admission: Admission
        if let home = clients[client].home {
            admission = home.admission
        } else {
            do { admission = try admit(clients[client].pass, to: room, from: visitor, at: unixTime) } catch {
                throw .admission(error)
            }
        }
        if admission.identity == nil, !anonymousJoins.allow(visitor.address, at: now) {
            counters.count(.anonymousJoins)
            throw .tooManyStrangers
        }
        let entrance = Entrance(
            endpoint: EndpointID(rawValue: client.rawValue), admission: admission, name: name, role: role)
        do {
            let seat = try rooms.join(room, entrance, at: now, unixTime: unixTime)
            // The room's own name, so that its bytes are there once for all of its members.
            clients[client].seats.append(DialectSeat(room: rooms.room(of: seat) ?? room, seat: seat))
            counters.joins += 1
            return seat
        } catch {
            switch error {
            case .roomFull: counters.count(.roomCapacity)
            case .tooManyRooms: counters.count(.rooms)
            case .forbidden, .alreadyInRoom, .identityInRoom, .notInRoom, .participantNotFound: break
            }
            throw .room(error)
        }
    }

    /// The client's seat in a room; nil when it is not in there.
    package func seat(of client: SlabHandle, in room: RoomName) -> SeatID? {
        guard clients.contains(client) else { return nil }
        return clients[client].seats.first { $0.room == room }?.seat
    }

    /// Gives a seat up. The others of the room are told, if their dialect has a word for it.
    package mutating func leave(_ client: SlabHandle, _ seat: SeatID, at now: Instant) {
        guard clients.contains(client), let index = clients[client].seats.firstIndex(where: { $0.seat == seat })
        else { return }
        let left = clients[client].seats.remove(at: index)
        counters.leaves += 1
        if let tag = left.tag { outputs.append(.member(.left(tag, keepsGrace: true))) }
        rooms.leave(seat, .left, at: now)
    }

    /// Sends bytes to all others of a seat's room, as `.deliver`.
    package mutating func broadcast(from seat: SeatID, data: ArraySlice<UInt8>) throws(RoomRefusal) {
        try rooms.broadcast(from: seat, data: data)
    }

    /// Everybody in a seat's room, its own client included, if it may say something to all of them.
    package func everybody(inRoomOf seat: SeatID) throws(RoomRefusal) -> [SlabHandle] {
        guard let admission = rooms.admission(of: seat) else { throw .notInRoom }
        guard admission.grants.contains(.broadcast) else { throw .forbidden }
        return rooms.endpoints(inRoomOf: seat).map { SlabHandle(rawValue: $0.rawValue) }
    }

    /// By what right a seat is held.
    package func admission(of seat: SeatID) -> Admission? { rooms.admission(of: seat) }

    /// How many are in the room of a seat.
    package func memberCount(inRoomOf seat: SeatID) -> Int { rooms.memberCount(inRoomOf: seat) }

    /// Whether anybody is in a room.
    package func isOccupied(_ room: RoomName) -> Bool { (rooms.summary(of: room)?.participantCount ?? 0) > 0 }

    // MARK: - Credentials

    /// TURN credentials for a seat, to be given to the client at once. Nil when it is not granted any.
    ///
    /// They last `seconds`, as far as the gate allows, or as long as it sees fit. With `renews`, new ones come as a
    /// change before they run out.
    package mutating func issue(
        to client: SlabHandle, for seat: SeatID, seconds: UInt32? = nil, renews: Bool, at now: Instant,
        unixTime: UnixTime
    ) -> CredentialGrant? {
        guard clients.contains(client), let index = clients[client].seats.firstIndex(where: { $0.seat == seat }),
            var admission = rooms.admission(of: seat), admission.grants.contains(.turn)
        else { return nil }
        admission.credentialSeconds = seconds
        let known = clients[client].seats[index].tag
        let tag = known ?? MemberTag(tags.next())
        guard let issued = gate.issue(to: tag, admission, visitor: clients[client].visitor, at: unixTime) else {
            return nil
        }
        let grant = CredentialGrant(issued, renewFraction: settings.renewFraction, jitter: jitter.next())
        if known == nil {
            clients[client].seats[index].tag = tag
            outputs.append(.member(.entered(tag)))
        }
        outputs.append(.member(.issued(tag, expiresAt: issued.expiresAt)))
        counters.credentialsIssued += 1
        if renews {
            let renewAt = now.advanced(byMilliseconds: grant.renewAfterMilliseconds)
            clients[client].seats[index].renewAt = renewAt
            timers.scheduleEarlier(client.index, at: renewAt)
        }
        return grant
    }

    /// Whether a client was issued credentials for one of its seats.
    package func hasCredentials(_ client: SlabHandle) -> Bool {
        clients.contains(client) && clients[client].seats.contains { $0.tag != nil }
    }

    // MARK: - What happened

    /// What happened since the last call, and was not answered at once.
    package mutating func nextChange() -> DialectChange? {
        while true {
            if let change = changes.next() { return change }
            guard let output = rooms.nextOutput() else { return nil }
            if let change = change(output) { return change }
        }
    }

    private mutating func change(_ output: RoomOutput) -> DialectChange? {
        switch output {
        case .deliver(let delivery):
            return .deliver(delivery.event, to: delivery.recipients.map { SlabHandle(rawValue: $0.rawValue) })
        case .membership(.opened(let room)): outputs.append(.event(.roomOpened(room)))
        case .membership(.freed(let room)): outputs.append(.event(.roomFreed(room)))
        case .membership(.entered(let room, _, let endpoint, let participant)):
            let client = SlabHandle(rawValue: endpoint.rawValue)
            guard clients.contains(client) else { return nil }
            outputs.append(.event(.entered(session: clients[client].session, room, participant)))
        case .membership(.left(let room, let seat, let endpoint, let participant, let reason)):
            outputs.append(.event(.left(room, participant, reason)))
            return loseSeat(seat, of: SlabHandle(rawValue: endpoint.rawValue), room, reason)
        }
        return nil
    }

    /// A seat is gone. One that its client gave up is no longer in the client's list.
    private mutating func loseSeat(
        _ seat: SeatID, of client: SlabHandle, _ room: RoomName, _ reason: DepartureReason
    ) -> DialectChange? {
        guard clients.contains(client), let index = clients[client].seats.firstIndex(where: { $0.seat == seat })
        else { return nil }
        let lost = clients[client].seats.remove(at: index)
        counters.leaves += 1
        if let tag = lost.tag {
            switch reason {
            case .left, .timeout, .replaced: outputs.append(.member(.left(tag, keepsGrace: true)))
            case .kicked, .closed: outputs.append(.member(.revoked(tag)))
            }
        }
        return .lostSeat(client, seat, room, reason)
    }
}
