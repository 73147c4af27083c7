/// Everything that a stranger can make one worker hold, and how much of it.
package struct Limits: Sendable {
    /// Allocations of one worker.
    package let allocationsMax: Int
    /// Permissions of one allocation (RFC 8656 §9).
    package let permissionsPerAllocationMax: Int
    /// Channel bindings of one allocation (RFC 8656 §12).
    package let channelsPerAllocationMax: Int
    /// Addresses that an allocation may newly permit in a second, on average; zero is without limit. A permission is a
    /// probe of a stranger's network, so it has a rate and not only a count.
    package let newPeersPerSecond: Int
    /// Ports held for RESERVATION-TOKEN at one time.
    package let reservationsMax: Int
    /// TCP connections to peers, of all allocations of one worker (RFC 6062).
    package let tcpPeersMax: Int
    /// Ports tried for one Allocate before the answer is 508.
    package let relayOpenAttemptsMax = 16
    /// XOR-PEER-ADDRESS attributes of one CreatePermission.
    package let peersPerRequestMax = 64
    /// Addresses that an allocation may newly permit at once before the rate counts.
    package static let newPeersBurst: UInt64 = 64
    /// ICMP errors (RFC 8656 §11.5) and connections of peers (RFC 6062 §5.3) that a client is told of in a second.
    package static let noticesPerSecond: UInt64 = 20
    /// TCP connections to peers that an allocation may have at a time (RFC 6062).
    package static let peersPerTCPAllocationMax = 64
    /// Those of them that no client has bound yet.
    package static let unboundPeersPerTCPAllocationMax = 32
    /// How long a connection to a peer is tried before the answer is 447 (RFC 6062 §5.2: at least 30 seconds).
    package static let connectSeconds: UInt32 = 30
    /// How long a connection to a peer waits for ConnectionBind (RFC 6062 §5.2, §5.3).
    package static let bindSeconds: UInt32 = 30
    /// The longest request that is looked at. None needs more, and checking the integrity of a longer one would cost
    /// more than sending it.
    package static let requestByteCountMax = 2048
    /// Sources whose unauthenticated replies are metered at a time.
    package let meteredSourcesMax = 8192

    package init(
        allocationsMax: Int, permissionsPerAllocationMax: Int = 64, channelsPerAllocationMax: Int = 64,
        newPeersPerSecond: Int = 10, reservationsMax: Int = 1024, tcpPeersMax: Int = 1024
    ) {
        precondition(allocationsMax >= 1, "a server without room for one allocation serves nobody")
        // A channel binding installs a permission (RFC 8656 §12), so fewer permissions than channels could leave a
        // legal binding without room.
        precondition(channelsPerAllocationMax <= permissionsPerAllocationMax)
        self.allocationsMax = allocationsMax
        self.permissionsPerAllocationMax = permissionsPerAllocationMax
        self.channelsPerAllocationMax = channelsPerAllocationMax
        self.newPeersPerSecond = newPeersPerSecond
        self.reservationsMax = reservationsMax
        self.tcpPeersMax = tcpPeersMax
    }
}
