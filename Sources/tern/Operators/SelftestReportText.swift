import JSON
import NetworkPrimitives
import OperatorClient

/// What a selftest found out, for people and for programs.
enum SelftestReportText {
    static func text(_ report: SelftestReport) -> String {
        var table = TextTable([
            ("BY", .left), ("SERVER", .left), ("", .left), ("ANSWERS IN", .right), ("RELAYS BY", .left),
            ("SEES THIS HOST AS", .left),
        ])
        for result in report.results {
            table.add([
                result.endpoint.transport.rawValue, "\(result.endpoint.address)", result.isFine ? "ok" : "FAULT",
                result.microseconds.map(milliseconds) ?? "-", result.relayed.map { "\($0.ip)" } ?? "-",
                result.mapped.map { "\($0.ip)" } ?? "-",
            ])
        }
        var lines = [table.text]
        for severity in [SelftestFinding.Severity.fault, .warning, .note] {
            for finding in report.findings where finding.severity == severity {
                let text = TextTable.wrapped("\(severity.rawValue): \(finding.text)", at: 100)
                lines += ["", text.joined(separator: "\n  ")]
            }
        }
        let (faults, warnings) = (report.count(.fault), report.count(.warning))
        let end =
            faults + warnings == 0
            ? "nothing is wrong" : "\(Units.counted(faults, "fault")), \(Units.counted(warnings, "warning"))"
        return (lines + ["", end]).joined(separator: "\n")
    }

    private static func milliseconds(_ microseconds: Int) -> String {
        let tenths = (microseconds + 50) / 100
        return "\(tenths / 10).\(tenths % 10) ms"
    }

    static func json(_ report: SelftestReport) -> String {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("faults", report.count(.fault))
        writer.member("warnings", report.count(.warning))
        writer.name("results")
        writer.beginArray()
        for result in report.results {
            writer.beginObject()
            writer.member("transport", result.endpoint.transport.rawValue)
            writer.member("server", "\(result.endpoint.address)")
            writer.member("ok", result.isFine)
            if let microseconds = result.microseconds { writer.member("answers_in_us", microseconds) }
            if let relayed = result.relayed { writer.member("relayed", "\(relayed)") }
            if let mapped = result.mapped { writer.member("mapped", "\(mapped)") }
            writer.endObject()
        }
        writer.endArray()
        writer.name("findings")
        writer.beginArray()
        for finding in report.findings {
            writer.beginObject()
            writer.member("severity", finding.severity.rawValue)
            writer.member("kind", finding.kind.rawValue)
            if let endpoint = finding.endpoint {
                writer.member("transport", endpoint.transport.rawValue)
                writer.member("server", "\(endpoint.address)")
            }
            writer.member("message", finding.text)
            writer.endObject()
        }
        writer.endArray()
        writer.endObject()
        return String(decoding: writer.bytes, as: UTF8.self)
    }
}
