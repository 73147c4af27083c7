import Containers
import Crypto
import NetworkPrimitives
import STUN
import TURN

/// One configuration of the server under test, chosen by the first three bytes of a script.
struct TURNSetup {
    var isAnonymous = false
    var isMapped = false
    let hasSecret: Bool
    let hasKeyUser: Bool
    let hasMembers: Bool
    let directory: CredentialDirectory
    let quotas: QuotaPolicy
    /// How clients come, all of them.
    let transport: ClientTransport
    private(set) var settings: TURNSettings

    init(_ script: inout Script) {
        let users = script.byte()
        let policy = script.byte()
        let style = script.byte()
        hasSecret = users & 1 == 0
        hasKeyUser = users & 2 != 0
        hasMembers = users & 0x40 != 0
        // What came later, behind a bit that older scripts have not set.
        let ways = users & 0x80 != 0 ? script.byte() : 0
        transport = [.udp, .tcp, .tls, .dtls][Int(ways & 0b11)]
        directory = Self.directory(hasSecret: hasSecret, hasKeyUser: hasKeyUser, isStrict: users & 4 != 0)
        isAnonymous = users & 0x38 == 0x38
        isMapped = policy & 1 != 0
        let relayIPv4 = isMapped ? TURNScene.mappedIPv4 : TURNScene.relayIPv4
        var relays = [relayIPv4, TURNScene.relayIPv6]
        if policy & 0x06 == 0x06 { relays = policy & 0x08 == 0 ? [relayIPv4] : [TURNScene.relayIPv6] }
        let ports = PeerPortPolicy(
            ownAddresses: [relayIPv4.local, TURNScene.relayIPv6.local], listenerPorts: [3478],
            deniesLowPorts: policy & 0x10 != 0)
        settings = TURNSettings(
            realm: TURNScene.realm, access: isAnonymous ? .anonymous : .credentials(directory),
            nonces: NonceAuthority(secret: TURNScene.nonceSecret, lifetimeSeconds: 600), relayAddresses: relays,
            peerFilter: PeerFilter(
                rules: Self.rules, relayAddresses: relays, ports: ports, allowsLoopback: policy & 0x20 != 0),
            limits: Limits(
                allocationsMax: 3, permissionsPerAllocationMax: 4, channelsPerAllocationMax: 3, newPeersPerSecond: 3,
                reservationsMax: 2))
        var quotas = QuotaPolicy()
        if policy & 0x40 != 0 { (quotas.perUser, quotas.total, quotas.perSource) = (2, 3, 2) }
        self.quotas = quotas
        if policy & 0x80 != 0 { settings.bytesPerSecondMax = 2_000 }
        if style & 1 != 0 { settings.channelNumbers = .rfc5766 }
        settings.sendsReasonPhrases = style & 2 != 0
        settings.alwaysAddsFingerprint = style & 4 != 0
        settings.answersClassicBinding = style & 8 != 0
        settings.requiresAuthenticationForBinding = style & 0x10 != 0
        settings.reportsBindings = style & 0x20 != 0
        settings.software = style & 0x40 != 0 ? Array("tern".utf8) : nil
        settings.defaultAddressFamily = style & 0x80 != 0 ? .sameAsClient : .ipv4
        // Tests/TURNTests plays RFC 6062, which needs another shell.
        settings.relaysTCP = false
        if ways & 4 != 0 { settings.discovery = TURNScene.discovery }
        if ways & 8 != 0 { settings.alternates = TURNScene.alternates }
    }

    /// The client and where it comes to.
    func path(_ index: Int) -> FiveTuple {
        let path = TURNScene.paths[index]
        return FiveTuple(client: path.client, server: path.server, transport: transport)
    }

    /// The bound of an answer to somebody unknown, in tenths of the request: REALM of twelve bytes, NONCE and
    /// PASSWORD-ALGORITHMS make 92 bytes of the shortest request of 20, and options add to it.
    var amplificationTenths: Int {
        var largest = 20 + 8 + 16 + 36 + 12
        if settings.sendsReasonPhrases { largest += 16 }
        if settings.alwaysAddsFingerprint { largest += 8 }
        // NAT discovery tells four addresses.
        if settings.discovery != nil { largest = max(largest, 20 + 4 * 24 + 8) }
        return largest / 2
    }

    /// Which people the server knows, by index into `TURNScene.people`.
    func knows(_ person: TURNScene.Person) -> Bool {
        if person.isStranger { return false }
        if person.isEphemeral { return hasSecret }
        return !person.hasKeyOnly || hasKeyUser
    }

    // MARK: - Parts

    private static func directory(hasSecret: Bool, hasKeyUser: Bool, isStrict: Bool) -> CredentialDirectory {
        var users = [TURNScene.alice, TURNScene.bob].map { StaticUser(name: $0.name, secret: .password($0.password)) }
        if hasKeyUser { users.append(StaticUser(name: TURNScene.carol.name, secret: .md5Key(carolKey))) }
        return CredentialDirectory(
            realm: TURNScene.realm, users: users, sharedSecrets: hasSecret ? [TURNScene.sharedSecret] : [],
            isStrictOnExpiry: isStrict)
    }

    private static let carolKey: [UInt8] = {
        let text = TURNScene.carol.name + [0x3A] + TURNScene.realm + [0x3A] + TURNScene.carol.password
        return text.withRawSpan { MD5.hash($0).array }
    }()

    /// An operator who opens everything, so that only what is never relayed to stands in the way, and closes one host.
    private static let rules: [PeerRule] = {
        let prefixes: [(PeerRule.Verdict, String)] = [
            (.allow, "10.0.0.0/8"), (.allow, "169.254.0.0/16"), (.allow, "fe80::/10"), (.allow, "::/96"),
            (.allow, "224.0.0.0/4"), (.deny, "1.1.1.1/32"),
        ]
        return prefixes.map { verdict, text in
            guard let prefix = IPPrefix(text) else { fatalError("not a prefix: \(text)") }
            return PeerRule(verdict, .prefix(prefix), source: text)
        }
    }()
}

/// The quotas and ports of the one worker.
final class TURNLedger: AllocationLedger {
    private var ledger: QuotaLedger
    /// Tokens that count against a quota: those that run and were not redeemed.
    private(set) var reservations: Set<UInt64> = []

    init(_ setup: TURNSetup) {
        ledger = QuotaLedger(
            policy: setup.quotas, relayAddresses: setup.settings.relayAddresses.map(\.local), ports: TURNScene.ports,
            quarantineSeconds: 5, random: SplitMix64(seed: 1))
    }

    func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal) {
        try ledger.admit(claim, redeeming: token)
        if let token { reservations.remove(token) }
    }

    func release(_ claim: AllocationClaim) { ledger.release(claim) }

    func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal) {
        try ledger.admitReservation(token, claim)
        require(reservations.insert(token).inserted, "a token counts once")
    }

    func endReservation(_ token: UInt64) {
        ledger.endReservation(token)
        reservations.remove(token)
    }

    func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16? {
        ledger.takePort(of: address, preference, at: now)
    }

    func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        ledger.returnPort(port, of: address, wasUsable: wasUsable, at: now)
    }

    var liveCounts: (allocations: Int, ports: Int) { ledger.liveCounts }
}
