package import Containers
package import NetworkPrimitives

/// The transport between client and server (RFC 8656 §3.1).
package enum ClientTransport: UInt8, Hashable, Sendable, CaseIterable {
    case udp, tcp, tls, dtls

    /// Whether messages follow each other in a connection instead of coming by themselves.
    package var isStream: Bool {
        switch self {
        case .udp, .dtls: false
        case .tcp, .tls: true
        }
    }

    /// Whether a handshake has shown that the client gets what is sent to its address. There is something then that can
    /// end, and the client with it: a connection, or an association.
    package var provesAddress: Bool { self != .udp }
}

/// The host that sent us a request. Never interchangeable with a peer.
package struct ClientAddress: Hashable, Sendable {
    package let socketAddress: SocketAddress
    package init(_ socketAddress: SocketAddress) { self.socketAddress = socketAddress }

    func isSameHost(as other: ClientAddress) -> Bool { socketAddress.ip == other.socketAddress.ip }
}

/// What names an allocation: the client's address, the address of ours that it talks to, and the transport
/// (RFC 8656 §3.2). An answer leaves from `server` and no other address (RFC 8489 §6.3.1.1).
package struct FiveTuple: Hashable, Sendable {
    package let client: ClientAddress
    package let server: SocketAddress
    package let transport: ClientTransport

    package init(client: ClientAddress, server: SocketAddress, transport: ClientTransport) {
        self.client = client
        self.server = server
        self.transport = transport
    }
}

extension FiveTuple: FlatMapKey {
    package func hash(seed: UInt64) -> UInt64 {
        // The seed goes through every step, so that a stranger who chooses addresses cannot choose collisions.
        let clientHash = client.socketAddress.hash(seed: seed)
        return server.hash(seed: clientHash ^ UInt64(transport.rawValue))
    }
}

/// One allocation of one worker; never reused for another allocation.
package struct AllocationID: Hashable, Sendable {
    package let handle: SlabHandle
    package init(_ handle: SlabHandle) { self.handle = handle }
    /// Dense and reused: an index into per-allocation tables of the same worker.
    package var index: UInt32 { handle.index }
}

/// A relay socket of the shell. The core only hands it back.
package struct RelaySocketID: Hashable, Sendable {
    package let rawValue: Int32
    package init(rawValue: Int32) { self.rawValue = rawValue }
}
