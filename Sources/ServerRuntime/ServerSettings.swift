package import Configuration
import Crypto
import LinuxSockets
package import NetworkPrimitives
package import TURN
import UserDatabase
import WebService

/// What the host adds to a configuration: its addresses, its name, how many files may be open.
package struct HostFacts: Sendable {
    package var addresses: [IPAddress]
    package var hostName: String
    package var openFilesMax: Int
    package var workerCount: Int

    package init(addresses: [IPAddress], hostName: String, openFilesMax: Int, workerCount: Int) {
        self.addresses = addresses
        self.hostName = hostName
        self.openFilesMax = openFilesMax
        self.workerCount = workerCount
    }
}

/// What clients may have who come by connections.
package struct StreamSettings: Sendable {
    /// Of all workers.
    package let connectionsMax: Int
    /// Connections of one source that have no allocation; 0 is without limit.
    package let idlePerSourceMax: Int
    /// How long a connection may stay without an allocation; 0 is without limit.
    package let idleSeconds: UInt32
}

/// A configuration turned into what the machines take: the one place where the words of the operator become those of
/// the protocol.
package struct ServerSettings: Sendable {
    /// Files that are kept free for listeners, logs and what an operator may want while the server is full.
    private static let reservedFiles = 256
    /// One in so many files for relaying is set aside for connections beside relay sockets.
    private static let connectionShare = 5
    /// Likewise for connections to peers of allocations that relay TCP.
    private static let tcpPeerShare = 5
    /// One in so many files for TURN is for connections of clients, if they may come by connections.
    private static let streamShare = 3
    /// Connections without an allocation that one source may hold.
    private static let idleStreamsPerSourceMax = 1024
    /// More relay sockets than this are not opened, however many files the system would allow: tables are sized by it.
    private static let relaySocketsCeiling = 1 << 20

    package let turn: TURNSettings
    package let quotas: QuotaPolicy
    package let relayPorts: ClosedRange<UInt16>
    package let quarantineSeconds: UInt32
    package let relaySocketsMax: Int
    /// Sockets connected to single peers, which a worker may open beside its relay sockets.
    package let connectionsPerWorkerMax: Int
    /// How long a worker lets datagrams gather at part load.
    package let gatherMicroseconds: Int
    /// Connections of HTTP and WebSocket at a time.
    package let signalingConnectionsMax: Int
    /// Where clients are served over UDP, and where over connections.
    package let listenerAddresses: [SocketAddress]
    package let streamListenerAddresses: [SocketAddress]
    /// Whether those are served there who do not encrypt.
    package let servesPlainDatagrams: Bool
    package let servesPlainStreams: Bool
    /// TCP ports whose connections begin with a PROXY protocol header, and who may write it.
    package let proxyPorts: Set<UInt16>
    private let proxies: TrustedProxies
    package let streams: StreamSettings
    package let device: String?
    /// The network interface of relay sockets.
    package let relayDevice: String?
    package let logsInvalidPackets: Bool
    /// Of listeners and relay sockets alike.
    package let socketBufferBytes: Int
    /// Sockets may receive trains of datagrams as one (UDP_GRO).
    package var coalescesDatagrams = true

    /// `issuingSecret` is what signaling makes credentials with when the operator wrote no shared secret.
    package init(
        _ configuration: ServerConfiguration, host: HostFacts, nonceSecret: [UInt8], issuingSecret: [UInt8]? = nil,
        stored: StoredUsers? = nil
    ) {
        let relayAddresses = Self.relayAddresses(configuration, host)
        let realm = Self.realmBytes(configuration, host)
        servesPlainDatagrams = configuration.listeners.servesUDP
        servesPlainStreams = configuration.listeners.servesTCP
        listenerAddresses = Self.listenerAddresses(
            configuration, isPlain: servesPlainDatagrams, isSecure: configuration.encryption?.servesDTLS ?? false)
        streamListenerAddresses = Self.listenerAddresses(
            configuration, isPlain: servesPlainStreams, isSecure: configuration.encryption?.servesTLS ?? false,
            others: configuration.proxying?.ownPort.map { [$0] } ?? [])
        proxyPorts = configuration.proxying?.ports ?? []
        proxies = TrustedProxies(configuration.proxying?.trusted ?? [])
        let servesStreams = !streamListenerAddresses.isEmpty
        let listenerCount = 2 * listenerAddresses.count + streamListenerAddresses.count
        // Beside its listeners, two an address for UDP, a worker has a poller and a mailbox.
        let reserved = Self.reservedFiles + host.workerCount * (listenerCount + 2)
        let available = max(4, host.openFilesMax - reserved)
        // Signaling may not take the files of the relays: a quarter is always theirs.
        signalingConnectionsMax = min(configuration.signaling?.limits.connectionsMax ?? 0, available - available / 4)
        let forTURN = available - signalingConnectionsMax
        // A client that comes by a connection needs a relay socket too.
        let forStreams = servesStreams ? forTURN / Self.streamShare : 0
        streams = StreamSettings(
            connectionsMax: min(forStreams, Self.relaySocketsCeiling),
            idlePerSourceMax: Self.idleStreamsPerSourceMax,
            idleSeconds: configuration.lifetimes.connectionWithoutAllocationSeconds)
        let forRelays = forTURN - forStreams
        let forConnections = forRelays / Self.connectionShare
        // Peers of TCP allocations, of which the clients come by connections.
        let forPeers = servesStreams && configuration.relay.allowsTCP ? forRelays / Self.tcpPeerShare : 0
        relaySocketsMax = min(forRelays - forConnections - forPeers, Self.relaySocketsCeiling)
        connectionsPerWorkerMax = forConnections / host.workerCount
        gatherMicroseconds = configuration.workers.gatherMicroseconds
        logsInvalidPackets = configuration.logging.logsInvalidPackets
        device = configuration.listeners.device
        relayDevice = configuration.relay.device
        socketBufferBytes = configuration.listeners.socketBufferByteCount
        relayPorts = configuration.relay.ports.bounds
        quarantineSeconds = configuration.relay.portQuarantineSeconds
        quotas = Self.quotas(configuration.quotas, stored?.quotas)

        let limits = Self.limits(configuration, relaySocketsMax, tcpPeersMax: forPeers / host.workerCount)
        let nonces = NonceAuthority(
            secret: configuration.authentication.nonceSecret.map { Array($0.utf8) } ?? nonceSecret,
            lifetimeSeconds: configuration.authentication.nonceLifetimeSeconds)
        var settings = TURNSettings(
            realm: realm, access: Self.access(configuration, realm: realm, issuingSecret, stored), nonces: nonces,
            relayAddresses: relayAddresses.all,
            peerFilter: Self.peerFilter(configuration, relayAddresses.all, host, stored), limits: limits)
        settings.fallbackRelayAddresses = relayAddresses.fallback
        Self.apply(configuration, stored?.quotas, to: &settings)
        // Tickets name what this process has, so that they need not outlive it.
        if configuration.protocolSwitches.allowsMobility { settings.tickets = TicketAuthority(secret: nonceSecret) }
        turn = settings
    }

    private static func limits(
        _ configuration: ServerConfiguration, _ allocationsMax: Int, tcpPeersMax: Int
    ) -> Limits {
        let quota = configuration.quotas
        return Limits(
            allocationsMax: allocationsMax, permissionsPerAllocationMax: quota.permissionsPerAllocation,
            channelsPerAllocationMax: min(quota.channelsPerAllocation, quota.permissionsPerAllocation),
            newPeersPerSecond: configuration.rates.newPeersPerAllocation ?? 0, tcpPeersMax: tcpPeersMax)
    }

    /// Whether what comes from this address may say for whom it comes.
    func believesProxy(_ address: IPAddress) -> Bool { proxies.contains(address.unmapped) }

    private static func apply(
        _ configuration: ServerConfiguration, _ stored: StoredQuotas?, to settings: inout TURNSettings
    ) {
        let lifetimes = configuration.lifetimes
        settings.lifetimes = LifetimePolicy(
            defaultSeconds: lifetimes.allocationDefaultSeconds, maximumSeconds: lifetimes.allocationMaximumSeconds,
            permissionSeconds: lifetimes.permissionSeconds, channelSeconds: lifetimes.channelSeconds)
        let switches = configuration.protocolSwitches
        settings.channelNumbers = switches.acceptsRFC5766Channels ? .rfc5766 : .rfc8656
        settings.relaysUDP = configuration.relay.allowsUDP
        settings.relaysTCP = configuration.relay.allowsTCP
        settings.relayPorts = configuration.relay.ports.bounds
        settings.answersBinding = switches.answersBinding
        settings.reportsBindings = configuration.logging.logsBindings
        settings.answersClassicBinding = switches.acceptsRFC3489
        settings.alwaysAddsFingerprint = switches.alwaysAddsFingerprint
        settings.sendsReasonPhrases = switches.sendsReasonPhrase
        settings.software = switches.sendsSoftware ? Array("Tern \(Version.number)".utf8) : nil
        if case .stunOnly = configuration.relaying { settings.servesTURN = false }
        settings.discovery = discovery(configuration)
        settings.alternates = alternates(configuration.redirection)
        settings.requiresAuthenticationForBinding = configuration.authentication.requiredForBinding
        settings.unauthenticatedRepliesPerSecond = configuration.rates.unauthorizedAnswersPerSource ?? 0
        settings.bindingRepliesPerSecond = configuration.rates.bindingAnswersPerSource ?? 0
        settings.bytesPerSecondMax = UInt64(
            stored?.bytesPerSecond ?? configuration.quotas.bytesPerSecondPerAllocation ?? 0)
        settings.defaultAddressFamily =
            switch configuration.relay.defaultFamily {
            case .ipv4: .ipv4
            case .ipv6: .ipv6
            case .asClient: .sameAsClient
            }
    }

    /// The name that clients are asked for a password of.
    static func realm(_ configuration: ServerConfiguration, _ host: HostFacts) -> String {
        if let realm = configuration.authentication.realm { return realm }
        let name = host.hostName
        guard let dot = name.firstIndex(of: "."), name.index(after: dot) < name.endIndex else {
            return name.isEmpty ? "tern" : name
        }
        return String(name[name.index(after: dot)...])
    }

    /// The same as clients are told it.
    package static func realmBytes(_ configuration: ServerConfiguration, _ host: HostFacts) -> [UInt8] {
        Array(realm(configuration, host).utf8.prefix(128))
    }

    private static func access(
        _ configuration: ServerConfiguration, realm: [UInt8], _ issuingSecret: [UInt8]?, _ stored: StoredUsers?
    ) -> Access {
        let authentication = configuration.authentication
        if case .stunOnly = configuration.relaying {
            let hasCredentials =
                !authentication.staticUsers.isEmpty || !authentication.sharedSecrets.isEmpty || issuingSecret != nil
                || authentication.database != nil
            guard authentication.requiredForBinding, hasCredentials else { return .stunOnly }
        }
        guard !authentication.anonymous else { return .anonymous }
        let users = authentication.staticUsers.map { user in
            let name = Array(user.name.utf8)
            return switch user.secret {
            case .password(let password): TURN.StaticUser(name: name, secret: .password(Array(password.utf8)))
            case .md5Key(let key): TURN.StaticUser(name: name, secret: .md5Key(key))
            case .sha256Key(let key): TURN.StaticUser(name: name, secret: .sha256Key(key))
            }
        }
        var secrets = authentication.sharedSecrets.map { Array($0.utf8) } + (issuingSecret.map { [$0] } ?? [])
        for secret in stored?.secrets ?? [] where !secrets.contains(secret) { secrets.append(secret) }
        return .credentials(
            CredentialDirectory(
                // The last one of a name counts: the configuration comes before the database, as in coturn.
                realm: realm, users: (stored?.users ?? []) + users, sharedSecrets: secrets,
                separator: authentication.restSeparator, isStrictOnExpiry: authentication.strictExpiry))
    }

    private static func quotas(_ quotas: ServerConfiguration.Quotas, _ stored: StoredQuotas?) -> QuotaPolicy {
        var policy = QuotaPolicy()
        policy.perUser = stored?.perUser ?? quotas.allocationsPerUser ?? 0
        policy.total = stored?.total ?? quotas.allocationsInTotal ?? 0
        policy.perSource = quotas.allocationsPerAddress ?? 0
        policy.bandwidthCapacity = UInt64(quotas.bytesPerSecondInTotal ?? 0)
        policy.bandwidthPerAllocation = UInt64(stored?.bytesPerSecond ?? quotas.bytesPerSecondPerAllocation ?? 0)
        return policy
    }

    // MARK: - Addresses

    /// Where relay sockets are bound: what the operator wrote, else every address of the host, of which those that the
    /// world can reach are taken when a client's own path does not decide.
    private static func relayAddresses(
        _ configuration: ServerConfiguration, _ host: HostFacts
    ) -> (all: [RelayAddress], fallback: [RelayAddress]) {
        let external = configuration.relay.externalAddresses
        func relay(_ address: IPAddress) -> RelayAddress {
            RelayAddress(local: address, advertised: external.advertised(for: address))
        }
        if case .these(let addresses) = configuration.relay.addresses {
            let all = distinct(addresses.map(relay))
            return (all, all)
        }
        var locals = host.addresses.filter { !$0.isLoopback }
        if case .these(let addresses) = configuration.listeners.addresses {
            let named = addresses.filter { !$0.isUnspecified }
            if !named.isEmpty { locals = named }
        }
        if locals.isEmpty { locals = AddressFamily.allCases.map { .loopback($0) } }
        let all = distinct(locals.map(relay))
        let fallback = AddressFamily.allCases.flatMap { family -> [RelayAddress] in
            let ofFamily = all.filter { $0.local.family == family }
            let reachable = ofFamily.filter { AddressClassifier.classify($0.advertised) == .global }
            return reachable.isEmpty ? Array(ofFamily.prefix(1)) : reachable
        }
        return (all, fallback)
    }

    /// The first relay address for each advertised one. Two that the world knows by one name would hand out the same
    /// relayed address twice.
    private static func distinct(_ addresses: [RelayAddress]) -> [RelayAddress] {
        var advertised: Set<IPAddress> = []
        return addresses.filter { advertised.insert($0.advertised).inserted }
    }

    static func peerFilter(
        _ configuration: ServerConfiguration, _ relayAddresses: [RelayAddress], _ host: HostFacts,
        _ stored: StoredUsers?
    ) -> PeerFilter {
        var own = Set(host.addresses)
        for address in relayAddresses { own.formUnion([address.local, address.advertised]) }
        if case .these(let addresses) = configuration.listeners.addresses { own.formUnion(addresses) }
        own.formUnion(configuration.listeners.auxiliary.map(\.ip).filter { !$0.isUnspecified })
        let rules = configuration.peerPolicy.rules.map { rule in
            let matcher: TURN.PeerRule.Matcher =
                switch rule.matcher {
                case .prefix(let prefix): .prefix(prefix)
                case .range(let range): .range(range)
                }
            return TURN.PeerRule(rule.kind == .allow ? .allow : .deny, matcher, source: rule.source)
        }
        let ports = PeerPortPolicy(
            ownAddresses: Array(own),
            listenerPorts: listenerPorts(configuration),
            deniesLowPorts: configuration.peerPolicy.deniesLowPorts)
        return PeerFilter(
            rules: rules + (stored?.peerRules ?? []), relayAddresses: relayAddresses, ports: ports,
            allowsLoopback: configuration.peerPolicy.allowsLoopback)
    }
}
