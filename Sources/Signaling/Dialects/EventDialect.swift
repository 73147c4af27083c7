package import JSON
package import NetworkPrimitives

/// A dialect of events, as libraries like Socket.IO carry them: each text, in and out, is a JSON array of a name and
/// its arguments, without white space around it, and a connection is one client's place in a namespace of the carrier.
///
/// A client does not say which dialect it speaks. Its first event tells.
package protocol EventDialect: Dialect, ~Copyable {
    /// As operators call it.
    static var name: String { get }

    /// Whether this array is the first event of a client of this dialect, by its name and the shape of its arguments.
    static func begins(with event: JSONValue) -> Bool

    /// Whether a client in a namespace speaks this dialect though it has not said anything: it may never do. By default
    /// none does.
    func knows(_ room: RoomName) -> Bool

    /// The namespaces of which that has become true since the last call.
    mutating func takeAnnounced() -> [RoomName]

    /// Takes a client. `name` is what it calls itself, and what others may be told.
    mutating func connect(
        _ connection: ConnectionID, _ opening: Opening, name: String, at now: Instant, unixTime: UnixTime
    ) throws(OpeningRefusal)
}

extension EventDialect where Self: ~Copyable {
    package func knows(_ room: RoomName) -> Bool { false }

    package mutating func takeAnnounced() -> [RoomName] { [] }
}
