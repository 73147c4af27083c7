package import NetworkPrimitives

/// The value of MAPPED-ADDRESS, and of every attribute in its form: ALTERNATE-SERVER, RESPONSE-ORIGIN, OTHER-ADDRESS
/// (RFC 8489 §14.1).
///
/// ```
///   0        1        2                 4
///  +--------+--------+-----------------+----------+
///  | 0      | family | port            | address  |
/// ```
package enum PlainAddress {
    /// Bytes of the value: 8 or 20.
    package static func byteCount(_ family: AddressFamily) -> Int { XORAddress.byteCount(family) }

    /// Writes the value at `offset`; the buffer has `byteCount(family)` bytes there.
    package static func encode(_ address: SocketAddress, into bytes: inout MutableRawSpan, at offset: Int) {
        bytes.storeBigEndian(UInt16(address.family.rawValue), at: offset)
        bytes.storeBigEndian(address.port, at: offset + 2)
        switch address.ip {
        case .v4(let ip):
            bytes.storeBigEndian(ip.rawValue, at: offset + 4)
        case .v6(let ip):
            bytes.storeBigEndian(ip.high, at: offset + 4)
            bytes.storeBigEndian(ip.low, at: offset + 12)
        }
    }
}
