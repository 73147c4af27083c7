import ChannelSignaling
import DialectSupport
import NetworkPrimitives
import Signaling

/// Channel signaling with clocks and a gate that lets everybody in.
typealias Channels = DialectHarness<ChannelSignaling>

func channels(_ change: (inout ChannelSignalingSettings) -> Void = { _ in }) -> Channels {
    var settings = ChannelSignalingSettings()
    change(&settings)
    let harness = Channels { ChannelSignaling(settings: settings, gate: $0, secret: Channels.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == ChannelSignaling {
    func open(token: String? = nil, room: String? = nil) throws -> UInt64 {
        let opening = Opening(
            visitor: Self.visitor, token: token.map { Array($0.utf8) }, room: room.flatMap { RoomName($0.utf8) })
        return try connect { machine, connection, now, unixTime throws(OpeningRefusal) in
            try machine.connect(connection, opening, at: now, unixTime: unixTime)
        }
    }

    func play(_ text: String) throws -> [String] {
        try Transcript(text).play(on: self) { _, words in
            try open(token: words.value(of: "token"), room: words.value(of: "room"))
        }
    }
}
