package import NetworkPrimitives

/// A room as an operator sees it.
package struct RoomDetail: Hashable, Sendable {
    package let summary: RoomSummary
    /// In the order of joining.
    package let participants: [Occupant]

    /// A participant with what the others are not told.
    package struct Occupant: Hashable, Sendable {
        package let participant: Participant
        package let session: Identifier
        package let identity: Admission.Identity?
        package let address: IPAddress
        /// Whether its connection is there at present.
        package let isConnected: Bool

        package init(
            participant: Participant, session: Identifier, identity: Admission.Identity?, address: IPAddress,
            isConnected: Bool
        ) {
            self.participant = participant
            self.session = session
            self.identity = identity
            self.address = address
            self.isConnected = isConnected
        }
    }

    package init(summary: RoomSummary, participants: [Occupant]) {
        self.summary = summary
        self.participants = participants
    }
}

/// A session as an operator sees it.
package struct SessionDetail: Hashable, Sendable {
    package let id: Identifier
    package let visitor: Visitor
    package let identity: Admission.Identity?
    package let since: UnixTime
    package let isConnected: Bool
    /// Messages that it was sent; of the native protocol, numbered ones.
    package let messagesSent: UInt64
    /// In the order of joining.
    package let seats: [Seat]

    /// Where a session is, and as whom.
    package struct Seat: Hashable, Sendable {
        package let room: RoomName
        package let participant: ParticipantID

        package init(room: RoomName, participant: ParticipantID) {
            self.room = room
            self.participant = participant
        }
    }

    package init(
        id: Identifier, visitor: Visitor, identity: Admission.Identity?, since: UnixTime, isConnected: Bool,
        messagesSent: UInt64, seats: [Seat]
    ) {
        self.id = id
        self.visitor = visitor
        self.identity = identity
        self.since = since
        self.isConnected = isConnected
        self.messagesSent = messagesSent
        self.seats = seats
    }
}
