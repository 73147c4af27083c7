package import ChannelSignaling
package import EngineIO
package import PeerJS
package import PixelStreaming
package import Signaling
package import YWebRTC

/// The dialects that are spoken; nil for those that the operator has not turned on.
package struct DialectServers {
    let channels: DialectBox<ChannelSignaling>?
    let yWebRTC: DialectBox<YWebRTC>?
    let peerJS: DialectBox<PeerJSServer>?
    let pixelStreaming: DialectBox<PixelStreamingServer>?
    /// Socket.IO, with whatever dialects are behind it.
    let engine: (any EngineEndpoint)?
    /// Those whose clients are WebSockets. A connection knows its own by the index.
    let served: [any ServedDialect]
    /// All that have rooms.
    let withRooms: [any RoomOperations]

    package init(
        channels: DialectBox<ChannelSignaling>? = nil, yWebRTC: DialectBox<YWebRTC>? = nil,
        peerJS: DialectBox<PeerJSServer>? = nil, pixelStreaming: DialectBox<PixelStreamingServer>? = nil,
        engine: (any EngineEndpoint)? = nil
    ) {
        self.channels = channels
        self.yWebRTC = yWebRTC
        self.peerJS = peerJS
        self.pixelStreaming = pixelStreaming
        self.engine = engine
        let boxes: [(any ServedDialect)?] = [channels, yWebRTC, peerJS, pixelStreaming]
        served = boxes.compactMap { $0 }
        withRooms = served + [engine?.rooms].compactMap { $0 }
    }

    /// The place of a dialect among those that are served.
    func index(of dialect: any ServedDialect) -> Int {
        guard let index = served.firstIndex(where: { $0 === dialect }) else {
            preconditionFailure("a dialect that is spoken is in the list of those")
        }
        return index
    }
}
