import NetworkPrimitives

// From settings to the configuration. Each part reports what does not fit together and still returns something, so that
// one run shows all mistakes; a configuration with an error among its diagnostics is thrown away by `load`.

extension ServerConfiguration {
    init(_ settings: Settings, log: inout DiagnosticLog) {
        listeners = Listeners(settings, log: &log)
        encryption = Encryption(settings, log: &log)
        proxying = Proxying(settings, listeners: listeners, encryption: encryption, log: &log)
        relay = Relay(settings, log: &log)
        authentication = Authentication(settings, log: &log)
        quotas = Quotas(settings, log: &log)
        rates = Rates(settings)
        lifetimes = Lifetimes(settings, log: &log)
        peerPolicy = PeerPolicy(settings, log: &log)
        protocolSwitches = ProtocolSwitches(settings, log: &log)
        logging = Logging(settings, log: &log)
        process = ProcessSettings(settings)
        workers = Workers(settings, log: &log)
        signaling = Signaling(settings, listeners: listeners.addresses, quotas: quotas, log: &log)
        draining = Draining(settings)
        metrics = Metrics(settings, log: &log)
        controlSocket = settings.text("control-socket")
        discovery = Discovery(settings, listeners: listeners, relay: relay, log: &log)
        redirection = Redirection(settings, authentication: authentication, log: &log)
        relaying = Relaying(
            settings, authentication: authentication, issuesCredentials: signaling != nil, log: &log)
    }
}

extension ServerConfiguration.Relaying {
    fileprivate init(
        _ settings: Settings, authentication: ServerConfiguration.Authentication, issuesCredentials: Bool,
        log: inout DiagnosticLog
    ) {
        if settings.flag("stun-only") {
            self = .stunOnly(reason: "stun-only is written")
            return
        }
        // Signaling makes credentials of its own for who is in a room.
        let hasCredentials =
            issuesCredentials || !authentication.staticUsers.isEmpty || !authentication.sharedSecrets.isEmpty
            || authentication.database != nil
        guard !hasCredentials, !authentication.anonymous else {
            self = .enabled
            return
        }
        // coturn would relay for everybody here when neither mechanism is written.
        let wantsCredentials = settings.flag("lt-cred-mech") || settings.flag("use-auth-secret")
        let reason =
            wantsCredentials
            ? "credentials are required, but there is neither a user nor a static-auth-secret"
            : "there are no credentials: no user, no static-auth-secret, no signaling-port"
        self = .stunOnly(reason: reason)
        // A line that could not be read has its own error already.
        guard !settings.isMalformed("user"), !settings.isMalformed("static-auth-secret") else { return }
        let place = settings.place(of: settings.flag("use-auth-secret") ? "use-auth-secret" : "lt-cred-mech")
        log.add(.warning, at: place, "nothing is relayed, only STUN is served: \(reason). Add one of them")
    }
}

extension ServerConfiguration.Listeners {
    /// More would be a mistake in a script rather than a host.
    private static let addressCountMax = 256

    fileprivate init(_ settings: Settings, log: inout DiagnosticLog) {
        let written = settings.addresses("listening-ip", countMax: Self.addressCountMax, log: &log)
        addresses = written.isEmpty ? .allLocal : .these(written)
        port = UInt16(settings.integer("listening-port"))
        servesUDP = !settings.flag("no-udp")
        servesTCP = !settings.flag("no-tcp")
        refusesEncryption = ServerConfiguration.Encryption.isRefused(settings)
        auxiliary = Self.auxiliary(settings, addresses: addresses, port: port, log: &log)
        device = settings.text("listening-device")
        socketBufferByteCount = settings.integer("sock-buf-size")
        if settings.isWritten("listening-port"), port == 0 {
            log.add(
                .error, at: settings.place(of: "listening-port"), about: "listening-port",
                "port 0 is none; write 3478, or 1 to 65535")
        }
        if !servesUDP, !servesTCP, !ServerConfiguration.Encryption.isWanted(settings) {
            log.add(
                .error, at: settings.place(of: "no-udp"), about: "no-udp",
                "together with no-tcp no client could be served; remove one of them, or serve TLS by a cert")
        }
    }
}

extension ServerConfiguration.Relay {
    private static let addressCountMax = 256

    fileprivate init(_ settings: Settings, log: inout DiagnosticLog) {
        let written = settings.addresses("relay-ip", countMax: Self.addressCountMax, log: &log)
        for address in written where address.isUnspecified {
            log.add(
                .error, at: settings.place(of: "relay-ip"), about: "relay-ip",
                "\(address) is no address of the host; name the address that peers are to be sent from")
        }
        addresses = written.isEmpty ? .asReached : .these(written)
        externalAddresses = Self.externalAddresses(settings, log: &log)
        ports = Self.ports(settings, log: &log)
        portQuarantineSeconds = UInt32(settings.integer("port-quarantine"))
        allowsUDP = !settings.flag("no-udp-relay")
        allowsTCP = !settings.flag("no-tcp-relay")
        defaultFamily = Self.defaultFamily(settings)
        device = settings.text("relay-device")
        if !allowsUDP, !allowsTCP {
            log.add(
                .error, at: settings.place(of: "no-udp-relay"), about: "no-udp-relay",
                "together with no-tcp-relay nothing could be relayed; remove one of them, or write stun-only")
        } else if !allowsUDP {
            log.add(
                .warning, at: settings.place(of: "no-udp-relay"), about: "no-udp-relay",
                "this release relays UDP only, so nothing is relayed")
        }
    }

