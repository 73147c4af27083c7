/// A protocol of another signaling server, by the name that `signaling-dialect` has for it.
package enum SignalingDialectName: String, CaseIterable, Hashable, Sendable {
    /// All that are spoken over Socket.IO.
    case socketIO = "socket.io"
    case simplePeer = "simple-peer"
    case codelab
    case nodePark = "node-park"
    case socketIOChannels = "socketio-channels"
    case peerJS = "peerjs"
    case channels
    case yWebRTC = "y-webrtc"
    /// Players; on signaling-port, streamers and SFUs too.
    case pixelStreaming = "pixel-streaming"
    case pixelStreamingStreamer = "pixel-streaming-streamer"
    case pixelStreamingSFU = "pixel-streaming-sfu"

    /// Whether Socket.IO carries it.
    package var isOverSocketIO: Bool {
        switch self {
        case .socketIO, .simplePeer, .codelab, .nodePark, .socketIOChannels: true
        case .peerJS, .channels, .yWebRTC, .pixelStreaming, .pixelStreamingStreamer, .pixelStreamingSFU: false
        }
    }

    /// Whether its clients come as WebSockets to whatever path.
    package var takesAnyPath: Bool {
        switch self {
        case .channels, .yWebRTC, .pixelStreaming, .pixelStreamingStreamer, .pixelStreamingSFU: true
        case .socketIO, .simplePeer, .codelab, .nodePark, .socketIOChannels, .peerJS: false
        }
    }

    static var list: String { allCases.map { "`\($0.rawValue)`" }.joined(separator: ", ") }
}

/// A dialect that is turned on.
package struct SignalingDialect: Hashable, Sendable {
    package let name: SignalingDialectName
    /// The port that is for it alone; nil for signaling-port.
    package let port: UInt16?

    /// Reads `name` or `name:port`.
    init(parsing text: String) throws(MalformedValue) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = SignalingDialectName(rawValue: String(parts[0])) else {
            let known = SignalingDialectName.allCases.map(\.rawValue).joined(separator: ", ")
            throw MalformedValue("\(String(parts[0]).quoted) is no dialect; write one of \(known)")
        }
        self.name = name
        guard parts.count == 2 else {
            port = nil
            return
        }
        guard parts[1].utf8.allSatisfy(\.isDigit), let port = UInt16(parts[1]), port > 0 else {
            throw MalformedValue("\(text.quoted) must be a dialect and a port: \(name.rawValue):8081")
        }
        self.port = port
    }
}
