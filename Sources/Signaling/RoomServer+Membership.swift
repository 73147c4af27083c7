import Containers
package import NetworkPrimitives

/// Who wants to enter a room, and as what.
package struct Entrance: Sendable {
    package var endpoint: EndpointID
    package var admission: Admission
    package var name: String
    package var role: String
    package var metadata: [UInt8]
    /// Whether others of the same identity give up their seats in the room. Nothing for anonymous visitors.
    package var replaces: Bool

    package init(
        endpoint: EndpointID, admission: Admission, name: String = "", role: String = "", metadata: [UInt8] = [],
        replaces: Bool = false
    ) {
        self.endpoint = endpoint
        self.admission = admission
        self.name = name
        self.role = role
        self.metadata = metadata
        self.replaces = replaces
    }
}

// How seats are taken and given up.
extension RoomServer {
    /// Takes a seat, in a new room if there is none of that name. The others hear of it; the roster is there for the
    /// asking by `forEachParticipant`.
    package mutating func join(
        _ name: RoomName, _ entrance: Entrance, at now: Instant, unixTime: UnixTime
    ) throws(RoomRefusal) -> SeatID {
        guard entrance.admission.grants.contains(.join) else { throw .forbidden }
        guard let room = roomByName[name] else {
            let room = try open(name, for: entrance.admission, unixTime: unixTime)
            return try seat(entrance, in: room, unixTime: unixTime)
        }
        if let identity = entrance.admission.identity {
            guard !rooms[room].isBanned(identity, at: now) else { throw .forbidden }
        }
        let others = try seatsToReplace(by: entrance, in: room)
        guard rooms[room].memberCount - others.count < rooms[room].capacity else {
            throw .roomFull(capacity: rooms[room].capacity)
        }
        for other in others { vacate(other, .replaced, explanation: "", at: now, keepsRoom: true) }
        return try seat(entrance, in: room, unixTime: unixTime)
    }

    /// Gives a seat up. False when it was none.
    @discardableResult
    package mutating func leave(_ seat: SeatID, _ reason: DepartureReason, at now: Instant) -> Bool {
        guard members.contains(seat.handle) else { return false }
        vacate(seat.handle, reason, explanation: "", at: now, keepsRoom: false)
        return true
    }

    /// Takes somebody's seat away, and keeps the identity out of the room for as long as it asks for. Answers who is
    /// kept out.
    @discardableResult
    package mutating func kick(
        _ target: ParticipantID, by seat: SeatID, explanation: String, banSeconds: UInt32, at now: Instant
    ) throws(RoomRefusal) -> Admission.Identity? {
        guard members.contains(seat.handle) else { throw .notInRoom }
        guard members[seat.handle].admission.grants.contains(.kick) else { throw .forbidden }
        let room = members[seat.handle].room
        guard let handle = memberByID[target], members[handle].room == room else { throw .participantNotFound }
        var banned: Admission.Identity?
        if banSeconds > 0, let identity = members[handle].admission.identity {
            banned = identity
            let until = now.advanced(bySeconds: banSeconds)
            let hadRoom = rooms[room].ban(identity, until: until, limit: limits.bansPerRoomMax, at: now)
            if !hadRoom { evictedBans += 1 }
        }
        vacate(handle, .kicked, explanation: explanation, at: now, keepsRoom: false)
        return banned
    }

    /// Whether somebody is kept out of a room, of whose seat nothing is asked.
    package func isBanned(_ identity: Admission.Identity, from name: RoomName, at now: Instant) -> Bool {
        roomByName[name].map { rooms[$0].isBanned(identity, at: now) } ?? false
    }

    /// Takes all seats of a room away and frees it. False when there is no such room.
    @discardableResult
    package mutating func closeRoom(_ name: RoomName, explanation: String, at now: Instant) -> Bool {
        guard let room = roomByName[name] else { return false }
        let everybody = endpoints(of: room, except: nil)
        while let handle = rooms[room].first { unlink(handle, .closed) }
        // One text tells everybody; nobody is told of each other's going.
        if !everybody.isEmpty {
            let event = RoomEvent.removed(name, .closed, explanation: explanation)
            outputs.append(.deliver(Delivery(event: event, recipients: everybody)))
        }
        free(room)
        return true
    }

    // MARK: - Seats

