import Containers

/// The value of CONNECTION-ID (RFC 6062 §6.2.1): which peer data connection is meant. Random, so that nobody can guess
/// that of another one, and at any time one of a kind in the whole server, since ConnectionBind may come to any worker.
package struct PeerConnectionID: Hashable, Sendable {
    package let rawValue: UInt32
    package init(rawValue: UInt32) { self.rawValue = rawValue }
}

extension PeerConnectionID: FlatMapKey {
    package func hash(seed: UInt64) -> UInt64 { mix(UInt64(rawValue) ^ seed, 0x9E37_79B9_7F4A_7C15) }
}

/// Where all workers of a server say which connection ids they have given. It is asked when a peer data connection
/// begins and told when it ends, never on a packet.
package protocol ConnectionRegister: AnyObject {
    /// False when the id is in use, here or elsewhere.
    func enter(_ id: PeerConnectionID) -> Bool
    func leave(_ id: PeerConnectionID)
}
