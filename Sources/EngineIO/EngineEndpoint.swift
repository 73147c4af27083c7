package import HTTP
package import NetworkPrimitives
package import Signaling

/// What answers on a path of Engine.IO, from the sessions to what is said in them: requests, frames and times in,
/// responses, frames and news of the rooms out. Whoever owns the connections drives it and knows nothing of what is
/// behind:
///
/// > After every input, take `nextOutput()` until it is nil. What an upgrade asks to be sent belongs behind its answer.
package protocol EngineEndpoint: AnyObject {
    /// Whether the path is one of this endpoint, by the texts between its slashes; of a trailing slash comes an empty
    /// last one.
    func serves(_ path: [String]) -> Bool

    /// A request that is no upgrade. Its answer may come at any later time, by `.respond`, and comes once.
    func receive(
        _ request: HTTPRequest, id: RequestID, from visitor: EngineVisitor, at now: Instant, unixTime: UnixTime)

    /// The client of a request that was not answered is gone.
    func abort(_ id: RequestID, at now: Instant, unixTime: UnixTime)

    /// An upgrade; nil when it is to be accepted.
    func openWebSocket(
        _ socket: WebSocketID, for request: HTTPRequest, from visitor: EngineVisitor, at now: Instant,
        unixTime: UnixTime
    ) -> HTTPResponse?

    /// A text message.
    func receive(text: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime)

    /// A binary message.
    func receive(binary: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime)

    /// A WebSocket that is gone, or takes no more.
    func webSocketClosed(_ socket: WebSocketID, at now: Instant, unixTime: UnixTime)

    /// When `handleDeadline` wants to be called, at the latest.
    var nextDeadline: Instant? { get }

    /// Does what is due.
    func handleDeadline(at now: Instant, unixTime: UnixTime)

    /// The server is about to stop: nobody new is taken, and everybody is gone by the deadline.
    func drain(deadline: Instant, at now: Instant, unixTime: UnixTime)

    /// What is asked for next; nil when nothing is.
    func nextOutput() -> EngineEndpointOutput?

    /// The machines behind that have rooms, for operators.
    var rooms: (any RoomOperations)? { get }
}

/// What an endpoint asks of whoever owns the connections.
package enum EngineEndpointOutput: Sendable {
    /// The answer to a request.
    case respond(RequestID, HTTPResponse)
    case sendText(to: [WebSocketID], [UInt8])
    case sendBinary(to: [WebSocketID], [UInt8])
    /// Close the WebSocket once what was sent is written. Nothing that it still says will be heard.
    case closeWebSocket(WebSocketID, code: UInt16)
    /// Somebody's standing with the TURN servers has changed.
    case member(MemberChange)
    case event(SignalingEvent)
}
