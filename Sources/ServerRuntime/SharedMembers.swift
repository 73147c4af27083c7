import EventLoop
package import NetworkPrimitives
package import TURN

/// The members of all rooms, as signaling tells of them and the workers ask for them. Every call may come from any
/// thread. A worker takes the lock once for a request that has shown its key, and no packet does.
///
/// Who is put out is first noted and then posted: a worker that has not noted it yet may still make an allocation, and
/// finds it when it reads its inbox; after that nobody lets them in.
package final class SharedMembers: MemberRegister {
    private let table: Locked<MemberTable>
    private let inboxes = Locked<[RevocationInbox]>([])

    package init(_ table: consuming sending MemberTable) { self.table = Locked(table) }

    // MARK: - Signaling

    /// How long sessions of those who enter from now on carry their credentials past their expiry.
    func adopt(sessionSecondsMax: UInt32) { table.withLock { $0.sessionSecondsMax = sessionSecondsMax } }

    /// A member is in; see `MemberTable.enter`. False: its credentials go by their expiry alone.
    package func enter(_ user: [UInt8], at now: Instant) -> Bool { table.withLock { $0.enter(user, at: now) } }

    /// A credential was made for a member, to be told before the member is.
    package func issued(_ user: [UInt8], expiresAt: UnixTime, at now: Instant, unixTime: UnixTime) {
        table.withLock { $0.issued(user, expiresAt: expiresAt, at: now, unixTime: unixTime) }
    }

    /// A member's session has ended; see `MemberTable.leave`.
    package func leave(_ user: [UInt8], graceUntil: Instant, deletes: Bool) {
        table.withLock { $0.leave(user, graceUntil: graceUntil, deletes: deletes) }
    }

    /// Puts everybody in these scopes out, and has their allocations deleted. False when one of them could not be
    /// remembered: its allocations end, and new ones could be made until its names expire.
    ///
    /// One call for many is one look at the allocations: a room that is closed is one call.
    package func revoke(
        _ scopes: Set<CredentialScope>, until: UnixTime, at now: Instant, unixTime: UnixTime
    ) -> Bool {
        let areRemembered = table.withLock { table in
            var areRemembered = true
            for scope in scopes where !table.revoke(scope, until: until, at: now, unixTime: unixTime) {
                areRemembered = false
            }
            return areRemembered
        }
        post(scopes)
        return areRemembered
    }

    /// When `handleDeadline` wants to be called, at the latest; any call above may bring it nearer.
    package var nextDeadline: Instant? { table.withLock { $0.nextDeadline } }

    /// Ends graces that are over, and has the allocations deleted that are to go with them.
    package func handleDeadline(at now: Instant, unixTime: UnixTime) {
        var revoked: Set<CredentialScope> = []
        var isDue = true
        // The lock is given back between two bounded calls, so that no worker waits for all of them.
        while isDue {
            let (some, next) = table.withLock { table in
                (table.handleDeadline(at: now, unixTime: unixTime), table.nextDeadline)
            }
            revoked.formUnion(some)
            isDue = next.map { $0 <= now } ?? false
        }
        post(revoked)
    }

    package var counters: MemberCounters { table.withLock { $0.counters } }

    /// Entries of the table, for a gauge.
    package var count: Int { table.withLock { $0.count } }

    // MARK: - Workers

    package func standing(of identity: Identity, at now: Instant) -> MemberStanding {
        table.withLock { $0.standing(of: identity, at: now) }
    }

    /// An inbox for one more worker. It misses nothing: before it has one, it has no allocations either.
    func join(_ mailbox: Mailbox<WorkerMessage>) -> RevocationInbox {
        let inbox = RevocationInbox(mailbox)
        inboxes.withLock { $0.append(inbox) }
        return inbox
    }

    private func post(_ scopes: Set<CredentialScope>) {
        guard !scopes.isEmpty else { return }
        for inbox in inboxes.withLock({ $0 }) { inbox.post(scopes) }
    }
}

/// Whose allocations one worker has yet to delete. Nothing is lost here: the scopes lie beside the mailbox, and a
/// mailbox that is too full for the message has woken its worker already, which looks here whenever it has read it.
final class RevocationInbox: Sendable {
    /// What waits for the worker.
    enum Pending: Sendable {
        case scopes(Set<CredentialScope>)
        /// More than are worth keeping, of a worker that is stuck: it is to ask the register about everybody.
        case unlisted
    }

    static let scopesMax = 4096

    private let pending = Locked<Pending>(.scopes([]))
    private let mailbox: Mailbox<WorkerMessage>

    init(_ mailbox: Mailbox<WorkerMessage>) { self.mailbox = mailbox }

    func post(_ scopes: Set<CredentialScope>) {
        pending.withLock { pending in
            guard case .scopes(var all) = pending else { return }
            // Taken out while it grows, or each post would copy what waits.
            pending = .scopes([])
            all.formUnion(scopes)
            pending = all.count <= Self.scopesMax ? .scopes(all) : .unlisted
        }
        mailbox.post(.revoke)
    }

    /// What came since the last time.
    func take() -> Pending {
        pending.withLock { pending in
            let taken = pending
            pending = .scopes([])
            return taken
        }
    }
}
