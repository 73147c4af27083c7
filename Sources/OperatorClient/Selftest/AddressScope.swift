package import NetworkPrimitives

extension IPAddress {
    /// Whether only some networks lead to it: private, shared, link-local and loopback addresses (RFC 6890).
    package var isPrivate: Bool {
        Self.privatePrefixes.contains { $0.contains(self) }
    }

    private static let privatePrefixes = [
        "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "0.0.0.0/8",
        "::1/128", "fc00::/7", "fe80::/10", "::/128",
    ].compactMap { IPPrefix($0) }
}
