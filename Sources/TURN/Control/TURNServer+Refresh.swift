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
        var families = allocations[id.handle].families
        switch arrival.message.addressFamily(.requestedAddressFamily, in: datagram) {
        case .absent: break
        case .malformed: return .failure(.badRequest)
        case .value(let number):
            families.formIntersection(FamilySet(wire: number))
            guard !families.isEmpty else { return .failure(.peerAddressFamilyMismatch) }
        }
        // Zero means delete; it is not a very short refresh.
        if requested == 0 {
            end(id, families, .deletedByClient, at: arrival.now)
            return .success(.lifetime(0))
        }
        return .success(.lifetime(extend(id, families, requestedSeconds: requested, at: arrival.now)))
    }

    /// Lets some families of an allocation live on; the answer is for how long.
    mutating func extend(
        _ id: AllocationID, _ families: FamilySet, requestedSeconds: UInt32?, at now: Instant
    ) -> UInt32 {
        let granted = settings.lifetimes.grant(requestedSeconds: requestedSeconds)
        let deadline = now.advanced(bySeconds: granted)
        allocations[id.handle].extend(families, until: deadline)
        allocations[id.handle].grantedSeconds = granted
        // A deadline that moved away is found when the timer fires; one that came nearer has to be told.
        timers.scheduleEarlier(id.index, at: deadline)
        return granted
    }
}
