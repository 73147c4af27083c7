package import NetworkPrimitives

/// A dialect as whoever owns its connections drives it, whichever it is; see `Dialect`.
package protocol ServedDialect: RoomOperations {
    /// A text of a client.
    func receive(_ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime)

    /// The answer to a ping of the server.
    func receivePong(from connection: ConnectionID)

    /// The connection is gone.
    func disconnect(_ connection: ConnectionID, at now: Instant)

    /// More waits to be written to the connection than may; it is closed.
    func slowConsumer(_ connection: ConnectionID, at now: Instant)

    /// What is asked for next; nil when nothing is.
    func nextOutput() -> SignalingOutput?

    /// When `handleDeadline` wants to be called, at the latest.
    var nextDeadline: Instant? { get }

    /// Does what is due.
    func handleDeadline(at now: Instant, unixTime: UnixTime)

    /// The server is about to stop: nobody new is taken, and everybody is gone by the deadline.
    func drain(deadline: Instant, at now: Instant)
}

/// The machine of a dialect in a place of its own, so that machines of different dialects can stand in one list. What
/// only this dialect has, such as its `connect`, is called on the machine.
package final class DialectBox<Machine: Dialect & ~Copyable>: ServedDialect {
    package var machine: Machine
    private let name: String

    /// The name is the one that the configuration has for it.
    package init(_ machine: consuming Machine, name: String) {
        self.machine = machine
        self.name = name
    }

    package func receive(
        _ text: [UInt8], from connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) {
        machine.receive(text, from: connection, at: now, unixTime: unixTime)
    }

    package func receivePong(from connection: ConnectionID) { machine.receivePong(from: connection) }

    package func disconnect(_ connection: ConnectionID, at now: Instant) { machine.disconnect(connection, at: now) }

    package func slowConsumer(_ connection: ConnectionID, at now: Instant) {
        machine.slowConsumer(connection, at: now)
    }

    package func nextOutput() -> SignalingOutput? { machine.nextOutput() }

    package var nextDeadline: Instant? { machine.nextDeadline }

    package func handleDeadline(at now: Instant, unixTime: UnixTime) {
        machine.handleDeadline(at: now, unixTime: unixTime)
    }

    package func drain(deadline: Instant, at now: Instant) { machine.drain(deadline: deadline, at: now) }

    // MARK: - Operators

    package func roomSummaries(limit: Int) -> [RoomSummary] { machine.roomSummaries(limit: limit) }

    package func room(_ name: RoomName) -> RoomDetail? { machine.room(name) }

    package func session(_ id: String) -> SessionDetail? { machine.session(id) }

    package func closeRoom(_ room: RoomName, reason: String, at now: Instant) -> Bool {
        machine.closeRoom(room, reason: reason, at: now)
    }

    package func endSession(_ id: String, reason: String, at now: Instant) -> Bool {
        machine.endSession(id, reason: reason, at: now)
    }

    package func isBanned(_ identity: Admission.Identity, from room: RoomName, at now: Instant) -> Bool {
        machine.isBanned(identity, from: room, at: now)
    }

    package var dialects: [DialectStanding] {
        [DialectStanding(name: name, counters: machine.counters, live: machine.liveCounts)]
    }
}
