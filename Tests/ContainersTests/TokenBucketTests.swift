import Containers
import NetworkPrimitives
import Testing

private let second: UInt64 = 1_000_000_000

@Suite("TokenBucket")
struct TokenBucketTests {
    private func at(_ nanoseconds: UInt64) -> Instant { Instant(nanoseconds: nanoseconds) }

    @Test("three words")
    func size() {
        #expect(MemoryLayout<TokenBucket>.size == 24)
    }

    @Test("the burst passes at once, one more token does not, and the rate refills to the nanosecond")
    func burstAndRate() {
        var bucket = TokenBucket(ratePerSecond: 1000, burst: 1500, at: at(second))
        #expect(bucket.take(1501, at: at(second)) == false)
        #expect(bucket.take(1500, at: at(second)) == true)
        #expect(bucket.take(1, at: at(second)) == false)
        #expect(bucket.take(1, at: at(second + 999_999)) == false)
        #expect(bucket.take(1, at: at(second + 1_000_000)) == true)
        #expect(bucket.take(1500, at: at(second + 1_501_000_000 - 1)) == false)
        #expect(bucket.take(1500, at: at(second + 1_501_000_000)) == true)
    }

    @Test("a full bucket does not become fuller, and a refusal costs nothing")
    func fullAndRefused() {
        var bucket = TokenBucket(ratePerSecond: 10, burst: 5, at: .zero)
        #expect(bucket.take(6, at: at(1000 * second)) == false)
        #expect(bucket.take(5, at: at(1000 * second)) == true)
        #expect(bucket.take(5, at: at(1000 * second)) == false)
    }

    @Test("rate zero never refuses; nothing and less than nothing always pass")
    func unlimited() {
        var open = TokenBucket(ratePerSecond: 0, burst: 0, at: .zero)
        #expect(open.take(.max, at: .zero) == true)
        var shut = TokenBucket(ratePerSecond: 1, burst: 0, at: .zero)
        #expect(shut.take(0, at: at(second)) == true)
        #expect(shut.take(-1, at: at(second)) == true)
        #expect(shut.take(.min, at: at(second)) == true)
        #expect(shut.take(1, at: at(100 * second)) == false)
    }

    @Test("time that runs backwards neither gives nor takes")
    func backwards() {
        var bucket = TokenBucket(ratePerSecond: 1, burst: 1, at: at(10 * second))
        #expect(bucket.take(1, at: at(10 * second)) == true)
        #expect(bucket.take(1, at: .zero) == false)
        #expect(bucket.take(1, at: at(11 * second - 1)) == false)
        #expect(bucket.take(1, at: at(11 * second)) == true)
    }

    @Test("no rounding accumulates: a rate that does not divide a second, polled at odd times, is exact")
    func noDrift() {
        // Steps of 7 ns never earn a whole token of 333,333,333⅓ ns.
        var bucket = TokenBucket(ratePerSecond: 3_000_007, burst: 100, at: .zero)
        #expect(bucket.take(100, at: .zero) == true)
        var granted = 0
        var now: UInt64 = 0
        while now < 10_000_003 {
            now += 7
            if bucket.take(1, at: at(now)) { granted += 1 }
        }
        // 10,000,004 ns times 3,000,007 a second are 30,000.08 tokens.
        #expect(granted == 30_000)
    }

    @Test("no input overflows")
    func extremes() {
        let numbers: [UInt64] = [1, 999_999_999, 1 << 32, 1 << 32 - 1, 1 << 63, .max]
        for rate in numbers {
            for burst in numbers {
                var bucket = TokenBucket(ratePerSecond: rate, burst: burst, at: .zero)
                _ = bucket.take(.max, at: .zero)
                _ = bucket.take(Int(UInt32.max), at: .zero)
                for now in numbers { _ = bucket.take(1, at: at(now)) }
                _ = bucket.take(.max, at: at(.max))
            }
        }
    }

    @Test("a bucket agrees with arithmetic in 128 bits", arguments: [1, 2, 3, 4] as [UInt64])
    func model(seed: UInt64) throws {
        var random = SplitMix64(seed: seed)
        let rate = random.next() >> (32 + random.next() % 28) + 1
        let burst = random.next() >> (32 + random.next() % 28) + 1
        var now = random.next() >> 8
        var bucket = TokenBucket(ratePerSecond: rate, burst: burst, at: at(now))
        var level = UInt128(burst) * 1_000_000_000
        for step in 0..<20_000 {
            let pause = random.next() >> (24 + random.next() % 40)
            now += pause
            level = min(level + UInt128(pause) * UInt128(rate), UInt128(burst) * 1_000_000_000)
            let amount = Int(random.next() % (burst * 2)) >> Int(random.next() % 32)
            let fits = UInt128(amount) * 1_000_000_000 <= level
            try check(bucket.take(amount, at: at(now)) == fits, "seed \(seed) step \(step)")
            if fits { level -= UInt128(amount) * 1_000_000_000 }
        }
    }
}
