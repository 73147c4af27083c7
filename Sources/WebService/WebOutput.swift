package import NetworkPrimitives
package import Signaling

/// What the machine asks of its shell, beside writing and closing connections.
package enum WebOutput: Sendable {
    /// Somebody's standing with the TURN servers has changed.
    case member(MemberChange)
    /// Credentials are taken back: the user name as it was issued, or its part behind the expiry.
    case revoke(user: [UInt8])
    case event(WebEvent)
    /// To be answered by `WebService.answer`.
    case ask(AskedQuestion)
}

/// What happened, for the log.
package enum WebEvent: Sendable {
    case signaling(SignalingEvent)
    /// A wrong token or key in an HTTP request.
    case unauthorized(source: IPAddress)
    case foreignOrigin(String, source: IPAddress)
    /// A source that had too many connections, or made them too quickly.
    case tooManyConnections(source: IPAddress)
    /// An operator closed a room or ended a session.
    case closedByOperator(String)
}

/// What came in and what was refused, since the start.
package struct WebCounters: Sendable, Equatable {
    package var connections: UInt64 = 0
    package var requests: UInt64 = 0
    package var upgrades: UInt64 = 0
    package var messagesIn: UInt64 = 0
    package var messagesOut: UInt64 = 0
    package var refusedConnectionsMax: UInt64 = 0
    package var refusedPerSource: UInt64 = 0
    package var refusedConnectRate: UInt64 = 0
    package var refusedOrigin: UInt64 = 0
    package var refusedAuthentication: UInt64 = 0
    package var refusedMalformed: UInt64 = 0
    package var slowConsumers: UInt64 = 0
    package var credentialsIssued: UInt64 = 0

    package init() {}
}
