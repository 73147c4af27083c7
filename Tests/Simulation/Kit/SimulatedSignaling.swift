import Containers
import NetworkPrimitives
import TURN

/// The register of the simulation: the table that we ship, without the lock around it.
package final class SimulatedMembers: MemberRegister, @unchecked Sendable {  // reason: one thread drives the simulation
    private var table: MemberTable

    init(limit: Int, sessionSecondsMax: UInt32) {
        table = MemberTable(limit: limit, sessionSecondsMax: sessionSecondsMax, start: .zero)
    }

    package func standing(of identity: Identity, at now: Instant) -> MemberStanding {
        table.standing(of: identity, at: now)
    }

    func enter(_ user: [UInt8], at now: Instant) -> Bool { table.enter(user, at: now) }

    func issued(_ user: [UInt8], expiresAt: Int64, by clock: VirtualClock) {
        table.issued(user, expiresAt: UnixTime(seconds: expiresAt), at: clock.now, unixTime: clock.unixTime)
    }

    func leave(_ user: [UInt8], graceUntil: Instant, deletes: Bool) {
        table.leave(user, graceUntil: graceUntil, deletes: deletes)
    }

    func revoke(_ user: [UInt8], by clock: VirtualClock) -> Bool {
        table.revoke(.user(user), until: clock.unixTime, at: clock.now, unixTime: clock.unixTime)
    }

    /// Whose allocations are to be deleted because their grace is over.
    func handleDeadline(by clock: VirtualClock) -> Set<CredentialScope> {
        var revoked: Set<CredentialScope> = []
        while let deadline = table.nextDeadline, deadline <= clock.now {
            revoked.formUnion(table.handleDeadline(at: clock.now, unixTime: clock.unixTime))
        }
        return revoked
    }

    package var count: Int { table.count }
    package var counters: MemberCounters { table.counters }
}

/// What signaling would do, by dice: members enter, are given new credentials, drop out, come back, leave for good, and
/// are kicked. It tells the register, the server, the clients, and the model that judges.
final class SimulatedSignaling {
    private struct Member {
        let client: ClientNode
        var user: [UInt8]
        var isIn = false
        /// Until then it may come back as who it was.
        var graceUntil = Instant.zero
        var incarnation = 0
    }

    private let members: SimulatedMembers
    private let server: ServerNode
    private let clock: VirtualClock
    private let secret: String
    private let credentialSeconds: Int64
    private var random: SplitMix64
    private var people: [Member] = []
    private unowned let world: World

    init(
        _ world: World, _ server: ServerNode, _ members: SimulatedMembers, secret: String, credentialSeconds: UInt32,
        seed: UInt64
    ) {
        self.world = world
        self.server = server
        self.members = members
        self.secret = secret
        self.credentialSeconds = Int64(credentialSeconds)
        clock = world.clock
        random = SplitMix64(seed: seed)
    }

    /// Members come and go until `end`; then they stay as they are.
    func begin(with clients: [ClientNode], until end: Instant) {
        for (index, client) in clients.enumerated() {
            people.append(Member(client: client, user: []))
            arrive(index)
            schedule(index, until: end)
        }
        world.schedule(at: end.advanced(bySeconds: 60)) { [self] in
            for index in people.indices where people[index].isIn { leave(index) }
        }
        // Long after the last credential has expired nobody is remembered.
        world.schedule(at: end.advanced(bySeconds: 4_800)) { [self] in handleDeadline() }
    }

    private func draw(_ bound: UInt64) -> UInt64 { random.next() % bound }

    private func schedule(_ index: Int, until end: Instant) {
        let next = clock.now.advanced(bySeconds: 20 + UInt32(draw(280)))
        guard next < end else { return }
        world.schedule(at: next) { [self] in
            act(index)
            schedule(index, until: end)
        }
    }

    private func act(_ index: Int) {
        handleDeadline()
        guard people[index].isIn else { return arrive(index) }
        switch draw(10) {
        case 0...4: issue(index)
        case 5...7: leave(index)
        default: kick(index)
        }
    }

    // MARK: - Sessions

    private func arrive(_ index: Int) {
        // Who was put out, or was away for longer than its grace, comes back as somebody else.
        if people[index].graceUntil <= clock.now || !members.enter(people[index].user, at: clock.now) {
            people[index].incarnation += 1
            let tag = Array("person-\(index)-\(people[index].incarnation)".utf8)
            people[index].user = EphemeralCredential.memberUser(tag: tag, quota: 0)
            guard members.enter(people[index].user, at: clock.now) else { return }
        }
        people[index].isIn = true
        world.model.memberEntered(people[index].user, at: clock.now)
        issue(index)
    }

    private func issue(_ index: Int) {
        let expiry = clock.unixTime.seconds + credentialSeconds
        let user = people[index].user
        members.issued(user, expiresAt: expiry, by: clock)
        let name = "\(expiry):" + String(decoding: user, as: UTF8.self)
        people[index].client.adopt(.ephemeral(named: name, secret: secret))
    }

    private func leave(_ index: Int) {
        let graceUntil = clock.now.advanced(bySeconds: UInt32(draw(90)))
        let deletes = draw(3) == 0
        let user = people[index].user
        people[index].isIn = false
        people[index].graceUntil = graceUntil
        members.leave(user, graceUntil: graceUntil, deletes: deletes)
        world.model.memberLeft(user, graceUntil: graceUntil, deletes: deletes)
        guard deletes else { return }
        world.schedule(at: graceUntil.advanced(byMilliseconds: 2)) { [self] in handleDeadline() }
    }

    private func kick(_ index: Int) {
        let user = people[index].user
        people[index].isIn = false
        _ = members.revoke(user, by: clock)
        delete([.user(user)])
    }

    private func handleDeadline() { delete(members.handleDeadline(by: clock)) }

    private func delete(_ scopes: Set<CredentialScope>) {
        guard !scopes.isEmpty else { return }
        server.revoke(scopes, at: clock.now)
        for case .user(let user) in scopes { world.model.memberRevoked(user, at: clock.now) }
    }
}
