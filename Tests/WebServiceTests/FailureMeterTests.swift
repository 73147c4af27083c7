import NetworkPrimitives
import Testing

@testable import WebService

@Suite struct FailureMeterTests {
    private let source = IPAddress("192.0.2.1")!
    private let start = Instant(nanoseconds: 1)

    private func fail(_ meter: inout FailureMeter, _ times: Int, at now: Instant) {
        for _ in 0..<times { meter.recordFailure(source, at: now) }
    }

    @Test func someFailuresAreFree() {
        var meter = FailureMeter(failuresPerMinute: 5, seed: 1)
        fail(&meter, 5, at: start)
        let wait = meter.waitSeconds(source, at: start)
        #expect(wait == nil)
    }

    @Test func eachFurtherOneDoublesTheWait() {
        var meter = FailureMeter(failuresPerMinute: 5, seed: 1)
        fail(&meter, 6, at: start)
        let first = meter.waitSeconds(source, at: start)
        fail(&meter, 1, at: start)
        let second = meter.waitSeconds(source, at: start)
        fail(&meter, 100, at: start)
        let last = meter.waitSeconds(source, at: start)
        #expect(first == 3)
        #expect(second == 5)
        #expect(last == 257)
    }

    @Test func theWaitEnds() {
        var meter = FailureMeter(failuresPerMinute: 5, seed: 1)
        fail(&meter, 6, at: start)
        let before = meter.waitSeconds(source, at: start.advanced(bySeconds: 1))
        let after = meter.waitSeconds(source, at: start.advanced(bySeconds: 2))
        #expect(before == 2)
        #expect(after == nil)
    }

    @Test func failuresAreForgottenAfterAMinute() {
        var meter = FailureMeter(failuresPerMinute: 5, seed: 1)
        fail(&meter, 5, at: start)
        fail(&meter, 5, at: start.advanced(bySeconds: 60))
        let wait = meter.waitSeconds(source, at: start.advanced(bySeconds: 60))
        #expect(wait == nil)
    }

    @Test func othersDoNotWait() {
        var meter = FailureMeter(failuresPerMinute: 5, seed: 1)
        fail(&meter, 50, at: start)
        let other = meter.waitSeconds(IPAddress("192.0.2.2")!, at: start)
        #expect(other == nil)
    }

    @Test func anIPv6SubscriberIsOneSource() {
        var meter = FailureMeter(failuresPerMinute: 1, seed: 1)
        for last in ["1", "2", "3"] { meter.recordFailure(IPAddress("2001:db8::\(last)")!, at: start) }
        let neighbour = meter.waitSeconds(IPAddress("2001:db8::ffff")!, at: start)
        #expect(neighbour != nil)
    }

    @Test func zeroIsNoLimit() {
        var meter = FailureMeter(failuresPerMinute: 0, seed: 1)
        fail(&meter, 1000, at: start)
        let wait = meter.waitSeconds(source, at: start)
        #expect(wait == nil)
    }
}
