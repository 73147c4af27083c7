package import Signaling

/// What sessions did and what was refused, since the start.
package struct SignalingCounters: Hashable, Sendable {
    package var connections: UInt64 = 0
    package var messagesIn: UInt64 = 0
    /// Each copy of a message counts.
    package var messagesOut: UInt64 = 0
    package var sessionsOpened: UInt64 = 0
    package var sessionsEnded: UInt64 = 0
    package var joins: UInt64 = 0
    package var leaves: UInt64 = 0
    package var kicks: UInt64 = 0
    package var resumes: UInt64 = 0
    /// Clients that came back to a session that was there no more, or not whole.
    package var resumesFailed: UInt64 = 0
    package var takeovers: UInt64 = 0
    package var credentialsIssued: UInt64 = 0
    package var credentialsRenewed: UInt64 = 0
    private var errorCounts = [UInt64](repeating: 0, count: ErrorCode.allCases.count)
    private var limitCounts = LimitCounters()

    package init() {}

    /// How often this error was answered.
    package subscript(code: ErrorCode) -> UInt64 { errorCounts[code.index] }

    /// How often this limit was met.
    package subscript(limit: SignalingLimit) -> UInt64 { limitCounts[limit] }

    mutating func count(_ code: ErrorCode) { errorCounts[code.index] += 1 }

    mutating func count(_ limit: SignalingLimit) { limitCounts.count(limit) }

    mutating func set(_ limit: SignalingLimit, to count: UInt64) { limitCounts.set(limit, to: count) }
}
