/// Which charts a page has.
struct HTMLCharts {
    let runs: [RunRecord]
    let names: [String]

    private static let colours = 6

    var html: String {
        var charts: [String] = []
        if runs.count > 1 { charts += bars }
        let latency = latencyCurve
        if let throughput { charts.append(throughput) }
        if let latency { charts.append(latency) }
        if let serverCPU { charts.append(serverCPU) }
        if let latencyOverTime { charts.append(latencyOverTime) }
        return charts.joined(separator: "\n")
    }

    private func colour(_ index: Int) -> Int { index % Self.colours }

    // MARK: - Side by side

    private var bars: [String] {
        var charts: [String] = []
        func add(_ title: String, _ note: String, _ value: (RunRecord) -> Double?, _ text: (Double) -> String) {
            let bars = runs.indices.compactMap { index in
                value(runs[index]).map {
                    BarChart.Bar(name: names[index], colour: colour(index), value: $0, text: text($0))
                }
            }
            if bars.count > 1 { charts.append(BarChart(title: title, note: note, bars: bars).html) }
        }
        let units = Set(runs.map(\.unit))
        let unit = units.count == 1 ? runs[0].unit : "unit"
        let note = units.count == 1 ? "less is better" : "less is better; the units differ"
        add("Server CPU per \(unit)", note, \.serverMicroseconds) { "\(Figure.fixed($0, 2)) µs" }
        add("Memory per allocation", "less is better", { $0.bytesPerAllocation.map(Double.init) }) {
            "\(Figure.grouped($0)) bytes"
        }
        add("Latency, p99", "less is better", { $0.latency?.p99 }, Figure.duration)
        add("Throughput", "\(unit)s a second", \.perSecond) { "\(Figure.grouped($0))/s" }
        return charts
    }

    // MARK: - Over time

    private var throughput: String? {
        let hasLoss = runs.count == 1 && runs[0].samples.contains { $0.sent > $0.delivered + $0.delivered / 50 }
        var lines = runs.indices.map { index in
            LineChart.Line(
                name: runs.count == 1 ? "delivered" : names[index], colour: colour(index),
                points: runs[index].samples.map { ($0.seconds, Double($0.delivered) / $0.duration) })
        }
        if hasLoss {
            lines.append(
                LineChart.Line(
                    name: "sent", colour: 1,
                    points: runs[0].samples.map { ($0.seconds, Double($0.sent) / $0.duration) },
                    isDashed: true))
        }
        return overTime("Throughput", "\(runs.first?.unit ?? "unit")s a second, over seconds", lines) {
            Figure.short($0)
        }
    }

    private var serverCPU: String? {
        let lines = runs.indices.map { index in
            LineChart.Line(
                name: names[index], colour: colour(index),
                points: runs[index].samples.compactMap { sample in sample.serverCPU.map { (sample.seconds, $0 * 100) } }
            )
        }
        return overTime("Server CPU", "percent of a core, over seconds", lines) { "\(Figure.fixed($0, 0)) %" }
    }

    private var latencyOverTime: String? {
        guard runs.count == 1, let run = runs.first else { return nil }
        let marks: [(String, KeyPath<RunRecord.Sample, Double?>)] = [("p50", \.median), ("p99", \.p99)]
        let lines = marks.enumerated().map { index, mark in
            LineChart.Line(
                name: mark.0, colour: index,
                points: run.samples.compactMap { sample in
                    sample[keyPath: mark.1].map { (sample.seconds, Self.logarithm($0)) }
                })
        }
        let values = run.samples.flatMap { [$0.median, $0.p99].compactMap(\.self) }.filter { $0 > 0 }
        guard let least = values.min(), let greatest = values.max() else { return nil }
        let rows = Ticks.logarithmic(from: least, to: greatest).map { (Self.logarithm($0), Figure.tick($0)) }
        return overTime("Latency", "over seconds, on a logarithmic axis", lines, rows)
    }

    private func overTime(
        _ title: String, _ note: String, _ lines: [LineChart.Line], _ label: (Double) -> String
    ) -> String? {
        let top = lines.flatMap(\.points).map(\.y).max() ?? 0
        return overTime(title, note, lines, Ticks.linear(upTo: top).map { ($0, label($0)) })
    }

