/// The figures that people ask for first.
struct HTMLCards {
    let run: RunRecord

    private struct Card {
        let label, value: String
        var small = ""
        var more = ""
    }

    var html: String {
        let cards = cards.map { card in
            """
            <div class="card"><div class="label">\(HTML.escape(card.label))</div>\
            <div class="value">\(HTML.escape(card.value)) <small>\(HTML.escape(card.small))</small></div>\
            <div class="more">\(HTML.escape(card.more))</div></div>
            """
        }
        return "<div class=\"cards\">\n\(cards.joined(separator: "\n"))\n</div>"
    }

    private var cards: [Card] {
        var cards: [Card] = []
        if let bytes = run.bytesPerAllocation {
            cards.append(Card(label: "Memory of an allocation", value: Figure.grouped(Double(bytes)), small: "bytes"))
        }
        if let share = run.idleCPUShare {
            cards.append(Card(label: "CPU while idle", value: Figure.percent(share), small: "of a core"))
        }
        cards.append(
            Card(
                label: "Throughput", value: Figure.grouped(run.perSecond), small: "/s",
                more: run.goodput.map { "\(Figure.bits($0)) of payload" } ?? "\(run.unit)s"))
        if let cost = run.serverMicroseconds {
            cards.append(
                Card(
                    label: "Server CPU", value: Figure.fixed(cost, 2), small: "µs a \(run.unit)",
                    more: "\(Figure.percent(run.serverShare)) of a core"))
        }
        if let latency = run.latency {
            let (value, unit) = Self.split(Figure.duration(latency.p50))
            cards.append(
                Card(
                    label: "Latency, median", value: value, small: unit,
                    more: "p99 \(Figure.duration(latency.p99)), max \(Figure.duration(latency.maximum))"))
        }
        if run.sentInAll > 0 {
            let share = Double(run.lostInAll) / Double(run.sentInAll)
            cards.append(
                Card(
                    label: "Lost", value: Figure.percent(share),
                    more: "\(Figure.grouped(Double(run.lostInAll))) of \(Figure.grouped(Double(run.sentInAll)))"))
        }
        if let probe = run.probe {
            let share = probe.sent > 0 ? Double(probe.prompt) / Double(probe.sent) : 0
            cards.append(
                Card(
                    label: "Probe within 50 ms", value: Figure.percent(share),
                    more: "\(probe.prompt) of \(probe.sent), \(probe.retransmissions) asked again"))
        }
        if let churn = run.churn {
            cards.append(
                Card(
                    label: "Others came and went", value: Figure.grouped(Double(churn.opened)),
                    more: "\(churn.failures) failed, p99 \(churn.setUp.map { Figure.duration($0.p99) } ?? "–")"))
        }
        return cards
    }

    private static func split(_ text: String) -> (String, String) {
        let parts = text.split(separator: " ")
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : (text, "")
    }
}
