import NetworkPrimitives
import Signaling

/// A token is a name; the name says what it opens. Rooms are `r0`, `r1`, …, and `p0`, … which need a token.
struct SimulatedGate: Gatekeeper {
    static let lifetimeSeconds: UInt32 = 120
    static let capacity = 4

    /// `m…` may send others away, `q…` has no TURN, `x…` opens rooms of strangers only.
    static func grants(_ subject: String?) -> Grants {
        switch subject?.first {
        case "m": [.standard, .kick]
        case "q": [.join, .signal, .broadcast]
        default: .standard
        }
    }

    static func opens(_ room: String, to subject: String?) -> Bool {
        room.hasPrefix("r") || (subject != nil && subject?.first != "x")
    }

    func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        guard let first = token.first, first != UInt8(ascii: "!") else { throw .unauthorized }
        let subject = String(decoding: token, as: UTF8.self)
        return Pass(
            issuer: "sim", subject: subject, rooms: RoomPattern("*"), grants: Self.grants(subject),
            expiresAt: UnixTime(seconds: .max))
    }

    func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        guard Self.opens(room.description, to: pass?.subject) else { throw pass == nil ? .unauthorized : .forbidden }
        return Admission(
            identity: pass?.subject.map { Admission.Identity(issuer: "sim", subject: $0) },
            grants: pass?.grants ?? .standard, capacity: Self.capacity)
    }

    func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        IssuedCredentials(
            username: "u", iceServers: [IceServer(urls: ["turn:t"], username: "u", credential: "c")],
            lifetimeSeconds: Self.lifetimeSeconds,
            expiresAt: UnixTime(seconds: unixTime.seconds + Int64(Self.lifetimeSeconds)))
    }
}
