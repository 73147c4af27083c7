package import NetworkPrimitives

/// What a proxy says about a connection before anything else is said on it: the PROXY protocol of HAProxy, versions 1
/// (text) and 2 (binary).
///
/// Anybody can write such a header, so only those of proxies that the operator trusts may be read at all.
package enum ProxyHeader {
    /// What the beginning of a connection holds.
    package enum Reading: Equatable, Sendable {
        /// More bytes are needed.
        case incomplete
        /// The proxy speaks for a client, whose connection went from `source` to `destination`.
        case header(source: SocketAddress, destination: SocketAddress, byteCount: Int)
        /// The proxy speaks for itself, or does not know for whom: the addresses of the connection hold.
        case local(byteCount: Int)
        /// Nothing that may follow makes a header of it.
        case malformed
    }

    /// The longest header that is taken; one of version 1 has at most `textByteCountMax` bytes. Version 2 has room for
    /// 65 kB of extensions, of which proxies use less than a tenth of a percent.
    package static let byteCountMax = BinaryHeader.fixedByteCount + BinaryHeader.variableByteCountMax
    /// By the specification, §2.1: with the line's end, "worst case" of two IPv6 addresses.
    package static let textByteCountMax = 107

    /// Reads a header from the first bytes of a connection, as many as have come. What is behind it does not matter.
    package static func read(_ bytes: RawSpan) -> Reading {
        guard bytes.byteCount > 0 else { return .incomplete }
        return bytes.byte(at: 0) == TextHeader.prefix[0] ? TextHeader.read(bytes) : BinaryHeader.read(bytes)
    }

    /// Whether the bytes begin as `expected` does, as far as they go.
    static func begins(_ bytes: RawSpan, with expected: [UInt8]) -> Bool {
        (0..<min(bytes.byteCount, expected.count)).allSatisfy { bytes.byte(at: $0) == expected[$0] }
    }

    /// The addresses of a client. A proxy that listens on IPv6 for both families writes IPv4 within IPv6, and the
    /// client is one of IPv4 all the same.
    static func header(source: SocketAddress, destination: SocketAddress, byteCount: Int) -> Reading {
        let (from, to) = (source.unmapped, destination.unmapped)
        guard from.family == to.family else {
            return .header(source: source, destination: destination, byteCount: byteCount)
        }
        return .header(source: from, destination: to, byteCount: byteCount)
    }
}
