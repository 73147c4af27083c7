package import Signaling

/// What the operator decided about the server of node-park.
package struct NodeParkSettings: Sendable {
    package var host = DialectSettings()
    /// Whether clients get an event `iceServers` before `joined`, and again before the credentials run out.
    package var sendsIceServers = false

    package init() {
        host.limits.roomCapacity = 4
        host.limits.roomsPerSessionMax = 1
        // The transport has a heartbeat of its own.
        host.limits.heartbeatSeconds = 86_400
    }
}
