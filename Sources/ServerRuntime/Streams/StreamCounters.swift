/// What became of the connections of a worker.
package struct StreamCounters: Sendable {
    package var accepted: UInt64 = 0
    /// Not taken, because there were too many in all, or of one source.
    package var refused: UInt64 = 0
    /// Ended by us: what came was no message.
    package var unframable: UInt64 = 0
    /// Ended by us: no allocation in `max-allocate-timeout`.
    package var idle: UInt64 = 0
    /// Ended by us: answers were not read.
    package var unread: UInt64 = 0
    /// Ended by us: without an allocation when there was no room for others.
    package var displaced: UInt64 = 0
    /// Relayed datagrams that were dropped because the client did not read them in time.
    package var dropped: UInt64 = 0
    /// Handshakes of TLS that came to their end, well or not.
    package var handshakes: UInt64 = 0
    package var failedHandshakes: UInt64 = 0
    /// Closed at a port for proxies because they came from elsewhere, or said nothing that a proxy says.
    package var strangers: UInt64 = 0
    package var badProxyHeaders: UInt64 = 0
    /// Closed because they did not begin with TLS where nothing else is served.
    package var unencrypted: UInt64 = 0
    /// Handed to signaling, because they speak HTTP.
    package var handedOver: UInt64 = 0

    mutating func add(_ other: StreamCounters) {
        accepted += other.accepted
        refused += other.refused
        unframable += other.unframable
        idle += other.idle
        unread += other.unread
        displaced += other.displaced
        dropped += other.dropped
        handshakes += other.handshakes
        failedHandshakes += other.failedHandshakes
        strangers += other.strangers
        badProxyHeaders += other.badProxyHeaders
        unencrypted += other.unencrypted
        handedOver += other.handedOver
    }
}
