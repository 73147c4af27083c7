package import NetworkPrimitives

extension ServerConfiguration {
    /// NAT behaviour discovery (RFC 5780): of a family two addresses, each with two ports.
    package struct Discovery: Hashable, Sendable {
        /// Two addresses of a family that clients know by different addresses.
        package struct Pair: Hashable, Sendable {
            package let first: IPAddress
            package let second: IPAddress
        }

        /// One or two.
        package let pairs: [Pair]
        /// Differs from `listening-port`, and is not 0.
        package let alternatePort: UInt16
    }
}

extension ServerConfiguration.Discovery {
    /// Nil when it was not asked for, or cannot be served.
    init?(
        _ settings: Settings, listeners: ServerConfiguration.Listeners, relay: ServerConfiguration.Relay,
        log: inout DiagnosticLog
    ) {
        guard settings.flag("rfc5780"), !settings.flag("no-rfc5780") else { return nil }
        guard let port = Self.port(settings, listeners: listeners, log: &log) else { return nil }
        alternatePort = port
        pairs = Self.pairs(settings, listeners, relay, log: &log)
        guard pairs.isEmpty || settings.flag("no-stun") else { return }
        let message =
            settings.flag("no-stun")
            ? "it is about Binding requests, which no-stun leaves unanswered; remove one of them"
            : "it needs two listening-ip of one family; without them it stays off"
        log.add(.warning, at: settings.place(of: "rfc5780"), about: "rfc5780", message)
        return nil
    }

    private static func port(
        _ settings: Settings, listeners: ServerConfiguration.Listeners, log: inout DiagnosticLog
    ) -> UInt16? {
        let written = settings.integer("alt-listening-port")
        let port = written == 0 ? Int(listeners.port) + 1 : written
        // Whoever wrote a bad port has an error already.
        guard !settings.isMalformed("alt-listening-port") else { return nil }
        if let port = UInt16(exactly: port), port != listeners.port { return port }
        let message = "the second port must be another one than listening-port \(listeners.port), from 1 to 65535"
        let place = settings.place(of: written == 0 ? "rfc5780" : "alt-listening-port")
        log.add(.error, at: place, about: "alt-listening-port", message)
        return nil
    }

    /// The first two addresses of each family.
    private static func pairs(
        _ settings: Settings, _ listeners: ServerConfiguration.Listeners, _ relay: ServerConfiguration.Relay,
        log: inout DiagnosticLog
    ) -> [Pair] {
        guard case .these(let addresses) = listeners.addresses else { return [] }
        return AddressFamily.allCases.compactMap { family in
            let own = addresses.filter { $0.family == family && !$0.isUnspecified }
            guard own.count >= 2 else { return nil }
            let advertised = relay.externalAddresses.advertised(for: own[0])
            guard advertised != relay.externalAddresses.advertised(for: own[1]) else {
                let message =
                    "\(own[0]) and \(own[1]) are both known as \(advertised), so clients could not tell them apart; "
                    + "write external-ip=public/private for each"
                log.add(.warning, at: settings.place(of: "rfc5780"), about: "rfc5780", message)
                return nil
            }
            return Pair(first: own[0], second: own[1])
        }
    }
}

extension ServerConfiguration.Listeners {
    /// More would be a mistake in a script rather than a host.
    private static let auxiliaryCountMax = 64

    /// The `aux-server` lines that add something.
    static func auxiliary(
        _ settings: Settings, addresses: Addresses, port: UInt16, log: inout DiagnosticLog
    ) -> [SocketAddress] {
        var result: [SocketAddress] = []
        for entry in settings.written("aux-server") {
            guard case .endpoint(let ip, let written) = entry.value else { continue }
            guard let written, written != 0 else {
                let message = "\(ip) needs a port: \(SocketAddress(ip: ip, port: 443))"
                log.add(.error, at: entry.place, about: "aux-server", message)
                continue
            }
            let address = SocketAddress(ip: ip, port: written)
            if written == port, addresses.contain(ip) {
                let message = "\(address) is listened on already; remove it"
                log.add(.warning, at: entry.place, about: "aux-server", message)
                continue
            }
            guard !result.contains(address) else { continue }
            guard result.count < auxiliaryCountMax else {
                log.add(.error, at: entry.place, about: "aux-server", "more than \(auxiliaryCountMax) addresses")
                break
            }
            result.append(address)
        }
        return result
    }
}

extension ServerConfiguration.Listeners.Addresses {
    /// Whether a listener on one of these hears what comes to `ip`.
    fileprivate func contain(_ ip: IPAddress) -> Bool {
        switch self {
        case .allLocal: true
        case .these(let addresses): addresses.contains(ip) || addresses.contains(.any(ip.family))
        }
    }
}
