package import NetworkPrimitives

/// The proxies whose word about the client's address counts.
///
/// X-Forwarded-For and Forwarded (RFC 7239) can be written by anybody. They are read only when the connection comes
/// from a proxy that the operator named, and from the right: the first address that is no trusted proxy is the
/// client's.
package struct TrustedProxies: Hashable, Sendable {
    /// Addresses of proxies, as an operator writes them.
    package enum Entry: Hashable, Sendable {
        case prefix(IPPrefix)
        case range(IPRange)
    }

    private let entries: [Entry]
    /// Longer lists are not looked through.
    private static let hopsMax = 16

    package init(_ entries: [Entry] = []) { self.entries = entries }

    package func contains(_ address: IPAddress) -> Bool {
        entries.contains { entry in
            switch entry {
            case .prefix(let prefix): prefix.contains(address)
            case .range(let range): range.contains(address)
            }
        }
    }

    /// The client behind a connection from `remote`. Values are those of X-Forwarded-For and Forwarded, in the order of
    /// the request.
    ///
    /// When both are there, X-Forwarded-For counts: it is what proxies write unless they are told otherwise, and they
    /// pass on a Forwarded that the client made up.
    package func client(of remote: IPAddress, forwardedFor: [String], forwarded: [String]) -> IPAddress {
        guard contains(remote) else { return remote }
        let hops = forwardedFor.isEmpty ? Self.standard(forwarded) : Self.plain(forwardedFor)
        var client = remote
        for hop in hops.suffix(Self.hopsMax).reversed() {
            // What cannot be read was not written by a proxy that we could trust to have checked the rest.
            guard let address = Self.address(hop) else { return client }
            client = address
            if !contains(address) { return client }
        }
        return client
    }

    private static func plain(_ values: [String]) -> [Substring] {
        values.flatMap { $0.split(separator: ",", omittingEmptySubsequences: false) }
    }

    /// The `for` parameters of Forwarded (RFC 7239 §4).
    private static func standard(_ values: [String]) -> [Substring] {
        values.flatMap { $0.split(separator: ",") }.map { element in
            for pair in element.split(separator: ";") {
                let parts = pair.split(separator: "=", maxSplits: 1)
                if parts.count == 2, trimmed(parts[0]).lowercased() == "for" { return trimmed(parts[1]) }
            }
            return ""
        }
    }

    /// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`, each also in quotes.
    private static func address(_ text: Substring) -> IPAddress? {
        var text = trimmed(text)
        if text.first == "\"", text.last == "\"", text.utf8.count >= 2 { text = text.dropFirst().dropLast() }
        if let address = IPAddress(text) { return address.unmapped }
        if text.first == "[", let end = text.firstIndex(of: "]") {
            return IPAddress(text[text.index(after: text.startIndex)..<end])?.unmapped
        }
        guard let colon = text.firstIndex(of: ":") else { return nil }
        return IPAddress(text[..<colon])?.unmapped
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }
}
