import NetworkPrimitives
import TURN

/// The register of a script: the table that we ship, and beside it who was put out, for ever.
final class TURNMembers: MemberRegister, @unchecked Sendable {  // reason: a script has one thread
    static let user = Array("tern.2.m-abcdefghijklmnop".utf8)
    /// Few enough that a script fills it, and enough for everybody who can be put out.
    private static let limit = 8

    private var table = MemberTable(limit: TURNMembers.limit, sessionSecondsMax: 7_200, start: .zero)
    private var revoked: Set<CredentialScope> = []

    func standing(of identity: Identity, at now: Instant) -> MemberStanding {
        let standing = table.standing(of: identity, at: now)
        require(!isRevoked(identity) || standing == .revoked, "a revocation is not forgotten")
        return standing
    }

    func isRevoked(_ identity: Identity) -> Bool {
        identity.isEphemeral
            && (revoked.contains(.user(identity.quotaKey)) || revoked.contains(.name(identity.username)))
    }

    func enter(at now: Instant) { _ = table.enter(Self.user, at: now) }

    func issue(at now: Instant, unixTime: UnixTime) {
        let expiry = UnixTime(seconds: TURNScene.startOfWallClock + 900)
        table.issued(Self.user, expiresAt: expiry, at: now, unixTime: unixTime)
    }

    func leave(graceUntil: Instant, deletes: Bool) {
        table.leave(Self.user, graceUntil: graceUntil, deletes: deletes)
    }

    func revoke(_ scope: CredentialScope, at now: Instant, unixTime: UnixTime) {
        let isKept = table.revoke(scope, until: UnixTime(seconds: .max), at: now, unixTime: unixTime)
        require(isKept, "there is room for whoever can be put out")
        revoked.insert(scope)
    }

    func handleDeadline(at now: Instant, unixTime: UnixTime) -> Set<CredentialScope> {
        Set(table.handleDeadline(at: now, unixTime: unixTime))
    }
}
