import Testing

@testable import tern_bench

/// What the generator sorts durations with.
@Suite("Latency histogram")
struct LatencyHistogramTests {
    @Test("nothing recorded has no percentiles")
    func empty() {
        let histogram = LatencyHistogram()
        #expect(histogram.percentile(50) == nil)
        #expect(histogram.count == 0)
    }

    @Test("durations below 128 ns are told exactly")
    func exact() {
        var histogram = LatencyHistogram()
        for value in UInt64(1)...100 { histogram.record(value) }
        #expect(histogram.percentile(0) == 1)
        #expect(histogram.percentile(50) == 50)
        #expect(histogram.percentile(99) == 99)
        #expect(histogram.percentile(99.9) == 100)
        #expect(histogram.percentile(100) == 100)
    }

    @Test(
        "a duration is told with less than one in a hundred of error",
        arguments: [
            127, 128, 129, 255, 256, 1000, 4095, 4096, 65_537, 1_000_000, 123_456_789, 60_000_000_000, 1 << 40 - 1,
        ] as [UInt64])
    func error(value: UInt64) throws {
        var histogram = LatencyHistogram()
        histogram.record(value)
        // The greatest one is known exactly, so a longer one is needed to see what the bucket says.
        histogram.record(.max)
        let told = try #require(histogram.percentile(50))
        #expect(abs(told - Double(value)) <= Double(value) / 100)
    }

    @Test("the longest is exact, and what is longer than the range counts as its end")
    func maximum() {
        var histogram = LatencyHistogram()
        histogram.record(1_234_567)
        #expect(histogram.percentile(100) == 1_234_567)
        histogram.record(.max)
        #expect(histogram.maximum == LatencyHistogram.longest)
        #expect(histogram.percentile(100) == Double(LatencyHistogram.longest))
    }

    @Test("ranks: 999 short ones and one long one")
    func ranks() {
        var histogram = LatencyHistogram()
        for _ in 0..<999 { histogram.record(100) }
        histogram.record(1_000_000)
        #expect(histogram.percentile(99) == 100)
        #expect(histogram.percentile(99.9) == 100)
        #expect(histogram.percentile(99.91) == 1_000_000)
    }

    @Test("what came since an earlier look")
    func difference() {
        var histogram = LatencyHistogram()
        for _ in 0..<10 { histogram.record(100) }
        let earlier = histogram
        for _ in 0..<5 { histogram.record(50) }
        let recent = histogram.since(earlier)
        #expect(recent.count == 5)
        #expect(recent.percentile(50) == 50)
        #expect(recent.maximum == 50)
        #expect(histogram.since(histogram).count == 0)
    }
}
