import NetworkPrimitives

/// What travels on the virtual wire: one UDP datagram.
package struct Datagram: Equatable, Sendable {
    package var source: SocketAddress
    package var destination: SocketAddress
    package var payload: [UInt8]

    package init(source: SocketAddress, destination: SocketAddress, payload: [UInt8]) {
        self.source = source
        self.destination = destination
        self.payload = payload
    }
}

/// A host in the simulated world, driven the way the shell drives the real server: one input, all its outputs, next
/// input.
///
/// A class, because a test keeps hold of the nodes it put into a world and asks them afterwards.
package protocol Node: AnyObject {
    /// The addresses whose datagrams the network brings here, whatever their port.
    var hosts: [IPAddress] { get }
    /// When the node wants to be woken, at the latest.
    var nextDeadline: Instant? { get }
    /// Whether the node sees a copy of everything that is sent, as somebody on the path does.
    var overhears: Bool { get }

    func receive(_ datagram: Datagram, at now: Instant) -> [Datagram]
    func handleDeadline(at now: Instant) -> [Datagram]
    func overhear(_ datagram: Datagram)
}

extension Node {
    package var overhears: Bool { false }
    package func overhear(_ datagram: Datagram) {}
}

// Short spellings for addresses, since every scenario is full of them.
extension IPAddress {
    package static func v4(_ a: UInt8, _ b: UInt8, _ c: UInt8, _ d: UInt8) -> IPAddress {
        .v4(IPv4Address(rawValue: UInt32(a) << 24 | UInt32(b) << 16 | UInt32(c) << 8 | UInt32(d)))
    }

    /// A host of `2600::/64`, which is public and nobody's in a simulation.
    package static func v6(_ host: UInt64) -> IPAddress {
        .v6(IPv6Address(high: 0x2600_0000_0000_0000, low: host))
    }

    package func port(_ port: UInt16) -> SocketAddress { SocketAddress(ip: self, port: port) }
}

extension Instant {
    package static func seconds(_ seconds: UInt32) -> Instant { Instant.zero.advanced(bySeconds: seconds) }

    package var milliseconds: UInt64 { nanoseconds / 1_000_000 }
}
