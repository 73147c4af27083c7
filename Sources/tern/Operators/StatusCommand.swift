import JSON
import OperatorClient

/// `tern status`: what runs, and how much of it.
enum StatusCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("status", arguments) { _ in
            OperatorRequest(.get, "v1", "server")
        } show: { value, _ in
            text(value)
        }
    }

    private static func text(_ server: JSONValue) -> String {
        var lines: [(String, String)] = []
        let uptime = Units.duration(seconds: server.int("uptime_s"))
        let workers = Units.counted(server.int("workers"), "worker")
        lines.append(("server", "Tern \(server.text("version")), up \(uptime), \(workers)"))
        if let state = server["state"]?.string ?? (server["draining"]?.bool == true ? "draining" : nil) {
            lines.append(("state", TextTable.printable(state)))
        }
        let files = Units.counted(server.int("open_files"), "open file")
        let most = server["open_files_max"]?.integer.map { " of \(Units.count($0))" } ?? ""
        lines.append(("process", "\(Units.bytes(server.int("resident_bytes"))) resident, \(files)\(most)"))
        lines.append(("allocations", allocations(server["allocations"])))
        lines.append(("relayed", relayed(server["relayed"])))
        lines.append(("dropped", drops(server["drops"])))
        lines.append(
            (
                "clients",
                "\(Units.counted(server.int("client_connections"), "connection")) over TCP and TLS, "
                    + "\(server.int("dtls_associations")) over DTLS"
            ))
        lines += signaling(server["signaling"])
        for certificate in server["certificates"]?.elements.map({ $0 }) ?? [] {
            lines.append(("certificate", Self.certificate(certificate)))
        }
        let width = lines.map(\.0.count).max() ?? 0
        return lines.map { name, value in
            "\(name)\(String(repeating: " ", count: width - name.count))  \(value)"
        }.joined(separator: "\n")
    }

    private static func allocations(_ value: JSONValue?) -> String {
        guard let value else { return "?" }
        let live = value.members.filter { $0.name.string?.hasSuffix("_total") == false }
        let count = live.reduce(0) { $0 + ($1.value.integer ?? 0) }
        let kinds = live.filter { $0.value.integer != 0 }.map { "\($0.value.integer ?? 0) \($0.name.string ?? "?")" }
        let detail = kinds.isEmpty ? "" : " (\(kinds.joined(separator: ", ")))"
        return "\(Units.count(count)) now\(detail), \(Units.count(value.int("opened_total"))) since the start"
    }

    private static func relayed(_ value: JSONValue?) -> String {
        guard let value else { return "?" }
        let toPeer =
            "\(Units.bytes(value.int("to_peer_bytes"))) in \(Units.counted(value.int("to_peer_packets"), "packet"))"
        let toClient =
            "\(Units.bytes(value.int("to_client_bytes"))) in \(Units.counted(value.int("to_client_packets"), "packet"))"
        return "\(toPeer) to peers, \(toClient) to clients"
    }

    private static func drops(_ value: JSONValue?) -> String {
        let reasons = value?.members.filter { $0.value.integer != 0 } ?? []
        let total = reasons.reduce(0) { $0 + ($1.value.integer ?? 0) }
        guard total > 0 else { return "nothing" }
        let words = reasons.map { "\($0.name.string ?? "?") \(Units.count($0.value.integer ?? 0))" }
        return "\(Units.counted(total, "packet")): \(words.joined(separator: ", "))"
    }

    private static func signaling(_ value: JSONValue?) -> [(String, String)] {
        guard let value, value.kind == .object else { return [] }
        let words = [
            Units.counted(value.int("connections"), "connection"), Units.counted(value.int("rooms"), "room"),
            Units.counted(value.int("participants"), "participant"),
        ]
        let dialects = value["dialects"]?.members.map { "\($0.name.string ?? "?") \($0.value.integer ?? 0)" } ?? []
        return [("signaling", words.joined(separator: ", "))]
            + (dialects.isEmpty ? [] : [("dialects", dialects.joined(separator: ", "))])
    }

    private static func certificate(_ value: JSONValue) -> String {
        let names = value["names"]?.elements.compactMap { $0.string.map(TextTable.printable) } ?? []
        let days = value.int("days_left")
        let rest = days < 0 ? "EXPIRED" : "\(Units.counted(days, "day")) left"
        return "\(names.joined(separator: ", ")): \(rest) (\(value.text("file")))"
    }
}

extension JSONValue {
    /// A number of this object; 0 when there is none.
    func int(_ name: String) -> Int { self[name]?.integer ?? 0 }

    /// A text of this object that a terminal may show; `?` when there is none.
    func text(_ name: String) -> String { self[name]?.string.map(TextTable.printable) ?? "?" }
}
