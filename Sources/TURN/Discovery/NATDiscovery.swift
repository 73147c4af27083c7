package import NetworkPrimitives

/// The addresses and ports that NAT behaviour discovery is served on (RFC 5780 §6): of a family two addresses, and two
/// ports on each of them.
package struct NATDiscovery: Sendable {
    /// An address of ours, and what clients know it by.
    package struct Address: Equatable, Sendable {
        package let local: IPAddress
        package let advertised: IPAddress

        package init(local: IPAddress, advertised: IPAddress) {
            self.local = local
            self.advertised = advertised
        }
    }

    /// Two addresses of a family, each the other's alternate.
    package struct Pair: Equatable, Sendable {
        package let first: Address
        package let second: Address

        /// Nil when clients could not tell the two apart.
        package init?(_ first: Address, _ second: Address) {
            guard first.local.family == second.local.family, first.local != second.local,
                first.advertised.family == second.advertised.family, first.advertised != second.advertised
            else { return nil }
            self.first = first
            self.second = second
        }
    }

    private let pairs: [Pair]
    private let port: UInt16
    private let alternatePort: UInt16

    package init(pairs: [Pair], port: UInt16, alternatePort: UInt16) {
        precondition(port != alternatePort, "a request to change the port needs another one")
        self.pairs = pairs
        self.port = port
        self.alternatePort = alternatePort
    }

    /// Where a request to `server` stands in RFC 5780 §6.1, table 1; nil when it came to another listener.
    func place(of server: SocketAddress) -> Place? {
        guard server.port == port || server.port == alternatePort else { return nil }
        let otherPort = server.port == port ? alternatePort : port
        for pair in pairs {
            if pair.first.local == server.ip {
                return Place(own: pair.first, other: pair.second, port: server.port, otherPort: otherPort)
            }
            if pair.second.local == server.ip {
                return Place(own: pair.second, other: pair.first, port: server.port, otherPort: otherPort)
            }
        }
        return nil
    }

    /// Da, Ca, Dp and Cp of table 1.
    struct Place {
        let own: Address
        let other: Address
        let port: UInt16
        let otherPort: UInt16

        /// OTHER-ADDRESS, whatever is asked to change.
        var otherAddress: SocketAddress { SocketAddress(ip: other.advertised, port: otherPort) }

        /// Where the answer leaves from, and what the client sees as its source.
        func origin(changingIP: Bool, changingPort: Bool) -> (local: SocketAddress, advertised: SocketAddress) {
            let address = changingIP ? other : own
            let port = changingPort ? otherPort : port
            return (SocketAddress(ip: address.local, port: port), SocketAddress(ip: address.advertised, port: port))
        }
    }
}
