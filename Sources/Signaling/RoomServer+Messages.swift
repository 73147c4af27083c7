import Containers
import NetworkPrimitives

// What members say. The server stamps the sender, and only members reach members of the same room.
extension RoomServer {
    /// Sends bytes to one participant of the sender's room.
    package mutating func signal(
        to target: ParticipantID, from seat: SeatID, data: ArraySlice<UInt8>
    ) throws(RoomRefusal) {
        guard members.contains(seat.handle) else { throw .notInRoom }
        guard members[seat.handle].admission.grants.contains(.signal) else { throw .forbidden }
        let room = members[seat.handle].room
        guard let handle = memberByID[target], members[handle].room == room else { throw .participantNotFound }
        let event = RoomEvent.signal(rooms[room].name, from: members[seat.handle].id, data: data)
        outputs.append(.deliver(Delivery(event: event, recipients: [members[handle].endpoint])))
    }

    /// Sends bytes to all others of the sender's room.
    package mutating func broadcast(from seat: SeatID, data: ArraySlice<UInt8>) throws(RoomRefusal) {
        guard members.contains(seat.handle) else { throw .notInRoom }
        guard members[seat.handle].admission.grants.contains(.broadcast) else { throw .forbidden }
        let room = members[seat.handle].room
        tell(
            .broadcast(rooms[room].name, from: members[seat.handle].id, data: data), in: room, except: seat.handle)
    }

    /// Changes what a participant says about itself; the others hear of it.
    package mutating func update(_ seat: SeatID, metadata: [UInt8]) throws(RoomRefusal) {
        guard members.contains(seat.handle) else { throw .notInRoom }
        members[seat.handle].metadata = metadata
        let room = members[seat.handle].room
        tell(
            .participantUpdated(rooms[room].name, members[seat.handle].participant), in: room, except: seat.handle)
    }
}
