import JSON
import OperatorClient

/// `tern rooms` and `tern close-room`: who is in which room of signaling.
enum RoomsCommand {
    static func run(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("rooms", arguments) { words in
            guard let room = words.operand else { return OperatorRequest(.get, "v1", "rooms") }
            return OperatorRequest(.get, "v1", "rooms", room)
        } show: { value, words in
            words.operand == nil ? list(value) : detail(value)
        }
    }

    static func close(_ arguments: [String]) -> ExitStatus {
        OperatorCommand.run("close-room", arguments) { words in
            OperatorRequest(.delete, "v1", "rooms", words.operand ?? "")
        } show: { _, _ in
            ""
        }
    }

    private static func list(_ value: JSONValue) -> String {
        var table = TextTable([("ROOM", .left), ("PARTICIPANTS", .right), ("CAPACITY", .right)])
        let rooms = value["rooms"]?.elements.map { $0 } ?? []
        for room in rooms {
            table.add([room.text("room"), "\(room.int("participants"))", "\(room.int("capacity"))"])
        }
        guard !table.isEmpty else { return "no rooms" }
        let count = value.int("count")
        guard count > rooms.count else { return table.text }
        return table.text + "\n\(Units.count(rooms.count)) of \(Units.count(count))"
    }

    private static func detail(_ value: JSONValue) -> String {
        var table = TextTable([
            ("PARTICIPANT", .left), ("NAME", .left), ("IDENTITY", .left), ("ADDRESS", .left), ("SESSION", .left),
            ("CONNECTED", .left),
        ])
        for participant in value["participants"]?.elements.map({ $0 }) ?? [] {
            table.add([
                participant.text("id"), participant["name"]?.string ?? "-", participant["identity"]?.string ?? "-",
                participant.text("address"), participant.text("session"),
                participant["connected"]?.bool == true ? "yes" : "no",
            ])
        }
        let head = "\(value.text("room")), of \(Units.counted(value.int("capacity"), "place"))"
        return table.isEmpty ? "\(head): nobody" : "\(head)\n\(table.text)"
    }
}
