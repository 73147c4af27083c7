import Containers
import NetworkPrimitives
import TURN

/// Somebody whom the server knows.
package struct SimulatedUser: Sendable {
    package let name: String
    package let password: String

    package init(_ name: String, password: String) {
        self.name = name
        self.password = password
    }
}

/// How the simulated server is configured, in terms that both the server and the reference model understand.
package struct ServerSetup {
    package var realm = "example.org"
    package var users: [SimulatedUser] = []
    /// For ephemeral credentials; nil without.
    package var sharedSecret: String?
    /// How long a session carries its credentials past their expiry, and how many members are remembered.
    package var sessionSecondsMax: UInt32 = 86_400
    package var membersMax = 64
    package var listeners: [SocketAddress] = [IPAddress.v4(9, 9, 9, 9).port(3478)]
    package var relays = [
        RelayAddress(local: .v4(9, 9, 9, 9), advertised: .v4(9, 9, 9, 9)),
        RelayAddress(local: .v6(9), advertised: .v6(9)),
    ]
    package var ports: ClosedRange<UInt16> = 49152...49407
    package var quota = QuotaPolicy()
    package var limits = Limits(allocationsMax: 64, newPeersPerSecond: 0)
    package var workerCount = 1
    package var nonceLifetimeSeconds: UInt32 = 600
    package var quarantineSeconds: UInt32 = 60
    package var repliesPerSecond = 20
    /// Of a thousand binds, how many find the port taken by a stranger, and how many find no descriptor left.
    package var addressInUsePermille = 0
    package var outOfResourcesPermille = 0
    /// Hosts from which routers answer with ICMP errors.
    package var unreachable: Set<IPAddress> = []

    package init() {}

    /// What of it the server's own types hold.
    func settings(nonceSecret: [UInt8]) -> TURNSettings {
        let realmBytes = Array(realm.utf8)
        let directory = CredentialDirectory(
            realm: realmBytes,
            users: users.map { StaticUser(name: Array($0.name.utf8), secret: .password(Array($0.password.utf8))) },
            sharedSecrets: sharedSecret.map { [Array($0.utf8)] } ?? [])
        let own = Array(Set(relays.flatMap { [$0.local, $0.advertised] } + listeners.map(\.ip)))
        let peerPorts = PeerPortPolicy(
            ownAddresses: own, listenerPorts: Array(Set(listeners.map(\.port))), deniesLowPorts: false)
        var settings = TURNSettings(
            realm: realmBytes, access: .credentials(directory),
            nonces: NonceAuthority(secret: nonceSecret, lifetimeSeconds: nonceLifetimeSeconds),
            relayAddresses: relays,
            peerFilter: PeerFilter(rules: [], relayAddresses: relays, ports: peerPorts, allowsLoopback: false),
            limits: limits)
        settings.unauthenticatedRepliesPerSecond = repliesPerSecond
        settings.software = Array("Tern".utf8)
        return settings
    }
}

/// The ledger that all workers share. One thread drives the simulation, so no lock is taken.
package final class SharedLedger: AllocationLedger {
    private var ledger: QuotaLedger

    init(_ setup: ServerSetup, seed: UInt64) {
        ledger = QuotaLedger(
            policy: setup.quota, relayAddresses: setup.relays.map(\.local), ports: setup.ports,
            quarantineSeconds: setup.quarantineSeconds, random: SplitMix64(seed: seed))
    }

    package func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal) {
        try ledger.admit(claim, redeeming: token)
    }
    package func release(_ claim: AllocationClaim) { ledger.release(claim) }
    package func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal) {
        try ledger.admitReservation(token, claim)
    }
    package func endReservation(_ token: UInt64) { ledger.endReservation(token) }

    package func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16? {
        ledger.takePort(of: address, preference, at: now)
    }

    package func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        ledger.returnPort(port, of: address, wasUsable: wasUsable, at: now)
    }

    package var liveCounts: (allocations: Int, ports: Int) { ledger.liveCounts }
}
