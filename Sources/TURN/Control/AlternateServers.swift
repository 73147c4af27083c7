package import NetworkPrimitives

/// A server that clients may be sent to (RFC 8489 §10).
package struct AlternateServer: Equatable, Sendable {
    package let address: SocketAddress
    /// The name in its certificate, at most 255 bytes; nil when it has none, or that of ours.
    package let domain: [UInt8]?

    package init(_ address: SocketAddress, domain: [UInt8]? = nil) {
        precondition(domain?.count ?? 0 <= 255, "ALTERNATE-DOMAIN is at most 255 bytes (RFC 8489 §14.16)")
        self.address = address
        self.domain = domain
    }
}

/// Where Allocate requests are sent instead, by the transport that they come by.
package struct AlternateServers: Equatable, Sendable {
    package var udp: [AlternateServer]
    package var tcp: [AlternateServer]
    /// For TLS and DTLS.
    package var secure: [AlternateServer]

    package init(udp: [AlternateServer] = [], tcp: [AlternateServer] = [], secure: [AlternateServer] = []) {
        self.udp = udp
        self.tcp = tcp
        self.secure = secure
    }

    /// Everybody is served here.
    package static let none = AlternateServers()

    func list(for transport: ClientTransport) -> [AlternateServer] {
        switch transport {
        case .udp: udp
        case .tcp: tcp
        case .tls, .dtls: secure
        }
    }
}

/// Whose turn it is among the alternates. Each family counts by itself: clients that come by turns from both would
/// otherwise meet the same half of each.
struct AlternateTurns {
    private var ipv4: Int
    private var ipv6: Int
    /// Divisible by every number of servers up to sixteen, so that the first one has no more turns than the others.
    private static let period = 720_720

    /// Workers that start together begin in different places.
    init(random: UInt64) {
        ipv4 = Int(random % UInt64(Self.period))
        ipv6 = ipv4
    }

    mutating func next(_ family: AddressFamily, of count: Int) -> Int {
        switch family {
        case .ipv4:
            ipv4 = (ipv4 + 1) % Self.period
            return ipv4 % count
        case .ipv6:
            ipv6 = (ipv6 + 1) % Self.period
            return ipv6 % count
        }
    }
}
