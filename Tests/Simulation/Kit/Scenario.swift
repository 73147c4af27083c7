import Containers
import NetworkPrimitives
import TURN

/// A world with a relay and everybody around it, from a seed.
package struct Scenario {
    package var setup = ServerSetup()
    package var faults = LinkFaults.quiet
    package var clientCount = 6
    package var peerCount = 4
    package var hostileCount = 0
    package var listensOnIPv6 = true
    /// How long everybody is busy; afterwards whatever is left runs out.
    package var busySeconds: UInt32 = 3600
    package var usersAreShared = false
    /// How long ephemeral names hold, if there is a shared secret.
    package var ephemeralSeconds: UInt32 = 7200
    /// Whether every second client is a member of a room: with a shared secret, and sessions that come and go.
    package var hasMembers = false
    /// Changes a client before it is made.
    package var adjust: (Int, inout ClientProfile) -> Void = { _, _ in }
    /// Looks at the workers after each step of their control plane.
    package var audit: ServerNode.Audit?
    /// Puts a node in front of the server, to see whether the model notices.
    package var wrap: ((ServerNode, ServerSetup) -> any Node)?

    package init() {
        setup.users = (0..<4).map { SimulatedUser("user\($0)", password: "password \($0)") }
        setup.listeners = [IPAddress.v4(9, 9, 9, 9).port(3478), IPAddress.v6(9).port(3478)]
    }

    /// What a test holds in its hands.
    package struct Run {
        package let world: World
        package let server: ServerNode
        package let clients: [ClientNode]
        package let peers: [PeerNode]
        package let members: SimulatedMembers?
        /// When everybody has fallen silent and everything has run out: the longest lifetime is an hour.
        package let end: Instant

        /// Runs to the end; the answer is what must not have happened, nothing if all is well.
        package func finish() -> [String] {
            world.run(until: end)
            return world.model.violations.map(\.description) + server.defects + leftovers
        }

        /// Everything that should have ended with the last allocation and has not.
        package var leftovers: [String] {
            var result: [String] = []
            func expectZero(_ name: String, _ count: Int) { if count != 0 { result.append("left: \(count) \(name)") } }
            for worker in server.workers {
                let control = worker.server.liveCounts
                expectZero("allocations", control.allocations)
                expectZero("accounts", control.accounts)
                expectZero("timers", control.timers)
                expectZero("reservations", control.reservations)
                let data = worker.forwarder.table.liveCounts
                expectZero("routes of allocations", data.allocations)
                expectZero("routes of permissions", data.permissions)
                expectZero("routes of channels", data.channels)
            }
            expectZero("claims in the ledger", server.ledger.liveCounts.allocations)
            expectZero("ports in the ledger", server.ledger.liveCounts.ports)
            expectZero("open sockets", server.openSocketCount)
            expectZero("members", members?.count ?? 0)
            return result
        }
    }

    package func run(seed: UInt64) -> Run {
        var random = SplitMix64(seed: seed)
        let clock = VirtualClock()
        let stopsAt = Instant.seconds(busySeconds)
        let members: SimulatedMembers? =
            hasMembers
            ? SimulatedMembers(limit: setup.membersMax, sessionSecondsMax: setup.sessionSecondsMax) : nil
        let server = ServerNode(setup, seed: random.next(), clock: clock, members: members, audit: audit)
        let rendezvous = Rendezvous()
        let peerAddresses: [SocketAddress] = (0..<peerCount).map { index in
            let host: IPAddress = index % 3 == 2 ? .v6(0x100 + UInt64(index)) : .v4(8, 0, 0, UInt8(index + 1))
            return host.port(4000)
        }
        let clients = (0..<clientCount).map { index in
            let profile = profile(index, peerAddresses, stopsAt, clock, &random)
            return ClientNode(profile, rendezvous: rendezvous, seed: random.next())
        }
        let peers = peerAddresses.map { PeerNode($0, stopsAt: stopsAt, seed: random.next()) }
        let hostile = (0..<hostileCount).map { index in
            HostileNode(
                IPAddress.v4(6, 6, 6, UInt8(index + 1)).port(6666), targets: setup.listeners, stopsAt: stopsAt,
                seed: random.next())
        }
        let network = VirtualNetwork(faults: faults, seed: random.next())
        let world = World(
            clock: clock, network: network, model: ReferenceModel(setup, clock: clock),
            server: wrap?(server, setup) ?? server, others: clients + peers + hostile)
        if let members, let secret = setup.sharedSecret {
            let signaling = SimulatedSignaling(
                world, server, members, secret: secret, credentialSeconds: ephemeralSeconds, seed: random.next())
            let guests = clients.enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
            signaling.begin(with: guests, until: stopsAt)
        }
        return Run(
            world: world, server: server, clients: clients, peers: peers, members: members,
            // A revocation is remembered for an hour more.
            end: stopsAt.advanced(bySeconds: hasMembers ? 5_000 : 3700))
    }

    private func profile(
        _ index: Int, _ peers: [SocketAddress], _ stopsAt: Instant, _ clock: VirtualClock, _ random: inout SplitMix64
    ) -> ClientProfile {
        let isIPv6 = listensOnIPv6 && index % 4 == 3
        let host: IPAddress = isIPv6 ? .v6(0x1000 + UInt64(index)) : .v4(7, 0, UInt8(index >> 8), UInt8(index & 0xFF))
        let listener = setup.listeners.first { $0.family == host.family } ?? setup.listeners[0]
        var server = listener
        if let relay = setup.relays.first(where: { $0.local == listener.ip }) {
            server = relay.advertised.port(listener.port)
        }
        var user = setup.users[usersAreShared ? 0 : index % setup.users.count]
        if let secret = setup.sharedSecret, index % 2 == 1 {
            let expiry = clock.unixTime.seconds + Int64(ephemeralSeconds)
            user = .ephemeral(named: "\(expiry):user\(index)", secret: secret)
        }
        var profile = ClientProfile(
            addresses: (2...5).map { host.port(UInt16($0 * 10_000 + index)) }, server: server, user: user,
            realm: setup.realm, stopsAt: stopsAt)
        let all = ClientAuthentication.allCases
        // Whose name is not in the server's books cannot be found by its hash (RFC 8489 §9.2).
        let choices = setup.sharedSecret == nil ? all : all.filter { $0 != .userhash }
        profile.authentication = choices[index % choices.count]
        profile.peers = peers
        profile.forbiddenPeers = [
            IPAddress.v4(10, 0, 0, 1).port(80), IPAddress.v4(127, 0, 0, 1).port(22), IPAddress.v4(224, 0, 0, 1).port(9),
            IPAddress.v6(.loopback).port(80), IPAddress.v4(0, 0, 0, 0).port(1),
        ]
        profile.addsFingerprint = index % 3 == 1
        profile.wantsIPv6 = setup.relays.contains { $0.local.family == .ipv6 }
        adjust(index, &profile)
        return profile
    }
}
