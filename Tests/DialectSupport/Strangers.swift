import NetworkPrimitives
import Signaling

/// Clients that come, go, and say anything that is in a list, in an order that a seed decides.
package struct Strangers {
    private var state: UInt64

    package init(seed: UInt64) { state = seed }

    /// What clients do for a number of steps. `connect` is given a number below 8; a connection that is refused is
    /// none. Answers what should not have happened, which the harness notes; a trap is seen by everybody.
    package mutating func play<Machine: Dialect & ~Copyable>(
        on harness: DialectHarness<Machine>, steps: Int, texts: [String], connect: (Int) -> UInt64?
    ) -> [String] {
        var connections: [UInt64] = []
        for _ in 0..<steps {
            switch below(24) {
            case 0, 1: if connections.count < 24, let new = connect(below(8)) { connections.append(new) }
            case 2: if let index = pick(connections) { harness.disconnect(connections.remove(at: index)) }
            case 3: harness.advance(milliseconds: UInt32(below(2000)))
            case 4 where below(20) == 0:
                if let index = pick(connections) { harness.slowConsumer(connections[index]) }
            default: if let index = pick(connections) { harness.say(texts[below(texts.count)], on: connections[index]) }
            }
            connections.removeAll { harness.closings[$0] != nil }
        }
        for connection in connections { harness.disconnect(connection) }
        return harness.faults
    }

    private mutating func pick(_ list: [UInt64]) -> Int? { list.isEmpty ? nil : below(list.count) }

    private mutating func below(_ limit: Int) -> Int {
        // SplitMix64 (Steele, Lea, Flood 2014).
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return Int((bits ^ (bits >> 31)) % UInt64(limit))
    }
}
