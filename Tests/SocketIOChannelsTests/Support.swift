import DialectSupport
import NetworkPrimitives
import Signaling
import SocketIOChannels

/// Channels over Socket.IO with clocks and a gate that lets everybody in.
typealias Channels = DialectHarness<SocketIOChannels>

func channels(_ change: (inout SocketIOChannelsSettings) -> Void = { _ in }) -> Channels {
    var settings = SocketIOChannelsSettings()
    change(&settings)
    let harness = Channels { SocketIOChannels(settings: settings, gate: $0, secret: Channels.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == SocketIOChannels {
    func open(_ name: String = "id", token: String? = nil, room: String? = nil) throws -> UInt64 {
        let opening = Opening(
            visitor: Self.visitor, token: token.map { Array($0.utf8) }, room: room.flatMap { RoomName($0.utf8) })
        return try connect { machine, connection, now, unixTime throws(OpeningRefusal) in
            try machine.connect(connection, opening, name: name, at: now, unixTime: unixTime)
        }
    }

    /// A socket with a channel is one of its namespace, the others are of the root.
    func play(_ text: String) throws -> [String] {
        try Transcript(text).play(on: self) { name, words in
            try open(name, token: words.value(of: "token"), room: words.value(of: "channel"))
        }
    }
}
