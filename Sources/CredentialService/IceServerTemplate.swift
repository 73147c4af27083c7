package import NetworkPrimitives
package import Signaling

/// A name or an address that may stand in a URL of an ICE server.
package struct IceHost: Hashable, Sendable {
    /// As it is written in a URL: IPv6 in brackets (RFC 3986 §3.2.2).
    package let text: String
    /// The address that it is, or nil for a name.
    package let address: IPAddress?

    package init(_ address: IPAddress) {
        let address = address.unmapped
        self.address = address
        text = address.family == .ipv6 ? "[\(address)]" : "\(address)"
    }

    /// Takes an address, with brackets or without, or a host name of at most 253 characters (RFC 1123 §2.1).
    /// Underscores pass, because names within container networks have them. Nil for everything else: a Host header is
    /// written by the client, and nothing of it that could end a host may get into a URL.
    package init?(_ text: String) {
        // Longer than any name; looked at first, so that the rest has a bound.
        guard text.utf8.count <= 253 else { return nil }
        if text.hasPrefix("["), text.hasSuffix("]") {
            guard case .v6? = IPAddress(text.dropFirst().dropLast()) else { return nil }
            self.init(String(text.dropFirst().dropLast()))
            return
        }
        if let address = IPAddress(text) {
            self.init(address)
            return
        }
        guard Self.isName(text) else { return nil }
        self.init(name: text)
    }

    private init(name: String) {
        text = name
        address = nil
    }

    /// The machine that the client is on itself (RFC 6761 §6.3): a name for it, or a loopback address.
    package var isLoopback: Bool {
        if let address { return address.isLoopback }
        let name = text.lowercased()
        return name == "localhost" || name.hasSuffix(".localhost")
    }

    private static func isName(_ text: String) -> Bool {
        let labels = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        guard labels.allSatisfy({ (1...63).contains($0.count) && $0.allSatisfy(isLetterOfName) }),
            let last = labels.last, let first = last.first
        else { return false }
        // A last label that begins with a digit is an address in some spelling to a browser, never a domain.
        return !isDigit(first)
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isLetterOfName(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"),
            UInt8(ascii: "_"):
            true
        default: isDigit(byte)
        }
    }
}

/// Where clients reach the TURN server, and so the URLs that they get (RFC 7064, RFC 7065).
package struct IceServerTemplate: Sendable {
    /// A transport and the port on which the server listens for it.
    package struct Endpoint: Hashable, Sendable {
        package let transport: TURNTransport
        package let port: UInt16

        package init(_ transport: TURNTransport, port: UInt16) {
            self.transport = transport
            self.port = port
        }
    }

    /// Browsers slow down with more servers than a handful; hosts beyond it are left out.
    package static let hostsMax = 4

    private let configuredHosts: [IceHost]
    private let endpoints: [Endpoint]
    private let secureNames: CertificateNames
    private let serverName: IceHost?

    /// `hosts` are those that the operator names; without one, the addresses by which the world knows this machine are
    /// taken; without these either, each visitor is sent to where it reached us.
    ///
    /// Over TLS a client comes by a host of the certificate or not at all. When none of the others is one of
    /// `secureNames`, `serverName` is taken if it is.
    package init(
        hosts: [IceHost], externalAddresses: [IPAddress], endpoints: [Endpoint],
        secureNames: CertificateNames = CertificateNames([]), serverName: IceHost? = nil
    ) {
        self.secureNames = secureNames
        self.serverName = serverName
        let external = externalAddresses.filter { !$0.isUnspecified }.map { IceHost($0) }
        configuredHosts = Self.unique(hosts.isEmpty ? external : hosts)
        self.endpoints = TURNTransport.allCases.flatMap { transport in
            Self.unique(endpoints.filter { $0.transport == transport })
        }
    }

    /// The hosts for a visitor: at least one, unless it is not known where it reached us.
    package func hosts(for visitor: Visitor) -> [IceHost] {
        if !configuredHosts.isEmpty { return Array(configuredHosts.prefix(Self.hostsMax)) }
        // `localhost` may mean another address to the browser than the one on which we answered.
        if let host = visitor.host.flatMap({ IceHost($0) }), host.address != nil || !host.isLoopback { return [host] }
        return visitor.localAddress.isUnspecified ? [] : [IceHost(visitor.localAddress)]
    }

    /// The URLs of STUN, which need no credentials. None over TLS: what STUN tells about a connection helps no call,
    /// and browsers that are given `stuns:` ask over UDP all the same and wait for an answer.
    package func stunURLs(for visitor: Visitor) -> [String] {
        hosts(for: visitor).flatMap { host in
            endpoints.filter { $0.transport == .udp }.map { "stun:\(host.text):\($0.port)" }
        }
    }

    /// The URLs of TURN over `transports`; nil means all that there are.
    package func turnURLs(for visitor: Visitor, over transports: Set<TURNTransport>? = nil) -> [String] {
        let hosts = hosts(for: visitor)
        let secure = secureHosts(among: hosts)
        let wanted = endpoints.filter { transports?.contains($0.transport) ?? true }
        return Self.unique(hosts + secure).flatMap { host in
            wanted.filter { endpoint in
                endpoint.transport == .tls ? secure.contains(host) : hosts.contains(host)
            }.map { Self.turnURL(host, $0) }
        }
    }

    private func secureHosts(among hosts: [IceHost]) -> [IceHost] {
        let covered = hosts.filter(secureNames.contains)
        guard covered.isEmpty, let serverName, secureNames.contains(serverName) else { return covered }
        return [serverName]
    }

    /// Host and port as the oldest clients want them, without a scheme; nil without a server over UDP.
    package func hostAndPort(for visitor: Visitor) -> String? {
        guard let host = hosts(for: visitor).first, let endpoint = endpoints.first, endpoint.transport == .udp else {
            return nil
        }
        return "\(host.text):\(endpoint.port)"
    }

    private static func turnURL(_ host: IceHost, _ endpoint: Endpoint) -> String {
        switch endpoint.transport {
        case .udp: "turn:\(host.text):\(endpoint.port)?transport=udp"
        case .tcp: "turn:\(host.text):\(endpoint.port)?transport=tcp"
        case .tls: "turns:\(host.text):\(endpoint.port)?transport=tcp"
        }
    }

    /// Each of them once, in the order of their first places.
    private static func unique<Element: Hashable>(_ elements: [Element]) -> [Element] {
        var seen: Set<Element> = []
        return elements.filter { seen.insert($0).inserted }
    }
}
