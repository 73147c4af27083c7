import Testing

@testable import tern_bench

/// When the generator sends.
@Suite("Pacer")
struct PacerTests {
    private func dues(_ pacer: Pacer, _ count: Int) -> [UInt64] {
        var pacer = pacer
        return (0..<count).map { _ in
            defer { pacer.advance() }
            return pacer.due
        }
    }

    @Test("bursts are due at even times from the start on")
    func even() {
        #expect(dues(Pacer(start: 7, perSecond: 50_000, burst: 1), 4) == [7, 20_007, 40_007, 60_007])
        #expect(dues(Pacer(start: 0, perSecond: 50_000, burst: 8), 3) == [0, 160_000, 320_000])
    }

    @Test("fractions of a nanosecond are not lost: three a second are three a second")
    func fractions() {
        #expect(dues(Pacer(start: 0, perSecond: 3, burst: 1), 4) == [0, 333_333_333, 666_666_666, 1_000_000_000])
        var pacer = Pacer(start: 0, perSecond: 7_000_003, burst: 1)
        for _ in 0..<7_000_003 { pacer.advance() }
        #expect(pacer.due == 1_000_000_000)
    }

    @Test("who is late by no more than 20 ms leaves nothing out")
    func late() {
        var pacer = Pacer(start: 0, perSecond: 1000, burst: 1)
        pacer.skipHopeless(at: 20_000_000)
        #expect(pacer.skipped == 0)
        #expect(pacer.due == 0)
    }

    @Test("who is later leaves out what is overdue by more, and keeps to the schedule")
    func hopeless() {
        var pacer = Pacer(start: 0, perSecond: 1000, burst: 1)
        pacer.skipHopeless(at: 20_000_001)
        #expect(pacer.skipped == 1)
        #expect(pacer.due == 1_000_000)
        pacer.skipHopeless(at: 100_500_000)
        #expect(pacer.due == 81_000_000)
        #expect(pacer.skipped == 81)
    }
}
