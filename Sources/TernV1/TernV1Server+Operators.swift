import Containers
package import NetworkPrimitives
package import Signaling

// What operators see and do.
extension TernV1Server {
    /// At most `limit` rooms.
    package func roomSummaries(limit: Int) -> [RoomSummary] { rooms.summaries(limit: limit) }

    /// One room; nil when there is none of that name.
    package func room(_ name: RoomName) -> RoomDetail? {
        guard let summary = rooms.summary(of: name) else { return nil }
        var occupants: [RoomDetail.Occupant] = []
        for resident in rooms.residents(of: name) {
            let handle = SlabHandle(rawValue: resident.endpoint.rawValue)
            guard sessions.contains(handle) else { continue }
            occupants.append(
                RoomDetail.Occupant(
                    participant: resident.participant, session: sessions[handle].id, identity: resident.identity,
                    address: sessions[handle].visitor.address, isConnected: sessions[handle].connection != nil))
        }
        return RoomDetail(summary: summary, participants: occupants)
    }

    /// One session by the text of its id; nil when there is none.
    package func session(_ id: String) -> SessionDetail? {
        guard let handle = handle(of: id) else { return nil }
        var seats: [SessionDetail.Seat] = []
        for membership in sessions[handle].memberships {
            guard let participant = rooms.participant(of: membership.seat) else { continue }
            seats.append(SessionDetail.Seat(room: membership.room, participant: participant.id))
        }
        return SessionDetail(
            id: sessions[handle].id, visitor: sessions[handle].visitor,
            identity: sessions[handle].pass?.identity, since: sessions[handle].since,
            isConnected: sessions[handle].connection != nil,
            messagesSent: sessions[handle].replay.sentCount, seats: seats)
    }

    /// Sends everybody out of a room and frees it; the reason is told. False when there is no such room.
    package mutating func closeRoom(_ name: RoomName, reason: String, at now: Instant) -> Bool {
        let isClosed = rooms.closeRoom(name, explanation: Self.cut(reason), at: now)
        settle(at: now)
        return isClosed
    }

    /// Ends a session and takes its credentials back; the reason is told. False when there is no such session.
    package mutating func endSession(_ id: String, reason: String, at now: Instant) -> Bool {
        guard let handle = handle(of: id) else { return false }
        if let connection = sessions[handle].connection {
            let reason = Self.cut(reason)
            let refusal = Refusal(.forbidden, reason.isEmpty ? "an operator has ended the session" : reason)
            storedCounters.count(.forbidden)
            emit(MessageText.refusal(refusal, isFatal: true, id: nil), to: [connection], isConfidential: false)
            close(connection, .removed, "removed by an operator")
        }
        endSession(handle, .removedByOperator, at: now)
        settle(at: now)
        return true
    }

    /// Whether somebody was sent away from a room for a time that is not over.
    package func isBanned(_ identity: Admission.Identity, from room: RoomName, at now: Instant) -> Bool {
        rooms.isBanned(identity, from: room, at: now)
    }

    private func handle(of id: String) -> SlabHandle? { Identifier(text: id.utf8).flatMap { sessionByID[$0] } }

    /// As much of a text as anybody has to read.
    private static func cut(_ text: String) -> String {
        String(text.unicodeScalars.prefix(RequestReader.reasonByteCountMax))
    }
}
