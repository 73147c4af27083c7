/// A transport address: IP address and UDP or TCP port (RFC 8489 §4).
@usableFromInline package struct SocketAddress: Hashable, Sendable {
    @usableFromInline package let ip: IPAddress
    @usableFromInline package let port: UInt16

    @inlinable package init(ip: IPAddress, port: UInt16) {
        self.ip = ip
        self.port = port
    }

    @inlinable package var family: AddressFamily { ip.family }

    /// See `IPAddress.unmapped`.
    @inlinable package var unmapped: SocketAddress { SocketAddress(ip: ip.unmapped, port: port) }

    @inlinable package func with(port: UInt16) -> SocketAddress { SocketAddress(ip: ip, port: port) }
}
