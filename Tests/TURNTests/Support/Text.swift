import NetworkPrimitives
import STUN

/// The address that `text` spells; a test that spells something else is broken, so this ends it.
func ip(_ text: String) -> IPAddress {
    guard let address = IPAddress(text) else { preconditionFailure("not an address: \(text)") }
    return address
}

/// Likewise for `192.0.2.1:3478` and `[2001:db8::1]:3478`.
func socket(_ text: String) -> SocketAddress {
    guard let address = SocketAddress(text) else { preconditionFailure("not a transport address: \(text)") }
    return address
}

/// The bytes that `text` spells in hexadecimal, with blanks where the writer likes.
func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }
    precondition(digits.count % 2 == 0, "half a byte in \(text)")
    var bytes: [UInt8] = []
    var index = digits.startIndex
    while index < digits.endIndex {
        let next = digits.index(index, offsetBy: 2)
        guard let byte = UInt8(digits[index..<next], radix: 16) else { preconditionFailure("not hexadecimal: \(text)") }
        bytes.append(byte)
        index = next
    }
    return bytes
}

extension FixedWidthInteger {
    /// The bytes in network order.
    var wire: [UInt8] {
        stride(from: Self.bitWidth - 8, through: 0, by: -8).map { UInt8(truncatingIfNeeded: self >> Self($0)) }
    }
}

extension Sequence<UInt8> {
    /// The number that the bytes are in network order.
    var number: UInt64 { reduce(0) { $0 << 8 | UInt64($1) } }
}

extension IPAddress {
    /// The 4 or 16 bytes of the address.
    var wire: [UInt8] {
        switch self {
        case .v4(let address): address.rawValue.wire
        case .v6(let address): address.high.wire + address.low.wire
        }
    }

    /// The address of 4 or 16 bytes.
    init?(wire bytes: some Collection<UInt8>) {
        switch bytes.count {
        case 4: self = .v4(IPv4Address(rawValue: UInt32(bytes.number)))
        case 16: self = .v6(IPv6Address(high: bytes.prefix(8).number, low: bytes.suffix(8).number))
        default: return nil
        }
    }
}
