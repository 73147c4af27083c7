/// A block of addresses such as `10.0.0.0/8` or `fc00::/7`. Bits behind the prefix are zero.
package struct IPPrefix: Hashable, Sendable {
    package let address: IPAddress
    /// 0...32 for IPv4, 0...128 for IPv6.
    package let length: Int

    /// Nil when `length` does not fit the family. Host bits are cleared.
    package init?(_ address: IPAddress, length: Int) {
        switch address {
        case .v4(let value):
            guard (0...32).contains(length) else { return nil }
            let mask = UInt32.max << UInt32(32 - length)
            self.address = .v4(IPv4Address(rawValue: value.rawValue & (length == 0 ? 0 : mask)))
        case .v6(let value):
            guard (0...128).contains(length) else { return nil }
            let mask = Self.mask(length)
            self.address = .v6(IPv6Address(high: value.high & mask.high, low: value.low & mask.low))
        }
        self.length = length
    }

    /// `a.b.c.d/n`, `x::y/n`, or a bare address, which is its own block.
    package init?(_ text: String) { self.init(text[...]) }

    package init?(_ text: Substring) {
        guard let slash = text.lastIndex(of: "/") else {
            guard let address = IPAddress(text) else { return nil }
            self.init(address, length: address.family == .ipv4 ? 32 : 128)
            return
        }
        let lengthText = text[text.index(after: slash)...]
        guard let address = IPAddress(text[..<slash]), let length = parseDecimal(lengthText.utf8, atMost: 128) else {
            return nil
        }
        self.init(address, length: length)
    }

    package func contains(_ candidate: IPAddress) -> Bool {
        switch (address, candidate) {
        case (.v4(let base), .v4(let value)):
            return length == 0 || (base.rawValue ^ value.rawValue) >> UInt32(32 - length) == 0
        case (.v6(let base), .v6(let value)):
            let mask = Self.mask(length)
            return (base.high ^ value.high) & mask.high == 0 && (base.low ^ value.low) & mask.low == 0
        default:
            return false
        }
    }

    private static func mask(_ length: Int) -> (high: UInt64, low: UInt64) {
        // A shift by the full width yields zero in Swift, so both ends come out right.
        (
            high: length == 0 ? 0 : UInt64.max << UInt64(max(0, 64 - length)),
            low: length <= 64 ? 0 : UInt64.max << UInt64(128 - length)
        )
    }
}

extension IPPrefix: CustomStringConvertible {
    package var description: String { "\(address)/\(length)" }
}

/// All addresses from `first` to `last`, both included, of one family: coturn's `a-b` form. An IPv6 range is compared
/// as one 128-bit number; comparing it byte by byte lets addresses slip through.
package struct IPRange: Hashable, Sendable {
    package let first: IPAddress
    package let last: IPAddress

    /// Nil when the ends differ in family or are in the wrong order.
    package init?(first: IPAddress, last: IPAddress) {
        switch (first, last) {
        case (.v4(let low), .v4(let high)): guard low.rawValue <= high.rawValue else { return nil }
        case (.v6(let low), .v6(let high)): guard (low.high, low.low) <= (high.high, high.low) else { return nil }
        default: return nil
        }
        self.first = first
        self.last = last
    }

    package func contains(_ candidate: IPAddress) -> Bool {
        switch (first, last, candidate) {
        case (.v4(let low), .v4(let high), .v4(let value)):
            return low.rawValue <= value.rawValue && value.rawValue <= high.rawValue
        case (.v6(let low), .v6(let high), .v6(let value)):
            return (low.high, low.low) <= (value.high, value.low) && (value.high, value.low) <= (high.high, high.low)
        default:
            return false
        }
    }
}

extension IPRange: CustomStringConvertible {
    package var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
}
