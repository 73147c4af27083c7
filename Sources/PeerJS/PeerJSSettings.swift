package import Signaling

/// What the operator decided about PeerJS.
package struct PeerJSSettings: Sendable {
    package var host = DialectSettings()
    package var limits = PeerJSLimits()
    /// Keys that are no tokens; who uses one is an anonymous visitor. The client's own default is `peerjs`.
    package var keys: Set<String> = ["peerjs"]
    /// The room of those whose path names none and whose token does not open exactly one.
    package var defaultRoom: RoomName
    /// Whether `/{key}/peers` tells the ids of a room to those who may enter it.
    package var allowsDiscovery = false
    /// A client that says nothing for so long has gone; clients send HEARTBEAT every 5 seconds. 0 is no such limit.
    package var aliveSeconds: UInt32 = 90
    /// How long a message waits for somebody who is not there.
    package var expirySeconds: UInt32 = 5

    package init(defaultRoom: RoomName) {
        self.defaultRoom = defaultRoom
        host.limits.roomsPerSessionMax = 1
        // As PeerServer has it; rooms here are whole applications.
        host.limits.roomCapacity = 5000
    }
}

/// How much a stranger can make PeerJS hold.
package struct PeerJSLimits: Hashable, Sendable {
    /// Bytes of an id, and of the client's token.
    package var idByteCountMax = 128
    package var tokenByteCountMax = 128
    /// Messages that wait for somebody: of one sender, and their bytes; of all senders, and their bytes.
    package var queuedPerSenderMax = 64
    package var queuedByteCountPerSenderMax = 262_144
    package var queuedMax = 16_384
    package var queuedByteCountMax = 16_777_216
    /// Ids that are told to who asks for all.
    package var discoveredMax = 1000

    package init() {}
}

/// What PeerJS did beside what all dialects count.
package struct PeerJSCounters: Hashable, Sendable {
    package var takeovers: UInt64 = 0
    package var idsTaken: UInt64 = 0
    package var refusedKeys: UInt64 = 0
    package var badIDs: UInt64 = 0
    package var queued: UInt64 = 0
    package var deliveredLate: UInt64 = 0
    package var expired: UInt64 = 0
    /// Messages that found no room to wait in.
    package var queueFull: UInt64 = 0
    package var silent: UInt64 = 0

    package init() {}
}
