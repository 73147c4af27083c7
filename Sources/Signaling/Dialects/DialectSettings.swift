/// What the operator decided about a dialect, whatever it is called.
package struct DialectSettings: Sendable {
    package var limits: SignalingLimits
    /// After which part of their lifetime credentials are renewed unasked, give or take a twentieth; for dialects that
    /// have words for it.
    package var renewFraction: Double = 0.8

    package init(limits: SignalingLimits = SignalingLimits()) { self.limits = limits }
}

/// What a dialect's clients did and what was refused, since the start.
package struct DialectCounters: Hashable, Sendable {
    package var connections: UInt64 = 0
    package var messagesIn: UInt64 = 0
    /// Each copy of a message counts.
    package var messagesOut: UInt64 = 0
    package var sessionsEnded: UInt64 = 0
    package var joins: UInt64 = 0
    package var leaves: UInt64 = 0
    package var credentialsIssued: UInt64 = 0
    package var credentialsRenewed: UInt64 = 0
    /// Connections and entrances that the gate refused.
    package var refusedByGate: UInt64 = 0
    /// Messages that are no JSON, or not of the form that the dialect has.
    package var malformed: UInt64 = 0
    /// Messages for somebody whom the sender may not reach, or who is not there.
    package var undeliverable: UInt64 = 0
    private var limitCounts = LimitCounters()

    package init() {}

    /// How often this limit was met.
    package subscript(limit: SignalingLimit) -> UInt64 { limitCounts[limit] }

    package mutating func count(_ limit: SignalingLimit) { limitCounts.count(limit) }

    mutating func set(_ limit: SignalingLimit, to count: UInt64) { limitCounts.set(limit, to: count) }
}

/// How much of a dialect is alive at a time.
package struct DialectLiveCounts: Hashable, Sendable {
    package let connections: Int
    package let rooms: Int
    package let participants: Int

    package init(connections: Int, rooms: Int, participants: Int) {
        self.connections = connections
        self.rooms = rooms
        self.participants = participants
    }
}

/// Why connections end: codes of RFC 6455 §7.4.1 that dialects use.
package enum DialectCloseCode {
    package static let normal: UInt16 = 1000
    package static let goingAway: UInt16 = 1001
    package static let policy: UInt16 = 1008
    package static let tooBig: UInt16 = 1009
    package static let internalError: UInt16 = 1011
    package static let tryAgainLater: UInt16 = 1013
}
