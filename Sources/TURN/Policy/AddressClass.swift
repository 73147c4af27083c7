package import NetworkPrimitives

/// What kind of destination an address is, whatever way it is spelt.
package enum AddressClass: Equatable, Sendable {
    /// Somebody's host on the Internet.
    case global
    /// Refused unless the operator allows it: `name` says which block of which registry it belongs to.
    case internalUse(name: StaticString)
    /// The host itself; refused unless loopback peers were asked for.
    case loopback
    /// Refused whatever the configuration says.
    case never(name: StaticString)

    package static func == (left: AddressClass, right: AddressClass) -> Bool {
        switch (left, right) {
        case (.global, .global), (.loopback, .loopback): true
        case (.internalUse(let first), .internalUse(let second)), (.never(let first), .never(let second)):
            "\(first)" == "\(second)"
        default: false
        }
    }
}

/// Sorts addresses by the IANA special-purpose registries (RFC 6890) and by the ways in which an IPv6 address can carry
/// an IPv4 one. An address that carries another is judged by what it carries, so that a forbidden host has no second
/// name.
package enum AddressClassifier {
    package static func classify(_ address: IPAddress) -> AddressClass {
        switch address {
        case .v4(let ip): classify(ip)
        case .v6(let ip): classify(ip)
        }
    }

    private static func classify(_ address: IPv4Address) -> AddressClass {
        for block in ipv4Blocks where address.rawValue >> block.shift == block.prefix { return block.class }
        return .global
    }

    private static func classify(_ address: IPv6Address) -> AddressClass {
        if address == .loopback { return .loopback }
        if address == .any { return .never(name: "unspecified") }
        for block in ipv6Blocks where (address.high ^ block.high) & block.mask == 0 {
            // An operator who opens an internal block does not open what hides in it (ISATAP works under any prefix).
            if let inner = embeddedIPv4(address), case .never = carrying(classify(inner)) {
                return carrying(classify(inner))
            }
            return block.class
        }
        if address.high == 0, let carried = classifyLowEmbedding(address) { return carried }
        if address.high >> 16 == 0x0064_FF9B_0001 { return classifyLocalUseNAT64(address) }
        if let inner = embeddedIPv4(address) { return carrying(classify(inner)) }
        return .global
    }

    /// RFC 8215: where the IPv4 address stands depends on a prefix length that only the operator of the NAT knows, so
    /// the whole block is internal, and forbidden when the usual place holds something forbidden.
    private static func classifyLocalUseNAT64(_ address: IPv6Address) -> AddressClass {
        let inner = carrying(classify(IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.low))))
        if case .never = inner { return inner }
        return .internalUse(name: "local-use NAT64 (64:ff9b:1::/48)")
    }

    /// `::/96`, `::ffff:0:0/96` and the rest of `::/64`: forms that no correct client sends as a peer.
    private static func classifyLowEmbedding(_ address: IPv6Address) -> AddressClass? {
        switch address.low >> 32 {
        case 0: .never(name: "IPv4-compatible IPv6 (::/96)")
        case 0xFFFF: .never(name: "IPv4-mapped IPv6 (::ffff:0:0/96)")
        default: nil
        }
    }

    /// The IPv4 address inside a translated (RFC 2765), NAT64 (RFC 6052) or ISATAP (RFC 5214) address.
    private static func embeddedIPv4(_ address: IPv6Address) -> IPv4Address? {
        let inner = IPv4Address(rawValue: UInt32(truncatingIfNeeded: address.low))
        if address.high == 0, address.low >> 32 == 0xFFFF_0000 { return inner }
        if address.high == 0x0064_FF9B_0000_0000, address.low >> 32 == 0 { return inner }
        if address.low >> 32 == 0x0000_5EFE || address.low >> 32 == 0x0200_5EFE { return inner }
        return nil
    }

    /// Loopback inside an IPv6 address is never a test on this host; it is a disguise.
    private static func carrying(_ inner: AddressClass) -> AddressClass {
        switch inner {
        case .loopback, .never: .never(name: "IPv6 form of a forbidden IPv4 address")
        case .internalUse: .internalUse(name: "IPv6 form of an internal IPv4 address")
        case .global: .global
        }
    }

    // MARK: - Registries

    private struct IPv4Block {
        let prefix: UInt32
        let shift: UInt32
        let `class`: AddressClass

        init(_ a: UInt32, _ b: UInt32, _ c: UInt32, _ d: UInt32, length: UInt32, _ class: AddressClass) {
            shift = 32 - length
            prefix = (a << 24 | b << 16 | c << 8 | d) >> shift
            self.class = `class`
        }
    }

    private struct IPv6Block {
        let high: UInt64
        let mask: UInt64
        let `class`: AddressClass

        init(_ high: UInt64, length: UInt64, _ class: AddressClass) {
            self.high = high
            mask = UInt64.max << (64 - length)
            self.class = `class`
        }
    }

    private static let ipv4Blocks: [IPv4Block] = [
        IPv4Block(0, 0, 0, 0, length: 8, .never(name: "this network (0.0.0.0/8)")),
        IPv4Block(127, 0, 0, 0, length: 8, .loopback),
        IPv4Block(169, 254, 0, 0, length: 16, .never(name: "link-local and metadata (169.254.0.0/16)")),
        IPv4Block(224, 0, 0, 0, length: 4, .never(name: "multicast (224.0.0.0/4)")),
        IPv4Block(255, 255, 255, 255, length: 32, .never(name: "broadcast (255.255.255.255)")),
        IPv4Block(10, 0, 0, 0, length: 8, .internalUse(name: "private (10.0.0.0/8)")),
        IPv4Block(100, 64, 0, 0, length: 10, .internalUse(name: "carrier NAT (100.64.0.0/10)")),
        IPv4Block(172, 16, 0, 0, length: 12, .internalUse(name: "private (172.16.0.0/12)")),
        IPv4Block(192, 168, 0, 0, length: 16, .internalUse(name: "private (192.168.0.0/16)")),
        IPv4Block(192, 0, 0, 0, length: 24, .internalUse(name: "protocol assignments (192.0.0.0/24)")),
        IPv4Block(192, 0, 2, 0, length: 24, .internalUse(name: "documentation (192.0.2.0/24)")),
        IPv4Block(192, 88, 99, 0, length: 24, .internalUse(name: "6to4 relay (192.88.99.0/24)")),
        IPv4Block(198, 18, 0, 0, length: 15, .internalUse(name: "benchmarking (198.18.0.0/15)")),
        IPv4Block(198, 51, 100, 0, length: 24, .internalUse(name: "documentation (198.51.100.0/24)")),
        IPv4Block(203, 0, 113, 0, length: 24, .internalUse(name: "documentation (203.0.113.0/24)")),
        IPv4Block(168, 63, 129, 16, length: 32, .internalUse(name: "cloud platform (168.63.129.16)")),
        IPv4Block(240, 0, 0, 0, length: 4, .internalUse(name: "reserved (240.0.0.0/4)")),
    ]

    private static let ipv6Blocks: [IPv6Block] = [
        IPv6Block(0xFE80_0000_0000_0000, length: 10, .never(name: "link-local (fe80::/10)")),
        IPv6Block(0xFF00_0000_0000_0000, length: 8, .never(name: "multicast (ff00::/8)")),
        IPv6Block(0x2001_0000_0000_0000, length: 32, .never(name: "Teredo (2001::/32)")),
        IPv6Block(0x2002_0000_0000_0000, length: 16, .never(name: "6to4 (2002::/16)")),
        IPv6Block(0xFD00_0EC2_0000_0000, length: 32, .never(name: "cloud metadata (fd00:ec2::/32)")),
        IPv6Block(0xFC00_0000_0000_0000, length: 7, .internalUse(name: "unique local (fc00::/7)")),
        IPv6Block(0xFEC0_0000_0000_0000, length: 10, .internalUse(name: "site-local (fec0::/10)")),
        IPv6Block(0x0100_0000_0000_0000, length: 64, .internalUse(name: "discard (100::/64)")),
        IPv6Block(0x2001_0000_0000_0000, length: 23, .internalUse(name: "protocol assignments (2001::/23)")),
        IPv6Block(0x2001_0DB8_0000_0000, length: 32, .internalUse(name: "documentation (2001:db8::/32)")),
        IPv6Block(0x3FFF_0000_0000_0000, length: 20, .internalUse(name: "documentation (3fff::/20)")),
        IPv6Block(0x5F00_0000_0000_0000, length: 16, .internalUse(name: "segment routing (5f00::/16)")),
    ]
}
