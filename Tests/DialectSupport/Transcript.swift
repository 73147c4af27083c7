import NetworkPrimitives
import Signaling

/// A conversation as text: what clients do, and everything that they are told.
///
///     ann +                        connects; words behind the sign are for the test's own `connect`
///     ann > {"open":true}          says
///     bob < {"hello":1}            is told, and nothing before it
///     bob ! 1008 forbidden         is closed
///     ann -                        goes away
///     ... 5000                     milliseconds pass; pings are answered
///     # remarks and empty lines
///
/// At the end of it everybody has been told nothing else.
package struct Transcript {
    private let lines: [String]

    package init(_ text: String) {
        lines = text.split(separator: "\n").map { line in
            String(line.drop { $0 == " " })
        }
    }

    /// What went otherwise; empty when all went as it is written.
    package func play<Machine: Dialect & ~Copyable>(
        on harness: DialectHarness<Machine>, connect: (_ name: String, _ words: [String]) throws -> UInt64
    ) rethrows -> [String] {
        var faults: [String] = []
        var connections: [String: UInt64] = [:]
        var waiting: [String: [String]] = [:]
        for line in lines where !line.isEmpty && !line.hasPrefix("#") {
            let words = line.split(separator: " ", maxSplits: 2).map(String.init)
            guard words.count >= 2 else {
                faults.append("cannot be read: \(line)")
                continue
            }
            let (name, rest) = (words[0], words.count > 2 ? words[2] : "")
            if name == "..." {
                harness.advance(milliseconds: UInt32(words[1]) ?? 0)
            } else if words[1] == "+" {
                connections[name] = try connect(name, rest.split(separator: " ").map(String.init))
            } else if let connection = connections[name] {
                switch words[1] {
                case ">": harness.say(rest, on: connection)
                case "-": harness.disconnect(connection)
                case "<":
                    guard let text = waiting[name]?.first else {
                        faults.append("\(name) was told nothing instead of \(rest)")
                        continue
                    }
                    waiting[name]?.removeFirst()
                    if text != rest { faults.append("\(name) was told \(text) instead of \(rest)") }
                case "!":
                    let closing =
                        harness.closings[connection].map { closing in
                            closing.reason.isEmpty ? "\(closing.code)" : "\(closing.code) \(closing.reason)"
                        } ?? "nothing"
                    if closing != rest { faults.append("\(name) was closed by \(closing) instead of \(rest)") }
                default: faults.append("cannot be read: \(line)")
                }
            } else {
                faults.append("nobody is called \(name)")
            }
            for (name, connection) in connections { waiting[name, default: []] += harness.take(connection) }
        }
        for name in waiting.keys.sorted() { faults += (waiting[name] ?? []).map { "\(name) was also told \($0)" } }
        return faults + harness.faults
    }
}

extension [String] {
    /// `x` of the word `name=x`.
    package func value(of name: String) -> String? {
        first { $0.hasPrefix(name + "=") }.map { String($0.dropFirst(name.count + 1)) }
    }
}
