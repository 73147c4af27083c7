package import NetworkPrimitives

/// What operators see of rooms and do with them, whatever is spoken there.
package protocol RoomOperations: AnyObject {
    /// At most `limit` rooms.
    func roomSummaries(limit: Int) -> [RoomSummary]

    /// One room; nil when there is none of that name.
    func room(_ name: RoomName) -> RoomDetail?

    /// One client by the text of the id that the log calls it by; nil when there is none.
    func session(_ id: String) -> SessionDetail?

    /// Sends everybody out of a room and takes their credentials for it back. False when there is no such room.
    func closeRoom(_ room: RoomName, reason: String, at now: Instant) -> Bool

    /// Ends a client and takes its credentials back; the reason is told. False when there is no such client.
    func endSession(_ id: String, reason: String, at now: Instant) -> Bool

    /// Whether somebody was sent away from a room for a time that is not over.
    func isBanned(_ identity: Admission.Identity, from room: RoomName, at now: Instant) -> Bool

    /// What each dialect did, by its name, and what of it is alive.
    var dialects: [DialectStanding] { get }
}

/// One dialect at one moment.
package struct DialectStanding: Sendable {
    /// As the configuration calls it, such as `simple-peer`.
    package let name: String
    package let counters: DialectCounters
    package let live: DialectLiveCounts

    package init(name: String, counters: DialectCounters, live: DialectLiveCounts) {
        self.name = name
        self.counters = counters
        self.live = live
    }
}
