import Configuration
import CredentialService
import EventLoop
import NetworkPrimitives
import Signaling
import TURN
import TernV1

/// What becomes of the relays of members that come and go, as the operator wants it.
struct MemberSettings: Sendable {
    let graceSeconds: UInt32
    /// Whether what exists ends with the grace.
    let deletesAfterGrace: Bool
    let sessionSecondsMax: UInt32
    /// A revocation of a name is remembered for as long as any credential can live.
    let credentialSecondsMax: UInt32

    /// Of a server without members.
    init() { (graceSeconds, deletesAfterGrace, sessionSecondsMax, credentialSecondsMax) = (0, false, 0, 0) }

    init(_ credentials: ServerConfiguration.Signaling.Credentials) {
        switch credentials.onLeave {
        case .keep: (graceSeconds, deletesAfterGrace) = (credentials.leaveGraceSeconds, false)
        case .grace: (graceSeconds, deletesAfterGrace) = (credentials.leaveGraceSeconds, true)
        case .delete: (graceSeconds, deletesAfterGrace) = (0, true)
        }
        sessionSecondsMax = credentials.sessionSecondsMax
        credentialSecondsMax = credentials.lifetimeSecondsMax
    }
}

extension MemberTable {
    /// The register of a server that starts.
    init(_ settings: MemberSettings) {
        self.init(sessionSecondsMax: settings.sessionSecondsMax, start: Clock.monotonic())
    }
}

/// Tells the TURN side what happened in the rooms: the one place where a member's tag becomes part of a user name.
struct MemberLiaison: Sendable {
    let members: SharedMembers
    let issuer: CredentialIssuer
    let settings: MemberSettings

    /// Whom a change puts out, to be given to `revoke` with all others of the same moment.
    func apply(_ change: MemberChange, at now: Instant, unixTime: UnixTime) -> CredentialScope? {
        switch change {
        // Without a place in the register its credentials go by their own time.
        case .entered(let tag): _ = members.enter(user(tag), at: now)
        case .issued(let tag, let expiresAt):
            members.issued(user(tag), expiresAt: expiresAt, at: now, unixTime: unixTime)
        case .left(let tag, let keepsGrace):
            let graceUntil = now.advanced(bySeconds: keepsGrace ? settings.graceSeconds : 0)
            members.leave(user(tag), graceUntil: graceUntil, deletes: settings.deletesAfterGrace)
        case .revoked(let tag): return .user(user(tag))
        case .banned(let identity, let room):
            return .user(issuer.user(of: .user(issuer: identity.issuer, identity: identity.subject, room: room)))
        }
        return nil
    }

    /// False when one of them could not be remembered.
    func revoke(_ scopes: Set<CredentialScope>, at now: Instant, unixTime: UnixTime) -> Bool {
        let until = UnixTime(seconds: unixTime.seconds + Int64(settings.credentialSecondsMax))
        return members.revoke(scopes, until: until, at: now, unixTime: unixTime)
    }

    var nextDeadline: Instant? { members.nextDeadline }

    func handleDeadline(at now: Instant, unixTime: UnixTime) {
        guard let deadline = members.nextDeadline, deadline <= now else { return }
        members.handleDeadline(at: now, unixTime: unixTime)
    }

    private func user(_ tag: MemberTag) -> [UInt8] { issuer.user(of: .member(tag)) }
}
