import DialectSupport
import JSON
import NetworkPrimitives
import Signaling
import SimplePeer

/// simple-peer with clocks and a gate that lets everybody in.
typealias Meshes = DialectHarness<SimplePeer>

/// Without credentials, unless they are wanted: they would be half of each transcript.
func meshes(_ change: (inout SimplePeerSettings) -> Void = { _ in }) -> Meshes {
    var settings = SimplePeerSettings(defaultRoom: RoomName("lobby".utf8)!)
    settings.sendsIceServers = false
    change(&settings)
    let harness = Meshes { SimplePeer(settings: settings, gate: $0, secret: Meshes.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == SimplePeer {
    func open(_ name: String, token: String? = nil, room: String? = nil) throws -> UInt64 {
        let opening = Opening(
            visitor: Self.visitor, token: token.map { Array($0.utf8) }, room: room.flatMap { RoomName($0.utf8) })
        return try connect { machine, connection, now, unixTime throws(OpeningRefusal) in
            try machine.connect(connection, opening, name: name, at: now, unixTime: unixTime)
        }
    }

    /// Clients are called by their names, in capitals.
    func play(_ text: String) throws -> [String] {
        try Transcript(text).play(on: self) { name, words in
            try open(name.uppercased(), token: words.value(of: "token"), room: words.value(of: "room"))
        }
    }

    /// Somebody who is in a mesh.
    func enter(_ name: String, token: String? = nil, room: String? = nil) throws -> UInt64 {
        let client = try open(name, token: token, room: room)
        say(#"["create or join"]"#, on: client)
        return client
    }
}

/// Whether a socket that says this at first is one of this dialect.
func isFirstEvent(_ text: String) throws -> Bool {
    SimplePeer.begins(with: try JSONDocument(parsing: Array(text.utf8)).root)
}
