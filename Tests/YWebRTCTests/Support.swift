import DialectSupport
import NetworkPrimitives
import Signaling
import YWebRTC

/// y-webrtc with clocks and a gate that lets everybody in.
typealias Topics = DialectHarness<YWebRTC>

func topics(_ change: (inout YWebRTCSettings) -> Void = { _ in }) -> Topics {
    var settings = YWebRTCSettings()
    change(&settings)
    let harness = Topics { YWebRTC(settings: settings, gate: $0, secret: Topics.secret) }
    harness.gate.isOpen = true
    return harness
}

extension DialectHarness where Machine == YWebRTC {
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
