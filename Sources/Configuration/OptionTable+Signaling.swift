// The rows about signaling: the port, who may enter, credentials for members, and limits.

extension OptionTable {
    static let signaling =
        signalingService + dialects + signalingCredentials + signalingLimits + signalingQueues
        + http

    private static let signalingService: [Option] = [
        Option(
            "signaling-port", .port, default: "0", origin: .tern, reload: .atRestart,
            "TCP port for signaling, its HTTP interface and the static site. 0 serves none of them, and the other "
                + "options of this section have no effect. Plain HTTP: put a proxy with TLS in front of it."),
        Option(
            "signaling-ip", .address, default: .described("the addresses of listening-ip"), repeats: true,
            origin: .tern, reload: .atRestart, "Address for signaling-port."),
        Option(
            "signaling-origin", .origin, default: .described("the server's own site"), repeats: true, origin: .tern,
            reload: .atOnce,
            "Site whose pages may connect, as `https://app.example.org`, with the port if it is not the scheme's own. "
                + "`null` admits pages without an origin, such as local files; `*` every page of every site. Programs "
                + "that are no browsers send no origin and are not concerned."),
        Option(
            "signaling-anonymous-rooms", .roomPattern, repeats: true, origin: .tern, reload: .atOnce,
            "Room that anybody may enter without a token: a name, `prefix*`, or `*` for every room. Its visitors also "
                + "get credentials for the relay."),
        Option(
            "signaling-api-key", .apiKey, repeats: true, origin: .tern, reload: .atOnce,
            "Key of an application as `id:secret`. The application signs room tokens with it (HS256, the id is their "
                + "issuer) and asks for credentials by HTTP. At least 32 bytes: `openssl rand -hex 32` makes one."),
        Option(
            "signaling-admin-key", .longSecret, repeats: true, origin: .tern, reload: .atOnce,
            "Bearer secret of those who may list and close rooms, end sessions and drain the server. At least 32 "
                + "bytes: `openssl rand -hex 32` makes one. Without one nobody may."),
        Option(
            "signaling-token-issuer", .tokenIssuer, repeats: true, origin: .tern, reload: .atOnce,
            "Somebody else who signs room tokens, as `issuer:/path/to/public.pem`: the `iss` of the tokens, and the "
                + "public key for ES256 or EdDSA."),
        Option(
            "signaling-turn-host", .host, default: .described("the name by which the client called"), repeats: true,
            origin: .tern, reload: .atOnce,
            "Host name or address of the TURN server that clients are told. Without a port: that is listening-port."),
        Option(
            "signaling-trusted-proxy", .peers, repeats: true, origin: .tern, reload: .atOnce,
            "Proxy in front of signaling-port, whose X-Forwarded-For and Forwarded tell where a client comes from. "
                + "From anybody else they are not believed."),
        Option(
            "static-root", .path, origin: .tern, reload: .atOnce,
            "Directory with a site that is served on signaling-port, instead of the built-in pages. Hidden files and "
                + "whatever lies outside of it are not served."),
        .flag(
            "websocket-deflate", origin: .tern, reload: .forNew("connections"),
            "Compress messages of clients that ask for it (permessage-deflate). Costs time and memory, and saves "
                + "little on messages of this size."),
    ]

    private static let signalingCredentials: [Option] = [
        Option(
            "credential-lifetime", .seconds(60...86400, whenBare: nil), default: "600", origin: .tern, reload: .atOnce,
            "Lifetime of TURN credentials that a member gets. They are renewed in time while it is in its room."),
        Option(
            "credential-lifetime-max", .seconds(60...86400, whenBare: nil), default: "86400", origin: .tern,
            reload: .atOnce,
            "Longest lifetime that a token or an application may ask for."),
        Option(
            "credential-lifetime-anonymous", .seconds(60...86400, whenBare: nil), default: "300", origin: .tern,
            reload: .atOnce,
            "Lifetime of TURN credentials that visitors of anonymous rooms get."),
        Option(
            "credential-session-max", .seconds(60...2_592_000, whenBare: nil), default: "86400", origin: .tern,
            reload: .forNew("members"),
            "How long the allocations of a member may go on, while its session lives, although the credentials that "
                + "they were made with have expired."),
        Option(
            "credential-on-leave", .choice(["keep", "grace", "delete"]), default: "keep", origin: .tern,
            reload: .atOnce,
            "What becomes of the allocations of a member that left: `keep` lets them end by themselves, because a "
                + "lost signaling connection is not the end of a call; `grace` ends them after "
                + "credential-leave-grace; `delete` at once."),
        Option(
            "credential-leave-grace", .seconds(0...3600, whenBare: nil), default: "60", origin: .tern, reload: .atOnce,
            "How long a member that left can still make allocations with its credentials."),
        Option(
            "credential-quota", .integer(0...1_000_000), default: .described("minted-user-quota"), origin: .tern,
            reload: .atOnce,
            "Allocations that one member may hold at a time; 0 sets no limit."),
    ]

