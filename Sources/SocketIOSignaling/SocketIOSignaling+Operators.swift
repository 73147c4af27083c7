import Containers
package import NetworkPrimitives
package import Signaling

// What operators see and do. A room of one name may be one in several dialects: then it is the first of them that is
// shown, and all that are closed.
extension SocketIOSignaling: RoomOperations {
    package func roomSummaries(limit: Int) -> [RoomSummary] {
        var summaries: [RoomSummary] = []
        for dialect in spoken where summaries.count < limit {
            summaries += dialect.roomSummaries(limit: limit - summaries.count)
        }
        return summaries
    }

    package func room(_ name: RoomName) -> RoomDetail? { spoken.lazy.compactMap { $0.room(name) }.first }

    package func session(_ id: String) -> SessionDetail? { spoken.lazy.compactMap { $0.session(id) }.first }

    package func closeRoom(_ room: RoomName, reason: String, at now: Instant) -> Bool {
        self.now = now
        return spoken.map { $0.closeRoom(room, reason: reason, at: now) }.contains(true)
    }

    package func endSession(_ id: String, reason: String, at now: Instant) -> Bool {
        self.now = now
        return spoken.contains { $0.endSession(id, reason: reason, at: now) }
    }

    package func isBanned(_ identity: Admission.Identity, from room: RoomName, at now: Instant) -> Bool {
        spoken.contains { $0.isBanned(identity, from: room, at: now) }
    }

    /// The dialects, and first, as `socket.io`, those who speak none yet.
    package var dialects: [DialectStanding] {
        let live = DialectLiveCounts(connections: newcomers.count, rooms: 0, participants: 0)
        return [DialectStanding(name: "socket.io", counters: counters, live: live)] + spoken.flatMap(\.dialects)
    }
}
