package import Signaling

/// What the operator decided about simple-peer.
package struct SimplePeerSettings: Sendable {
    package var host = DialectSettings()
    /// The mesh of clients that come without a room in their URL, and without a token that is for a single one.
    package var defaultRoom: RoomName
    /// Whether clients are told `simple peer options` with their TURN credentials. Those take the place of options that
    /// the page itself has given to the wrapper.
    package var sendsIceServers = true

    package init(defaultRoom: RoomName) {
        self.defaultRoom = defaultRoom
        host.limits.roomsPerSessionMax = 1
        // Each has a connection to each: that is 15 for a browser, and 120 in all.
        host.limits.roomCapacity = 16
        // The carrier finds out itself who is gone.
        host.limits.heartbeatSeconds = 86_400
    }
}
