import DialectSupport
import NetworkPrimitives
import PixelStreaming
import Signaling
import Testing

/// Pixel Streaming with clocks and a gate that lets everybody in.
typealias Streaming = DialectHarness<PixelStreamingServer>

/// Without credentials, unless a test is about them.
func streaming(
    issues: Bool = false, _ change: (inout PixelStreamingSettings) -> Void = { _ in }
) throws -> Streaming {
    var settings = PixelStreamingSettings(defaultRoom: try #require(RoomName("stage".utf8)))
    change(&settings)
    let harness = Streaming { PixelStreamingServer(settings: settings, gate: $0, secret: Streaming.secret) }
    harness.gate.isOpen = true
    harness.gate.issues = issues
    return harness
}

extension DialectHarness where Machine == PixelStreamingServer {
    func open(
        _ role: PixelStreamingRole, token: String? = nil, room: String? = nil,
        _ options: PixelStreamingOptions = PixelStreamingOptions()
    ) throws -> UInt64 {
        let opening = Opening(
            visitor: Self.visitor, token: token.map { Array($0.utf8) }, room: room.flatMap { RoomName($0.utf8) })
        return try connect { machine, connection, now, unixTime throws(OpeningRefusal) in
            try machine.connect(connection, role, opening, options, at: now, unixTime: unixTime)
        }
    }

    /// The side stands behind the sign: `player`, `streamer` or `sfu`; then `token=`, `room=`, `offers`, `preferSFU`.
    /// The greeting is taken as read: `config`, and `identify` for those who stream.
    func play(_ text: String) throws -> [String] {
        var faults: [String] = []
        faults += try Transcript(text).play(on: self) { name, words in
            let role = try #require(words.first.flatMap { PixelStreamingRole(rawValue: $0) })
            let options = PixelStreamingOptions(
                offersToReceive: words.contains("offers"), prefersSFU: words.contains("preferSFU"))
            let connection = try open(
                role, token: words.value(of: "token"), room: words.value(of: "room"), options)
            let greeting = take(connection)
            let wanted = [config] + (role == .player ? [] : [#"{"type":"identify"}"#])
            if greeting != wanted, closings[connection] == nil {
                if role == .player, greeting.count == 2, greeting[1].contains("warning") { return connection }
                faults.append("\(name) was greeted with \(greeting)")
            }
            return connection
        }
        return faults
    }

    /// Without credentials.
    var config: String { #"{"type":"config","protocolVersion":"1.3.0","peerConnectionOptions":{}}"# }
}
