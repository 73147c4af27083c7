import NetworkPrimitives

/// Version 1, one line: `PROXY TCP4 192.0.2.1 198.51.100.1 51234 443` and CR LF (§2.1).
enum TextHeader {
    static let prefix = Array("PROXY ".utf8)
    private static let carriageReturn: UInt8 = 13
    private static let lineFeed: UInt8 = 10
    private static let space: UInt8 = 32

    static func read(_ bytes: RawSpan) -> ProxyHeader.Reading {
        guard ProxyHeader.begins(bytes, with: prefix) else { return .malformed }
        let seen = bytes.extracting(first: ProxyHeader.textByteCountMax)
        guard let end = (0..<seen.byteCount).first(where: { seen.byte(at: $0) == lineFeed }) else {
            return seen.byteCount < ProxyHeader.textByteCountMax ? .incomplete : .malformed
        }
        guard end > prefix.count, seen.byte(at: end - 1) == carriageReturn else { return .malformed }
        let words = seen.extracting(prefix.count..<end - 1).array()
            .split(separator: space, omittingEmptySubsequences: false)
        // What follows UNKNOWN is for other versions and is to be ignored.
        if words[0].elementsEqual("UNKNOWN".utf8) { return .local(byteCount: end + 1) }
        guard words.count == 5, let family = family(words[0]),
            let source = address(words[1], words[3], family), let destination = address(words[2], words[4], family)
        else { return .malformed }
        return ProxyHeader.header(source: source, destination: destination, byteCount: end + 1)
    }

    private static func family(_ word: ArraySlice<UInt8>) -> AddressFamily? {
        if word.elementsEqual("TCP4".utf8) { return .ipv4 }
        return word.elementsEqual("TCP6".utf8) ? .ipv6 : nil
    }

    private static func address(
        _ ip: ArraySlice<UInt8>, _ port: ArraySlice<UInt8>, _ family: AddressFamily
    ) -> SocketAddress? {
        guard let text = String(validating: ip, as: UTF8.self), let address = IPAddress(text),
            address.family == family, let port = self.port(port)
        else { return nil }
        return SocketAddress(ip: address, port: port)
    }

    /// Decimal, without sign and leading zeros.
    private static func port(_ word: ArraySlice<UInt8>) -> UInt16? {
        guard (1...5).contains(word.count), word.count == 1 || word.first != 0x30 else { return nil }
        var value = 0
        for digit in word {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return UInt16(exactly: value)
    }
}
