import Configuration
import CredentialService
import HTTP
import LinuxSockets
import NetworkPrimitives
import Signaling
import TernV1
import WebService
import WebSocket

/// What signaling has to know beside its own part of the configuration.
struct SignalingFacts: Sendable {
    /// The secret that TURN credentials are made with; nil when nothing is relayed.
    var sharedSecret: [UInt8]?
    /// By which the world knows the relays, if the operator said so.
    var externalAddresses: [IPAddress]
    /// Strangers come from this host only: a server for development.
    var isForThisHostOnly: Bool
    /// What the limit of open files leaves of `signaling-connections-max`.
    var connectionsMax: Int
    /// What clients of TLS find in the certificates.
    var certificateNames: [String] = []
}

/// The operator's words about signaling, turned into what the machines take. Files that the words name are read here:
/// keys of issuers, and the directory of the site.
struct SignalingSettings: Sendable {
    let listeners: [SignalingListener]
    let web: WebSettings
    let sessions: TernV1Settings
    let authority: Authority
    let site: any SiteContent
    let members: MemberSettings
    let dialects: DialectChoices

    init(
        _ signaling: ServerConfiguration.Signaling, _ configuration: ServerConfiguration, _ facts: SignalingFacts
    ) throws(StartFailure) {
        listeners = SignalingListener.all(of: signaling) + SignalingListener.forOperators(configuration)
        dialects = DialectChoices(signaling, publicAddresses: facts.externalAddresses)
        var web = Self.web(signaling, connectionsMax: facts.connectionsMax)
        web.metricsPath = configuration.metrics.listener?.path ?? web.metricsPath
        self.web = web
        sessions = TernV1Settings(
            limits: SignalingLimits(signaling.limits), serverVersion: Version.number, node: "")
        site = try Self.site(signaling)
        members = MemberSettings(signaling.credentials)
        authority = try Self.authority(signaling, configuration, facts)
    }

    /// Without signaling-port: what operators ask, and nothing else. Nil when they have nowhere to ask.
    init?(forOperatorsOf configuration: ServerConfiguration) {
        guard configuration.metrics.listener != nil || configuration.controlSocket != nil else { return nil }
        listeners = SignalingListener.forOperators(configuration)
        var web = WebSettings()
        web.connectionsMax = Self.operatorConnectionsMax
        web.version = Version.number
        web.metricsPath = configuration.metrics.listener?.path ?? web.metricsPath
        self.web = web
        var limits = SignalingLimits()
        limits.sessionsMax = 0
        sessions = TernV1Settings(limits: limits, serverVersion: Version.number, node: "")
        authority = Authority(
            gate: Gate(tokens: TokenVerifier(keys: []), anonymous: Gate.AnonymousAccess(rooms: []), issuer: nil),
            keys: APIKeys(applicationKeys: [], operatorSecrets: []), minters: [:], issuer: nil,
            servers: IceServerTemplate(hosts: [], externalAddresses: [], endpoints: []))
        site = EmptySite()
        members = MemberSettings()
        dialects = DialectChoices()
    }

    /// A scraper, a few commands, and whoever looks what there is.
    private static let operatorConnectionsMax = 256

    /// The machine, with the randomness that its names and secrets are made of. `gate` stands before all rooms.
    func makeService(gate: any Gatekeeper, random: inout OSRandom, at now: Instant) -> WebService {
        WebService(
            settings: web, authority: authority, site: site,
            signaling: TernV1Server(settings: sessions, gate: gate, secret: random.bytes(32)),
            dialects: dialects.makeServers(gate: gate, random: &random, at: now),
            secret: random.bytes(32), start: now)
    }

    // MARK: - HTTP and WebSocket

    private static func web(_ signaling: ServerConfiguration.Signaling, connectionsMax: Int) -> WebSettings {
        let limits = signaling.limits
        var web = WebSettings()
        web.http.headByteCountMax = signaling.http.headByteCountMax
        web.http.headerCountMax = signaling.http.headersMax
        web.http.bodyByteCountMax = signaling.http.bodyByteCountMax
        web.http.headSeconds = signaling.http.headSeconds
        web.http.bodySeconds = signaling.http.bodySeconds
        web.http.idleSeconds = signaling.http.idleSeconds
        web.webSocket = WebSocketLimits(messageByteCountMax: limits.messageByteCountMax, acceptsBinary: false)
        web.compressesMessages = signaling.compressesMessages
        web.origins = OriginPolicy(
            listed: signaling.origins.named + (signaling.origins.allowsNull ? ["null"] : []),
            allowsAll: signaling.origins.allowsAny)
        web.proxies = TrustedProxies(signaling.trustedProxies)
        web.connectionsMax = connectionsMax
        web.connectionsPerSourceMax = limits.connectionsPerSourceMax
        web.connectsPerSecond = limits.connectsPerSecondPerSource
        web.connectsBurst = limits.connectsBurstPerSource
        web.failuresPerMinute = limits.failuresPerMinutePerSource
        web.queueByteCountMax = limits.queueByteCountMax
        web.queueMessagesMax = limits.queueMessagesMax
        web.version = Version.number
        web.entrances = Set(signaling.dialects.shared.map(DialectEntrance.init))
        web.rootEntrance = signaling.dialects.root.map(DialectEntrance.init)
        web.hasOwnPages = signaling.staticRoot != nil
        web.engineWebSocket = WebSocketLimits(messageByteCountMax: DialectChoices.payloadByteCountMax(signaling))
        if web.entrances.contains(.socketIO) || signaling.dialects.ports.contains(where: \.dialect.isOverSocketIO) {
            web.http.bodyByteCountMax = DialectChoices.payloadByteCountMax(signaling)
        }
        web.hasAnonymousRooms = !signaling.anonymousRooms.isEmpty
        return web
    }

