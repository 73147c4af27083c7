import Containers
package import NetworkPrimitives

/// Names a participant to the others of its room: random, and new with each entrance.
package struct ParticipantID: Hashable, Sendable, CustomStringConvertible {
    package let identifier: Identifier

    package init(_ identifier: Identifier) { self.identifier = identifier }

    package var description: String { identifier.description }
}

extension ParticipantID: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { identifier.hash(seed: seed) }
}

/// Somebody in a room, as the others see them.
package struct Participant: Hashable, Sendable {
    package let id: ParticipantID
    /// Empty when the participant gave none.
    package let name: String
    /// What the participant says about itself, in the form of its dialect; empty when it said nothing.
    package let metadata: [UInt8]
    /// Empty when the participant gave none.
    package let role: String
    package let since: UnixTime
}

/// Why a participant is no longer in its room.
package enum DepartureReason: Hashable, Sendable {
    /// It left by itself.
    case left
    /// Its connection was gone for too long.
    case timeout
    case kicked
    /// The same person came again and took its place.
    case replaced
    /// The room was closed under it.
    case closed
}

/// Where deliveries go: whatever the driver of the rooms understands by it, such as a session. Never shown to others.
package struct EndpointID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// One endpoint's place in one room: what it acts by. Stale, and so without any effect, once the place is given up.
package struct SeatID: Hashable, Sendable {
    let handle: SlabHandle
}
