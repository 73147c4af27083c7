package import JSON

/// Any JSON value as lines for people: members by name, deeper ones further to the right.
package enum Outline {
    /// Answers of the server are not deeper; of what is, the text is shown.
    private static let depthMax = 8

    package static func text(_ value: JSONValue) -> String {
        var lines: [String] = []
        write(value, depth: 0, to: &lines)
        return lines.joined(separator: "\n")
    }

    private static func write(_ value: JSONValue, depth: Int, to lines: inout [String]) {
        let indent = String(repeating: "  ", count: depth)
        switch value.kind {
        case .object where depth < depthMax:
            let members = value.members.map { (name: $0.name.string ?? "?", value: $0.value) }
            let width = members.filter { isShort($0.value) }.map(\.name.count).max() ?? 0
            for member in members {
                let name = TextTable.printable(member.name)
                if isShort(member.value) {
                    let padding = String(repeating: " ", count: max(0, width - name.count))
                    lines.append("\(indent)\(name)\(padding)  \(scalar(member.value))")
                } else {
                    lines.append("\(indent)\(name)")
                    write(member.value, depth: depth + 1, to: &lines)
                }
            }
        case .array where depth < depthMax:
            for element in value.elements {
                guard !isShort(element) else {
                    lines.append("\(indent)\(scalar(element))")
                    continue
                }
                var part: [String] = []
                write(element, depth: depth + 1, to: &part)
                // The first line of each element is marked, so that it is seen where one begins.
                if let first = part.first { part[0] = "\(indent)- \(first.dropFirst(indent.count + 2))" }
                lines += part
            }
        default: lines.append(indent + scalar(value))
        }
    }

    private static func isShort(_ value: JSONValue) -> Bool {
        switch value.kind {
        case .object, .array: value.count == 0
        default: true
        }
    }

    private static func scalar(_ value: JSONValue) -> String {
        switch value.kind {
        case .null: "-"
        case .bool: value.bool == true ? "yes" : "no"
        case .string: TextTable.printable(value.string ?? "?")
        case .array where value.count == 0, .object where value.count == 0: "none"
        default: String(decoding: value.rawBytes, as: UTF8.self)
        }
    }
}
