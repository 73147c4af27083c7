import NetworkPrimitives
import Signaling

/// Tokens are names of passes. Rooms whose names begin with "open" take visitors without one.
package final class OpenGate: Gatekeeper, @unchecked Sendable {
    package var passes: [String: Pass] = [:]
    package var refusals: [String: AdmissionRefusal] = [:]
    package var capacity: Int?
    package var lifetimeSeconds: UInt32 = 600
    package var issues = true
    package private(set) var issueCount = 0
    /// The lifetimes that were wished for, in order.
    package private(set) var wishes: [UInt32?] = []
    /// Whether every room takes visitors without a token.
    package var isOpen = false
    /// What somebody without a token may do.
    package var anonymousGrants = Grants.standard

    package init() {
        for (name, grants) in [("ann", Grants.standard), ("bob", .standard), ("mute", [.join])] {
            passes[name] = Pass(
                issuer: "key", subject: name, rooms: RoomPattern("*"), grants: grants,
                expiresAt: UnixTime(seconds: 1_900_000_000))
        }
        passes["acme"] = Pass(
            issuer: "key", subject: "acme", rooms: RoomPattern("acme"), expiresAt: UnixTime(seconds: 1_900_000_000))
    }

    package func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        let name = String(decoding: token, as: UTF8.self)
        if let refusal = refusals[name] { throw refusal }
        guard let pass = passes[name] else { throw .unauthorized }
        guard pass.expiresAt > unixTime else { throw .tokenExpired }
        return pass
    }

    package func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        guard let pass else {
            guard isOpen || room.description.hasPrefix("open") else { throw .unauthorized }
            return Admission(identity: nil, grants: anonymousGrants, capacity: capacity)
        }
        guard pass.expiresAt > unixTime else { throw .tokenExpired }
        guard pass.rooms?.matches(room) == true else { throw .forbidden }
        return Admission(
            identity: pass.subject.map { Admission.Identity(issuer: pass.issuer, subject: $0) },
            grants: pass.grants, capacity: pass.capacity ?? capacity)
    }

    package func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        guard issues else { return nil }
        issueCount += 1
        wishes.append(admission.credentialSeconds)
        let expiresAt = UnixTime(seconds: unixTime.seconds + Int64(lifetimeSeconds))
        let username = "\(expiresAt.seconds):tag\(issueCount)"
        return IssuedCredentials(
            username: username,
            iceServers: [
                IceServer(urls: ["stun:turn.example:3478"]),
                IceServer(urls: ["turn:turn.example:3478"], username: username, credential: "secret"),
            ],
            lifetimeSeconds: lifetimeSeconds, expiresAt: expiresAt)
    }

    /// The credentials that were made as the `count`th, as clients are told of them.
    package func iceServers(_ count: Int, expiresAt: Int64) -> String {
        #"[{"urls":["stun:turn.example:3478"]},{"urls":["turn:turn.example:3478"],"#
            + #""username":"\#(expiresAt):tag\#(count)","credential":"secret"}]"#
    }
}
