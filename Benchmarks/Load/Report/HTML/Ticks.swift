/// Where an axis is labelled.
package enum Ticks {
    /// From 0 to at least `greatest`, in steps of 1, 2 or 5 times a power of ten; about `count` of them.
    package static func linear(upTo greatest: Double, count: Int = 4) -> [Double] {
        guard greatest > 0, greatest.isFinite else { return [0, 1] }
        let raw = greatest / Double(count)
        var power = 1.0
        while power * 10 <= raw { power *= 10 }
        while power > raw { power /= 10 }
        let step = [1.0, 2, 5, 10].map { $0 * power }.first { $0 >= raw * 0.999 } ?? power * 10
        var ticks = [0.0]
        while ticks[ticks.count - 1] < greatest * 0.999 { ticks.append(Double(ticks.count) * step) }
        return ticks
    }

    /// Powers of ten around the values, and for a narrow range 2 and 5 times as much.
    package static func logarithmic(from least: Double, to greatest: Double) -> [Double] {
        guard least > 0, greatest >= least, greatest.isFinite else { return [1, 10] }
        var power = 1.0
        while power > least { power /= 10 }
        while power * 10 <= least { power *= 10 }
        var decades: [Double] = [power]
        while decades[decades.count - 1] < greatest { decades.append(decades[decades.count - 1] * 10) }
        guard decades.count <= 3 else { return decades }
        let fine = decades.flatMap { [$0, $0 * 2, $0 * 5] }
        let first = fine.lastIndex { $0 <= least } ?? 0
        let last = fine.firstIndex { $0 >= greatest } ?? fine.count - 1
        return first < last ? Array(fine[first...last]) : [fine[first], fine[min(first + 1, fine.count - 1)]]
    }
}
