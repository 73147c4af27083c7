/// A page about one run, or about several side by side: one file, without scripts or anything from elsewhere.
package struct HTMLPage {
    let runs: [RunRecord]

    package init(runs: [RunRecord]) { self.runs = runs }

    /// The whole document.
    package var text: String {
        let title = runs.count == 1 ? "\(runs[0].server): \(runs[0].title)" : comparisonTitle
        return """
            <!doctype html>
            <html lang="en">
            <head>
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width, initial-scale=1">
            <title>\(HTML.escape(title)) – tern-bench</title>
            <style>
            \(Self.style)
            </style>
            </head>
            <body><main>
            \(head)
            \(caveats)
            \(runs.count == 1 ? HTMLCards(run: runs[0]).html : "")
            <h2>\(runs.count == 1 ? "In pictures" : "Side by side")</h2>
            <div class="charts">
            \(HTMLCharts(runs: runs, names: names).html)
            </div>
            <h2>All figures</h2>
            \(HTMLTable(runs: runs, names: names).html)
            <h2>How to read this</h2>
            \(notes)
            </main></body>
            </html>
            """
    }

    /// What each run is called, so that no two are called the same.
    var names: [String] {
        let tellsApart = Set(runs.map(\.server)).count == runs.count || Set(runs.map(\.title)).count == 1
        let plain = runs.map { tellsApart ? $0.server : "\($0.server), \($0.title)" }
        return plain.indices.map { index in
            let earlier = plain[..<index].filter { $0 == plain[index] }.count
            return earlier == 0 ? plain[index] : "\(plain[index]) (\(earlier + 1))"
        }
    }

    private var comparisonTitle: String {
        let titles = Set(runs.map(\.title))
        return titles.count == 1 ? runs[0].title : names.joined(separator: " · ")
    }

    private var head: String {
        guard let run = runs.first else { return "<h1>No runs</h1>" }
        let machine = "\(run.processors) × \(run.processor), \(run.kernel), \(run.date)"
        if runs.count == 1 {
            return """
                <h1>\(HTML.escape(run.server)): \(HTML.escape(run.title))</h1>
                <p class="what">\(HTML.escape(machine)). \(Figure.fixed(run.seconds, 1)) s measured.</p>
                <div class="command">\(HTML.escape(run.command))</div>
                """
        }
        let commands = zip(names, runs).map { name, run in
            "<b>\(HTML.escape(name))</b>&ensp;\(HTML.escape(run.command))"
        }
        return """
            <h1>\(HTML.escape(comparisonTitle))</h1>
            <p class="what">\(runs.count) runs. \(HTML.escape(machine)).</p>
            <div class="command">\(commands.joined(separator: "<br>"))</div>
            """
    }

    private var caveats: String {
        let lines = zip(names, runs).flatMap { name, run in
            run.caveats.map { runs.count == 1 ? $0 : "\(name): \($0)" }
        }
        guard !lines.isEmpty else { return runs.count == 1 ? "<h2>Key figures</h2>" : "" }
        let items = lines.map { "<li>\(HTML.escape($0))</li>" }.joined()
        return "<h2>Beware</h2><ul class=\"caveats\">\(items)</ul>"
            + (runs.count == 1 ? "<h2>Key figures</h2>" : "")
    }

    private var notes: String {
        var lines = [
            "Server CPU is the kernel's clock of the server's process, all threads, divided by what arrived at the "
                + "other end. One microsecond is a million in a second of one core.",
            "Latency is counted from when a datagram was to leave by the schedule to its arrival at the other end.",
        ]
        if runs.contains(where: { $0.lateness == nil && $0.latency != nil && $0.mode != "allocate" }) {
            lines.append(
                "Without a rate the window is always full: latency then tells how many datagrams were in flight, not "
                    + "how fast the server is.")
        }
        lines.append(
            "On the loopback the sender of a datagram pays for its delivery, and nobody for a network card. Compare "
                + "runs of one machine and one hour, by their ratio.")
        return "<ul class=\"notes\">\(lines.map { "<li>\(HTML.escape($0))</li>" }.joined())</ul>"
    }
}
