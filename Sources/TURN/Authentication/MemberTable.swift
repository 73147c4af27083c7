import Containers
package import NetworkPrimitives

/// One line of a `MemberTable`.
struct MemberEntry {
    enum Phase {
        case present
        case leaving(graceUntil: Instant, deletes: Bool)
        case revoked
    }

    let scope: CredentialScope
    var phase: Phase
    /// From here on the session no longer carries its credentials past their expiry.
    let capAt: Instant
    /// The last credential issued expires then, by the wall clock and by the monotonic one.
    var expiresAt: UnixTime
    var validUntil: Instant
}

/// Who is in a room, who has left, and who was put out, by the user part of their TURN credentials. A look-up is one
/// access to a dictionary, or two.
///
/// **Time.** Sessions, graces and the cap go by `Instant`: a wall clock that jumps must not end a call, nor let
/// somebody stay who has left. Only credentials expire by `UnixTime`, because that is what their names say. An entry
/// is forgotten when its last credential has expired by both clocks, a revocation an hour later: neither a wall clock
/// that jumps forward and back nor one that is put right by minutes may bring back who was put out.
///
/// **At the limit.** Who has left makes room for who enters or is revoked, the one who left first before the others;
/// their credentials then go by their expiry alone. Who is present makes room for a revocation. A revocation, and a
/// leave that is to become one, make room for nobody: when nothing else is left, what is new is refused, and the
/// caller is told.
package struct MemberTable: ~Copyable {
    /// Entries beyond which something has to make room: those present, those who left a while ago, and revocations.
    package let limit: Int
    package private(set) var counters = MemberCounters()
    /// For those who enter from now on.
    package var sessionSecondsMax: UInt32
    private var entries: Slab<MemberEntry>
    private var byScope: [CredentialScope: SlabHandle] = [:]
    /// Entries for one name: while there are none, nobody has to be looked up twice.
    private var nameCount = 0
    /// By the index of the entry: when its grace ends or it may be forgotten.
    private var timers: TimerWheel
    /// Who may have to make room, in the order in which they entered or left.
    private var present = AgeList()
    private var left = AgeList()

    /// After `sessionSecondsMax` a session counts no longer for its credentials; what it holds then goes by expiry.
    package init(limit: Int = 1 << 18, sessionSecondsMax: UInt32 = 86_400, start: Instant) {
        precondition(limit > 0, "a table without room could not hold a revocation")
        self.limit = limit
        self.sessionSecondsMax = sessionSecondsMax
        entries = Slab(limit: limit)
        timers = TimerWheel(start: start)
    }

    // MARK: - Sessions

    /// A member is in, or is back: unless it was forgotten meanwhile, the cap still counts from its first entry. False
    /// when it was revoked, or when there is no room; then its credentials go by their expiry alone.
    package mutating func enter(_ user: [UInt8], at now: Instant) -> Bool {
        if let handle = byScope[.user(user)] {
            guard standing(of: handle, at: now) != .revoked else { return false }
            timers.cancel(handle.index)
            move(handle, to: .present)
            return true
        }
        guard hasRoom(evicting: left.oldest) else {
            counters.refusedEntries += 1
            return false
        }
        insert(.user(user), .present, at: now)
        counters.entered += 1
        return true
    }

    /// A credential was made for the member. Not to be called for somebody who did not enter.
    package mutating func issued(_ user: [UInt8], expiresAt: UnixTime, at now: Instant, unixTime: UnixTime) {
        guard let handle = byScope[.user(user)] else { return }
        extend(handle, until: expiresAt, at: now, unixTime: unixTime)
    }

    /// A member's session has ended. Until `graceUntil` nothing changes; then its credentials begin nothing new, and
    /// what exists ends with them, or at once when it `deletes`.
    package mutating func leave(_ user: [UInt8], graceUntil: Instant, deletes: Bool) {
        guard let handle = byScope[.user(user)], case .present = entries[handle].phase else { return }
        move(handle, to: .leaving(graceUntil: graceUntil, deletes: deletes))
        timers.schedule(handle.index, at: deletes ? graceUntil : max(graceUntil, entries[handle].validUntil))
        counters.left += 1
    }

    /// Puts somebody out, known or not, for as long as any credential that was issued, and at least until `until`.
    /// False when all the room is taken by other revocations: then it holds only until the next request.
    package mutating func revoke(
        _ scope: CredentialScope, until: UnixTime, at now: Instant, unixTime: UnixTime
    ) -> Bool {
        if byScope[scope] == nil {
            guard hasRoom(evicting: left.oldest ?? present.oldest) else {
                counters.refusedRevocations += 1
                return false
            }
            insert(scope, .revoked, at: now)
            counters.revoked += 1
        }
        guard let handle = byScope[scope] else { preconditionFailure("it was there or was inserted") }
        extend(handle, until: until, at: now, unixTime: unixTime)
        withdraw(handle)
        return true
    }

    // MARK: - Time

    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? { timers.nextDeadline }

    /// Ends graces and forgets what has expired; the answer is whose allocations are to be deleted now. At most
    /// `expiriesPerCall` entries a call; call again while `nextDeadline` has passed.
    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) -> [CredentialScope] {
        var revoked: [CredentialScope] = []
        for _ in 0..<Self.expiriesPerCall {
            guard let index = timers.popExpired(at: now) else { break }
            guard let handle = entries.handle(at: index) else { continue }
            if case .leaving(let graceUntil, deletes: true) = entries[handle].phase, graceUntil <= now {
                revoked.append(entries[handle].scope)
                withdraw(handle)
            } else if keptUntil(handle) <= now, entries[handle].expiresAt < unixTime {
                remove(handle)
                counters.forgotten += 1
            } else {
                // The wall clock was set back: names that had expired are good again, and are still to be refused.
                let rest = Self.seconds(from: unixTime, to: entries[handle].expiresAt)
                let next = now.advanced(bySeconds: min(max(rest, 1), Self.recheckSecondsMax))
                timers.schedule(index, at: max(next, keptUntil(handle)))
            }
        }
        return revoked
    }

    static let expiriesPerCall = 256
    /// How much longer than its credentials a revocation is kept: as far as wall clocks are set back.
    static let revocationExtraSeconds: UInt32 = 3_600
    /// How long a wall clock that stands wrong may keep an entry after it has been put right.
    private static let recheckSecondsMax: UInt32 = 600

    // MARK: - Queries

    /// How the holder of a name stands.
    package func standing(of identity: Identity, at now: Instant) -> MemberStanding {
        let ofUser = byScope[.user(identity.quotaKey)].map { standing(of: $0, at: now) } ?? .unknown
        guard nameCount > 0, byScope[.name(identity.username)] != nil else { return ofUser }
        // Only revocations are about one name.
        return .revoked
    }

    private func standing(of handle: SlabHandle, at now: Instant) -> MemberStanding {
        switch entries[handle].phase {
        case .revoked: .revoked
        case .present: now < entries[handle].capAt ? .present : .unknown
        case .leaving(let graceUntil, _) where now < graceUntil: now < entries[handle].capAt ? .present : .unknown
        case .leaving(_, let deletes): deletes ? .revoked : .left
        }
    }

    /// Entries at this moment.
    package var count: Int { entries.count }

    // MARK: - Entries

    private mutating func insert(_ scope: CredentialScope, _ phase: MemberEntry.Phase, at now: Instant) {
        let entry = MemberEntry(
            scope: scope, phase: .revoked, capAt: now.advanced(bySeconds: sessionSecondsMax),
            expiresAt: UnixTime(seconds: .min), validUntil: now)
        guard let handle = entries.insert(entry) else { preconditionFailure("room was made before") }
        byScope[scope] = handle
        if case .name = scope { nameCount += 1 }
        move(handle, to: phase)
    }

    private mutating func remove(_ handle: SlabHandle) {
        move(handle, to: .revoked)
        timers.cancel(handle.index)
        guard let entry = entries.remove(handle) else { preconditionFailure("removed twice") }
        if case .name = entry.scope { nameCount -= 1 }
        byScope[entry.scope] = nil
        // A dictionary keeps its storage; after the last entry nothing is to stay.
        if entries.count == 0 { byScope = [:] }
    }

    /// From here on it is revoked, and forgotten when the last of its credentials has expired.
    private mutating func withdraw(_ handle: SlabHandle) {
        if case .revoked = entries[handle].phase {} else { counters.revoked += 1 }
        move(handle, to: .revoked)
        timers.schedule(handle.index, at: keptUntil(handle))
    }

    /// When it may be forgotten by the monotonic clock.
    private func keptUntil(_ handle: SlabHandle) -> Instant {
        switch entries[handle].phase {
        case .present, .leaving: entries[handle].validUntil
        case .revoked: entries[handle].validUntil.advanced(bySeconds: Self.revocationExtraSeconds)
        }
    }

    private mutating func extend(
        _ handle: SlabHandle, until expiresAt: UnixTime, at now: Instant, unixTime: UnixTime
    ) {
        let entry = entries[handle]
        entries[handle].expiresAt = max(entry.expiresAt, expiresAt)
        // A name is good for the whole second that it names.
        let rest = Self.seconds(from: unixTime, to: expiresAt)
        entries[handle].validUntil = max(entry.validUntil, now.advanced(bySeconds: rest).advanced(bySeconds: 1))
    }

    /// Seconds until `later`, zero when it has passed.
    private static func seconds(from unixTime: UnixTime, to later: UnixTime) -> UInt32 {
        let (difference, overflow) = later.seconds.subtractingReportingOverflow(unixTime.seconds)
        if overflow { return later > unixTime ? .max : 0 }
        return UInt32(clamping: difference)
    }

    private mutating func move(_ handle: SlabHandle, to phase: MemberEntry.Phase) {
        present.remove(handle.index)
        left.remove(handle.index)
        entries[handle].phase = phase
        switch phase {
        case .present: present.append(handle.index)
        case .leaving(_, deletes: false): left.append(handle.index)
        case .leaving(_, deletes: true), .revoked: break
        }
    }

    /// Whether there is room for one more, for which `other` is forgotten if need be.
    private mutating func hasRoom(evicting other: UInt32?) -> Bool {
        if entries.count < limit { return true }
        guard let other, let handle = entries.handle(at: other) else { return false }
        remove(handle)
        counters.evicted += 1
        return true
    }
}
