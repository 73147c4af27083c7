/// The limits of `SignalingLimits`, as the names of counters.
package enum SignalingLimit: String, Hashable, Sendable, CaseIterable {
    case messageBytes = "message_bytes"
    case messageRate = "message_rate"
    case roomsPerSession = "rooms_per_session"
    case roomCapacity = "room_capacity"
    case rooms
    case sessions
    case metadataBytes = "metadata_bytes"
    case nameBytes = "name_bytes"
    case queue
    case resumeWindow = "resume_window"
    case replay
    case heartbeat
    case hello
    case anonymousJoins = "anonymous_joins"
    case bans

    var index: Int { Self.allCases.firstIndex(of: self) ?? 0 }
}

/// How often each limit was met.
package struct LimitCounters: Hashable, Sendable {
    private var counts = [UInt64](repeating: 0, count: SignalingLimit.allCases.count)

    package init() {}

    /// How often this limit was met.
    package subscript(limit: SignalingLimit) -> UInt64 { counts[limit.index] }

    package mutating func count(_ limit: SignalingLimit) { counts[limit.index] += 1 }

    package mutating func set(_ limit: SignalingLimit, to count: UInt64) { counts[limit.index] = count }
}
