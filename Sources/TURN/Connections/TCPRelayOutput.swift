package import NetworkPrimitives

/// What the control plane wants done for allocations that relay TCP (RFC 6062).
package enum TCPRelayOutput: Equatable, Sendable {
    /// Listen for peers on `address` and answer with `relayOpened` or `relayFailed`.
    case listen(AllocationID, address: SocketAddress)
    /// Stop listening; the connections of the allocation were closed before.
    case closeListener(RelaySocketID)
    /// Connect from the relayed address, port included, and answer with `peerConnected` or `peerFailed`, now or later.
    case connect(PeerConnectionID, AllocationID, from: SocketAddress, to: SocketAddress)
    /// It takes too long: stop trying, and answer with `peerFailed`.
    case giveUp(PeerConnectionID)
    /// From the reply on that follows, the client's connection at `client` belongs to this peer: pass on what either
    /// sends, as it is, until `peerEnded`.
    case splice(PeerConnectionID, client: FiveTuple)
    /// Close the connection to the peer, and the client's that belongs to it.
    case close(PeerConnectionID)
}

/// What becomes of a connection that a peer has made to a relayed address (RFC 6062 §5.3).
package enum PeerAdmission: Equatable, Sendable {
    /// Close it at once.
    case refused
    /// Keep it, and read nothing yet. The reply tells the client.
    case admitted(PeerConnectionID, Reply)
}
