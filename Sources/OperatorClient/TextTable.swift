/// Columns under their titles, for people. Programs read `--json`.
package struct TextTable: Sendable {
    /// On which side of its column a cell stands: texts left, figures right.
    /// On which side of its column a text stands.
    package enum Alignment: Sendable {
        case left, right
    }

    private let columns: [(title: String, alignment: Alignment)]
    private var rows: [[String]] = []

    package init(_ columns: [(String, Alignment)]) { self.columns = columns.map { (title: $0.0, alignment: $0.1) } }

    /// As many cells as there are columns.
    package mutating func add(_ cells: [String]) {
        precondition(cells.count == columns.count, "a row has a cell for each column")
        rows.append(cells.map(Self.printable))
    }

    package var isEmpty: Bool { rows.isEmpty }

    /// Lines without blanks at their ends.
    package var text: String {
        let lines = [columns.map(\.title)] + rows
        let widths = columns.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            let cells = columns.indices.map { column in
                let padding = String(repeating: " ", count: widths[column] - line[column].count)
                return columns[column].alignment == .left ? line[column] + padding : padding + line[column]
            }
            return Self.trimmed(cells.joined(separator: "  "))
        }.joined(separator: "\n")
    }

    private static func trimmed(_ line: String) -> String {
        guard let last = line.lastIndex(where: { $0 != " " }) else { return "" }
        return String(line[...last])
    }

    /// Lines of at most `width` characters, but for words that are longer.
    package static func wrapped(_ text: String, at width: Int) -> [String] {
        var lines: [String] = []
        for word in text.split(separator: " ") {
            if let last = lines.last, last.count + 1 + word.count <= width {
                lines[lines.count - 1] = "\(last) \(word)"
            } else {
                lines.append(String(word))
            }
        }
        return lines
    }

    /// Names of users and rooms are chosen by strangers, and a terminal obeys control characters.
    package static func printable(_ text: String) -> String {
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value)
            let isDirection = (0x2028...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
            scalars.append(isControl || isDirection ? "\u{FFFD}" : scalar)
        }
        return String(scalars)
    }
}
