import NetworkPrimitives
import Testing

@Suite("Instants")
struct InstantTests {
    @Test("seconds and milliseconds are counted in nanoseconds")
    func advanced() {
        let start = Instant(nanoseconds: 7)
        #expect(start.advanced(bySeconds: 600) == Instant(nanoseconds: 600_000_000_007))
        #expect(start.advanced(byMilliseconds: 500) == Instant(nanoseconds: 500_000_007))
        #expect(start.advanced(bySeconds: 0) == start)
    }

    @Test("the longest lifetime of the wire does not overflow after four centuries of uptime")
    func noOverflow() {
        let late = Instant(nanoseconds: 400 * 365 * 86_400 * 1_000_000_000)
        #expect(late.advanced(bySeconds: .max).nanoseconds(since: late) == 4_294_967_295_000_000_000)
        #expect(late.advanced(byMilliseconds: .max) > late)
    }

    @Test("a distance is never negative")
    func distance() {
        let early = Instant(nanoseconds: 10)
        let late = Instant(nanoseconds: 25)
        #expect(late.nanoseconds(since: early) == 15)
        #expect(early.nanoseconds(since: late) == 0)
        #expect(early.nanoseconds(since: early) == 0)
    }

    @Test("instants and wall-clock seconds are ordered")
    func order() {
        #expect(Instant.zero < Instant(nanoseconds: 1))
        #expect(!(Instant.zero < Instant.zero))
        #expect(UnixTime(seconds: -1) < UnixTime(seconds: 0))
        #expect(!(UnixTime(seconds: 5) < UnixTime(seconds: 5)))
    }
}
