/// Percent-encoding (RFC 3986 §2.1).
enum PercentEncoding {
    /// Whether two hexadecimal digits follow each percent sign.
    static func isValid(_ bytes: ArraySlice<UInt8>) -> Bool {
        bytes.indices.allSatisfy { index in
            bytes[index] != UInt8(ascii: "%")
                || index + 2 < bytes.endIndex && ASCII.hexadecimalValue(bytes[index + 1]) != nil
                    && ASCII.hexadecimalValue(bytes[index + 2]) != nil
        }
    }

    /// The bytes that valid text stands for; `plus` is what a plus sign does.
    static func decode(_ bytes: some Collection<UInt8>, plus: UInt8) -> [UInt8] {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var rest = bytes.makeIterator()
        while let byte = rest.next() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(plus)
            case UInt8(ascii: "%"):
                let high = rest.next().flatMap(ASCII.hexadecimalValue) ?? 0
                let low = rest.next().flatMap(ASCII.hexadecimalValue) ?? 0
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        return decoded
    }
}
