import Containers
package import NetworkPrimitives
import STUN

/// An ICMP error that the network sent back for a datagram of a relay socket.
package struct ICMPMessage: Equatable, Sendable {
    /// Where the datagram was going.
    package let peer: SocketAddress
    package let type: UInt8
    package let code: UInt8
    /// The next hop's MTU for "packet too big" and "fragmentation needed", else 0.
    package let errorData: UInt32

    package init(peer: SocketAddress, type: UInt8, code: UInt8, errorData: UInt32) {
        self.peer = peer
        self.type = type
        self.code = code
        self.errorData = errorData
    }

    /// The types that a client learns of: unreachable and time exceeded, for IPv6 also packet too big (RFC 8656 §11.5).
    var isRelayed: Bool {
        switch peer.family {
        case .ipv4: type == 3 || type == 11
        case .ipv6: (1...3).contains(type)
        }
    }

    /// The value of ICMP: 16 reserved bits, type in 7, code in 9, then the error data (RFC 8656 §18.13).
    var attributeValue: UInt64 {
        UInt64(type & 0x7F) << 41 | UInt64(code) << 32 | UInt64(errorData)
    }
}

extension TURNServer {
    /// RFC 8656 §11.5: tells the client by a Data indication, if the peer has a permission. `index` names the
    /// allocation whose relay socket the error came to.
    package mutating func receiveICMP(
        _ error: ICMPMessage, allocation index: UInt32, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard let handle = allocations.handle(at: index), case .active = allocations[handle].phase else {
            return drop(.noAllocation)
        }
        guard error.isRelayed else { return drop(.ignoredMessage) }
        guard allocations[handle].permission(for: error.peer.ip) != nil else { return drop(.noPermission) }
        guard allocations[handle].notices.take(1, at: now) else { return drop(.overBandwidth) }
        let id = TransactionID(high: UInt32(truncatingIfNeeded: random.next()), low: random.next())
        var writer = MessageWriter(into: reply, type: MessageType(.data, .indication), transactionID: id)
        let known = SocketAddress(
            ip: externalAddresses.advertised(error.peer.ip), port: error.peer.port)
        writer.appendXORAddress(.xorPeerAddress, known)
        writer.append(.icmp, error.attributeValue)
        return Reply(path: allocations[handle].fiveTuple, byteCount: writer.byteCount)
    }
}
