/// Lines over a common axis, as SVG that takes its colours from the page.
struct LineChart {
    struct Line {
        let name: String
        /// Which of the page's colours.
        let colour: Int
        let points: [(x: Double, y: Double)]
        var isDashed = false
    }

    /// Positions along an axis and what stands there; the first and the last are its ends.
    struct Axis {
        let ticks: [(position: Double, text: String)]

        func place(_ value: Double, from start: Double, to end: Double) -> Double {
            guard let first = ticks.first?.position, let last = ticks.last?.position, last > first else { return start }
            return start + (min(max(value, first), last) - first) / (last - first) * (end - start)
        }
    }

    let title: String
    let note: String
    let x: Axis
    let y: Axis
    let lines: [Line]
    var isFilled = false

    // Small enough that the letters can be read on a telephone.
    private static let width = 440.0
    private static let height = 236.0
    private static let left = 58.0
    private static let right = 14.0
    private static let top = 12.0
    private static let bottom = 28.0

    var html: String {
        let drawn = lines.filter { !$0.points.isEmpty }
        return """
            <figure class="chart"><figcaption><h3>\(HTML.escape(title))</h3><p>\(HTML.escape(note))</p></figcaption>
            <svg viewBox="0 0 \(HTML.number(Self.width)) \(HTML.number(Self.height))" role="img" \
            aria-label="\(HTML.escape(title))">
            \(grid)
            \(drawn.map(path).joined(separator: "\n"))
            </svg>
            \(drawn.count > 1 ? legend(drawn) : "")</figure>
            """
    }

    private func across(_ value: Double) -> Double { x.place(value, from: Self.left, to: Self.width - Self.right) }

    private func down(_ value: Double) -> Double { y.place(value, from: Self.height - Self.bottom, to: Self.top) }

    private var grid: String {
        let start = HTML.number(Self.left)
        let end = HTML.number(Self.width - Self.right)
        let rows = y.ticks.map { tick in
            let height = HTML.number(down(tick.position))
            return
                "<line class=\"grid\" x1=\"\(start)\" x2=\"\(end)\" y1=\"\(height)\" y2=\"\(height)\"/>"
                + "<text class=\"tick\" x=\"\(HTML.number(Self.left - 8))\" y=\"\(height)\" dy=\"0.32em\" "
                + "text-anchor=\"end\">\(HTML.escape(tick.text))</text>"
        }
        let columns = x.ticks.map { tick in
            let place = across(tick.position)
            let anchor = place > Self.width - Self.right - 12 ? "end" : "middle"
            return "<text class=\"tick\" x=\"\(HTML.number(place))\" y=\"\(HTML.number(Self.height - 8))\" "
                + "text-anchor=\"\(anchor)\">\(HTML.escape(tick.text))</text>"
        }
        return (rows + columns).joined(separator: "\n")
    }

    private func path(_ line: Line) -> String {
        let places = line.points.map { (across($0.x), down($0.y)) }
        let steps = places.map { "\(HTML.number($0.0)) \(HTML.number($0.1))" }.joined(separator: " L")
        var parts: [String] = []
        if isFilled, let first = places.first, let last = places.last, !line.isDashed {
            let base = HTML.number(Self.height - Self.bottom)
            parts.append(
                "<path class=\"area c\(line.colour)\" d=\"M\(HTML.number(first.0)) \(base) L\(steps) "
                    + "L\(HTML.number(last.0)) \(base) Z\"/>")
        }
        let dashed = line.isDashed ? " dashed" : ""
        parts.append(
            "<path class=\"line c\(line.colour)\(dashed)\" d=\"M\(steps)\">"
                + "<title>\(HTML.escape(line.name))</title></path>"
        )
        return parts.joined(separator: "\n")
    }

    private func legend(_ lines: [Line]) -> String {
        let items = lines.map { line in
            let dashed = line.isDashed ? " dashed" : ""
            return "<li><span class=\"key c\(line.colour)\(dashed)\"></span>\(HTML.escape(line.name))</li>"
        }
        return "<ul class=\"legend\">\(items.joined())</ul>"
    }
}
