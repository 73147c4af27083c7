package import NetworkPrimitives
package import Signaling

/// What the operator decided about the server of the WebRTC codelab.
package struct CodelabSettings: Sendable {
    package var host = DialectSettings()
    /// What `ipaddr` answers. Without any, it is the address at which the client reached the server.
    package var publicAddresses: [IPAddress] = []
    package var logPolicy = LogPolicy.off
    /// Whether clients get an event `iceServers` before `created` or `joined`, and again before the credentials run
    /// out. Pages of old do not listen for it.
    package var sendsIceServers = false

    /// What of the server's log a client is told as `log`.
    package enum LogPolicy: Hashable, Sendable {
        case off
        /// As the original does: also each message, to who said it.
        case echo
    }

    package init() {
        host.limits.roomCapacity = 2
        host.limits.roomsPerSessionMax = 1
        // The transport has a heartbeat of its own.
        host.limits.heartbeatSeconds = 86_400
    }
}
