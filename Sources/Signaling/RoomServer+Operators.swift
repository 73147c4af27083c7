import Containers
package import NetworkPrimitives

/// A room in a list.
package struct RoomSummary: Hashable, Sendable {
    package let name: RoomName
    package let participantCount: Int
    package let capacity: Int
    package let openedAt: UnixTime
    /// Bans that the room remembers, some of which may have ended.
    package let banCount: Int
}

/// A participant with what the others are not told.
package struct Resident: Hashable, Sendable {
    package let participant: Participant
    package let endpoint: EndpointID
    package let identity: Admission.Identity?
    package let grants: Grants
}

// What operators look at.
extension RoomServer {
    /// At most `limit` rooms, in an order that stays the same while none is opened or freed.
    package func summaries(limit: Int) -> [RoomSummary] {
        var summaries: [RoomSummary] = []
        var next = rooms.firstHandle(from: 0)
        while let handle = next, summaries.count < limit {
            summaries.append(summary(rooms[handle]))
            next = rooms.firstHandle(from: handle.index + 1)
        }
        return summaries
    }

    /// One room; nil when there is none of that name.
    package func summary(of name: RoomName) -> RoomSummary? { roomByName[name].map { summary(rooms[$0]) } }

    /// Who is in a room, in the order of joining; nobody when there is no such room.
    package func residents(of name: RoomName) -> [Resident] {
        guard let handle = roomByName[name] else { return [] }
        var residents: [Resident] = []
        forEachMember(of: handle) { member in
            let admission = members[member].admission
            residents.append(
                Resident(
                    participant: members[member].participant, endpoint: members[member].endpoint,
                    identity: admission.identity, grants: admission.grants))
        }
        return residents
    }

    private func summary(_ room: Room) -> RoomSummary {
        RoomSummary(
            name: room.name, participantCount: room.memberCount, capacity: room.capacity, openedAt: room.openedAt,
            banCount: room.bans.count)
    }
}
