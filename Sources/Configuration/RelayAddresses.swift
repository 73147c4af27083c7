package import NetworkPrimitives

/// One `external-ip` line.
package struct ExternalAddress: Hashable, Sendable {
    /// What clients and peers see.
    package let publicAddress: IPAddress
    /// The relay address it stands for; nil when it stands for every one of its family.
    package let relayAddress: IPAddress?
}

/// Which public address stands for which relay address.
package struct ExternalAddresses: Hashable, Sendable {
    /// In the order in which they were written; no relay address and no family occurs twice.
    package let entries: [ExternalAddress]

    /// The host is behind no NAT.
    package static let none = ExternalAddresses(entries: [])

    /// The address to advertise for a relay socket bound to `relayAddress`: that of its own line, else that of the
    /// line for the whole family, else itself. Never one of the other family.
    package func advertised(for relayAddress: IPAddress) -> IPAddress {
        if let own = entries.first(where: { $0.relayAddress == relayAddress }) { return own.publicAddress }
        let general = entries.first { $0.relayAddress == nil && $0.publicAddress.family == relayAddress.family }
        return general?.publicAddress ?? relayAddress
    }
}

/// The ports relay sockets are bound to. Never empty.
package struct RelayPortRange: Hashable, Sendable {
    /// First and last port, both 1024 or more.
    package let bounds: ClosedRange<UInt16>

    /// Nil when the range would be empty or reach below 1024: RFC 8656 §7.2 keeps clients off the well-known ports, so
    /// that nobody runs a standard service behind a relay.
    package init?(first: Int, last: Int) {
        guard first >= 1024, first <= last, last <= 65535 else { return nil }
        bounds = UInt16(first)...UInt16(last)
    }

    private init(bounds: ClosedRange<UInt16>) { self.bounds = bounds }

    /// The dynamic ports (RFC 6335 §6).
    package static let dynamicPorts = RelayPortRange(bounds: 49152...65535)
}
