package import NetworkPrimitives

/// Puts a line of the log together out of bytes. A busy server writes two lines for each allocation, and interpolated
/// strings would cost as much as the allocation.
package struct LineBuilder: Sendable {
    private var bytes: [UInt8] = []

    package init() { bytes.reserveCapacity(256) }

    package var text: String { String(decoding: bytes, as: UTF8.self) }

    package mutating func append(_ text: StaticString) {
        // A static string is immortal memory of the stated length.
        unsafe bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    package mutating func append(_ number: UInt64) { append(number, digitCountMin: 1) }

    /// The number with zeros before it, up to so many digits.
    package mutating func append(_ number: UInt64, digitCountMin: Int) {
        var digits = InlineArray<20, UInt8>(repeating: UInt8(ascii: "0"))
        var rest = number
        var count = 0
        while rest > 0 {
            digits[count] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
            count += 1
        }
        count = max(count, min(digitCountMin, 20))
        for index in stride(from: count - 1, through: 0, by: -1) { bytes.append(digits[index]) }
    }

    package mutating func append(_ address: SocketAddress) {
        guard case .v4(let ip) = address.ip else {
            bytes.append(contentsOf: address.description.utf8)
            return
        }
        for shift in stride(from: UInt32(24), to: 0, by: -8) {
            append(UInt64(ip.rawValue >> shift & 0xFF))
            bytes.append(UInt8(ascii: "."))
        }
        append(UInt64(ip.rawValue & 0xFF))
        bytes.append(UInt8(ascii: ":"))
        append(UInt64(address.port))
    }

    /// Bytes that a stranger chose; see `Quoted`.
    package mutating func append(quoted stranger: [UInt8]) {
        for byte in stranger.prefix(Quoted.byteCountMax) {
            // `<` and `>` frame the value in the line.
            if (0x20...0x7E).contains(byte), byte != UInt8(ascii: "<"), byte != UInt8(ascii: ">"),
                byte != UInt8(ascii: "\\")
            {
                bytes.append(byte)
            } else {
                append("\\x")
                bytes.append(Self.digit(byte >> 4))
                bytes.append(Self.digit(byte & 0xF))
            }
        }
        if stranger.count > Quoted.byteCountMax { append("…") }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }
}
