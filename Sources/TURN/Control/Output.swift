package import NetworkPrimitives
package import STUN

/// What the control plane wants done, in this order, before it is given anything else.
package enum Output: Equatable, Sendable {
    /// Bind a relay socket to `address` and answer with `relayOpened` or `relayFailed`. With a token, bind the next
    /// port too and hold it under the token; both or neither.
    case openRelay(AllocationID, address: SocketAddress, holdNextAs: UInt64?)
    /// Give the allocation the socket held under the token, and answer likewise.
    case claimReservation(AllocationID, token: UInt64)
    /// The token has run out: close the socket if nobody claimed it, and return its port.
    case endReservation(token: UInt64)
    case closeRelay(RelaySocketID)
    case route(RouteChange)
    /// For allocations that relay TCP.
    case tcp(TCPRelayOutput)
    case sessionOpened(SessionSummary)
    /// Comes before the routes of the allocation are removed, so that its traffic can still be asked for.
    case sessionClosed(SessionSummary, SessionEnd)
    /// Clients that change their address (RFC 8016).
    case mobility(MobilityOutput)
    /// Somebody showed credentials that do not hold. At most as often as unauthenticated replies are given. The address
    /// is proven by a connection, or by a nonce that was sent there; anybody can write any other into a datagram.
    case authenticationFailed(client: ClientAddress, username: [UInt8], ErrorCode, isAddressProven: Bool)
    /// Asked for by `reportsBindings`.
    case bindingAnswered(client: ClientAddress)
    /// The operator's or our own policy refused a peer.
    case peerRefused(client: ClientAddress, peer: SocketAddress)
}

/// An allocation as a log line tells of it.
package struct SessionSummary: Equatable, Sendable {
    package let allocation: AllocationID
    /// The last one of a client whose connection has ended: then it may be somebody else's.
    package let fiveTuple: FiveTuple
    package let isAttached: Bool
    /// Nil unless the client may move.
    package let mobility: MobilityID?
    /// Whether it relays TCP instead of UDP.
    package let relaysTCP: Bool
    package let username: [UInt8]
    package let relayedIPv4: SocketAddress?
    package let relayedIPv6: SocketAddress?
    package let lifetimeSeconds: UInt32

    /// The relayed addresses, of each family at most one.
    package var relayed: [SocketAddress] { [relayedIPv4, relayedIPv6].compactMap { $0 } }
}

/// Why an allocation ended.
package enum SessionEnd: Equatable, Sendable {
    case deletedByClient, expired
    /// Its owner was put out: kicked, or its credentials were withdrawn.
    case revoked
    /// Its client's connection ended.
    case disconnected
    case endedByOperator
}

/// Why the shell could not open a relay.
package enum RelayFailure: Equatable, Sendable {
    /// Somebody else has the port: another one may do.
    case addressInUse
    /// No such token, or no longer.
    case noReservation
    /// Out of descriptors or memory; another port would not help.
    case outOfResources
}

/// Outputs waiting to be taken. Its memory is given back when a burst of expiries has been drained.
struct OutputQueue: ~Copyable {
    private var outputs: [Output] = []
    private var head = 0

    mutating func append(_ output: Output) { outputs.append(output) }

    mutating func next() -> Output? {
        guard head < outputs.count else {
            outputs.removeAll(keepingCapacity: outputs.capacity <= 256)
            head = 0
            return nil
        }
        defer { head += 1 }
        return outputs[head]
    }

    var isEmpty: Bool { head == outputs.count }
}