    private static let signalingLimits: [Option] = [
        Option(
            "signaling-connections-max", .integer(1...1_000_000), default: "20000", origin: .tern, reload: .atRestart,
            "Connections to signaling-port at a time. Each takes a file descriptor from those of the relay."),
        Option(
            "signaling-connections-per-source", .integer(1...1_000_000), default: "256", origin: .tern, reload: .atOnce,
            "Connections at a time from one client address (IPv6: /64)."),
        Option(
            "signaling-connect-rate", .integer(1...100_000), default: "10", origin: .tern, reload: .atOnce,
            "New connections a second from one client address (IPv6: /64)."),
        Option(
            "signaling-connect-burst", .integer(1...1_000_000), default: "40", origin: .tern, reload: .atOnce,
            "New connections at once from one client address, before signaling-connect-rate holds."),
        Option(
            "signaling-auth-failures", .integer(1...10_000), default: "5", origin: .tern, reload: .atOnce,
            "Refused tokens and keys a minute from one client address (IPv6: /64); after that it has to wait."),
        Option(
            "signaling-anonymous-join-rate", .integer(0...10_000), default: "1", origin: .tern, reload: .atOnce,
            "Entrances without a token a second from one client address (IPv6: /64), after the first "
                + "signaling-anonymous-join-burst. Each brings TURN credentials. 0 is no limit."),
        Option(
            "signaling-anonymous-join-burst", .integer(1...10_000), default: "64", origin: .tern, reload: .atOnce,
            "Entrances without a token at once from one client address."),
        Option(
            "signaling-sessions-max", .integer(1...1_000_000), default: "20000", origin: .tern, reload: .atRestart,
            "Sessions at a time, those that wait to be resumed included."),
        Option(
            "signaling-session-rooms", .integer(1...1024), default: "8", origin: .tern, reload: .atRestart,
            "Rooms that one session may be in."),
        Option(
            "signaling-rooms-max", .integer(1...1_000_000), default: "10000", origin: .tern, reload: .atRestart,
            "Rooms at a time."),
        Option(
            "signaling-room-capacity", .integer(2...10_000), default: "64", origin: .tern, reload: .atOnce,
            "Participants of a room whose token states no capacity."),
        Option(
            "signaling-room-linger", .seconds(0...86400, whenBare: nil), default: "0", origin: .tern, reload: .atOnce,
            "How long a room is kept when its last participant has left."),
        Option(
            "signaling-message-max", .bytes(1024...1_048_576), default: "65536", origin: .tern,
            reload: .forNew("connections"),
            "Size of a message from a client."),
        Option(
            "signaling-message-rate", .integer(1...100_000), default: "50", origin: .tern, reload: .atOnce,
            "Messages a second of one session."),
        Option(
            "signaling-message-burst", .integer(1...1_000_000), default: "200", origin: .tern,
            reload: .atOnce,
            "Messages of one session at once, before signaling-message-rate holds. The candidates of a call come in "
                + "a burst of about 30 for each peer."),
        Option(
            "signaling-metadata-max", .bytes(0...65536), default: "2048", origin: .tern, reload: .atOnce,
            "Size of what a participant may say about itself. Every member of its room is told."),
    ]

    private static let signalingQueues: [Option] = [
        Option(
            "signaling-queue-bytes", .bytes(65536...268_435_456), default: "1048576", origin: .tern, reload: .atOnce,
            "Bytes that may wait for one slow connection before it is closed. All connections together can hold this "
                + "times signaling-connections-max: 20 GiB with both defaults, were all of them slow."),
        Option(
            "signaling-queue-messages", .integer(16...65536), default: "512", origin: .tern, reload: .atOnce,
            "Messages that may wait for one slow connection before it is closed."),
        Option(
            "signaling-resume", .seconds(0...3600, whenBare: nil), default: "30", origin: .tern, reload: .atOnce,
            "How long a session that lost its connection keeps its seats, and may be resumed."),
        Option(
            "signaling-replay-messages", .integer(0...65536), default: "128", origin: .tern,
            reload: .atOnce,
            "Messages that are kept for a session until it is resumed."),
        Option(
            "signaling-replay-bytes", .bytes(0...268_435_456), default: "262144", origin: .tern,
            reload: .atOnce,
            "Bytes that are kept for a session until it is resumed. All sessions together can hold this times "
                + "signaling-sessions-max: 5 GiB with both defaults."),
        Option(
            "signaling-heartbeat", .seconds(5...3600, whenBare: nil), default: "25", origin: .tern, reload: .atOnce,
            "Time between two pings; a session that misses two of them has lost its connection. Many proxies close "
                + "what is silent for 60 seconds."),
        Option(
            "signaling-hello-timeout", .seconds(1...60, whenBare: nil), default: "5", origin: .tern, reload: .atOnce,
            "How long a new connection may take to say who it is."),
    ]

    private static let http: [Option] = [
        Option(
            "http-head-max", .bytes(1024...65536), default: "16384", origin: .tern, reload: .forNew("connections"),
            "Size of request line and headers together."),
        Option(
            "http-headers-max", .integer(10...1000), default: "100", origin: .tern, reload: .forNew("connections"),
            "Number of headers of a request."),
        Option(
            "http-body-max", .bytes(1024...1_048_576), default: "65536", origin: .tern, reload: .forNew("connections"),
            "Size of a request's body."),
        Option(
            "http-head-timeout", .seconds(1...600, whenBare: nil), default: "10", origin: .tern,
            reload: .forNew("connections"),
            "How long a client may take to send request line and headers."),
        Option(
            "http-body-timeout", .seconds(1...600, whenBare: nil), default: "10", origin: .tern,
            reload: .forNew("connections"),
            "How long a client may take to send a body, and to take an answer."),
        Option(
            "http-idle-timeout", .seconds(1...3600, whenBare: nil), default: "60", origin: .tern,
            reload: .forNew("connections"),
            "How long a connection without a request is kept open."),
    ]
}
