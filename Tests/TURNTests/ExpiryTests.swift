import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §6 — what ends, and when")
struct ExpiryTests {
    /// A timer is rounded up to its tick: at most this much late, never early.
    private let tick = Duration.nanoseconds(1_048_577)

    @Test("an allocation ends with its lifetime, neither earlier nor later", .requirement("R8656-6-3"))
    func exactly() {
        let harness = TURNHarness()
        let client = harness.client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        harness.advance(.seconds(299))
        client.bind(0x4000, "8.0.0.1:9")
        harness.advance(.seconds(301) - .milliseconds(100))
        client.permit("8.0.0.1")
        harness.advance(.milliseconds(100) - .nanoseconds(1))
        #expect(harness.sessions.count == 1)
        #expect(client.channelData(0x4000, [1]) != .dropped(.noAllocation))
        harness.advance(tick)
        #expect(harness.sessions.isEmpty)
        #expect(client.channelData(0x4000, [1]) == .dropped(.noAllocation))
        #expect(harness.closed.map(\.end) == [.expired])
        #expect(harness.server.counters.allocationsExpired == 1)
        #expect(client.refresh()?.errorCode == 437)
    }

    @Test("an allocation that ends takes everything along, once", .requirement("R8656-6-4"))
    func takesAlong() {
        let harness = TURNHarness(.dual)
        let client = harness.client()
        client.allocate([.additionalIPv6])
        client.permit("8.0.0.1", "8.0.0.2", "2600::1")
        client.bind(0x4000, "8.0.0.1:9")
        client.bind(0x4001, "[2600::2]:9")
        #expect(harness.routes.counts == [1, 4, 2])
        client.refresh(0)
        // The invariants of the harness have checked the rest; ports came back once each.
        #expect(harness.ledger.returned.count == 2)
        harness.advance(.seconds(4000))
        #expect(harness.ledger.returned.count == 2)
        #expect(harness.server.nextDeadline == nil)
    }

    @Test("the next deadline is that of the first part that ends", .requirement("RI-clock-4"))
    func deadlines() throws {
        let harness = TURNHarness()
        let client = harness.client()
        #expect(harness.server.nextDeadline == nil)
        client.allocate()
        let start = harness.now
        func expect(_ seconds: UInt32) throws {
            let deadline = try #require(harness.nextDeadline)
            // The wheel may wake up to move timers down, so earlier is legal; later is not.
            #expect(deadline.nanoseconds <= start.advanced(bySeconds: seconds).nanoseconds + 1_048_576)
            #expect(deadline > start)
        }
        try expect(600)
        client.permit("8.0.0.1")
        try expect(300)
        client.refresh(3600)
        try expect(300)
    }

    @Test("handling a deadline too early does nothing", .requirement("RI-clock-5"))
    func early() {
        let harness = TURNHarness()
        harness.client().allocate()
        for _ in 0..<100 { _ = harness.run(.deadline) }
        #expect(harness.sessions.count == 1)
        #expect(harness.outputs.isEmpty)
    }

    @Test("handling a deadline hours late ends everything that is over", .requirement("RI-clock-6"))
    func late() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 400)))
        for number in 0..<300 {
            let client = harness.client("198.51.100.7:\(1024 + number)")
            client.allocate(number % 3 == 0 ? [.lifetime(3600)] : [])
            client.permit("8.0.0.1")
        }
        // The process was stopped for a while.
        harness.now = harness.now.advanced(bySeconds: 1800)
        var calls = 0
        while let deadline = harness.server.nextDeadline, deadline <= harness.now, calls < 1000 {
            _ = harness.run(.deadline)
            calls += 1
        }
        #expect(harness.routes.counts == [100, 0, 0])
        #expect(calls < 20)
    }

    @Test("one call ends a bounded number of allocations", .requirement("RI-limits-6"))
    func bounded() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 600)))
        for number in 0..<600 { harness.client("198.51.100.7:\(1024 + number)").allocate() }
        harness.now = harness.now.advanced(bySeconds: 700)
        _ = harness.run(.deadline)
        #expect(harness.sessions.count == 600 - 256)
        _ = harness.run(.deadline)
        _ = harness.run(.deadline)
        #expect(harness.sessions.isEmpty)
    }

    @Test("the five-tuple, the index and the port of a dead allocation serve the next one", .requirement("R8656-6-5"))
    func reuse() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 1)).with { $0.ports = 50_000...50_001 })
        let first = harness.client("198.51.100.7:1")
        let second = harness.client("198.51.100.8:1", .bob)
        for _ in 0..<5 {
            #expect(first.allocate()?.isSuccess == true)
            first.bind(0x4000, "8.0.0.1:9")
            #expect(second.allocate()?.errorCode == 508)
            first.refresh(0)
            #expect(second.allocate()?.isSuccess == true)
            // Nothing of the first owner is left for the second.
            #expect(second.hears([1], from: "8.0.0.1:9") == .dropped(.noPermission))
            #expect(second.channelData(0x4000, [1]) == .dropped(.noChannel))
            second.refresh(0)
            harness.advance(.seconds(2))
        }
    }

    @Test("a new allocation has none of the time of the last one on its index", .requirement("R8656-6-5"))
    func timersAreNotInherited() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 1)))
        let client = harness.client()
        client.allocate()
        client.permit("8.0.0.1")
        client.refresh(0)
        client.allocate([.lifetime(3600)])
        harness.advance(.seconds(3599))
        #expect(harness.sessions.count == 1)
        harness.advance(.seconds(2))
        #expect(harness.sessions.isEmpty)
    }

    @Test("counters tell what has happened", .requirement("RI-session-2"))
    func counters() {
        let harness = TURNHarness()
        let client = harness.client()
        client.send(client.bare(.binding))
        client.allocate()
        client.allocate()
        client.permit("127.0.0.1")
        client.refresh(0)
        client.allocate()
        harness.advance(.seconds(601))
        let counters = harness.server.counters
        #expect(counters.bindingResponses == 1)
        #expect(counters.challenges == 1)
        #expect(counters.allocationsOpened == 2)
        #expect(counters.allocationsDeleted == 1)
        #expect(counters.allocationsExpired == 1)
        #expect(counters.successes == 3)
        #expect(counters.errorResponses(.allocationMismatch) == 1)
        #expect(counters.errorResponses(.forbidden) == 1)
        var sum = TURNCounters()
        sum.add(counters)
        sum.add(counters)
        #expect(sum.successes == 6)
        #expect(sum.errorResponses(.forbidden) == 2)
        for code in ErrorCode.allCases { #expect(sum.errorResponses(code) == 2 * counters.errorResponses(code)) }
    }
}
