import Containers
import NetworkPrimitives
import STUN

// RFC 8656 §8.2, Receiving a Refresh Request.
extension TURNServer {
    mutating func refresh(_ id: AllocationID, _ datagram: RawSpan, _ arrival: Arrival) -> Outcome {
        let requested: UInt32?
        switch arrival.message.lifetime(in: datagram) {
        case .absent: requested = nil
        case .malformed: return .failure(.badRequest)
        case .value(let seconds): requested = seconds
        }
        var families = AddressFamily.allCases.filter { allocations[id.handle].relay($0) != nil }
        switch arrival.message.addressFamily(.requestedAddressFamily, in: datagram) {
        case .absent: break
        case .malformed: return .failure(.badRequest)
        case .value(let number):
            families = families.filter { $0.rawValue == number }
            guard !families.isEmpty else { return .failure(.peerAddressFamilyMismatch) }
        }
        // Zero means delete; it is not a very short refresh.
        if requested == 0 {
            end(id, families, .deletedByClient, at: arrival.now)
            return .success { writer in writer.append(.lifetime, UInt32(0)) }
        }
        let granted = settings.lifetimes.grant(requestedSeconds: requested)
        let deadline = arrival.now.advanced(bySeconds: granted)
        for family in families {
            guard var relay = allocations[id.handle].relay(family) else { continue }
            relay.expiresAt = deadline
            allocations[id.handle].setRelay(relay, family)
        }
        allocations[id.handle].grantedSeconds = granted
        // A deadline that moved away is found when the timer fires; one that came nearer has to be told.
        timers.scheduleEarlier(id.index, at: deadline)
        return .success { writer in writer.append(.lifetime, granted) }
    }
}
