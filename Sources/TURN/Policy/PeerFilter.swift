package import NetworkPrimitives

/// One `allowed-peer-ip` or `denied-peer-ip` of the operator.
package struct PeerRule: Sendable {
    /// What the rule says about the peers that it matches.
    package enum Verdict: Sendable { case allow, deny }

    /// Which peers the rule is about.
    package enum Matcher: Sendable {
        case prefix(IPPrefix)
        case range(IPRange)

        package func contains(_ address: IPAddress) -> Bool {
            switch self {
            case .prefix(let prefix): prefix.contains(address)
            case .range(let range): range.contains(address)
            }
        }

        /// Whether it names one address rather than a block.
        var isSingleAddress: Bool {
            switch self {
            case .prefix(let prefix): prefix.length == (prefix.address.family == .ipv4 ? 32 : 128)
            case .range(let range): range.first == range.last
            }
        }
    }

    package let verdict: Verdict
    package let matcher: Matcher
    /// Where the operator wrote it, for people: `turnserver.conf:12: denied-peer-ip=10.0.0.0/8`.
    package let source: String

    package init(_ verdict: Verdict, _ matcher: Matcher, source: String) {
        self.verdict = verdict
        self.matcher = matcher
        self.source = source
    }
}

/// Which ports of a permitted peer may be sent to. Cheap, since it is asked for each Send indication.
package struct PeerPortPolicy: Sendable {
    private let ownAddresses: [IPAddress]
    private let listenerPorts: [UInt16]
    private let deniesLowPorts: Bool

    package init(ownAddresses: [IPAddress], listenerPorts: [UInt16], deniesLowPorts: Bool) {
        self.ownAddresses = ownAddresses
        self.listenerPorts = listenerPorts
        self.deniesLowPorts = deniesLowPorts
    }

    /// Port 0 is nobody. On this host, system ports and our own listeners are refused: the first would turn a relay
    /// into a way around the firewall, the second into a loop (RFC 8656 §21.1.7).
    package func admits(_ peer: SocketAddress) -> Bool {
        guard peer.port != 0 else { return false }
        if deniesLowPorts, peer.port < 1024 { return false }
        guard peer.port < 1024 || listenerPorts.contains(peer.port) else { return true }
        return !isOwn(peer.ip)
    }

    /// The same policy with more addresses that lead to this host.
    func including(_ addresses: [IPAddress]) -> PeerPortPolicy {
        PeerPortPolicy(
            ownAddresses: ownAddresses + addresses.filter { !ownAddresses.contains($0) }, listenerPorts: listenerPorts,
            deniesLowPorts: deniesLowPorts)
    }

    package func isOwn(_ address: IPAddress) -> Bool { address.isLoopback || ownAddresses.contains(address) }
}

/// The operator's and our own policy on peers: one classifier, one order, one place for permissions, channels and
/// incoming data alike (RFC 8656 §21). An immutable value; a reload makes a new one.
package struct PeerFilter: Sendable {
    /// What was decided about a peer, with the words that the operator finds it by.
    package enum Decision: Equatable, Sendable {
        case allowed(by: String)
        case denied(by: String)

        package var isAllowed: Bool {
            switch self {
            case .allowed: true
            case .denied: false
            }
        }
    }

    private let allowRules: [PeerRule]
    private let denyRules: [PeerRule]
    private let relayNames: [RelayAddress]
    private let relayAddresses: [IPAddress]
    private let allowsLoopback: Bool
    package let ports: PeerPortPolicy

    package init(
        rules: [PeerRule], relayAddresses: [RelayAddress], ports: PeerPortPolicy, allowsLoopback: Bool
    ) {
        allowRules = rules.filter { $0.verdict == .allow }
        denyRules = rules.filter { $0.verdict == .deny }
        relayNames = relayAddresses
        self.relayAddresses = relayAddresses.flatMap { [$0.local, $0.advertised] }
        // A relay address leads to this host under both of its names; whoever lists our addresses may know only one.
        self.ports = ports.including(self.relayAddresses)
        self.allowsLoopback = allowsLoopback
    }

    /// Judges a peer's IP address, and names the rule that decides. What is never allowed comes first, then the
    /// operator's allow list, then the deny list, then what is refused unless allowed.
    package func decide(_ peer: IPAddress) -> Decision {
        let addressClass = AddressClassifier.classify(peer)
        switch addressClass {
        case .never(let name):
            return .denied(by: "built in: \(name) is never relayed to")
        case .loopback where !allowsLoopback:
            return .denied(by: "built in: loopback; allow-loopback-peers opens it for tests")
        case .loopback, .internalUse, .global:
            break
        }
        if let rule = ruleThatCloses(peer) { return .denied(by: rule.source) }
        if let rule = allowRules.first(where: { $0.matcher.contains(peer) }) { return .allowed(by: rule.source) }
        if let rule = denyRules.first(where: { $0.matcher.contains(peer) }) { return .denied(by: rule.source) }
        // Two clients of this server meet at their relayed addresses, private or not (ICE with two relayed candidates).
        if relayAddresses.contains(peer) { return .allowed(by: "built in: a relay address of this server") }
        if ports.isOwn(peer), addressClass != .loopback {
            return .denied(by: "built in: an address of this server that does not relay")
        }
        switch addressClass {
        case .internalUse(let name):
            return .denied(by: "built in: \(name) is internal; allowed-peer-ip opens it")
        case .global: return .allowed(by: "built in: a public address")
        case .loopback: return .allowed(by: "allow-loopback-peers")
        case .never: return .denied(by: "built in")
        }
    }

    /// A relay address of ours has two names, and a rule about either of them closes both, whatever external-ip opens
    /// on the side. A rule about a block does not: `denied-peer-ip=10.0.0.0/8` must not part two clients of a server
    /// behind a NAT.
    private func ruleThatCloses(_ peer: IPAddress) -> PeerRule? {
        guard let names = relayNames.first(where: { $0.local == peer || $0.advertised == peer }) else { return nil }
        return denyRules.first { rule in
            rule.matcher.isSingleAddress
                && (rule.matcher.contains(names.local) || rule.matcher.contains(names.advertised))
        }
    }

    /// Judges a peer's transport address, as for a channel.
    package func decide(_ peer: SocketAddress) -> Decision {
        let decision = decide(peer.ip)
        guard decision.isAllowed, !ports.admits(peer) else { return decision }
        return .denied(by: "built in: port \(peer.port) of this address is not relayed to")
    }
}
