import EventLoop
package import NetworkPrimitives
package import TURN

/// The quotas and relay ports of all workers, behind one lock. It is taken on Allocate and at an allocation's end,
/// never on a packet.
package final class SharedLedger: AllocationLedger, Sendable {
    private let ledger: Locked<QuotaLedger>

    package init(_ ledger: consuming sending QuotaLedger) { self.ledger = Locked(ledger) }

    /// See `QuotaLedger.adopt`.
    func adopt(_ policy: QuotaPolicy, quarantineSeconds: UInt32) {
        ledger.withLock { $0.adopt(policy, quarantineSeconds: quarantineSeconds) }
    }

    package func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal) {
        let refusal: ClaimRefusal? = ledger.withLock { ledger in
            do throws(ClaimRefusal) {
                try ledger.admit(claim, redeeming: token)
                return nil
            } catch { return error }
        }
        if let refusal { throw refusal }
    }

    package func release(_ claim: AllocationClaim) { ledger.withLock { $0.release(claim) } }

    package func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal) {
        let refusal: ClaimRefusal? = ledger.withLock { ledger in
            do throws(ClaimRefusal) {
                try ledger.admitReservation(token, claim)
                return nil
            } catch { return error }
        }
        if let refusal { throw refusal }
    }

    package func endReservation(_ token: UInt64) { ledger.withLock { $0.endReservation(token) } }

    package func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16? {
        ledger.withLock { $0.takePort(of: address, preference, at: now) }
    }

    package func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        ledger.withLock { $0.returnPort(port, of: address, wasUsable: wasUsable, at: now) }
    }

    package var liveCounts: (allocations: Int, ports: Int) { ledger.withLock { $0.liveCounts } }
}
