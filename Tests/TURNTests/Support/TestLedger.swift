import Containers
import NetworkPrimitives
import TURN
import Testing

/// The shared ledger of one test: quotas and ports without a lock.
final class TestLedger: AllocationLedger {
    private var quota: QuotaLedger
    /// Every claim that was turned down, in order.
    private(set) var refusals: [ClaimRefusal] = []
    /// Every port that came back, in order.
    private(set) var returned: [(port: UInt16, wasUsable: Bool)] = []

    init(
        policy: QuotaPolicy, addresses: [IPAddress], ports: ClosedRange<UInt16>, quarantineSeconds: UInt32, seed: UInt64
    ) {
        quota = QuotaLedger(
            policy: policy, relayAddresses: addresses, ports: ports, quarantineSeconds: quarantineSeconds,
            random: SplitMix64(seed: seed))
    }

    func adopt(_ policy: QuotaPolicy, quarantineSeconds: UInt32) {
        quota.adopt(policy, quarantineSeconds: quarantineSeconds)
    }

    func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal) {
        do { try quota.admit(claim, redeeming: token) } catch {
            refusals.append(error)
            throw error
        }
    }

    func release(_ claim: AllocationClaim) { quota.release(claim) }

    func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal) {
        do { try quota.admitReservation(token, claim) } catch {
            refusals.append(error)
            throw error
        }
    }

    func endReservation(_ token: UInt64) { quota.endReservation(token) }

    func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16? {
        quota.takePort(of: address, preference, at: now)
    }

    func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        quota.returnPort(port, of: address, wasUsable: wasUsable, at: now)
        returned.append((port, wasUsable))
    }

    var liveCounts: (allocations: Int, ports: Int) { quota.liveCounts }
}
