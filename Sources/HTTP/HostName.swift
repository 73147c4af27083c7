import NetworkPrimitives

/// The host of an authority: `name`, `name:port`, `192.0.2.1`, `[2001:db8::1]:443` (RFC 3986 §3.2.2).
package enum HostName {
    /// What RFC 1035 §2.3.4 lets a name have.
    private static let byteCountMax = 255

    /// The same for text from elsewhere, such as a proxy's header.
    package static func parse(_ authority: String) -> String? { parse(Array(authority.utf8)[...]) }

    /// The host in lower case, without port and brackets; empty for an empty authority; nil for what is none. User
    /// information has no place here, and of the characters that RFC 3986 allows we take those that names are made of.
    static func parse(_ authority: ArraySlice<UInt8>) -> String? {
        let host: ArraySlice<UInt8>
        let port: ArraySlice<UInt8>
        if authority.first == UInt8(ascii: "[") {
            host = authority.prefix { $0 != UInt8(ascii: "]") }.dropFirst()
            let rest = authority[host.endIndex...]
            guard !rest.isEmpty, let address = IPv6Address(String(decoding: host, as: UTF8.self)) else { return nil }
            port = rest.dropFirst()
            return isPort(port) ? address.description : nil
        }
        host = authority.prefix { $0 != UInt8(ascii: ":") }
        port = authority[host.endIndex...]
        guard host.count <= byteCountMax, host.allSatisfy(isNameByte), isPort(port) else { return nil }
        guard !host.isEmpty || port.isEmpty else { return nil }
        return String(decoding: host.map(ASCII.lowercased), as: UTF8.self)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        ASCII.isLetter(byte) || ASCII.isDigit(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "_")
    }

    /// Nothing, or a colon and at most five digits.
    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool {
        guard !text.isEmpty else { return true }
        let digits = text.dropFirst()
        return text.first == UInt8(ascii: ":") && digits.count <= 5 && digits.allSatisfy(ASCII.isDigit)
            && digits.reduce(0) { $0 * 10 + Int($1 - UInt8(ascii: "0")) } <= 65_535
    }
}
