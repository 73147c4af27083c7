import Configuration
import Crypto
import EventLoop
import LinuxSockets
import NetworkPrimitives
import Telemetry
import WebService

/// The secret that signaling makes TURN credentials with: the operator's, so that a fleet shares it, else one of this
/// run.
struct IssuingSecret {
    /// Nil when there is nobody to issue to, or nothing to relay.
    let bytes: [UInt8]?
    /// Of this run, and not in the configuration; nil while nothing was made with it. Once something was, it is good
    /// for the rest of the run, whatever a reload says: credentials that members hold are not taken from them.
    let ownBytes: [UInt8]?

    init(_ configuration: ServerConfiguration, after former: IssuingSecret? = nil, random: inout OSRandom) {
        guard configuration.signaling != nil, case .enabled = configuration.relaying else {
            bytes = nil
            ownBytes = former?.ownBytes
            return
        }
        // The first one is that with which new credentials are made; the others are on their way out.
        if let written = configuration.authentication.sharedSecrets.first {
            bytes = Array(written.utf8)
            ownBytes = former?.ownBytes
        } else {
            ownBytes = former?.ownBytes ?? Array(Hex.encode(random.bytes(32)).utf8)
            bytes = ownBytes
        }
    }
}

// Signaling as a part of the server: its settings, its listeners, its thread.
extension Server {
    static func signalingSettings(
        _ configuration: ServerConfiguration, connectionsMax: Int, _ secret: IssuingSecret, _ purpose: Purpose,
        certificateNames: [String]
    ) throws(StartFailure) -> SignalingSettings? {
        guard let signaling = configuration.signaling else { return SignalingSettings(forOperatorsOf: configuration) }
        let isForThisHostOnly =
            switch purpose {
            case .production: false
            case .development: true
            }
        let facts = SignalingFacts(
            sharedSecret: secret.bytes,
            externalAddresses: configuration.relay.externalAddresses.entries.map(\.publicAddress),
            isForThisHostOnly: isForThisHostOnly, connectionsMax: connectionsMax, certificateNames: certificateNames)
        return try SignalingSettings(signaling, configuration, facts)
    }

    func openSignalingListeners() throws(StartFailure) -> [HeldListener] {
        var listeners: [HeldListener] = []
        for wanted in signalingSettings?.listeners ?? [] {
            let listener: HeldListener?
            switch wanted.place {
            case .address(let address): listener = try openSignalingListener(address, wanted.profile)
            case .unix(let path): listener = try openControlSocket(path)
            }
            if let listener { listeners.append(listener) }
        }
        return listeners
    }

    /// Nil when others have the port and hand over what is for signaling, or the host does not have the family.
    private func openSignalingListener(
        _ address: SocketAddress, _ profile: ListenerProfile
    ) throws(StartFailure) -> HeldListener? {
        guard !servesHTTP(on: address) else { return nil }
        do {
            let options = TCPListenerOptions(device: settings.device)
            return HeldListener(try TCPListener(binding: address, options: options), profile: profile)
        } catch {
            // A host without IPv6 is served over IPv4, unless somebody asked for that very address.
            if address.ip == .v6(.any), isOptional(profile), !error.isAddressInUse { return nil }
            throw StartFailure("cannot listen on TCP \(address): \(error); \(signalingAdvice(error, profile))")
        }
    }

    /// Whether nobody asked for a single address.
    private func isOptional(_ profile: ListenerProfile) -> Bool {
        switch profile {
        case .metrics: configuration.metrics.listener?.address == nil
        case .everything, .only, .control: configuration.signaling?.addresses == .allLocal
        }
    }

    private func openControlSocket(_ path: String) throws(StartFailure) -> HeldListener {
        do { return HeldListener(try TCPListener(unix: path), profile: .control) } catch {
            let advice =
                error.isAddressInUse
                ? "another server has it" : "the directory has to be there, and the server's to write to"
            throw StartFailure("cannot listen on \(path): \(error); \(advice); check control-socket")
        }
    }

    /// Whether signaling shares the port with listeners of TURN: these have it then, and hand over what speaks HTTP.
    func servesHTTP(on address: SocketAddress) -> Bool {
        guard let port = configuration.signaling?.port, address.port == port else { return false }
        // An aux-server on this port may be on another address, which signaling then does not share.
        return settings.streamListenerAddresses.contains { other in
            other.port == port && other.family == address.family
                && (other.ip == address.ip || other.ip.isUnspecified || address.ip.isUnspecified)
        }
    }

    private func signalingAdvice(_ error: SystemError, _ profile: ListenerProfile) -> String {
        if profile == .metrics { return "check prometheus-address and prometheus-port" }
        if let advice = deviceAdvice(error, "listening-device") { return advice }
        if error.isAddressInUse { return "another server has the port; stop it or choose another signaling-port" }
        if error.isAddressNotAvailable { return "this host does not have the address; check signaling-ip" }
        if error.isPermissionDenied { return "ports below 1024 need root or CAP_NET_BIND_SERVICE" }
        return "check signaling-ip and signaling-port"
    }

    func startSignaling(_ listeners: [HeldListener]) throws(SystemError) {
        guard let signaling = signalingSettings else { return }
        guard let mailbox = signalingMailbox else { return }
        let context = SignalingContext(
            settings: signaling, members: liaison(signaling), mailbox: mailbox, log: log,
            secure: certificates?.contexts,
            operators: OperatorContext(
                configuration: configuration, workers: mailboxes, server: inbox, start: startedAt,
                hasCoturnNames: configuration.metrics.hasCoturnNames),
            news: signalingNews)
        let failure = failure
        threads.append(
            try WorkerThread.spawn(name: "signaling") {
                do {
                    var worker = try SignalingWorker(context, listeners: listeners)
                    try worker.run()
                } catch {
                    Self.give(up: "signaling stopped: \(error)", failure, context.log)
                }
            })
    }

    /// Who tells the TURN side of members; nil when there are no credentials for them.
    func liaison(_ signaling: SignalingSettings) -> MemberLiaison? {
        guard let members, let issuer = signaling.authority.issuer else { return nil }
        return MemberLiaison(members: members, issuer: issuer, settings: signaling.members)
    }

    func logSignalingStart(_ addresses: [SocketAddress]) {
        if let metrics = configuration.metrics.listener {
            let address =
                metrics.address.map { "\(SocketAddress(ip: $0, port: metrics.port))" } ?? "port \(metrics.port)"
            log.write(.notice, "metrics are at \(metrics.path) on \(address), for whoever reaches it")
        }
        if let path = configuration.controlSocket { log.write(.notice, "operators reach the server by \(path)") }
        guard let signaling = configuration.signaling else { return }
        let listening = addresses.map(\.description).joined(separator: ", ")
        log.write(.notice, "signaling listens on \(listening) over HTTP and WebSocket")
        if signaling.anonymousRooms.contains("*"), addresses.contains(where: { !$0.ip.isLoopback }) {
            log.write(.warning, "signaling-anonymous-rooms=*: everybody who reaches this server relays through it")
        }
    }
}
