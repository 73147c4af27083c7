// The rows about the protocols of other signaling servers.

extension OptionTable {
    static let dialects: [Option] = [
        Option(
            "signaling-dialect", .dialect, repeats: true, origin: .tern, reload: .atRestart,
            "Protocol of another signaling server whose clients may come: \(SignalingDialectName.list). `name` serves "
                + "it by its own path on signaling-port, `name:port` on a port of its own, where its clients may call "
                + "any path. `socket.io` stands for all four that are spoken over it; wherever one of them is served, "
                + "the others that are turned on are too, as the first event tells them apart."),
        Option(
            "signaling-root-dialect", .choice(SignalingDialectName.allCases.filter(\.takesAnyPath).map(\.rawValue)),
            origin: .tern, reload: .atRestart,
            "The dialect of WebSockets to those paths of signaling-port that belong to nothing else, for clients that "
                + "call the URL of their page, or none. It has to be turned on by signaling-dialect."),
        .flag(
            "dialect-ice-servers", origin: .tern, reload: .atRestart,
            "Send clients of channels and y-webrtc the addresses and credentials of the relay in a message that their "
                + "originals do not have. Pages can listen for it; clients that take every message for one of theirs "
                + "may be confused. Over Socket.IO this is an event of its own and is always sent."),
        Option(
            "codelab-room-capacity", .integer(2...1000), default: "2", origin: .tern, reload: .atRestart,
            "Clients of a room of the codelab; whoever comes next is told `full`."),
        Option(
            "node-park-room-capacity", .integer(2...1000), default: "4", origin: .tern, reload: .atRestart,
            "Clients of a room of node-park."),
        Option(
            "peerjs-key", .string, default: "peerjs", repeats: true, origin: .tern, reload: .atRestart,
            "Key with which clients of PeerJS come without a token; every other key is taken for one. They are "
                + "anonymous visitors of the room `peerjs`, or of the one that their path names."),
        .flag(
            "peerjs-discovery", origin: .tern, reload: .atRestart,
            "Tell the ids of a room at `/{key}/peers` to whoever may enter it."),
        Option(
            "pixel-streaming-players-max", .integer(1...100_000), default: "1000", origin: .tern, reload: .atRestart,
            "Players of one streamer of Pixel Streaming."),
        Option(
            "socketio-transports", .choice(["all", "polling", "websocket"]), default: "all", origin: .tern,
            reload: .atRestart,
            "Transports of Socket.IO that are offered."),
        .flag(
            "no-socketio-eio3", origin: .tern, reload: .atRestart,
            "Refuse clients of Socket.IO 1 and 2, whose protocol shows the secret of a session to the application."),
        .flag(
            "socketio-jsonp", origin: .tern, reload: .atRestart,
            "Answer polls of Socket.IO 1 and 2 as scripts too (JSONP), for browsers that know no CORS. Scripts cross "
                + "origins without asking: for servers that every page may use."),
    ]
}
