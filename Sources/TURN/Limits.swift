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
    /// Ports tried for one Allocate before the answer is 508.
    package let relayOpenAttemptsMax = 16
    /// XOR-PEER-ADDRESS attributes of one CreatePermission.
    package let peersPerRequestMax = 64
    /// Addresses that an allocation may newly permit at once before the rate counts.
    package static let newPeersBurst: UInt64 = 64
    /// ICMP errors that a client is told of in a second (RFC 8656 §11.5).
    package static let icmpPerSecond: UInt64 = 20
    /// The longest request that is looked at. None needs more, and checking the integrity of a longer one would cost
    /// more than sending it.
    package static let requestByteCountMax = 2048
    /// Sources whose unauthenticated replies are metered at a time.
    package let meteredSourcesMax = 8192

    package init(
        allocationsMax: Int, permissionsPerAllocationMax: Int = 64, channelsPerAllocationMax: Int = 64,
        newPeersPerSecond: Int = 10, reservationsMax: Int = 1024
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
    }
}
