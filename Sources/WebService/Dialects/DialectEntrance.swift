/// Where clients of a dialect come in: the name that paths, listeners and the configuration have for it.
package enum DialectEntrance: String, CaseIterable, Sendable {
    case socketIO = "socket.io"
    case peerJS = "peerjs"
    case channels
    case yWebRTC = "y-webrtc"
    /// Players. All three sides of Pixel Streaming look alike, so each has an entrance of its own.
    case pixelStreaming = "pixel-streaming"
    case pixelStreamingStreamer = "pixel-streaming-streamer"
    case pixelStreamingSFU = "pixel-streaming-sfu"

    /// Whether its clients come to any path, because their URL is the page's own or has none. Those of the others have
    /// paths of their own.
    package var takesAnyPath: Bool {
        switch self {
        case .socketIO, .peerJS: false
        case .channels, .yWebRTC, .pixelStreaming, .pixelStreamingStreamer, .pixelStreamingSFU: true
        }
    }
}

/// What a port is for.
package enum ListenerProfile: Hashable, Sendable {
    /// The native protocol, the API, pages, and the dialects by their paths.
    case everything
    /// One dialect, and the operator's pages.
    case only(DialectEntrance)
    /// What is counted, for whoever reaches the port.
    case metrics
    /// As everything, and whoever reaches it is an operator: a socket that only the owner can open.
    case control

    /// Whether clients come there, and not only operators.
    package var isSignaling: Bool {
        switch self {
        case .everything, .only: true
        case .metrics, .control: false
        }
    }
}
