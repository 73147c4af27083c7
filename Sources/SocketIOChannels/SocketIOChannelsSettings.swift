package import Signaling

/// What the operator decided about channels over Socket.IO.
package struct SocketIOChannelsSettings: Sendable {
    package var host = DialectSettings()
    package var limits = SocketIOChannelsLimits()
    /// Whether clients get an event `iceServers` when they have entered a channel, and again before the credentials run
    /// out. Pages of old do not listen for it.
    package var sendsIceServers = false

    package init() {
        // A page announces each channel that it opens over one socket.
        host.limits.roomsPerSessionMax = 32
        // The transport has a heartbeat of its own.
        host.limits.heartbeatSeconds = 86_400
    }
}

/// How much a stranger can make channels over Socket.IO hold.
package struct SocketIOChannelsLimits: Hashable, Sendable {
    /// How long a channel in which nobody is, or is no longer, stays known. Pages that have lost their connection come
    /// back without announcing themselves again.
    package var emptySeconds: UInt32 = 60
    /// Those who announced themselves for one channel, and the bytes of what they call themselves.
    package var sendersPerChannelMax = 128
    package var senderByteCountMax = 64

    package init() {}
}
