package import NetworkPrimitives

/// The value of XOR-MAPPED-ADDRESS, XOR-PEER-ADDRESS and XOR-RELAYED-ADDRESS (RFC 8489 §14.2).
///
/// ```
///   0        1        2                 4
///  +--------+--------+-----------------+----------------------------+
///  | 0      | family | port ^ 0x2112   | address ^ cookie [ ^ id ]   |
/// ```
package enum XORAddress {
    /// Bytes of the value: 8 or 20.
    package static func byteCount(_ family: AddressFamily) -> Int {
        switch family {
        case .ipv4: 8
        case .ipv6: 20
        }
    }

    /// Nil when the length does not fit the family, or the family is unknown.
    package static func decode(_ value: RawSpan, transactionID: TransactionID) -> SocketAddress? {
        guard value.byteCount >= 4, let family = AddressFamily(rawValue: value.byte(at: 1)),
            value.byteCount == byteCount(family)
        else { return nil }
        let port = value.bigEndianUInt16(at: 2) ^ UInt16(truncatingIfNeeded: STUNMessage.magicCookie >> 16)
        switch family {
        case .ipv4:
            let address = value.bigEndianUInt32(at: 4) ^ STUNMessage.magicCookie
            return SocketAddress(ip: .v4(IPv4Address(rawValue: address)), port: port)
        case .ipv6:
            let high = value.bigEndianUInt64(at: 4) ^ highMask(transactionID)
            let low = value.bigEndianUInt64(at: 12) ^ transactionID.low
            return SocketAddress(ip: .v6(IPv6Address(high: high, low: low)), port: port)
        }
    }

    /// Writes the value at `offset`; the buffer has `byteCount(family)` bytes there.
    package static func encode(
        _ address: SocketAddress, transactionID: TransactionID, into bytes: inout MutableRawSpan, at offset: Int
    ) {
        bytes.storeBigEndian(UInt16(address.family.rawValue), at: offset)
        bytes.storeBigEndian(
            address.port ^ UInt16(truncatingIfNeeded: STUNMessage.magicCookie >> 16), at: offset + 2)
        switch address.ip {
        case .v4(let ip):
            bytes.storeBigEndian(ip.rawValue ^ STUNMessage.magicCookie, at: offset + 4)
        case .v6(let ip):
            bytes.storeBigEndian(ip.high ^ highMask(transactionID), at: offset + 4)
            bytes.storeBigEndian(ip.low ^ transactionID.low, at: offset + 12)
        }
    }

    static func highMask(_ transactionID: TransactionID) -> UInt64 {
        UInt64(STUNMessage.magicCookie) << 32 | UInt64(transactionID.high)
    }
}
