package import NetworkPrimitives

/// An edit of the data plane's table. The control plane owns the truth and sends these; nothing else changes the table,
/// so another consumer of the same edits (a second table, a kernel fast path) would hold the same routes.
package enum RouteChange: Equatable, Sendable {
    /// A new allocation. `allocation` is the index that all later changes name. Nil: its client is not there yet.
    case addAllocation(allocation: UInt32, fiveTuple: FiveTuple?, bytesPerSecondMax: UInt64)
    /// The client of an allocation uses another five-tuple from now on; nil: none, and permissions and channels were
    /// removed before.
    case moveAllocation(allocation: UInt32, fiveTuple: FiveTuple?)
    /// The relay socket of one family is there.
    case openRelay(allocation: UInt32, family: AddressFamily, socket: RelaySocketID)
    /// The relay socket of one family is gone; its permissions and channels were removed before.
    case closeRelay(allocation: UInt32, family: AddressFamily)
    /// Everything of the allocation is gone; its permissions and channels were removed before.
    case removeAllocation(allocation: UInt32)
    /// The peer, at its address on our network, may send and be sent to.
    case permit(allocation: UInt32, peer: IPAddress)
    case forbid(allocation: UInt32, peer: IPAddress)
    /// The channel relays. Present only while both binding and permission live (RFC 8656 §9, §12).
    case bindChannel(allocation: UInt32, number: UInt16, peer: SocketAddress)
    case unbindChannel(allocation: UInt32, number: UInt16, peer: SocketAddress)
}