    private static func ports(_ settings: Settings, log: inout DiagnosticLog) -> RelayPortRange {
        let first = settings.integer("min-port")
        let last = settings.integer("max-port")
        if let range = RelayPortRange(first: first, last: last) { return range }
        let name = settings.isWritten("max-port") ? "max-port" : "min-port"
        if !settings.isMalformed("min-port"), !settings.isMalformed("max-port") {
            let message = "min-port \(first) is above max-port \(last); exchange them, or write both"
            log.add(.error, at: settings.place(of: name), about: name, message)
        }
        // Any range will do: an error has been reported.
        return .dynamicPorts
    }

    private static func externalAddresses(_ settings: Settings, log: inout DiagnosticLog) -> ExternalAddresses {
        var accepted: [ExternalAddress] = []
        for entry in settings.written("external-ip") {
            guard case .external(let address) = entry.value, !accepted.contains(address) else { continue }
            let isTaken = accepted.contains { other in
                other.relayAddress == address.relayAddress && other.publicAddress.family == address.publicAddress.family
            }
            if isTaken {
                let subject = address.relayAddress.map(\.description) ?? "the whole family"
                let message =
                    "a second public address for \(subject); write public/private with a different private address"
                log.add(.error, at: entry.place, about: "external-ip", message)
            } else if accepted.count == addressCountMax {
                log.add(.error, at: entry.place, about: "external-ip", "more than \(addressCountMax) lines")
                break
            } else {
                accepted.append(address)
            }
        }
        return ExternalAddresses(entries: accepted)
    }

    private static func defaultFamily(_ settings: Settings) -> DefaultFamily {
        if !settings.isWritten("allocation-default-address-family"), settings.flag("keep-address-family") {
            return .asClient
        }
        switch settings.text("allocation-default-address-family") {
        case "ipv6": return .ipv6
        case "keep": return .asClient
        default: return .ipv4
        }
    }
}

extension ServerConfiguration.PeerPolicy {
    fileprivate init(_ settings: Settings, log: inout DiagnosticLog) {
        let denying = Self.rules(.deny, from: settings.written("denied-peer-ip"), name: "denied-peer-ip")
        let allowing = Self.rules(.allow, from: settings.written("allowed-peer-ip"), name: "allowed-peer-ip")
        rules = denying + allowing + Self.privateAddresses(settings, log: &log)
        allowsLoopback = settings.flag("allow-loopback-peers")
        deniesLowPorts = settings.flag("deny-low-peer-ports")
        if allowsLoopback {
            log.add(
                .warning, at: settings.place(of: "allow-loopback-peers"), about: "allow-loopback-peers",
                "clients can reach every service on the loopback addresses of this host; remove it outside of tests")
        }
        if !settings.flag("no-multicast-peers"), settings.isWritten("no-multicast-peers") {
            log.add(
                .note, at: settings.place(of: "no-multicast-peers"), about: "no-multicast-peers",
                "multicast peers stay refused")
        }
    }

    private static func rules(_ kind: PeerRule.Kind, from entries: [Settings.Entry], name: String) -> [PeerRule] {
        entries.compactMap { entry in
            guard case .peers(let matcher) = entry.value else { return nil }
            return PeerRule(kind: kind, matcher: matcher, source: "\(entry.place) \(name)=\(matcher.asWritten)")
        }
    }

    /// As in coturn, the private side of `external-ip` is an allowed peer: clients behind the same NAT name each other
    /// by it.
    private static func privateAddresses(_ settings: Settings, log: inout DiagnosticLog) -> [PeerRule] {
        settings.written("external-ip").compactMap { entry in
            guard case .external(let address) = entry.value, let relayAddress = address.relayAddress,
                let prefix = IPPrefix(relayAddress, length: relayAddress.family == .ipv4 ? 32 : 128)
            else { return nil }
            log.add(.note, at: entry.place, about: "external-ip", "\(relayAddress) is an allowed peer by this line")
            let source = "\(entry.place) external-ip=\(address.publicAddress)/\(relayAddress)"
            return PeerRule(kind: .allow, matcher: .prefix(prefix), source: source)
        }
    }
}

extension PeerMatcher {
    /// A single address without its length, as operators write it.
    var asWritten: String {
        guard case .prefix(let prefix) = self, prefix.length == (prefix.address.family == .ipv4 ? 32 : 128) else {
            return description
        }
        return prefix.address.description
    }
}

extension Settings {
    /// The addresses of a repeatable option, each once, in order.
    func addresses(_ name: String, countMax: Int, log: inout DiagnosticLog) -> [IPAddress] {
        var result: [IPAddress] = []
        for entry in written(name) {
            guard case .address(let address) = entry.value, !result.contains(address) else { continue }
            guard result.count < countMax else {
                log.add(.error, at: entry.place, about: name, "more than \(countMax) addresses")
                break
            }
            result.append(address)
        }
        return result
    }
}
