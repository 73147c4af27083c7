import Containers
package import NetworkPrimitives

/// What the operator grants; zero is without limit.
package struct QuotaPolicy: Sendable {
    package var perUser = 0
    package var total = 0
    package var perSource = 0
    /// Bytes a second to hand out, and how much of it one allocation takes (`bps-capacity`, `max-bps`).
    package var bandwidthCapacity: UInt64 = 0
    package var bandwidthPerAllocation: UInt64 = 0

    package init() {}
}

/// Counts allocations against quotas, and hands out relay ports. Counts live exactly as long as the allocation: a claim
/// is released once, at its end, and not at the first sign of it.
package struct QuotaLedger: ~Copyable {
    private let policy: QuotaPolicy
    private var total = 0
    private var byUser: [[UInt8]: Int] = [:]
    private var bySource: [IPAddress: Int] = [:]
    private var reservations: [UInt64: AllocationClaim] = [:]
    private var pools: [IPAddress: RelayPortPool] = [:]
    /// Relay sockets that may be open at a time: descriptors are shared by all pools.
    private let socketsMax: Int
    private var socketCount = 0
    private var random: AnyGenerator

    package init(
        policy: QuotaPolicy, relayAddresses: [IPAddress], ports: ClosedRange<UInt16>, quarantineSeconds: UInt32,
        socketsMax: Int = .max, random: any RandomNumberGenerator & Sendable
    ) {
        self.policy = policy
        self.socketsMax = socketsMax
        self.random = AnyGenerator(random)
        for address in relayAddresses {
            pools[address] = RelayPortPool(range: ports, quarantineSeconds: quarantineSeconds)
        }
    }

    package mutating func admit(_ claim: AllocationClaim, redeeming token: UInt64?) throws(ClaimRefusal) {
        guard let token, let held = reservations[token] else { return try admit(claim) }
        release(held)
        do { try admit(claim) } catch {
            count(held)
            throw error
        }
        reservations[token] = nil
    }

    private mutating func admit(_ claim: AllocationClaim) throws(ClaimRefusal) {
        if policy.total > 0, total >= policy.total { throw .totalQuota }
        if policy.bandwidthCapacity > 0, policy.bandwidthPerAllocation > 0,
            UInt64(total + 1) > policy.bandwidthCapacity / policy.bandwidthPerAllocation
        {
            throw .bandwidth
        }
        let ofUser = byUser[claim.quotaKey, default: 0]
        if policy.perUser > 0, ofUser >= policy.perUser { throw .userQuota }
        if let minted = claim.mintedQuota, ofUser >= minted { throw .userQuota }
        let ofSource = bySource[claim.source, default: 0]
        if policy.perSource > 0, ofSource >= policy.perSource { throw .sourceQuota }
        count(claim)
    }

    private mutating func count(_ claim: AllocationClaim) {
        total += 1
        byUser[claim.quotaKey, default: 0] += 1
        bySource[claim.source, default: 0] += 1
    }

    package mutating func release(_ claim: AllocationClaim) {
        precondition(total > 0, "a claim is released once")
        total -= 1
        byUser[claim.quotaKey] = byUser[claim.quotaKey].flatMap { $0 > 1 ? $0 - 1 : nil }
        bySource[claim.source] = bySource[claim.source].flatMap { $0 > 1 ? $0 - 1 : nil }
        guard total == 0 else { return }
        byUser = [:]
        bySource = [:]
    }

    package mutating func admitReservation(_ token: UInt64, _ claim: AllocationClaim) throws(ClaimRefusal) {
        try admit(claim)
        reservations[token] = claim
    }

    package mutating func endReservation(_ token: UInt64) {
        guard let claim = reservations.removeValue(forKey: token) else { return }
        if reservations.isEmpty { reservations = [:] }
        release(claim)
    }

    package mutating func takePort(of address: IPAddress, _ preference: PortPreference, at now: Instant) -> UInt16? {
        let wanted = preference == .evenAndNext ? 2 : 1
        guard socketCount + wanted <= socketsMax else { return nil }
        let port: UInt16? =
            switch preference {
            case .any: pools[address]?.take(using: &random, at: now)
            case .even: pools[address]?.takeEven(using: &random, at: now)
            case .evenAndNext: pools[address]?.takeEvenPair(using: &random, at: now)
            }
        if port != nil { socketCount += wanted }
        return port
    }

    package mutating func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        socketCount -= 1
        if wasUsable {
            pools[address]?.release(port, at: now)
        } else {
            pools[address]?.markUnusable(port, at: now)
        }
    }

    /// Allocations and taken ports at this moment.
    package var liveCounts: (allocations: Int, ports: Int) {
        (total, pools.values.reduce(0) { $0 + $1.takenCount })
    }
}

/// A concrete generator around any other, so that generic functions can draw from it.
struct AnyGenerator: RandomNumberGenerator {
    private var generator: any RandomNumberGenerator & Sendable

    init(_ generator: any RandomNumberGenerator & Sendable) { self.generator = generator }

    mutating func next() -> UInt64 { generator.next() }
}
