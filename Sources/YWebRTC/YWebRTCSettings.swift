package import Signaling

/// What the operator decided about y-webrtc.
package struct YWebRTCSettings: Sendable {
    package var host = DialectSettings()
    /// Whether clients are told `{"type":"iceServers","iceServers":[…]}` once they have subscribed to their first
    /// topic, and again before the credentials run out. The provider ignores it; pages can listen for it.
    package var sendsIceServers = false

    package init() {
        // A page has one connection for all of its documents.
        host.limits.roomsPerSessionMax = 64
        host.limits.heartbeatSeconds = 30
    }
}
