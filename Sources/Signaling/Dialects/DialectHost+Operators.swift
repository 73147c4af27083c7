import Containers
package import NetworkPrimitives

// What operators see and do.
extension DialectHost {
    /// At most `limit` rooms.
    package func roomSummaries(limit: Int) -> [RoomSummary] { rooms.summaries(limit: limit) }

    /// Who is in a room, in the order of joining.
    package func residents(of room: RoomName) -> [Resident] { rooms.residents(of: room) }

    /// One room; nil when there is none of that name.
    package func room(_ name: RoomName) -> RoomDetail? {
        guard let summary = rooms.summary(of: name) else { return nil }
        var occupants: [RoomDetail.Occupant] = []
        for resident in rooms.residents(of: name) {
            let handle = SlabHandle(rawValue: resident.endpoint.rawValue)
            guard clients.contains(handle) else { continue }
            occupants.append(
                RoomDetail.Occupant(
                    participant: resident.participant, session: clients[handle].session, identity: resident.identity,
                    address: clients[handle].visitor.address, isConnected: true))
        }
        return RoomDetail(summary: summary, participants: occupants)
    }

    /// One client by the text of the id that the log calls it by; nil when there is none.
    package func session(_ id: String) -> SessionDetail? {
        guard let handle = handle(of: id) else { return nil }
        var seats: [SessionDetail.Seat] = []
        for seat in clients[handle].seats {
            guard let participant = rooms.participant(of: seat.seat) else { continue }
            seats.append(SessionDetail.Seat(room: seat.room, participant: participant.id))
        }
        return SessionDetail(
            id: clients[handle].session, visitor: clients[handle].visitor, identity: clients[handle].pass?.identity,
            since: clients[handle].since, isConnected: true, messagesSent: clients[handle].sentCount, seats: seats)
    }

    /// Sends everybody out of a room. False when there is no such room.
    package mutating func closeRoom(_ room: RoomName, reason: String, at now: Instant) -> Bool {
        rooms.closeRoom(room, explanation: reason, at: now)
    }

    /// Ends a client and takes its credentials back; the reason is told. False when there is no such client.
    package mutating func endSession(_ id: String, reason: String, at now: Instant) -> Bool {
        guard let handle = handle(of: id) else { return false }
        let reason = reason.isEmpty ? "removed by an operator" : reason
        end(handle, .removedByOperator, code: DialectCloseCode.policy, reason: reason, at: now)
        return true
    }

    /// Operators ask seldom, so no table is kept for them.
    private func handle(of id: String) -> SlabHandle? {
        guard let session = Identifier(text: id.utf8) else { return nil }
        var next = clients.firstHandle(from: 0)
        while let handle = next {
            if clients[handle].session == session { return handle }
            next = clients.firstHandle(from: handle.index + 1)
        }
        return nil
    }
}
