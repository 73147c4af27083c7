import NetworkPrimitives

/// Version 2: a signature that no other protocol begins with, four bytes about what follows, addresses, and extensions
/// in type, length and value (§2.2).
enum BinaryHeader {
    static let fixedByteCount = 16
    static let variableByteCountMax = 536
    private static let signature: [UInt8] = [13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]
    /// Of the header with zeros in the place of the sum (§2.2.3).
    private static let checksumType: UInt8 = 3

    private static let localCommand: UInt8 = 0x20
    private static let proxyCommand: UInt8 = 0x21

    /// What addresses there are: family in the upper half, stream or datagrams in the lower.
    private enum Form: UInt8 {
        case unspecified = 0x00
        case streamIPv4 = 0x11
        case streamIPv6 = 0x21

        var byteCount: Int {
            switch self {
            case .unspecified: 0
            case .streamIPv4: 12
            case .streamIPv6: 36
            }
        }
    }

    static func read(_ bytes: RawSpan) -> ProxyHeader.Reading {
        guard ProxyHeader.begins(bytes, with: signature) else { return .malformed }
        guard bytes.byteCount >= fixedByteCount else { return .incomplete }
        let command = bytes.byte(at: 12)
        let variableByteCount = Int(bytes.bigEndianUInt16(at: 14))
        guard command == localCommand || command == proxyCommand, variableByteCount <= variableByteCountMax else {
            return .malformed
        }
        let byteCount = fixedByteCount + variableByteCount
        guard bytes.byteCount >= byteCount else { return .incomplete }
        // A check of the proxy's own: whatever it says about addresses is to be skipped.
        if command == localCommand { return .local(byteCount: byteCount) }
        let header = bytes.extracting(0..<byteCount)
        guard let form = Form(rawValue: bytes.byte(at: 13)), form.byteCount <= variableByteCount,
            hasSoundExtensions(header, from: fixedByteCount + form.byteCount)
        else { return .malformed }
        return addresses(header, form)
    }

    private static func addresses(_ header: RawSpan, _ form: Form) -> ProxyHeader.Reading {
        let start = fixedByteCount
        let (source, destination, ports): (IPAddress, IPAddress, Int)
        switch form {
        case .unspecified: return .local(byteCount: header.byteCount)
        case .streamIPv4:
            source = .v4(IPv4Address(rawValue: header.bigEndianUInt32(at: start)))
            destination = .v4(IPv4Address(rawValue: header.bigEndianUInt32(at: start + 4)))
            ports = start + 8
        case .streamIPv6:
            source = .v6(ipv6(header, at: start))
            destination = .v6(ipv6(header, at: start + 16))
            ports = start + 32
        }
        return ProxyHeader.header(
            source: SocketAddress(ip: source, port: header.bigEndianUInt16(at: ports)),
            destination: SocketAddress(ip: destination, port: header.bigEndianUInt16(at: ports + 2)),
            byteCount: header.byteCount)
    }

    private static func ipv6(_ header: RawSpan, at offset: Int) -> IPv6Address {
        IPv6Address(high: header.bigEndianUInt64(at: offset), low: header.bigEndianUInt64(at: offset + 8))
    }

    // MARK: - Extensions

    /// Whether they fill the rest exactly, and a checksum among them is right.
    private static func hasSoundExtensions(_ header: RawSpan, from start: Int) -> Bool {
        var offset = start
        var checksumOffset: Int?
        while offset < header.byteCount {
            guard offset + 3 <= header.byteCount else { return false }
            let byteCount = Int(header.bigEndianUInt16(at: offset + 1))
            guard offset + 3 + byteCount <= header.byteCount else { return false }
            if header.byte(at: offset) == checksumType {
                guard byteCount == 4, checksumOffset == nil else { return false }
                checksumOffset = offset + 3
            }
            offset += 3 + byteCount
        }
        guard let checksumOffset else { return true }
        return checksum(header, withZerosAt: checksumOffset) == header.bigEndianUInt32(at: checksumOffset)
    }

    /// CRC32c (RFC 9260 appendix A), bit by bit: a header is short, and there is one a connection.
    private static func checksum(_ header: RawSpan, withZerosAt zeros: Int) -> UInt32 {
        var sum = UInt32.max
        for offset in 0..<header.byteCount {
            sum ^= (zeros..<zeros + 4).contains(offset) ? 0 : UInt32(header.byte(at: offset))
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
        }
        return ~sum
    }
}
