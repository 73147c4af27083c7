import NetworkPrimitives
import TURN

/// The members of a test, without a lock: one thread drives everything.
final class TestMembers: MemberRegister, @unchecked Sendable {  // reason: a test has one thread
    private var table: MemberTable
    /// Whose standing the server asked for, in order.
    private(set) var asked: [Identity] = []

    init(limit: Int = 100, sessionSecondsMax: UInt32 = 86_400) {
        table = MemberTable(limit: limit, sessionSecondsMax: sessionSecondsMax, start: .zero)
    }

    func standing(of identity: Identity, at now: Instant) -> MemberStanding {
        asked.append(identity)
        return table.standing(of: identity, at: now)
    }

    func enter(_ user: [UInt8], at now: Instant) -> Bool { table.enter(user, at: now) }

    func issued(_ user: [UInt8], expiresAt: UnixTime, at now: Instant, unixTime: UnixTime) {
        table.issued(user, expiresAt: expiresAt, at: now, unixTime: unixTime)
    }

    func leave(_ user: [UInt8], graceUntil: Instant, deletes: Bool = false) {
        table.leave(user, graceUntil: graceUntil, deletes: deletes)
    }

    func revoke(_ scope: CredentialScope, until: UnixTime, at now: Instant, unixTime: UnixTime) -> Bool {
        table.revoke(scope, until: until, at: now, unixTime: unixTime)
    }

    @discardableResult
    func handleDeadline(at now: Instant, unixTime: UnixTime) -> [CredentialScope] {
        table.handleDeadline(at: now, unixTime: unixTime)
    }

    var nextDeadline: Instant? { table.nextDeadline }
    var count: Int { table.count }
    var counters: MemberCounters { table.counters }
}