    /// Who has to go so that the entrance is possible.
    private func seatsToReplace(by entrance: Entrance, in room: SlabHandle) throws(RoomRefusal) -> [SlabHandle] {
        var others: [SlabHandle] = []
        var isInRoom = false
        forEachMember(of: room) { handle in
            if members[handle].endpoint == entrance.endpoint { isInRoom = true }
            if let identity = entrance.admission.identity, members[handle].admission.identity == identity {
                others.append(handle)
            }
        }
        guard !isInRoom else { throw .alreadyInRoom }
        if entrance.replaces { return others }
        guard others.isEmpty || !entrance.admission.isExclusive else { throw .identityInRoom }
        return []
    }

    private mutating func seat(
        _ entrance: Entrance, in room: SlabHandle, unixTime: UnixTime
    ) throws(RoomRefusal) -> SeatID {
        let id = ParticipantID(identifiers.next())
        let member = Member(
            id: id, endpoint: entrance.endpoint, room: room, admission: entrance.admission, name: entrance.name,
            role: entrance.role, metadata: entrance.metadata, since: unixTime, previous: rooms[room].last)
        guard let handle = members.insert(member) else {
            if rooms[room].memberCount == 0 { free(room) }
            throw .tooManyRooms
        }
        memberByID.insert(handle, for: id)
        if let last = rooms[room].last { members[last].next = handle } else { rooms[room].first = handle }
        rooms[room].last = handle
        rooms[room].memberCount += 1
        emptyRooms.cancel(room.index)
        let name = rooms[room].name
        outputs.append(.membership(.entered(name, SeatID(handle: handle), entrance.endpoint, id)))
        tell(.participantJoined(name, members[handle].participant), in: room, except: handle)
        return SeatID(handle: handle)
    }

    /// Ends a seat, and tells its owner unless it asked for it, and the others.
    private mutating func vacate(
        _ handle: SlabHandle, _ reason: DepartureReason, explanation: String, at now: Instant, keepsRoom: Bool
    ) {
        let (room, id, endpoint) = (members[handle].room, members[handle].id, members[handle].endpoint)
        let name = rooms[room].name
        // The seat first: being told may be the end of the endpoint, and then it must be clear already why the seat
        // went.
        unlink(handle, reason)
        switch reason {
        case .kicked, .replaced, .closed:
            let event = RoomEvent.removed(name, reason, explanation: explanation)
            outputs.append(.deliver(Delivery(event: event, recipients: [endpoint])))
        case .left, .timeout: break
        }
        tell(.participantLeft(name, id, reason), in: room, except: nil)
        if rooms[room].memberCount == 0, !keepsRoom { scheduleFreeing(room, at: now) }
    }

    private mutating func unlink(_ handle: SlabHandle, _ reason: DepartureReason) {
        guard let member = members.remove(handle) else { return }
        let room = member.room
        memberByID.remove(member.id)
        if let previous = member.previous {
            members[previous].next = member.next
        } else {
            rooms[room].first = member.next
        }
        if let next = member.next {
            members[next].previous = member.previous
        } else {
            rooms[room].last = member.previous
        }
        rooms[room].memberCount -= 1
        let seat = SeatID(handle: handle)
        outputs.append(.membership(.left(rooms[room].name, seat, member.endpoint, member.id, reason)))
    }

    // MARK: - Rooms

    private mutating func open(
        _ name: RoomName, for admission: Admission, unixTime: UnixTime
    ) throws(RoomRefusal) -> SlabHandle {
        let capacity = max(0, admission.capacity ?? limits.roomCapacity)
        guard capacity > 0 else { throw .roomFull(capacity: 0) }
        guard let room = rooms.insert(Room(name: name, capacity: capacity, openedAt: unixTime)) else {
            throw .tooManyRooms
        }
        roomByName.insert(room, for: name)
        outputs.append(.membership(.opened(name)))
        return room
    }

    private mutating func scheduleFreeing(_ room: SlabHandle, at now: Instant) {
        guard limits.emptyRoomSeconds > 0 else { return free(room) }
        emptyRooms.schedule(room.index, at: now.advanced(bySeconds: limits.emptyRoomSeconds))
    }

    mutating func free(_ handle: SlabHandle) {
        guard let room = rooms.remove(handle) else { return }
        precondition(room.memberCount == 0, "nobody sits in a room that is freed")
        roomByName.remove(room.name)
        emptyRooms.cancel(handle.index)
        outputs.append(.membership(.freed(room.name)))
    }
}
