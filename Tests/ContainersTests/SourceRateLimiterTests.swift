import Containers
import NetworkPrimitives
import Testing

private let second: UInt64 = 1_000_000_000

@Suite("SourceRateLimiter")
struct SourceRateLimiterTests {
    private func host(_ number: UInt32) -> IPAddress { .v4(IPv4Address(rawValue: number)) }
    private func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test("burst requests pass at once, one more does not, and the rate refills")
    func burstAndRate() {
        var limiter = SourceRateLimiter(seed: 1, ratePerSecond: 10, burst: 3, capacity: 64)
        let start = 5 * second
        #expect((0..<4).map { _ in limiter.allow(host(1), at: at(start)) } == [true, true, true, false])
        #expect(limiter.denials == 1)
        #expect(limiter.allow(host(1), at: at(start + second / 10 - 1)) == false)
        #expect(limiter.allow(host(1), at: at(start + second / 10)) == true)
        #expect(limiter.allow(host(1), at: at(start + second / 10)) == false)
        #expect((0..<4).map { _ in limiter.allow(host(1), at: at(start + 100 * second)) } == [true, true, true, false])
        #expect(limiter.denials == 4)
    }

    @Test("hosts are separate; addresses of one /64 are not; an IPv4-mapped address is its IPv4 host")
    func sources() {
        var limiter = SourceRateLimiter(seed: 1, ratePerSecond: 1, burst: 1, capacity: 64)
        func take(_ text: String) -> Bool {
            guard let address = IPAddress(text) else { return false }
            return limiter.allow(address, at: .zero)
        }
        #expect(take("192.0.2.1"))
        #expect(take("192.0.2.2"))
        #expect(!take("::ffff:192.0.2.1"))
        #expect(take("2001:db8:0:1::1"))
        #expect(!take("2001:db8:0:1:ffff::2"))
        #expect(take("2001:db8:0:2::1"))
        #expect(take("::1"))
        #expect(!take("::2"))
    }

    @Test("a refund gives one token back, never more than the burst, and nothing to a stranger")
    func refund() {
        var limiter = SourceRateLimiter(seed: 1, ratePerSecond: 1, burst: 2, capacity: 64)
        let now = at(9 * second)
        limiter.refund(host(1))
        #expect((0..<3).map { _ in limiter.allow(host(1), at: now) } == [true, true, false])
        limiter.refund(host(1))
        #expect((0..<2).map { _ in limiter.allow(host(1), at: now) } == [true, false])
        for _ in 0..<100 { limiter.refund(host(1)) }
        #expect((0..<3).map { _ in limiter.allow(host(1), at: now) } == [true, true, false])
    }

    @Test("rate zero never denies")
    func unlimited() {
        var limiter = SourceRateLimiter(seed: 1, ratePerSecond: 0, burst: 1, capacity: 64)
        for _ in 0..<1000 { #expect(limiter.allow(host(1), at: .zero) == true) }
        limiter.refund(host(1))
        #expect(limiter.denials == 0)
    }

    @Test("extreme parameters and times neither trap nor deny the first request")
    func extremes() {
        for (rate, burst) in [(1, Int.max), (Int.max, Int.max), (Int.max, 1), (1, 0), (1, -5)] {
            var limiter = SourceRateLimiter(seed: 1, ratePerSecond: rate, burst: burst, capacity: 1)
            #expect(limiter.allow(host(1), at: .zero) == true)
            #expect(limiter.allow(host(2), at: at(.max / 2)) == true)
            _ = limiter.allow(host(2), at: at(.max))
            _ = limiter.allow(host(2), at: .zero)
            limiter.refund(host(2))
        }
    }

    @Test("four sources of a set keep their debts, and a fifth displaces the one with the least")
    func displacement() {
        var limiter = SourceRateLimiter(seed: 1, ratePerSecond: 1, burst: 5, capacity: 4)
        for (source, requests) in [(1, 5), (2, 2), (3, 5), (4, 5)] as [(UInt32, Int)] {
            for _ in 0..<requests { #expect(limiter.allow(host(source), at: .zero) == true) }
        }
        #expect(limiter.displacements == 0)
        // Strangers displace source 2 and then one another.
        for stranger in 100..<200 { #expect(limiter.allow(host(UInt32(stranger)), at: .zero) == true) }
        #expect(limiter.displacements == 100)
        for source in [1, 3, 4] as [UInt32] { #expect(limiter.allow(host(source), at: .zero) == false) }
    }

    @Test("cycling addresses gains at most burst for each displaced entry", arguments: [1, 2, 3] as [UInt64])
    func cycling(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let (rate, burst) = (10, 5)
        var limiter = SourceRateLimiter(seed: seed, ratePerSecond: rate, burst: burst, capacity: 64)
        var served = 0
        for step in 0..<50_000 {
            let now = at(second + UInt64(step) * (second / 50_000))
            if random.next() % 4 == 0 {
                if limiter.allow(host(1), at: now) { served += 1 }
            } else {
                _ = limiter.allow(host(UInt32(truncatingIfNeeded: random.next() % 5000) + 2), at: now)
            }
        }
        try check(limiter.displacements > 0, "seed \(seed)")
        try check(served <= burst + rate + Int(limiter.displacements) * burst, "seed \(seed): \(served)")
        // And in fact nothing: the exhausted entry is never the one with the least debt.
        try check(served <= burst + rate, "seed \(seed): \(served)")
    }

    @Test("a source behaves like a bucket of its own while the table has room", arguments: [1, 2, 3] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        // 125 a second are exactly 8 ms each. Time moves in milliseconds, so a model in milliseconds is exact.
        var limiter = SourceRateLimiter(seed: seed, ratePerSecond: 125, burst: 10, capacity: 4096)
        var debts = [UInt64](repeating: 0, count: 5)
        var denials: UInt64 = 0
        var now: UInt64 = 1000
        for step in 0..<20_000 {
            let source = Int(random.next() % 5)
            let address = host(UInt32(source))
            if random.next() % 10 == 0 {
                limiter.refund(address)
                debts[source] -= min(8, debts[source])
                continue
            }
            let expected = debts[source] + 8 <= 80
            if expected { debts[source] += 8 } else { denials += 1 }
            let answer = limiter.allow(address, at: at(now * 1_000_000))
            try check(answer == expected, "seed \(seed) step \(step)")
            let pause = random.next() % 100 == 0 ? random.next() % 200 : random.next() % 3 / 2
            now += pause
            for index in debts.indices { debts[index] -= min(pause, debts[index]) }
        }
        try check(limiter.denials == denials && denials > 100, "seed \(seed)")
        try check(limiter.displacements == 0, "seed \(seed)")
    }
}
