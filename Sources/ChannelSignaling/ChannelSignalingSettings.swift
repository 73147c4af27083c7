package import Signaling

/// What the operator decided about channel signaling.
package struct ChannelSignalingSettings: Sendable {
    package var host = DialectSettings()
    /// Whether clients are told `{"iceServers":[…]}` once they have opened their first channel, and again before the
    /// credentials run out. Clients of old do not know this message; pages that do can use it without another request.
    package var sendsIceServers = false

    package init() {
        // A client listens on a channel of its own and on one for each of the others (RTCMultiConnection).
        host.limits.roomsPerSessionMax = 32
    }
}
