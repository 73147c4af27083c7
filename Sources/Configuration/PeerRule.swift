package import NetworkPrimitives

/// The peers a rule is about.
package enum PeerMatcher: Hashable, Sendable {
    case prefix(IPPrefix)
    case range(IPRange)

    /// One address, `first-last`, or `address/length` with no bits behind the length.
    package init?(_ text: String) {
        guard let dash = text.firstIndex(of: "-") else {
            // `10.0.0.5/8` may be meant as one host or as the whole block. Guessing wrong would open a network, so it
            // is neither.
            guard let prefix = IPPrefix(text), let base = IPAddress(text.prefix { $0 != "/" }), prefix.address == base
            else { return nil }
            self = .prefix(prefix)
            return
        }
        guard let first = IPAddress(text[..<dash].trimmingSpaces),
            let last = IPAddress(text[text.index(after: dash)...].trimmingSpaces),
            let range = IPRange(first: first, last: last)
        else { return nil }
        self = .range(range)
    }

    /// Whether the rule is about this address. The caller passes the simplest spelling (`IPAddress.unmapped`).
    package func contains(_ address: IPAddress) -> Bool {
        switch self {
        case .prefix(let prefix): prefix.contains(address)
        case .range(let range): range.contains(address)
        }
    }
}

extension PeerMatcher: CustomStringConvertible {
    package var description: String {
        switch self {
        case .prefix(let prefix): prefix.description
        case .range(let range): range.description
        }
    }
}

/// One line of the peer policy. The built-in rules about addresses that are always refused are not among these: the
/// policy that applies them asks those first, then the allowing rules, then the denying ones.
package struct PeerRule: Hashable, Sendable {
    /// What the rule does with the peers it matches.
    package enum Kind: Hashable, Sendable {
        case allow
        case deny
    }

    /// What the rule does.
    package let kind: Kind
    /// The peers it is about.
    package let matcher: PeerMatcher
    /// Where the rule comes from, for an operator who asks why a peer is refused:
    /// `turnserver.conf:12 denied-peer-ip=10.0.0.0-10.255.255.255`.
    package let source: String
}

extension Substring {
    fileprivate var trimmingSpaces: Substring {
        var result = self
        while result.first == " " || result.first == "\t" { result.removeFirst() }
        while result.last == " " || result.last == "\t" { result.removeLast() }
        return result
    }
}
