package import HTTP
import NetworkPrimitives
package import Signaling

/// A session, as a number without any secret: fit for logs and for whoever is above. Never used twice.
package struct EngineSessionID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A request that waits for its answer, as whoever owns the connections numbers them. Never used twice.
package struct RequestID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// A WebSocket, as whoever owns the connections numbers them. Never used twice.
package struct WebSocketID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

/// Which ways of transport a listener offers.
package enum EngineTransports: Hashable, Sendable {
    case all
    case pollingOnly
    /// For dialects that tell everybody the ids of revision 3, which are what polling asks for.
    case webSocketOnly
}

/// Who asks, and what the host's policy says about the page that asks.
package struct EngineVisitor: Hashable, Sendable {
    package var visitor: Visitor
    /// A token that came in a header of the request; the first request of a session counts.
    package var token: [UInt8]?
    /// Why this visitor is refused, for the client to read; nil to let it in.
    package var refusal: String?

    package init(_ visitor: Visitor, token: [UInt8]? = nil, refusal: String? = nil) {
        self.visitor = visitor
        self.token = token
        self.refusal = refusal
    }

    var address: IPAddress { visitor.address }
}

/// What the operator decided about Engine.IO. The times are those of the reference server.
package struct EngineSettings: Sendable {
    package var pingIntervalMilliseconds: UInt32 = 25_000
    package var pingTimeoutMilliseconds: UInt32 = 20_000
    /// From the opening of the second transport until the client commits to it.
    package var upgradeTimeoutMilliseconds: UInt32 = 10_000
    /// How long a poll waits while its client tries a WebSocket: long enough not to spin, short enough not to delay.
    package var upgradeNoopMilliseconds: UInt32 = 100
    /// How long the last words of a closed session wait for a poll to fetch them.
    package var lingerMilliseconds: UInt32 = 10_000
    package var transports = EngineTransports.all
    package var allowsVersion3 = true
    /// Scripts cross origins without asking, so this is for servers that any page may use.
    package var allowsJSONP = false
    /// In revision 3 the id is shown to the application, which may tell others. What they can do with it elsewhere is
    /// nothing.
    package var pinsVersion3ToAddress = true
    package var limits = EngineLimits()

    package init() {}
}

/// How much strangers can make this server hold.
package struct EngineLimits: Hashable, Sendable {
    package var sessionsMax = 65_536
    /// Of one IPv4 address or IPv6 /64.
    package var sessionsPerSourceMax = 1024
    /// Bytes of one request body or frame; told to clients of revision 4 in the handshake.
    package var payloadByteCountMax = 1_000_000
    package var packetsPerPayloadMax = 256
    /// What waits for the next poll of a session.
    package var bufferedPacketsMax = 1024
    package var bufferedByteCountMax = 1_048_576

    package init() {}
}

/// How a session came to its end.
package enum EngineCloseReason: String, Hashable, Sendable, CaseIterable {
    /// The client said so.
    case client
    /// The application, or the operator, said so.
    case server
    case pingTimeout = "ping_timeout"
    /// The WebSocket of the session is gone.
    case transportClosed = "transport_closed"
    /// A waiting poll was cancelled.
    case pollAborted = "poll_aborted"
    /// Two polls at a time.
    case overlappingPolls = "overlapping_polls"
    /// A packet or payload that is none, or a heartbeat in the wrong direction.
    case malformed
    /// More waits for a poll than may.
    case overflow
    case draining
}

/// What the sessions ask of whoever owns connections and application.
package enum EngineOutput: Sendable {
    /// The answer to a request.
    case respond(RequestID, HTTPResponse)
    case sendText(to: [WebSocketID], [UInt8])
    case sendBinary(to: [WebSocketID], [UInt8])
    /// Close the WebSocket once what was sent is written. Nothing that it still says will be heard.
    case closeWebSocket(WebSocketID, code: UInt16)
    case opened(EngineOpening)
    /// The session goes on over a WebSocket.
    case upgraded(EngineSessionID)
    case message(EngineSessionID, EngineMessage)
    /// Nothing comes of the session any more, and nothing can be sent to it.
    case closed(EngineSessionID, EngineCloseReason)
}

/// A session that begins.
package struct EngineOpening: Hashable, Sendable {
    package let session: EngineSessionID
    package let version: EngineVersion
    /// What the client proves itself with. In revision 3 also its public name, by definition of that protocol; in
    /// revision 4 for nobody else's eyes.
    package let secret: Identifier
    package let visitor: EngineVisitor
    /// The query of its first request, as it was sent.
    package let query: String
    package let isWebSocket: Bool
}

/// What happened, and what was refused, since the start.
package struct EngineCounters: Hashable, Sendable {
    package var sessionsOpened: UInt64 = 0
    package var upgrades: UInt64 = 0
    package var upgradesFailed: UInt64 = 0
    package var messagesIn: UInt64 = 0
    /// Each copy of a message counts.
    package var messagesOut: UInt64 = 0
    package var refusedSessionsMax: UInt64 = 0
    package var refusedPerSource: UInt64 = 0
    package var refusedUnknownSession: UInt64 = 0
    /// Requests with the id of a session of another address.
    package var refusedForeignAddress: UInt64 = 0
    /// Everything else that was answered with an error.
    package var refusedRequests: UInt64 = 0
    private var closedCounts = [UInt64](repeating: 0, count: EngineCloseReason.allCases.count)

    package init() {}

    /// How many sessions ended so.
    package subscript(reason: EngineCloseReason) -> UInt64 { closedCounts[Self.index(reason)] }

    mutating func count(_ reason: EngineCloseReason) { closedCounts[Self.index(reason)] += 1 }

    private static func index(_ reason: EngineCloseReason) -> Int {
        EngineCloseReason.allCases.firstIndex(of: reason) ?? 0
    }
}
