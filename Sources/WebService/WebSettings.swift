package import HTTP
package import WebSocket

/// What the operator decided about HTTP and WebSocket.
package struct WebSettings: Sendable {
    package var http = HTTPLimits()
    package var webSocket = WebSocketLimits(acceptsBinary: false)
    package var compressesMessages = false
    package var origins = OriginPolicy()
    package var proxies = TrustedProxies()
    /// Connections at a time, in all and of one source (an IPv4 address or an IPv6 /64).
    package var connectionsMax = 20_000
    package var connectionsPerSourceMax = 256
    /// New connections of one source a second, and how many at once.
    package var connectsPerSecond = 10
    package var connectsBurst = 40
    /// Wrong tokens and keys of one source a minute before it is slowed down.
    package var failuresPerMinute = 5
    /// What waits to be written to one connection: bytes, and messages.
    package var queueByteCountMax = 1_048_576
    package var queueMessagesMax = 512
    /// How long a client may take nothing of what waits for it.
    package var writeSeconds: UInt32 = 30
    /// The names that `/v1/status` shows.
    package var version = ""
    package var hasAnonymousRooms = false
    /// Dialects that have paths on the port of everything.
    package var entrances: Set<DialectEntrance> = []
    /// The dialect of WebSockets to any other path there.
    package var rootEntrance: DialectEntrance?
    /// Of the engine's WebSockets, whose messages are packets and may be binary.
    package var engineWebSocket = WebSocketLimits()
    /// Whether the site is the operator's own, which ports of one dialect show too.
    package var hasOwnPages = false

    /// What a port of metrics answers to.
    package var metricsPath = "/metrics"

    package init() {}

}
