package import NetworkPrimitives

/// A local address that relay sockets bind to, and the address that the world knows it by (`external-ip`).
package struct RelayAddress: Hashable, Sendable {
    package let local: IPAddress
    package let advertised: IPAddress

    /// Both are of one family: an IPv4 mapping never applies to an IPv6 address.
    package init(local: IPAddress, advertised: IPAddress) {
        precondition(local.family == advertised.family, "external-ip maps inside one family")
        self.local = local
        self.advertised = advertised
    }
}

/// Translates between the address a client knows a relay by and the one it has on our network, so that two clients of
/// one server reach each other's relayed addresses without a NAT that hairpins.
package struct ExternalAddresses: Sendable {
    /// Only the addresses that differ; usually none or one.
    private let mapped: [RelayAddress]

    package init(_ relayAddresses: [RelayAddress]) {
        mapped = relayAddresses.filter { $0.local != $0.advertised }
    }

    package func local(_ address: IPAddress) -> IPAddress {
        for entry in mapped where entry.advertised == address { return entry.local }
        return address
    }

    package func advertised(_ address: IPAddress) -> IPAddress {
        for entry in mapped where entry.local == address { return entry.advertised }
        return address
    }

    package var isEmpty: Bool { mapped.isEmpty }
}
