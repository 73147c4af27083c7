import Codelab
import DialectSupport
import NetworkPrimitives
import Signaling

/// The codelab's server with clocks and a gate that lets everybody in.
typealias Lab = DialectHarness<Codelab>

func lab(_ change: (inout CodelabSettings) -> Void = { _ in }) -> Lab {
    var settings = CodelabSettings()
    change(&settings)
    let harness = Lab { Codelab(settings: settings, gate: $0, secret: Lab.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == Codelab {
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
