import NetworkPrimitives
import TestSupport
import Testing

@testable import ServerRuntime

@Suite("Letting datagrams gather")
struct GatheringTests {
    private static let pause: UInt64 = 250_000

    /// What a worker does in the last of so many rounds of `count` datagrams, `microseconds` apart.
    private func lastPause(
        rounds: Int = 1000, every microseconds: UInt64, count: Int = 1, active: UInt64 = 0b11, option: Int = 250
    ) -> UInt64 {
        var gathering = Gathering(microseconds: option, at: .zero)
        var last: UInt64 = 0
        for round in 1...rounds {
            let now = Instant(nanoseconds: UInt64(round) * microseconds * 1000)
            last = gathering.pause(after: count, of: active, at: now)
        }
        return last
    }

    @Test("many datagrams of several allocations are let gather")
    func manyOfSeveral() { #expect(lastPause(every: 20) == Self.pause) }

    @Test("those of one allocation never wait")
    func oneAllocation() { #expect(lastPause(every: 20, active: 0b100) == 0) }

    @Test("a pause that would bring fewer than three datagrams is not made")
    func fewDatagrams() {
        #expect(lastPause(every: 83) == Self.pause)
        #expect(lastPause(every: 84) == 0)
    }

    @Test("a round that was long enough by itself is followed by no pause")
    func busy() {
        #expect(lastPause(every: 200, count: 63) == Self.pause)
        #expect(lastPause(every: 200, count: 64) == 0)
    }

    @Test("nothing waits before there is something to judge by")
    func beginning() { #expect(lastPause(rounds: 400, every: 20) == 0) }

    @Test("after a silence the traffic of before counts no more")
    func silence() {
        var gathering = Gathering(microseconds: 250, at: .zero)
        for round in 1...1000 {
            _ = gathering.pause(after: 1, of: 0b11, at: Instant(nanoseconds: UInt64(round) * 20_000))
        }
        #expect(gathering.pause(after: 1, of: 0b11, at: Instant(nanoseconds: 20_020_000)) == Self.pause)
        #expect(gathering.pause(after: 1, of: 0b11, at: Instant(nanoseconds: 2_000_000_000)) == 0)
    }

    @Test("an empty round is followed by no pause")
    func nothingHandled() {
        var gathering = Gathering(microseconds: 250, at: .zero)
        for round in 1...1000 {
            _ = gathering.pause(after: 1, of: 0b11, at: Instant(nanoseconds: UInt64(round) * 20_000))
        }
        #expect(gathering.pause(after: 0, of: 0, at: Instant(nanoseconds: 20_020_000)) == 0)
    }

    @Test("0 never waits")
    func off() { #expect(lastPause(every: 20, option: 0) == 0) }
}
