package import NetworkPrimitives

/// A machine that speaks a dialect: texts and times in, `SignalingOutput` out. What its clients have in common is its
/// host's business, and what whoever owns the connections calls is the same for each of them:
///
/// > After every input, take `nextOutput()` until it is nil. An input may be given in between; what it asks for comes
/// > behind what waits already. `connect` is called before the upgrade is answered, as it may be refused; what it asks
/// > to be sent belongs behind the answer.
///
/// How a client connects and what it says differ, so each dialect has a `connect` of its own.
package protocol Dialect: ~Copyable {
    /// What it has in common with other dialects.
    var host: DialectHost { get set }

    /// A text of a client.
    mutating func receive(_ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime)

    /// Puts what happened since the last input into the words of the dialect: takes the host's changes until there are
    /// none. Every input ends with it.
    mutating func settle(at now: Instant)

    /// When `handleDeadline` wants to be called, at the latest.
    var nextDeadline: Instant? { get }

    /// Does what is due. At most a few hundred clients a call; call again while `nextDeadline` has passed.
    mutating func handleDeadline(at now: Instant, unixTime: UnixTime)
}

extension Dialect where Self: ~Copyable {
    /// The answer to a ping of the server.
    package mutating func receivePong(from connection: ConnectionID) { host.receivePong(from: connection) }

    /// A message of a form that no dialect has, such as one with binary parts: it counts, and nothing comes of it.
    package mutating func receiveUnreadable(byteCount: Int, from connection: ConnectionID, at now: Instant) {
        if host.receive(byteCount: byteCount, from: connection, at: now) != nil { host.counters.malformed += 1 }
        settle(at: now)
    }

    /// The connection is gone.
    package mutating func disconnect(_ connection: ConnectionID, at now: Instant) {
        host.disconnect(connection, at: now)
        settle(at: now)
    }

    /// More waits to be written to the connection than may; it is closed.
    package mutating func slowConsumer(_ connection: ConnectionID, at now: Instant) {
        host.slowConsumer(connection, at: now)
        settle(at: now)
    }

    /// What is asked for next; nil when nothing is.
    package mutating func nextOutput() -> SignalingOutput? { host.nextOutput() }

    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? { host.nextDeadline }

    /// Does what is due. At most a few hundred clients a call; call again while `nextDeadline` has passed.
    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) {
        host.handleDeadline(at: now, unixTime: unixTime)
        settle(at: now)
    }

    /// The server is about to stop: nobody new is taken, and everybody is gone by the deadline.
    package mutating func drain(deadline: Instant, at now: Instant) {
        host.drain(deadline: deadline, at: now)
        settle(at: now)
    }

    /// What happened since the start.
    package var counters: DialectCounters { host.allCounters }

    /// What is alive at present.
    package var liveCounts: DialectLiveCounts { host.liveCounts }

    // MARK: - Operators

    /// At most `limit` rooms.
    package func roomSummaries(limit: Int) -> [RoomSummary] { host.roomSummaries(limit: limit) }

    /// One room; nil when there is none of that name.
    package func room(_ name: RoomName) -> RoomDetail? { host.room(name) }

    /// One client by the text of the id that the log calls it by; nil when there is none.
    package func session(_ id: String) -> SessionDetail? { host.session(id) }

    /// Sends everybody out of a room and takes their credentials for it back. False when there is no such room.
    package mutating func closeRoom(_ room: RoomName, reason: String, at now: Instant) -> Bool {
        defer { settle(at: now) }
        return host.closeRoom(room, reason: reason, at: now)
    }

    /// Ends a client and takes its credentials back; the reason is told. False when there is no such client.
    package mutating func endSession(_ id: String, reason: String, at now: Instant) -> Bool {
        defer { settle(at: now) }
        return host.endSession(id, reason: reason, at: now)
    }

    /// Whether somebody was sent away from a room for a time that is not over.
    package func isBanned(_ identity: Admission.Identity, from room: RoomName, at now: Instant) -> Bool {
        host.rooms.isBanned(identity, from: room, at: now)
    }
}
