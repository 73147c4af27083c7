package import Signaling

/// What a path of PeerServer means: `{path}` may be `/` or one room.
package enum PeerJSRoute: Hashable, Sendable {
    /// `{path}`: says what this is.
    case about
    /// `{path}/peerjs`: the WebSocket.
    case socket(room: RoomName?)
    /// `{path}/{key}/id`: an id that nobody has.
    case id(key: String)
    /// `{path}/{key}/peers`: the ids of a room.
    case peers(key: String, room: RoomName?)

    /// Reads a path by the decoded texts between its slashes; nil when it means nothing here.
    package init?(segments: [String]) {
        var segments = segments[...]
        if segments.last?.isEmpty == true { segments.removeLast() }
        switch (segments.count, segments.last) {
        case (0, _): self = .about
        case (1, "peerjs"): self = .socket(room: nil)
        case (2, "peerjs"):
            guard let room = RoomName(escaping: Array(segments[0].utf8)) else { return nil }
            self = .socket(room: room)
        case (2, "id"), (3, "id"): self = .id(key: segments[segments.count - 2])
        case (2, "peers"): self = .peers(key: segments[0], room: nil)
        case (3, "peers"):
            guard let room = RoomName(escaping: Array(segments[0].utf8)) else { return nil }
            self = .peers(key: segments[1], room: room)
        case (1, _): self = .about
        default: return nil
        }
    }
}

/// The query of the WebSocket's URL; parts that are missing are empty.
package struct PeerJSQuery: Hashable, Sendable {
    /// Who the client wants to be.
    package var id: String
    /// A secret of the client's own, by which it proves to be the same when it comes again.
    package var token: String
    /// A key of the operator's list, or a token of the gate.
    package var key: String

    package init(id: String, token: String, key: String) {
        self.id = id
        self.token = token
        self.key = key
    }
}

/// What an HTTP request is answered.
package enum PeerJSAnswer: Hashable, Sendable {
    /// 200, `application/json`.
    case json([UInt8])
    /// 200, `text/plain`.
    case text([UInt8])
    /// 401: not this key, or nothing that is told.
    case unauthorized
}
