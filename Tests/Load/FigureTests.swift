import Testing

@testable import tern_bench

/// Numbers for people.
@Suite("Figures")
struct FigureTests {
    @Test("digits behind the point are as many as asked for")
    func fixed() {
        #expect(Figure.fixed(3.14159, 2) == "3.14")
        #expect(Figure.fixed(0.996, 2) == "1.00")
        #expect(Figure.fixed(2.05, 1) == "2.1")
        #expect(Figure.fixed(-0.04, 1) == "0.0")
        #expect(Figure.fixed(-1.25, 0) == "-1")
        #expect(Figure.fixed(.infinity, 1) == "–")
    }

    @Test("thousands are set apart")
    func grouped() {
        #expect(Figure.grouped(0) == "0")
        #expect(Figure.grouped(999) == "999")
        #expect(Figure.grouped(1_000) == "1,000")
        #expect(Figure.grouped(-1_234_567) == "-1,234,567")
    }

    @Test("durations have the unit that suits them")
    func durations() {
        #expect(Figure.duration(7.5) == "7.50 µs")
        #expect(Figure.duration(12.34) == "12.3 µs")
        #expect(Figure.duration(999.4) == "999 µs")
        #expect(Figure.duration(999.6) == "1.00 ms")
        #expect(Figure.duration(2_500_000) == "2.50 s")
    }

    @Test("axes begin at nothing, or at a round number, and end beyond the greatest value")
    func ticks() {
        #expect(Ticks.linear(upTo: 95) == [0, 50, 100])
        #expect(Ticks.linear(upTo: 78_000) == [0, 20_000, 40_000, 60_000, 80_000])
        #expect(Ticks.linear(upTo: 0) == [0, 1])
        #expect(Ticks.logarithmic(from: 30, to: 90_000) == [10, 100, 1000, 10_000, 100_000])
        #expect(Ticks.logarithmic(from: 110, to: 700) == [100, 200, 500, 1000])
    }

    @Test("the date of a moment, leap days included")
    func date() {
        #expect(Machine.date(secondsSince1970: 0) == "1970-01-01 00:00 UTC")
        #expect(Machine.date(secondsSince1970: 951_782_399) == "2000-02-28 23:59 UTC")
        #expect(Machine.date(secondsSince1970: 951_782_400) == "2000-02-29 00:00 UTC")
        #expect(Machine.date(secondsSince1970: 1_767_225_599) == "2025-12-31 23:59 UTC")
    }
}
