/// Figures in the text format of Prometheus, version 0.0.4: families of samples, each with its help and kind.
package struct PrometheusText: Sendable {
    /// What a family's figures do.
    package enum Kind: Sendable {
        /// Only grows while the server runs.
        case counter
        case gauge
    }

    package private(set) var bytes: [UInt8] = []

    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package init() { bytes.reserveCapacity(16_384) }

    /// Begins a family; its samples follow.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        append("# HELP \(name) \(help)\n# TYPE \(name) \(kind)\n")
    }

    /// A figure of the family. Labels are for a few values that we choose; never for what strangers choose, as every
    /// new value is a new time series.
    package mutating func sample(_ name: String, _ labels: [(name: String, value: String)] = [], _ value: UInt64) {
        begin(name, labels)
        append("\(value)\n")
    }

    /// The same, of a figure that may be negative.
    package mutating func sample(_ name: String, _ labels: [(name: String, value: String)] = [], _ value: Int) {
        begin(name, labels)
        append("\(value)\n")
    }

    /// A family of one figure.
    package mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        family(name, .counter, help)
        sample(name, [], value)
    }

    /// A family of one figure.
    package mutating func gauge(_ name: String, _ help: String, _ value: Int) {
        family(name, .gauge, help)
        sample(name, [], value)
    }

    private mutating func begin(_ name: String, _ labels: [(name: String, value: String)]) {
        append(name)
        if !labels.isEmpty {
            append("{\(labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }.joined(separator: ","))}")
        }
        append(" ")
    }

    /// Backslashes, quotes and line feeds have escapes in values of labels.
    private static func escaped(_ value: String) -> String {
        var text = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": text += "\\\\"
            case "\"": text += "\\\""
            case "\n": text += "\\n"
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text
    }

    private mutating func append(_ text: String) { bytes.append(contentsOf: text.utf8) }
}
