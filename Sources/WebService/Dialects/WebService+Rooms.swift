import NetworkPrimitives
import Signaling
import TernV1

// Rooms and sessions of all that is spoken here, as operators see them. The same name may be a room of several
// dialects; whoever closes it closes them all.
extension WebService {
    /// What is alive of all.
    var liveCounts: (rooms: Int, participants: Int) {
        var (rooms, participants) = (signaling.liveCounts.rooms, signaling.liveCounts.participants)
        for standing in dialects.withRooms.flatMap(\.dialects) {
            rooms += standing.live.rooms
            participants += standing.live.participants
        }
        return (rooms, participants)
    }

    /// At most `limit` rooms.
    func roomSummaries(limit: Int) -> [RoomSummary] {
        var summaries = signaling.roomSummaries(limit: limit)
        for dialect in dialects.withRooms where summaries.count < limit {
            summaries += dialect.roomSummaries(limit: limit - summaries.count)
        }
        return summaries
    }

    func room(named name: RoomName) -> RoomDetail? {
        if let room = signaling.room(name) { return room }
        for dialect in dialects.withRooms {
            if let room = dialect.room(name) { return room }
        }
        return nil
    }

    func session(named id: String) -> SessionDetail? {
        if let session = signaling.session(id) { return session }
        for dialect in dialects.withRooms {
            if let session = dialect.session(id) { return session }
        }
        return nil
    }

    /// False when nothing of this name was open.
    mutating func closeRoom(_ name: RoomName, at now: Instant) -> Bool {
        var wasOpen = signaling.closeRoom(name, reason: "closed", at: now)
        for dialect in dialects.withRooms where dialect.closeRoom(name, reason: "closed", at: now) { wasOpen = true }
        drainSpeakers(at: now)
        return wasOpen
    }

    /// False when there is none of this id.
    mutating func endSession(_ id: String, at now: Instant) -> Bool {
        var ended = signaling.endSession(id, reason: "kicked", at: now)
        for dialect in dialects.withRooms where !ended { ended = dialect.endSession(id, reason: "kicked", at: now) }
        drainSpeakers(at: now)
        return ended
    }

    /// Whether somebody was sent away from a room of this name, whatever is spoken there.
    func isBanned(_ identity: Admission.Identity, from room: RoomName, at now: Instant) -> Bool {
        signaling.isBanned(identity, from: room, at: now)
            || dialects.withRooms.contains { $0.isBanned(identity, from: room, at: now) }
    }
}
