import NetworkPrimitives

/// What the certificates of a server hold: names and addresses that clients compare with the host of a URL.
package struct CertificateNames: Hashable, Sendable {
    private var names: Set<String> = []
    /// `example.org` of `*.example.org`.
    private var wildcardParents: Set<String> = []
    private var addresses: Set<IPAddress> = []

    /// DNS names and addresses as certificates have them.
    package init(_ texts: [String]) {
        for text in texts {
            if let address = IPAddress(text) {
                addresses.insert(address.unmapped)
            } else if text.hasPrefix("*.") {
                wildcardParents.insert(text.dropFirst(2).lowercased())
            } else {
                names.insert(text.lowercased())
            }
        }
    }

    /// Whether a client that wants to reach `host` is content with such a certificate (RFC 9525 §6.3): a wildcard
    /// stands for the whole leftmost label and nothing else.
    package func contains(_ host: IceHost) -> Bool {
        if let address = host.address { return addresses.contains(address) }
        let name = host.text.lowercased()
        if names.contains(name) { return true }
        guard let dot = name.firstIndex(of: ".") else { return false }
        return wildcardParents.contains(String(name[name.index(after: dot)...]))
    }
}
