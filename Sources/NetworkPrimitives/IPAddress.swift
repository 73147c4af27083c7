/// The two address families of TURN (RFC 8656 §18.6); raw values are those on the wire (RFC 8489 §14.1).
@usableFromInline package enum AddressFamily: UInt8, Hashable, Sendable, CaseIterable {
    case ipv4 = 0x01
    case ipv6 = 0x02
}

/// An IPv4 address; `rawValue` is in host order, so 127.0.0.1 is 0x7F00_0001.
@usableFromInline package struct IPv4Address: Hashable, Sendable {
    @usableFromInline package let rawValue: UInt32

    @inlinable package init(rawValue: UInt32) { self.rawValue = rawValue }

    @usableFromInline package static let any = IPv4Address(rawValue: 0)
    @usableFromInline package static let loopback = IPv4Address(rawValue: 0x7F00_0001)
}

/// An IPv6 address as two halves in host order: `::1` is high 0, low 1. Zone identifiers are not part of it.
@usableFromInline package struct IPv6Address: Hashable, Sendable {
    @usableFromInline package let high: UInt64
    @usableFromInline package let low: UInt64

    @inlinable package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    @usableFromInline package static let any = IPv6Address(high: 0, low: 0)
    @usableFromInline package static let loopback = IPv6Address(high: 0, low: 1)

    /// `::ffff:a.b.c.d` (RFC 4291 §2.5.5.2), else nil.
    @inlinable package var mappedIPv4: IPv4Address? {
        guard high == 0, low >> 32 == 0xFFFF else { return nil }
        return IPv4Address(rawValue: UInt32(truncatingIfNeeded: low))
    }
}

/// An address of either family.
@usableFromInline package enum IPAddress: Hashable, Sendable {
    case v4(IPv4Address)
    case v6(IPv6Address)

    @inlinable package var family: AddressFamily {
        switch self {
        case .v4: .ipv4
        case .v6: .ipv6
        }
    }

    /// The same host in its simplest spelling: an IPv4-mapped IPv6 address becomes IPv4, as a dual-stack socket
    /// reports it (RFC 4291 §2.5.5.2).
    @inlinable package var unmapped: IPAddress {
        guard case .v6(let address) = self, let inner = address.mappedIPv4 else { return self }
        return .v4(inner)
    }

    @inlinable package var isUnspecified: Bool {
        switch self {
        case .v4(let address): address.rawValue == 0
        case .v6(let address): address.high | address.low == 0
        }
    }

    @inlinable package var isLoopback: Bool {
        switch self {
        case .v4(let address): address.rawValue >> 24 == 127
        case .v6(let address): address == .loopback
        }
    }

    /// What stands for one customer of a provider: the address itself for IPv4, the /64 for IPv6, of which everybody
    /// has 2^64 addresses. Limits per source count by it.
    @inlinable package var subscriber: IPAddress {
        switch self {
        case .v4: self
        case .v6(let address): .v6(IPv6Address(high: address.high, low: 0))
        }
    }

    @usableFromInline package static func any(_ family: AddressFamily) -> IPAddress {
        switch family {
        case .ipv4: .v4(.any)
        case .ipv6: .v6(.any)
        }
    }

    @usableFromInline package static func loopback(_ family: AddressFamily) -> IPAddress {
        switch family {
        case .ipv4: .v4(.loopback)
        case .ipv6: .v6(.loopback)
        }
    }
}