    private func overTime(
        _ title: String, _ note: String, _ lines: [LineChart.Line], _ rows: [(Double, String)]
    ) -> String? {
        guard lines.contains(where: { $0.points.count > 1 }), let end = lines.flatMap(\.points).map(\.x).max() else {
            return nil
        }
        let columns = Ticks.linear(upTo: end, count: 5)
        let digits = columns.allSatisfy { $0 == $0.rounded() } ? 0 : 1
        return LineChart(
            title: title, note: note,
            x: .init(ticks: columns.filter { $0 <= end * 1.001 }.map { ($0, Figure.fixed($0, digits)) } + [(end, "")]),
            y: .init(ticks: rows.map { (position: $0.0, text: $0.1) }), lines: lines.map(Self.fromTheStart),
            isFilled: runs.count == 1 && rows.first?.0 == 0
        ).html
    }

    /// A sample tells of the time before it: the line begins where the first one does.
    private static func fromTheStart(_ line: LineChart.Line) -> LineChart.Line {
        guard let first = line.points.first, line.points.count > 1 else { return line }
        return LineChart.Line(
            name: line.name, colour: line.colour, points: [(0, first.y)] + line.points, isDashed: line.isDashed)
    }

    // MARK: - Latency

    /// The axis shows how rare a latency is: each step to the right is ten times rarer.
    private var latencyCurve: String? {
        let lines = runs.indices.map { index in
            LineChart.Line(
                name: names[index], colour: colour(index),
                points: Self.curve(of: runs[index]).map { (Self.rarity($0.percent), $0.microseconds) })
        }
        let values = lines.flatMap { $0.points.map(\.y) }
        guard let least = values.min(), let greatest = values.max() else { return nil }
        let rows = Ticks.logarithmic(from: least, to: greatest)
        let end = lines.flatMap { $0.points.map(\.x) }.max() ?? 0
        let marks =
            [(0, ""), (50, "50 %"), (90, "90 %"), (99, "99 %"), (99.9, "99.9 %"), (99.99, "99.99 %")]
            .map { (position: Self.rarity($0.0), text: $0.1) }.filter { $0.position <= end } + [(end, "")]
        return LineChart(
            title: "Latency by percentile", note: "so many are faster; both axes are logarithmic",
            x: .init(ticks: marks),
            y: .init(ticks: rows.map { (Self.logarithm($0), Figure.tick($0)) }),
            lines: lines.map { line in
                LineChart.Line(
                    name: line.name, colour: line.colour, points: line.points.map { ($0.x, Self.logarithm($0.y)) })
            }
        ).html
    }

    /// Percentiles of which there were at least two: one latency alone says nothing about how rare it is.
    private static func curve(of run: RunRecord) -> [(percent: Double, microseconds: Double)] {
        guard let latency = run.latency else { return [] }
        return latency.curve.filter { point in
            point.microseconds > 0 && (1 - point.percent / 100) * Double(latency.count) >= 2
        }
    }

    private static func rarity(_ percent: Double) -> Double { -logarithm(1 - percent / 100) }

    /// To the base of two; good to a millionth, which is finer than any screen. Swift itself has no logarithm.
    static func logarithm(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return 0 }
        var rest = value.significand
        var result = Double(value.exponent)
        var bit = 0.5
        while bit > 1e-7 {
            rest *= rest
            if rest >= 2 {
                rest /= 2
                result += bit
            }
            bit /= 2
        }
        return result
    }
}

extension Figure {
    /// As on an axis: 50k, 1.2M.
    static func short(_ value: Double) -> String {
        func trimmed(_ text: String) -> String { text.hasSuffix(".0") ? String(text.dropLast(2)) : text }
        return switch value {
        case ..<1000: fixed(value, 0)
        case ..<1e6: trimmed(fixed(value / 1e3, 1)) + "k"
        default: trimmed(fixed(value / 1e6, 1)) + "M"
        }
    }

    /// A duration on an axis: round numbers without zeros behind the point.
    static func tick(_ microseconds: Double) -> String {
        func trimmed(_ value: Double) -> String {
            var text = fixed(value, 2)
            while text.hasSuffix("0") { text.removeLast() }
            return text.hasSuffix(".") ? String(text.dropLast()) : text
        }
        return switch microseconds {
        case ..<999: trimmed(microseconds) + " µs"
        case ..<999_000: trimmed(microseconds / 1e3) + " ms"
        default: trimmed(microseconds / 1e6) + " s"
        }
    }
}
