// Text forms of addresses: strict on reading (no octal, no short forms, no zone), RFC 5952 on writing.

/// A decimal number in its one spelling: no sign, no leading zeros, at most `maximum`. `010` is eight to some readers
/// and ten to others, so it is nothing to us.
func parseDecimal(_ digits: Substring.UTF8View, atMost maximum: Int) -> Int? {
    guard digits.first != UInt8(ascii: "0") || digits.dropFirst().isEmpty else { return nil }
    var value = 0
    for digit in digits {
        guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
        value = value * 10 + Int(digit - UInt8(ascii: "0"))
        guard value <= maximum else { return nil }
    }
    return digits.isEmpty ? nil : value
}

extension IPv4Address: CustomStringConvertible, LosslessStringConvertible {
    /// Four decimal numbers without leading zeros: `192.0.2.1`. Anything else is nil; `010.0.0.1` and `127.1` mean
    /// different hosts to different parsers, so they mean none to us.
    @usableFromInline package init?(_ text: String) { self.init(text[...]) }

    @usableFromInline package init?(_ text: Substring) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard let octet = parseDecimal(part, atMost: 255) else { return nil }
            value = value << 8 | UInt32(octet)
        }
        self.init(rawValue: value)
    }

    @usableFromInline package var description: String {
        "\(rawValue >> 24).\(rawValue >> 16 & 0xFF).\(rawValue >> 8 & 0xFF).\(rawValue & 0xFF)"
    }
}

extension IPv6Address: CustomStringConvertible, LosslessStringConvertible {
    /// RFC 4291 §2.2, all three forms; no zone identifier, no brackets.
    @usableFromInline package init?(_ text: String) { self.init(text[...]) }

    @usableFromInline package init?(_ text: Substring) {
        guard let groups = Self.parseGroups(text) else { return nil }
        var high: UInt64 = 0
        var low: UInt64 = 0
        for index in 0..<4 {
            high = high << 16 | UInt64(groups[index])
            low = low << 16 | UInt64(groups[index + 4])
        }
        self.init(high: high, low: low)
    }

    /// The eight 16-bit groups that the text spells.
    private static func parseGroups(_ text: Substring) -> [UInt16]? {
        guard text.utf8.count <= 45 else { return nil }
        let halves = splitAtDoubleColon(text)
        guard let head = parseRun(halves.head, mayEndInIPv4: halves.tail == nil) else { return nil }
        guard let tailText = halves.tail else { return head.count == 8 ? head : nil }
        guard let tail = parseRun(tailText, mayEndInIPv4: true) else { return nil }
        // RFC 5952 §4.2.2 forbids writing `::` for a single group; readers accept it.
        guard head.count + tail.count <= 7 else { return nil }
        return head + [UInt16](repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    private static func splitAtDoubleColon(_ text: Substring) -> (head: Substring, tail: Substring?) {
        var index = text.startIndex
        while index < text.endIndex {
            let next = text.index(after: index)
            if text[index] == ":", next < text.endIndex, text[next] == ":" {
                return (text[..<index], text[text.index(after: next)...])
            }
            index = next
        }
        return (text, nil)
    }

    private static func parseRun(_ text: Substring, mayEndInIPv4: Bool) -> [UInt16]? {
        if text.isEmpty { return [] }
        var groups: [UInt16] = []
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        for (position, part) in parts.enumerated() {
            if mayEndInIPv4, position == parts.count - 1, let inner = IPv4Address(part) {
                groups.append(UInt16(inner.rawValue >> 16))
                groups.append(UInt16(inner.rawValue & 0xFFFF))
                return groups.count <= 8 ? groups : nil
            }
            // The initialiser takes a sign; an address has none.
            guard (1...4).contains(part.utf8.count), part.first != "+", part.first != "-",
                let value = UInt16(part, radix: 16)
            else { return nil }
            groups.append(value)
        }
        return groups
    }

    /// RFC 5952 §4: lower case, no leading zeros, the longest run of zero groups (at least two) becomes `::`.
    @usableFromInline package var description: String {
        if let inner = mappedIPv4 { return "::ffff:\(inner)" }
        let groups = (0..<8).map { index -> UInt16 in
            let half = index < 4 ? high : low
            return UInt16(truncatingIfNeeded: half >> UInt64((3 - index % 4) * 16))
        }
        let run = Self.longestZeroRun(groups)
        guard run.count >= 2 else { return Self.join(groups[...]) }
        return Self.join(groups[..<run.lowerBound]) + "::" + Self.join(groups[run.upperBound...])
    }

    private static func join(_ groups: ArraySlice<UInt16>) -> String {
        groups.map { String($0, radix: 16) }.joined(separator: ":")
    }

    private static func longestZeroRun(_ groups: [UInt16]) -> Range<Int> {
        var best = 0..<0
        var start = 0
        for index in 0...groups.count {
            if index < groups.count, groups[index] == 0 { continue }
            if index - start > best.count { best = start..<index }
            start = index + 1
        }
        return best
    }
}

extension IPAddress: CustomStringConvertible, LosslessStringConvertible {
    @usableFromInline package init?(_ text: String) { self.init(text[...]) }

    @usableFromInline package init?(_ text: Substring) {
        if let address = IPv4Address(text) {
            self = .v4(address)
        } else if let address = IPv6Address(text) {
            self = .v6(address)
        } else {
            return nil
        }
    }

    @usableFromInline package var description: String {
        switch self {
        case .v4(let address): address.description
        case .v6(let address): address.description
        }
    }
}

extension SocketAddress: CustomStringConvertible, LosslessStringConvertible {
    /// `192.0.2.1:3478` or `[2001:db8::1]:3478`.
    @usableFromInline package init?(_ text: String) {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let portText = text[text.index(after: colon)...]
        guard let number = parseDecimal(portText.utf8, atMost: 65_535) else { return nil }
        let port = UInt16(number)
        let host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            guard let address = IPv6Address(host.dropFirst().dropLast()) else { return nil }
            self.init(ip: .v6(address), port: port)
        } else {
            guard let address = IPv4Address(host) else { return nil }
            self.init(ip: .v4(address), port: port)
        }
    }

    @usableFromInline package var description: String {
        switch ip {
        case .v4(let address): "\(address):\(port)"
        case .v6(let address): "[\(address)]:\(port)"
        }
    }
}
