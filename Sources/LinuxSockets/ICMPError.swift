import CLinux
package import NetworkPrimitives

/// An ICMP message that one of our datagrams caused, as the kernel queued it for the socket (IP_RECVERR).
package struct ICMPError: Equatable, Sendable {
    /// Whether it is ICMPv4 or ICMPv6, which number their types differently.
    package let family: AddressFamily
    /// Where the datagram in question was sent to; not who sent the ICMP message.
    package let peer: SocketAddress
    package let type: UInt8
    package let code: UInt8
    /// The next hop's MTU for "fragmentation needed" and "packet too big", else 0 (RFC 8656 §18.13).
    package let errorData: UInt32

    package init(family: AddressFamily, peer: SocketAddress, type: UInt8, code: UInt8, errorData: UInt32) {
        self.family = family
        self.peer = peer
        self.type = type
        self.code = code
        self.errorData = errorData
    }
}

/// Takes the next ICMP error off the socket's error queue; nil when there is none.
///
/// Errors that the kernel of this machine raised itself are discarded. The poller reports a socket as long as its queue
/// is not empty, so call until nil.
package func readErrorQueue(of raw: CInt) -> ICMPError? {
    var error = tern_icmp_error()
    guard unsafe tern_read_error_queue(raw, &error) == 1 else { return nil }
    return ICMPError(
        family: error.family == AddressFamily.ipv6.rawValue ? .ipv6 : .ipv4,
        peer: KernelAddress.socketAddress(error.peer),
        type: error.type, code: error.code, errorData: error.info)
}
