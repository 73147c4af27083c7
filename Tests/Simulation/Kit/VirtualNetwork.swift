import Containers
import NetworkPrimitives

/// What a link does to the datagrams on it.
package struct LinkFaults: Sendable {
    package var lossPercent = 0
    package var duplicatePercent = 0
    /// Of a thousand datagrams, how many have bits flipped.
    package var flipPermille = 0
    /// Of a thousand datagrams, how many lose their end.
    package var truncatePermille = 0
    /// Each copy takes its own time out of this range, so a wide range reorders.
    package var delayMilliseconds: ClosedRange<UInt32> = 1...1
    /// The longest payload that passes; the virtual network does not fragment.
    package var payloadByteCountMax = 65_507

    package init() {}

    /// Nothing is lost and nothing overtakes.
    package static let quiet = LinkFaults()

    /// Worse than any network that people make calls over.
    package static let hostile: LinkFaults = {
        var faults = LinkFaults()
        faults.lossPercent = 20
        faults.duplicatePercent = 10
        faults.delayMilliseconds = 0...400
        return faults
    }()

    /// A link that damages what the UDP checksum does not notice.
    package static let corrupting: LinkFaults = {
        var faults = LinkFaults()
        faults.lossPercent = 2
        faults.duplicatePercent = 2
        faults.flipPermille = 80
        faults.truncatePermille = 40
        faults.delayMilliseconds = 5...60
        return faults
    }()
}

/// The network is sans-I/O too: a datagram goes in with a time and comes out with a later one, or never.
package struct VirtualNetwork {
    private struct Link: Hashable {
        let from: IPAddress
        let to: IPAddress
    }

    private struct InFlight {
        let deliverAt: Instant
        let sequence: UInt64
        let datagram: Datagram

        // Ties are broken by send order. Any other rule would let memory layout into the result.
        func isBefore(_ other: InFlight) -> Bool {
            deliverAt == other.deliverAt ? sequence < other.sequence : deliverAt < other.deliverAt
        }
    }

    private let defaults: LinkFaults
    private var overrides: [Link: LinkFaults] = [:]
    private var random: SplitMix64
    private var sequence: UInt64 = 0
    /// A binary heap, earliest first.
    private var inFlight: [InFlight] = []

    package init(faults: LinkFaults, seed: UInt64) {
        defaults = faults
        random = SplitMix64(seed: seed)
    }

    /// Gives one direction of one link faults of its own.
    package mutating func setFaults(_ faults: LinkFaults, from: IPAddress, to: IPAddress) {
        overrides[Link(from: from, to: to)] = faults
    }

    package mutating func send(_ datagram: Datagram, at now: Instant) {
        let faults = overrides[Link(from: datagram.source.ip, to: datagram.destination.ip)] ?? defaults
        guard datagram.payload.count <= faults.payloadByteCountMax else { return }
        if draw(100) < faults.lossPercent { return }
        let copies = draw(100) < faults.duplicatePercent ? 2 : 1
        for _ in 0..<copies {
            let delay = UInt32.random(in: faults.delayMilliseconds, using: &random)
            var copy = datagram
            corrupt(&copy.payload, faults)
            sequence += 1
            push(InFlight(deliverAt: now.advanced(byMilliseconds: delay), sequence: sequence, datagram: copy))
        }
    }

    package var nextDelivery: Instant? { inFlight.first?.deliverAt }

    package mutating func deliver(at now: Instant) -> Datagram? {
        guard let next = inFlight.first, next.deliverAt <= now else { return nil }
        popFirst()
        return next.datagram
    }

    // MARK: - Faults

    private mutating func draw(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private mutating func corrupt(_ payload: inout [UInt8], _ faults: LinkFaults) {
        guard !payload.isEmpty else { return }
        if faults.flipPermille > 0, draw(1000) < faults.flipPermille {
            for _ in 0...draw(3) { payload[draw(payload.count)] ^= 1 << UInt8(draw(8)) }
        }
        if faults.truncatePermille > 0, draw(1000) < faults.truncatePermille {
            payload.removeLast(1 + draw(payload.count))
        }
    }

    // MARK: - Heap

    private mutating func push(_ element: InFlight) {
        inFlight.append(element)
        var child = inFlight.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard inFlight[child].isBefore(inFlight[parent]) else { return }
            inFlight.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func popFirst() {
        inFlight.swapAt(0, inFlight.count - 1)
        inFlight.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < inFlight.count {
                if inFlight[child].isBefore(inFlight[least]) { least = child }
            }
            guard least != parent else { return }
            inFlight.swapAt(parent, least)
            parent = least
        }
    }
}
