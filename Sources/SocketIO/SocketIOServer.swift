package import EngineIO
package import HTTP
package import NetworkPrimitives

/// Engine.IO and Socket.IO as one machine: requests, frames and times in, responses, frames and events out.
///
/// > After every input and every call of the application, take `nextOutput()` until it is nil. A call may be made in
/// > between; what it asks for comes behind what waits already, and polls are answered once with all that was said.
package struct SocketIOServer: ~Copyable {
    private var engine: EngineServer
    private var sockets: SocketServer
    /// When the last input came: what it causes happens then.
    private var now: Instant

    /// The secret is 32 random bytes.
    package init(engine: EngineSettings, sockets: SocketSettings, secret: [UInt8], start: Instant) {
        self.engine = EngineServer(settings: engine, secret: secret, start: start)
        self.sockets = SocketServer(
            settings: sockets, sessionsMax: engine.limits.sessionsMax, secret: secret, start: start)
        now = start
    }

    // MARK: - The connections' side; see `EngineServer`

    /// A request that is no upgrade.
    package mutating func receive(
        _ request: HTTPRequest, id: RequestID, from visitor: EngineVisitor, at now: Instant
    ) {
        self.now = now
        engine.receive(request, id: id, from: visitor, at: now)
    }

    /// A request whose client is gone.
    package mutating func abort(_ id: RequestID, at now: Instant) {
        self.now = now
        engine.abort(id, at: now)
    }

    /// An upgrade; nil when it is to be accepted.
    package mutating func openWebSocket(
        _ socket: WebSocketID, for request: HTTPRequest, from visitor: EngineVisitor, at now: Instant
    ) -> HTTPResponse? {
        self.now = now
        return engine.openWebSocket(socket, for: request, from: visitor, at: now)
    }

    /// A text message.
    package mutating func receive(text: [UInt8], from socket: WebSocketID, at now: Instant) {
        self.now = now
        engine.receive(text: text, from: socket, at: now)
    }

    /// A binary message.
    package mutating func receive(binary: [UInt8], from socket: WebSocketID, at now: Instant) {
        self.now = now
        engine.receive(binary: binary, from: socket, at: now)
    }

    /// A WebSocket that is gone, or takes no more.
    package mutating func webSocketClosed(_ socket: WebSocketID, at now: Instant) {
        self.now = now
        engine.webSocketClosed(socket, at: now)
    }

    /// When to call `handleDeadline` next.
    package var nextDeadline: Instant? {
        [engine.nextDeadline, sockets.nextDeadline].compactMap { $0 }.min()
    }

    /// Does what is due.
    package mutating func handleDeadline(at now: Instant) {
        self.now = now
        engine.handleDeadline(at: now)
        sockets.handleDeadline(at: now)
    }

    /// Begins no sessions any more; those that are go on.
    package mutating func refuseNewcomers() { engine.refuseNewcomers() }

    /// Ends all sessions, and begins no others.
    package mutating func drain(at now: Instant) {
        self.now = now
        engine.drain(at: now)
    }

    // MARK: - The application's side; see `SocketServer`

    /// Lets somebody into a namespace.
    package mutating func accept(_ socket: SocketID) { sockets.accept(socket) }

    /// Keeps somebody out of a namespace.
    package mutating func refuse(_ socket: SocketID, message: String, data: ArraySlice<UInt8>? = nil) {
        sockets.refuse(socket, message: message, data: data)
    }

    /// Sends an event.
    package mutating func emit(_ name: String, _ arguments: SocketEmission, to recipients: [SocketID]) {
        sockets.emit(name, arguments, to: recipients)
    }

    /// Sends an event that is written already: an array of its name and its arguments.
    package mutating func emit(array text: [UInt8], to recipients: [SocketID]) {
        sockets.emit(array: text, to: recipients)
    }

    /// Sends an event that wants an answer.
    package mutating func ask(
        _ name: String, _ arguments: SocketEmission, of socket: SocketID
    ) -> AcknowledgementID? { sockets.ask(name, arguments, of: socket) }

    /// Answers an event that wanted an answer.
    package mutating func acknowledge(_ id: AcknowledgementID, _ arguments: SocketEmission, to socket: SocketID) {
        sockets.acknowledge(id, arguments, to: socket)
    }

    /// Parts with a client.
    package mutating func disconnect(_ socket: SocketID, _ farewell: SocketFarewell) {
        sockets.disconnect(socket, farewell, at: now)
    }

    /// What clients call the socket.
    package func name(of socket: SocketID) -> String? { sockets.name(of: socket) }

    /// The namespace that the socket is in.
    package func namespace(of socket: SocketID) -> String? { sockets.namespace(of: socket) }

    // MARK: - Outputs and queries

    /// What to do next, for the connections or for the application.
    package mutating func nextOutput() -> SocketIOOutput? {
        while true {
            // The sockets come first, so that the transport hears all of what they say before it answers a poll.
            if let output = sockets.nextOutput() {
                if let output = pass(output) { return output }
            } else if let output = engine.nextOutput() {
                if let output = pass(output) { return output }
            } else {
                return nil
            }
        }
    }

    private mutating func pass(_ output: SocketOutput) -> SocketIOOutput? {
        switch output {
        case .send(let messages, let recipients): engine.send(messages, to: recipients, at: now)
        case .closeSession(let session): engine.close(session, at: now)
        case .connect(let connect): return .connect(connect)
        case .event(let socket, let event): return .event(socket, event)
        case .acknowledged(let socket, let id, let arguments): return .acknowledged(socket, id, arguments)
        case .disconnected(let socket, let reason): return .disconnected(socket, reason)
        }
        return nil
    }

    private mutating func pass(_ output: EngineOutput) -> SocketIOOutput? {
        switch output {
        case .respond(let id, let response): return .respond(id, response)
        case .sendText(let recipients, let text): return .sendText(to: recipients, text)
        case .sendBinary(let recipients, let bytes): return .sendBinary(to: recipients, bytes)
        case .closeWebSocket(let socket, let code): return .closeWebSocket(socket, code: code)
        case .opened(let opening): sockets.open(opening, at: now)
        case .upgraded: break
        case .message(let session, let message): sockets.receive(message, on: session, at: now)
        case .closed(let session, let reason): sockets.close(session, reason)
        }
        return nil
    }

    /// What happened since the start.
    package var counters: (engine: EngineCounters, sockets: SocketCounters) { (engine.counters, sockets.counters) }

    /// How many sockets there can be.
    package var socketsMax: Int { sockets.socketsMax }

    /// Sessions and sockets that are alive.
    package var liveCounts: (sessions: Int, sockets: Int) { (engine.sessionCount, sockets.socketCount) }
}

/// What the machine asks of whoever owns the connections, and tells the application.
package enum SocketIOOutput: Sendable {
    /// The answer to a request.
    case respond(RequestID, HTTPResponse)
    case sendText(to: [WebSocketID], [UInt8])
    case sendBinary(to: [WebSocketID], [UInt8])
    /// Close the WebSocket once what was sent is written.
    case closeWebSocket(WebSocketID, code: UInt16)
    /// Somebody wants in; `accept` or `refuse` it.
    case connect(SocketConnect)
    case event(SocketID, SocketEvent)
    /// The answer to `ask`.
    case acknowledged(SocketID, AcknowledgementID, SocketArguments)
    /// The end of a socket that was announced by `connect` and not refused; once for each.
    case disconnected(SocketID, SocketDisconnectReason)
}
