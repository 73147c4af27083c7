import DialectSupport
import NetworkPrimitives
import NodePark
import Signaling

/// node-park with clocks and a gate that lets everybody in.
typealias Park = DialectHarness<NodePark>

func park(_ change: (inout NodeParkSettings) -> Void = { _ in }) -> Park {
    var settings = NodeParkSettings()
    change(&settings)
    let harness = Park { NodePark(settings: settings, gate: $0, secret: Park.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == NodePark {
    func open(_ name: String = "id", token: String? = nil, room: String? = nil) throws -> UInt64 {
        let opening = Opening(
            visitor: Self.visitor, token: token.map { Array($0.utf8) }, room: room.flatMap { RoomName($0.utf8) })
        return try connect { machine, connection, now, unixTime throws(OpeningRefusal) in
            try machine.connect(connection, opening, name: name, at: now, unixTime: unixTime)
        }
    }

    /// Clients are called to each other as they are in the transcript.
    func play(_ text: String) throws -> [String] {
        try Transcript(text).play(on: self) { name, words in
            try open(name, token: words.value(of: "token"), room: words.value(of: "room"))
        }
    }
}
