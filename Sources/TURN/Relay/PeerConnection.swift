import Containers
package import NetworkPrimitives

/// A wish of the data plane: this allocation sends to one peer only, and a socket connected to it would cost less.
package struct ConnectionWish: Equatable, Sendable {
    package let allocation: UInt32
    /// The relay socket beside which the new one is to be opened.
    package let relay: RelaySocketID
    package let peer: SocketAddress

    package init(allocation: UInt32, relay: RelaySocketID, peer: SocketAddress) {
        self.allocation = allocation
        self.relay = relay
        self.peer = peer
    }
}

/// The peer of an allocation that has a socket of its own, and how it came by it.
///
/// A send through a socket that is connected to its destination spares the kernel the search for a route, a tenth of
/// what relaying costs. It is worth a descriptor only while an allocation has one peer that it sends to steadily; all
/// others keep being served by the relay socket, and nothing depends on the connection being there.
struct PeerConnection: Sendable {
    /// Datagrams to one peer, with none to another between them, after which a connection is wished for.
    static let steadyCount: UInt16 = 64
    /// The same for an allocation whose connection leads to another peer, or could not be had.
    static let replacingCount: UInt16 = 4096

    private(set) var socket: RelaySocketID?
    private var peer = SocketAddress(ip: .v4(.any), port: 0)
    /// Stands for the peer of the last datagrams that went around the connection. Two peers may share a mark; then a
    /// connection is made a little early.
    private var mark: UInt32 = 0
    private var count: UInt16 = 0
    /// What `count` has to reach.
    private var wishedCount = PeerConnection.steadyCount

    /// Notes a datagram to `destination`. Returns the socket connected to it, if there is one, and whether it is time
    /// to ask for one. Each datagram repeats the question, so that nobody needs to remember it.
    mutating func noteDatagram(to destination: SocketAddress) -> (socket: RelaySocketID?, isWished: Bool) {
        if let socket, peer == destination {
            count = 0
            return (socket, false)
        }
        let bits = destination.hash(seed: 0)
        guard mark == UInt32(truncatingIfNeeded: bits) else {
            mark = UInt32(truncatingIfNeeded: bits)
            count = 1
            return (nil, false)
        }
        if count < Self.replacingCount { count += 1 }
        return (nil, count >= wishedCount)
    }

    /// Nil: there is no connection to that peer, and the next try is to be rare.
    mutating func connect(_ socket: RelaySocketID?, to peer: SocketAddress) {
        self.socket = socket
        self.peer = peer
        count = 0
        wishedCount = Self.replacingCount
    }

    mutating func end(_ family: AddressFamily) {
        guard peer.family == family else { return }
        socket = nil
        wishedCount = Self.steadyCount
    }
}
