package import Containers
package import NetworkPrimitives
package import STUN

/// An allocation as a value: everything that it is, apart from the sockets. One worker exports it and another adopts
/// it. Nothing in it names a place in a table or a descriptor, and times are those that remain; only the two buckets go
/// by the monotonic clock of the host.
package struct AllocationState: Sendable {
    /// A relayed address; the socket that is bound to it travels beside the state.
    package struct RelayState: Equatable, Sendable {
        package let local: SocketAddress
        package let advertised: SocketAddress
        /// Nanoseconds until it ends.
        package let remaining: UInt64
    }

    /// A permission, by the peer's address on our network.
    package struct PermissionState: Equatable, Sendable {
        package let peer: IPAddress
        package let remaining: UInt64
    }

    /// A channel binding, by the peer's address on our network.
    package struct ChannelState: Equatable, Sendable {
        package let number: ChannelNumber
        package let peer: SocketAddress
        package let remaining: UInt64
    }

    /// The five-tuple that the client has used last.
    package let fiveTuple: FiveTuple
    /// Whether it may use it still; false when its connection has ended.
    package let isAttached: Bool
    package let transactionID: TransactionID
    package let identity: Identity
    package let term: NameTerm?
    package let keys: AccountKeys
    /// What the ledger counts for it. It moves along and is neither released nor admitted anew.
    package let claim: AllocationClaim
    package let mobility: MobilityState
    package let grantedSeconds: UInt32
    package let reservationToken: UInt64?
    package let addressError: AddressError?
    package let relays: [RelayState]
    package let permissions: [PermissionState]
    package let channels: [ChannelState]
    package let newPeers: TokenBucket
    package let notices: TokenBucket
}

/// The family that could not be given, of a dual allocation, and why (RFC 8656 §18.12).
package struct AddressError: Equatable, Sendable {
    package let family: AddressFamily
    package let code: ErrorCode
}

/// The tickets of an allocation, and where its client went last.
package struct MobilityState: Equatable, Sendable {
    /// A Refresh with a ticket that was granted.
    package struct Move: Equatable, Sendable {
        package let path: FiveTuple
        /// The worker where the client arrives; nil for the one that has the allocation.
        package let place: ArrivalPlace?
        package let transactionID: TransactionID
        package let grantedSeconds: UInt32
    }

    package let mobility: MobilityID
    /// Of the ticket that the client was given last.
    package var serial: UInt32 = 0
    package var lastMove: Move?
    /// Whether the client has yet to show itself where it moved last. Until then the old five-tuple is good
    /// (RFC 8016 §3.2.2).
    package var isPending = false

    /// The count of tickets goes around.
    static func serial(after serial: UInt32) -> UInt32 { (serial + 1) & MobilityTicket.serialMask }
}
