import JSON
import Signaling

/// What the server itself says, in the order of members that the servers of the engine have.
enum PixelStreamingText {
    static let identify = Array(#"{"type":"identify"}"#.utf8)
    static let streamerDisconnected = Array(#"{"type":"streamerDisconnected"}"#.utf8)
    static let noSFU = Array(
        (#"{"type":"warning","warning":"Even though ?preferSFU was specified, "#
            + #"there is currently no SFU connected."}"#).utf8)

    /// The options go to `RTCPeerConnection` as they are.
    static func config(_ grant: CredentialGrant?) -> [UInt8] {
        var writer = JSONWriter(reserving: 640)
        writer.beginObject()
        writer.member("type", "config")
        writer.member("protocolVersion", "1.3.0")
        writer.name("peerConnectionOptions")
        writer.beginObject()
        if let grant { writer.member("iceServers", raw: grant.iceServersJSON) }
        writer.endObject()
        writer.endObject()
        return writer.bytes
    }

    static func playerCount(_ count: Int) -> [UInt8] { Array(#"{"type":"playerCount","count":\#(count)}"#.utf8) }

    static func playerConnected(_ player: Endpoint, offers: Bool) -> [UInt8] {
        Array(
            (#"{"type":"playerConnected","playerId":"\#(player.playerID)","dataChannel":true,"#
                + #""sfu":\#(player.role == .sfu),"sendOffer":\#(!offers)}"#).utf8)
    }

    static func playerDisconnected(_ player: Endpoint) -> [UInt8] {
        Array(#"{"type":"playerDisconnected","playerId":"\#(player.playerID)"}"#.utf8)
    }

    static func ping(time: UInt64) -> [UInt8] { Array(#"{"type":"ping","time":\#(time)}"#.utf8) }

    static func pong(time: JSONValue?) -> [UInt8] {
        object("pong") { writer in
            if let time, time.kind == .number { writer.member("time", raw: time.rawBytes) }
        }
    }

    static func endpointIdConfirm(_ id: [UInt8]) -> [UInt8] {
        object("endpointIdConfirm") { writer in
            writer.name("committedId")
            writer.string(utf8: id)
        }
    }

    /// A streamer has another id. Players of 5.3 and 5.4 know the first spelling, those from 5.5 on the second.
    static func renamed(_ id: [UInt8]) -> [[UInt8]] {
        ["streamerIDChanged", "streamerIdChanged"].map { type in
            object(type) { writer in
                writer.name("newID")
                writer.string(utf8: id)
            }
        }
    }

    static func streamerList(_ ids: [[UInt8]]) -> [UInt8] {
        object("streamerList") { writer in
            writer.name("ids")
            writer.beginArray()
            for id in ids { writer.string(utf8: id) }
            writer.endArray()
        }
    }

    static func subscribeFailed(_ message: String) -> [UInt8] {
        object("subscribeFailed") { writer in writer.member("message", message) }
    }

    /// Somebody's message with other ids: each member of it byte for byte, but for `playerId` and `sfuId`.
    static func forwarded(_ message: JSONValue, playerID: String? = nil, sfuID: String? = nil) -> [UInt8] {
        var writer = JSONWriter(reserving: message.rawBytes.count + 48)
        writer.beginObject()
        for member in message.members where !member.name.equals("playerId") && !member.name.equals("sfuId") {
            writer.member(rawName: member.name.rawBytes, raw: member.value.rawBytes)
        }
        if let playerID { writer.member("playerId", playerID) }
        if let sfuID { writer.member("sfuId", sfuID) }
        writer.endObject()
        return writer.bytes
    }

    private static func object(_ type: String, _ body: (inout JSONWriter) -> Void) -> [UInt8] {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("type", type)
        body(&writer)
        writer.endObject()
        return writer.bytes
    }
}
