import JSON
import NetworkPrimitives
import OperatorClient

/// `tern sessions` and `tern kill`: allocations, and their end.
enum SessionsCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("sessions", arguments) { words throws(CommandWords.Problem) in
            var query = try conditions(words)
            // A terminal has few lines, and those that relayed most come first.
            let limit = try words.number("--limit", in: 1...100_000)
            if let limit = limit ?? (words.has("--json") ? nil : 100) { query.append(("limit", "\(limit)")) }
            return OperatorRequest(.get, "v1", "allocations", query: query)
        } show: { value, _ in
            text(value)
        }
    }

    static func kill(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("kill", arguments) { words throws(CommandWords.Problem) in
            let query = try conditions(words)
            guard let id = words.operand else { return OperatorRequest(.delete, "v1", "allocations", query: query) }
            guard query.isEmpty else {
                throw CommandWords.Problem(message: "an id alone, or --user and --client, not both")
            }
            let isAllocation = id.count == 18 && id.allSatisfy { $0.isASCII && $0.isNumber }
            return OperatorRequest(.delete, "v1", isAllocation ? "allocations" : "sessions", id)
        } show: { value, _ in
            "ended \(Units.counted(value.int("ended"), "session"))"
        }
    }

    private static func conditions(_ words: CommandWords) throws(CommandWords.Problem) -> [(String, String)] {
        var query: [(String, String)] = []
        if let user = words["--user"] { query.append(("user", user)) }
        if let client = words["--client"] {
            guard IPAddress(client) != nil else {
                throw CommandWords.Problem(message: "--client is an IP address without a port")
            }
            query.append(("client", client))
        }
        return query
    }

    private static func text(_ value: JSONValue) -> String {
        var table = TextTable([
            ("SESSION", .left), ("USER", .left), ("BY", .left), ("CLIENT", .left), ("RELAYED", .left), ("LEFT", .right),
            ("TO PEERS", .right), ("TO CLIENT", .right),
        ])
        let sessions = value["allocations"]?.elements.map { $0 } ?? []
        for session in sessions {
            let relayed = session["relayed"]?.elements.compactMap(\.string).joined(separator: " ") ?? "?"
            // A client that changed its address and has not come back yet (RFC 8016).
            let client = session["attached"]?.bool == false ? "away" : session.text("client")
            table.add([
                session.text("id"), session.text("user"), session.text("transport"), client, relayed,
                Units.duration(seconds: session.int("lifetime_s")), Units.bytes(session.int("to_peer_bytes")),
                Units.bytes(session.int("to_client_bytes")),
            ])
        }
        guard !table.isEmpty else { return "no sessions" }
        let count = value.int("count")
        guard count > sessions.count else { return table.text }
        return table.text + "\n\(Units.count(sessions.count)) of \(Units.count(count)); --limit shows more"
    }
}
