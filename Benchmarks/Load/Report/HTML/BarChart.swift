/// Horizontal bars with their figures: what fits a narrow screen as well.
struct BarChart {
    struct Bar {
        let name: String
        let colour: Int
        let value: Double
        let text: String
    }

    let title: String
    let note: String
    let bars: [Bar]

    var html: String {
        let greatest = bars.map(\.value).max() ?? 0
        let rows = bars.map { bar in
            let share = greatest > 0 ? max(0.5, bar.value / greatest * 100) : 0
            return """
                <li><span class="name">\(HTML.escape(bar.name))</span>
                <span class="figure">\(HTML.escape(bar.text))</span>
                <span class="track">\
                <span class="bar c\(bar.colour)" style="width:\(HTML.number(share))%"></span></span></li>
                """
        }
        return """
            <figure class="chart"><figcaption><h3>\(HTML.escape(title))</h3><p>\(HTML.escape(note))</p></figcaption>
            <ul class="bars">\(rows.joined(separator: "\n"))</ul></figure>
            """
    }
}
