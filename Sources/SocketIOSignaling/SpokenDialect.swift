package import JSON
package import NetworkPrimitives
package import Signaling

/// One of the dialects behind the sockets, whichever it is; see `EventDialect`.
package protocol SpokenDialect: ServedDialect {
    var dialectName: String { get }

    func begins(with event: JSONValue) -> Bool

    func knows(_ room: RoomName) -> Bool

    func takeAnnounced() -> [RoomName]

    func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal)

    func receiveUnreadable(byteCount: Int, from connection: ConnectionID, at now: Instant)
}

extension DialectBox: SpokenDialect where Machine: EventDialect, Machine: ~Copyable {
    package var dialectName: String { Machine.name }

    package func begins(with event: JSONValue) -> Bool { Machine.begins(with: event) }

    package func knows(_ room: RoomName) -> Bool { machine.knows(room) }

    package func takeAnnounced() -> [RoomName] { machine.takeAnnounced() }

    package func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal) {
        try machine.connect(connection, opening, name: name, at: now, unixTime: unixTime)
    }

    package func receiveUnreadable(byteCount: Int, from connection: ConnectionID, at now: Instant) {
        machine.receiveUnreadable(byteCount: byteCount, from: connection, at: now)
    }
}

extension DialectBox where Machine: EventDialect, Machine: ~Copyable {
    /// Dialects of events have names of their own.
    package convenience init(_ machine: consuming Machine) { self.init(machine, name: Machine.name) }
}
