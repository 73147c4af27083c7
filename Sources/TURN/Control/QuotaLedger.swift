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
    private var policy: QuotaPolicy
    private var total = 0
    private var byUser: [NameKey: Int] = [:]
    private var bySource: FlatMap<IPAddress, Int>
    private var reservations: [UInt64: AllocationClaim] = [:]
    /// A few, so that looking through them is the quickest way.
    private var pools: [(address: IPAddress, ports: RelayPortPool)]
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
        bySource = FlatMap(seed: self.random.next(), limit: 1 << 29)
        pools = []
        for address in relayAddresses where pool(of: address) == nil {
            pools.append((address, RelayPortPool(range: ports, quarantineSeconds: quarantineSeconds)))
        }
    }

    /// Goes by other quotas from now on. Whoever has more than they grant keeps it, and gets no more.
    package mutating func adopt(_ policy: QuotaPolicy, quarantineSeconds: UInt32) {
        self.policy = policy
        for index in pools.indices { pools[index].ports.setQuarantine(seconds: quarantineSeconds) }
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
        let ofUser = byUser[NameKey(claim.quotaKey)] ?? 0
        if policy.perUser > 0, ofUser >= policy.perUser { throw .userQuota }
        if let minted = claim.mintedQuota, ofUser >= minted { throw .userQuota }
        let ofSource = bySource[claim.source] ?? 0
        if policy.perSource > 0, ofSource >= policy.perSource { throw .sourceQuota }
        count(claim)
    }

    private mutating func count(_ claim: AllocationClaim) {
        total += 1
        byUser[NameKey(claim.quotaKey), default: 0] += 1
        if let ofSource = bySource[claim.source] {
            bySource.update(ofSource + 1, for: claim.source)
        } else {
            bySource.insert(1, for: claim.source)
        }
    }

    package mutating func release(_ claim: AllocationClaim) {
        precondition(total > 0, "a claim is released once")
        total -= 1
        let user = NameKey(claim.quotaKey)
        byUser[user] = byUser[user].flatMap { $0 > 1 ? $0 - 1 : nil }
        if let ofSource = bySource[claim.source], ofSource > 1 {
            bySource.update(ofSource - 1, for: claim.source)
        } else {
            bySource.remove(claim.source)
        }
        // A dictionary keeps its storage; after the last claim nothing is to stay.
        if total == 0 { byUser = [:] }
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
        guard let pool = pool(of: address) else { return nil }
        let port: UInt16? =
            switch preference {
            case .any: pools[pool].ports.take(using: &random, at: now)
            case .even: pools[pool].ports.takeEven(using: &random, at: now)
            case .evenAndNext: pools[pool].ports.takeEvenPair(using: &random, at: now)
            }
        if port != nil { socketCount += wanted }
        return port
    }

    package mutating func returnPort(_ port: UInt16, of address: IPAddress, wasUsable: Bool, at now: Instant) {
        socketCount -= 1
        guard let pool = pool(of: address) else { return }
        if wasUsable {
            pools[pool].ports.release(port, at: now)
        } else {
            pools[pool].ports.markUnusable(port, at: now)
        }
    }

    private func pool(of address: IPAddress) -> Int? { pools.firstIndex { $0.address == address } }

    /// Allocations and taken ports at this moment.
    package var liveCounts: (allocations: Int, ports: Int) {
        (total, pools.reduce(0) { $0 + $1.ports.takenCount })
    }
}

/// A concrete generator around any other, so that generic functions can draw from it.
struct AnyGenerator: RandomNumberGenerator {
    private var generator: any RandomNumberGenerator & Sendable

    init(_ generator: any RandomNumberGenerator & Sendable) { self.generator = generator }

    mutating func next() -> UInt64 { generator.next() }
}
