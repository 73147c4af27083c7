import Containers
import NetworkPrimitives

// How often somebody is answered who has shown nothing. A datagram may name a source that never sent it, and an answer
// to everything would make the server a reflector. The source of a connection or an association of DTLS has been proven
// by its handshake, and an answer goes nowhere else. A client over a stream does not ask again (RFC 8489 §6.2.2): it is
// always answered, and how fast it is read is the limit.
extension TURNServer {
    mutating func mayBeChallenged(_ path: FiveTuple, at now: Instant) -> Bool {
        path.transport.provesAddress || challengeMeter.allow(path.client.socketAddress.ip, at: now)
    }

    mutating func refundChallenge(_ path: FiveTuple) {
        guard !path.transport.provesAddress else { return }
        challengeMeter.refund(path.client.socketAddress.ip)
    }

    mutating func mayLearnAddress(_ path: FiveTuple, at now: Instant) -> Bool {
        path.transport.provesAddress || bindingMeter.allow(path.client.socketAddress.ip, at: now)
    }
}
