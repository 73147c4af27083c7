package import NetworkPrimitives

/// A place where clients are served.
package struct SelftestEndpoint: Hashable, Sendable, CustomStringConvertible {
    package let transport: Link.Transport
    package let address: SocketAddress

    package init(_ transport: Link.Transport, _ address: SocketAddress) {
        self.transport = transport
        self.address = address
    }

    package var description: String { "\(transport.rawValue.uppercased()) \(address)" }
}

/// What is tried, and how.
package struct SelftestPlan: Sendable {
    package var endpoints: [SelftestEndpoint] = []
    /// Nil: nothing but Binding requests is tried.
    package var credentials: SelftestCredentials?
    /// The name by which clients reach the server; nil from inside.
    package var host: String?
    /// A file with the authorities that are believed; nil for those of the system.
    package var authorities: String?
    /// The addresses of this host, from inside.
    package var ownAddresses: [IPAddress] = []
    /// `min-port` to `max-port`, where they are known.
    package var relayPorts: ClosedRange<UInt16>?
    /// Until something that does not answer is given up.
    package var milliseconds = 3000

    package init() {}

    package var isOutside: Bool { host != nil }
}

/// Something that was found out and that somebody should know.
package struct SelftestFinding: Equatable, Sendable {
    /// How much it matters.
    /// How much it matters.
    package enum Severity: String, Sendable {
        /// Clients are not served as they should be.
        case fault
        /// Clients may not be, or will not be soon.
        case warning
        /// Nothing is wrong, and it is good to know.
        case note
    }

    /// What it is, for programs.
    package enum Kind: String, Sendable {
        case notResolved = "name_not_resolved"
        case closed = "port_closed"
        case filtered = "no_answer"
        case reset = "connection_cut"
        case unreachable = "no_route"
        case notTLS = "tls_failed"
        case authorities = "authorities_unreadable"
        case expired = "certificate_expired"
        case expiresSoon = "certificate_expires_soon"
        case notYetValid = "certificate_not_yet_valid"
        case wrongName = "certificate_for_another_name"
        case untrusted = "certificate_not_trusted"
        case noCredentials = "no_credentials"
        case refusedCredentials = "credentials_refused"
        case clockAhead = "clock_ahead"
        case clockBehind = "clock_behind"
        case openRelay = "open_relay"
        case noRelayAddress = "no_relay_address"
        case noRelayPort = "no_relay_port"
        case quota = "quota_reached"
        case redirected
        case refused
        case privateRelay = "private_relayed_address"
        case wrongExternalAddress = "wrong_external_ip"
        case relayClosed = "relay_ports_closed"
        case relayOneWay = "relay_cannot_send"
        case relaysApart = "relays_cannot_reach_each_other"
        case notTried = "not_tried"
    }

    package let severity: Severity
    package let kind: Kind
    /// A sentence or two that say what is wrong and what to do.
    package let text: String
    /// What it is about; nil for the server as a whole.
    package var endpoint: SelftestEndpoint?
}

/// How it went at one place.
package struct SelftestResult: Equatable, Sendable {
    package let endpoint: SelftestEndpoint
    /// As the server sees this host.
    package var mapped: SocketAddress?
    package var relayed: SocketAddress?
    /// Of one request and its answer.
    package var microseconds: Int?
    /// Everything that was tried there worked.
    package var isFine = true
}

/// Everything that was tried and found out.
/// Everything that a self-test found out.
package struct SelftestReport: Equatable, Sendable {
    package var results: [SelftestResult] = []
    package var findings: [SelftestFinding] = []

    package init() {}

    package func count(_ severity: SelftestFinding.Severity) -> Int { findings.count { $0.severity == severity } }
}