    private static func site(_ signaling: ServerConfiguration.Signaling) throws(StartFailure) -> any SiteContent {
        guard let path = signaling.staticRoot else { return EmbeddedSite() }
        do { return OverlaidSite(try DirectorySite(path: path), over: EmbeddedSite()) } catch {
            throw StartFailure("cannot serve \(path): \(error); check static-root")
        }
    }

    // MARK: - Who may do what

    private static func authority(
        _ signaling: ServerConfiguration.Signaling, _ configuration: ServerConfiguration, _ facts: SignalingFacts
    ) throws(StartFailure) -> Authority {
        let servers = IceServerTemplate(
            hosts: signaling.turnHosts.compactMap { IceHost($0.uriText) },
            externalAddresses: facts.externalAddresses, endpoints: endpoints(configuration),
            secureNames: CertificateNames(facts.certificateNames),
            serverName: configuration.authentication.serverName.flatMap { IceHost($0) })
        let credentials = signaling.credentials
        let issuer = facts.sharedSecret.map { secret in
            CredentialIssuer(
                secret: secret, separator: configuration.authentication.restSeparator,
                quotaPerMember: credentials.allocationsPerMember ?? 0, lifetimeSeconds: credentials.lifetimeSeconds,
                lifetimeSecondsMax: credentials.lifetimeSecondsMax, servers: servers)
        }
        var keys: [TokenKey] = []
        var minters: [String: TokenMinter] = [:]
        for key in signaling.apiKeys {
            let tokenKey = try tokenKey(of: key)
            keys.append(tokenKey)
            minters[key.id] = TokenMinter(key: tokenKey)
        }
        for issuer in signaling.tokenIssuers { keys.append(try tokenKey(of: issuer)) }
        let anonymous = Gate.AnonymousAccess(
            rooms: signaling.anonymousRooms.compactMap { RoomPattern($0) },
            credentialSecondsMax: credentials.anonymousLifetimeSeconds,
            visitors: facts.isForThisHostOnly ? .onLoopback : .everybody)
        return Authority(
            gate: Gate(tokens: TokenVerifier(keys: keys), anonymous: anonymous, issuer: issuer),
            keys: APIKeys(
                applicationKeys: signaling.apiKeys.map { ($0.id, Array($0.secret.utf8)) },
                operatorSecrets: signaling.adminKeys.map { Array($0.utf8) }),
            minters: minters, issuer: issuer, servers: servers)
    }

    private static func endpoints(_ configuration: ServerConfiguration) -> [IceServerTemplate.Endpoint] {
        let listeners = configuration.listeners
        var endpoints: [IceServerTemplate.Endpoint] = []
        if listeners.servesUDP { endpoints.append(IceServerTemplate.Endpoint(.udp, port: listeners.port)) }
        if listeners.servesTCP { endpoints.append(IceServerTemplate.Endpoint(.tcp, port: listeners.port)) }
        if let encryption = configuration.encryption, encryption.servesTLS {
            endpoints.append(IceServerTemplate.Endpoint(.tls, port: encryption.port))
        }
        return endpoints
    }

    private static func tokenKey(of key: SignalingAPIKey) throws(StartFailure) -> TokenKey {
        do { return try TokenKey(id: key.id, secret: Array(key.secret.utf8)) } catch {
            throw StartFailure("the API key \(key.id) cannot sign tokens: \(error); check signaling-api-key")
        }
    }

    private static func tokenKey(of issuer: SignalingTokenIssuer) throws(StartFailure) -> TokenKey {
        let pem: [UInt8]
        do { pem = try Files.read(issuer.publicKeyPath, byteCountMax: 65_536) } catch {
            throw StartFailure("the key of \(issuer.issuer) cannot be read: \(error); check signaling-token-issuer")
        }
        do { return try TokenKey(issuer: issuer.issuer, pem: pem) } catch {
            throw StartFailure(
                "the key of \(issuer.issuer) in \(issuer.publicKeyPath): \(error); check signaling-token-issuer")
        }
    }
}

extension TrustedProxies {
    init(_ matchers: [PeerMatcher]) {
        self.init(
            matchers.map { matcher -> Entry in
                switch matcher {
                case .prefix(let prefix): .prefix(prefix)
                case .range(let range): .range(range)
                }
            })
    }
}

extension SignalingLimits {
    init(_ limits: ServerConfiguration.Signaling.Limits) {
        self.init()
        messageByteCountMax = limits.messageByteCountMax
        messagesPerSecond = UInt32(clamping: limits.messagesPerSecond)
        messagesBurst = UInt32(clamping: limits.messagesBurst)
        anonymousJoinsPerSecond = UInt32(clamping: limits.anonymousJoinsPerSecondPerSource)
        anonymousJoinsBurst = UInt32(clamping: limits.anonymousJoinsBurstPerSource)
        roomsPerSessionMax = limits.roomsPerSessionMax
        roomCapacity = limits.roomCapacity
        roomsMax = limits.roomsMax
        sessionsMax = limits.sessionsMax
        metadataByteCountMax = limits.metadataByteCountMax
        queueByteCountMax = limits.queueByteCountMax
        queueMessagesMax = limits.queueMessagesMax
        resumeSeconds = limits.resumeSeconds
        replayMessagesMax = limits.replayMessagesMax
        replayByteCountMax = limits.replayByteCountMax
        heartbeatSeconds = limits.heartbeatSeconds
        helloSeconds = limits.helloSeconds
        emptyRoomSeconds = limits.emptyRoomSeconds
    }
}
