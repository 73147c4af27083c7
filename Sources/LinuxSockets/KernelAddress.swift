package import CLinux
package import NetworkPrimitives

/// Conversions between the C side's addresses and ours. Both are in host order, so it is a matter of moving words.
package enum KernelAddress {
    /// Nil for `TERN_FAMILY_NONE`.
    @inlinable package static func ip(_ address: tern_address) -> IPAddress? {
        switch address.family {
        case AddressFamily.ipv4.rawValue: .v4(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.low)))
        case AddressFamily.ipv6.rawValue: .v6(IPv6Address(high: address.high, low: address.low))
        default: nil
        }
    }

    /// A UDP socket always reports a source; 0.0.0.0 stands for a kernel that did not.
    @inlinable package static func socketAddress(_ address: tern_address) -> SocketAddress {
        SocketAddress(ip: ip(address) ?? .v4(IPv4Address(rawValue: 0)), port: address.port)
    }
}

extension tern_address {
    init(_ address: SocketAddress) {
        self.init(address.ip)
        port = address.port
    }

    /// Nil becomes `TERN_FAMILY_NONE`.
    init(_ address: IPAddress?) {
        self.init()
        switch address {
        case .v4(let inner):
            family = AddressFamily.ipv4.rawValue
            low = UInt64(inner.rawValue)
        case .v6(let inner):
            family = AddressFamily.ipv6.rawValue
            high = inner.high
            low = inner.low
        case nil: break
        }
    }
}
