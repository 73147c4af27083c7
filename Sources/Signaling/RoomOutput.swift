/// What a room tells its members. Dialects turn it into their own words.
package enum RoomEvent: Sendable {
    case participantJoined(RoomName, Participant)
    case participantLeft(RoomName, ParticipantID, DepartureReason)
    case participantUpdated(RoomName, Participant)
    /// For one member; the bytes are the sender's, untouched.
    case signal(RoomName, from: ParticipantID, data: ArraySlice<UInt8>)
    /// For all members but the sender; the bytes are the sender's, untouched.
    case broadcast(RoomName, from: ParticipantID, data: ArraySlice<UInt8>)
    /// For somebody who has just lost the place, with the words of who took it away.
    case removed(RoomName, DepartureReason, explanation: String)
}

/// One event and all who get it, so that its text is made once. The order of recipients is that of their joining.
package struct Delivery: Sendable {
    package let event: RoomEvent
    package let recipients: [EndpointID]
}

/// What became of rooms and seats: what a directory of several nodes has to know, and who keeps sessions.
package enum MembershipChange: Sendable {
    case opened(RoomName)
    case entered(RoomName, SeatID, EndpointID, ParticipantID)
    case left(RoomName, SeatID, EndpointID, ParticipantID, DepartureReason)
    case freed(RoomName)
}

/// What `RoomServer` asks to be done.
package enum RoomOutput: Sendable {
    case deliver(Delivery)
    case membership(MembershipChange)
}

/// Why a room does not do what was asked.
package enum RoomRefusal: Error, Hashable, Sendable {
    /// Not granted, or banned; who is refused does not learn which.
    case forbidden
    case roomFull(capacity: Int)
    case alreadyInRoom
    /// The identity is there already and may not be there twice.
    case identityInRoom
    /// The server has as many rooms, or members, as it may.
    case tooManyRooms
    /// The seat is no longer one.
    case notInRoom
    /// Nobody of that id is in the same room.
    case participantNotFound
}

/// Outputs in the order in which they were asked for.
struct RoomOutputQueue: ~Copyable {
    private var outputs: [RoomOutput] = []
    private var head = 0

    mutating func append(_ output: RoomOutput) { outputs.append(output) }

    mutating func next() -> RoomOutput? {
        guard head < outputs.count else {
            outputs.removeAll(keepingCapacity: outputs.capacity <= 256)
            head = 0
            return nil
        }
        defer { head += 1 }
        return outputs[head]
    }
}
