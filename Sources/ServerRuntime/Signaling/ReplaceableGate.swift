import Configuration
import CredentialService
import EventLoop
import NetworkPrimitives
import Signaling

/// The gate that stands at present. The machines of all dialects ask this one, so that a reload replaces it in one
/// place, and nobody is judged by keys that are no longer good.
final class ReplaceableGate: Gatekeeper {
    private let present: Locked<Gate>

    init(_ gate: Gate) { present = Locked(gate) }

    func replace(_ gate: Gate) { present.withLock { $0 = gate } }

    private var gate: Gate { present.withLock { $0 } }

    func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass {
        try gate.identify(token, at: unixTime)
    }

    func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission {
        try gate.admit(pass, to: room, from: visitor, at: unixTime)
    }

    func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials? {
        gate.issue(to: member, admission, visitor: visitor, at: unixTime)
    }
}

/// What a reload changes for the signaling worker.
struct SignalingNews: Sendable {
    let settings: SignalingSettings
    /// Nil when nothing is relayed, so that nobody has credentials.
    let members: MemberLiaison?
    let configuration: ServerConfiguration
}
