import Containers
package import NetworkPrimitives

// What operators see and end: one look at each allocation, on demand.
extension TURNServer {
    /// Shows the allocations that are there, in the order of their places, until the body has seen enough. Those whose
    /// relays are still being opened are not shown.
    package func forEachSession(_ body: (SessionSummary) -> Bool) {
        var next = allocations.firstHandle(from: 0)
        while let handle = next {
            next = allocations.firstHandle(from: handle.index + 1)
            if case .opening = allocations[handle].phase { continue }
            guard body(summary(of: AllocationID(handle))) else { return }
        }
    }

    /// Ends allocations, with ports, quota and relays. Their users may allocate again, unless they are revoked too.
    /// Answers how many there were.
    package mutating func endSessions(at now: Instant, where isMeant: (SessionSummary) -> Bool) -> Int {
        var ids: [AllocationID] = []
        forEachSession { session in
            if isMeant(session) { ids.append(session.allocation) }
            return true
        }
        for id in ids { endByOperator(id, at: now) }
        return ids.count
    }
}
