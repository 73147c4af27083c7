import DialectSupport
import NetworkPrimitives
import PeerJS
import Signaling
import Testing

/// PeerJS with clocks and a gate that lets everybody in.
typealias Peers = DialectHarness<PeerJSServer>

func peers(_ change: (inout PeerJSSettings) -> Void = { _ in }) throws -> Peers {
    var settings = PeerJSSettings(defaultRoom: try #require(RoomName("peers".utf8)))
    change(&settings)
    let harness = Peers { PeerJSServer(settings: settings, gate: $0, secret: Peers.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == PeerJSServer {
    func open(_ id: String, token: String = "t", key: String = "peerjs", room: String? = nil) throws -> UInt64 {
        let query = PeerJSQuery(id: id, token: token, key: key)
        let room = room.flatMap { RoomName($0.utf8) }
        return try connect { machine, connection, now, unixTime throws(OpeningRefusal) in
            try machine.connect(
                connection, visitor: Self.visitor, room: room, query, at: now, unixTime: unixTime)
        }
    }

    func get(_ path: String) -> PeerJSAnswer? {
        let segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard let route = PeerJSRoute(segments: path == "/" ? [] : segments) else { return nil }
        let unixTime = unixTime
        return act { $0.answer(route, visitor: Self.visitor, at: $1, unixTime: unixTime) }
    }

    /// Clients are called by their ids; `token`, `key` and `room` may stand behind the sign.
    func play(_ text: String) throws -> [String] {
        try Transcript(text).play(on: self) { name, words in
            try open(
                words.value(of: "id") ?? name, token: words.value(of: "token") ?? "t-\(name)",
                key: words.value(of: "key") ?? "peerjs", room: words.value(of: "room"))
        }
    }
}
