import Codelab
import Containers
package import EngineIO
package import HTTP
package import NetworkPrimitives
import NodePark
package import Signaling
import SimplePeer
package import SocketIO
import SocketIOChannels

/// Everything behind the path of Socket.IO: the transport, the sockets, and the dialects that are spoken there.
///
/// A namespace is a room of the path, as `PathRoom` has it, and a socket is a connection of a dialect. Which dialect it
/// is, the first event of a socket says; it stays with that. Until then the socket is a newcomer, for as long as it
/// likes: there are pages that only listen.
///
/// This is a class because there is one and the connections' owner shows it to operators.
package final class SocketIOSignaling: EngineEndpoint {
    let settings: SocketIOSignalingSettings
    let gate: any Gatekeeper
    var server: SocketIOServer
    let spoken: [any SpokenDialect]
    /// Sockets that have not said anything: those of which nothing is known, and those that a dialect has by now.
    var newcomers: NewcomerTable
    var listeners: Slab<Newcomer>
    var places: FlatMap<SocketID, Place>
    var names: IdentifierSource
    /// What happened before a dialect was found, and how the gate was asked.
    var counters = DialectCounters()
    /// Events that no dialect has caused.
    var events: [SignalingEvent] = []
    var departure: Departure?
    /// The times of the last input: what it causes happens then.
    var now: Instant
    var unixTime = UnixTime(seconds: 0)

    /// Nobody yet. The secret is 32 random bytes; each machine within gets its own made of it. `further` dialects stand
    /// behind those of the settings.
    package init(
        settings: SocketIOSignalingSettings, gate: any Gatekeeper, secret: [UInt8], start: Instant,
        further: [any SpokenDialect] = []
    ) {
        self.settings = settings
        self.gate = gate
        var secrets = IdentifierSource(secret: secret, purpose: 0x30)
        var sockets = settings.sockets
        sockets.namespaces = .decidedByApplication
        server = SocketIOServer(
            engine: settings.engine, sockets: sockets, secret: Self.secret(from: &secrets), start: start)
        names = IdentifierSource(secret: Self.secret(from: &secrets), purpose: 0x31)
        let socketsMax = server.socketsMax
        newcomers = NewcomerTable(limit: socketsMax, seed: secrets.next().high)
        listeners = Slab(limit: socketsMax)
        places = FlatMap(seed: secrets.next().high, limit: socketsMax)
        now = start
        // One entry for each dialect.
        let enabled: [(any SpokenDialect)?] = [
            settings.simplePeer.map {
                DialectBox(SimplePeer(settings: $0, gate: gate, secret: Self.secret(from: &secrets)))
            },
            settings.codelab.map {
                DialectBox(Codelab(settings: $0, gate: gate, secret: Self.secret(from: &secrets)))
            },
            settings.nodePark.map {
                DialectBox(NodePark(settings: $0, gate: gate, secret: Self.secret(from: &secrets)))
            },
            settings.socketIOChannels.map {
                DialectBox(SocketIOChannels(settings: $0, gate: gate, secret: Self.secret(from: &secrets)))
            },
        ]
        spoken = enabled.compactMap { $0 } + further
    }

    private static func secret(from source: inout IdentifierSource) -> [UInt8] {
        [source.next(), source.next()].flatMap { identifier in
            [identifier.high, identifier.low].flatMap { word in
                (0..<8).map { UInt8(truncatingIfNeeded: word >> UInt64(8 * $0)) }
            }
        }
    }

    package var rooms: (any RoomOperations)? { self }

    /// What transport and sockets did since the start.
    package var transportCounters: (engine: EngineCounters, sockets: SocketCounters) { server.counters }

    /// Sessions and sockets that are alive.
    package var liveCounts: (sessions: Int, sockets: Int) { server.liveCounts }

    // MARK: - Inputs

    package func serves(_ path: [String]) -> Bool { path == settings.path || path == settings.path + [""] }

    package func receive(
        _ request: HTTPRequest, id: RequestID, from visitor: EngineVisitor, at now: Instant, unixTime: UnixTime
    ) {
        note(now, unixTime)
        server.receive(request, id: id, from: visitor, at: now)
    }

    package func abort(_ id: RequestID, at now: Instant, unixTime: UnixTime) {
        note(now, unixTime)
        server.abort(id, at: now)
    }

    package func openWebSocket(
        _ socket: WebSocketID, for request: HTTPRequest, from visitor: EngineVisitor, at now: Instant,
        unixTime: UnixTime
    ) -> HTTPResponse? {
        note(now, unixTime)
        return server.openWebSocket(socket, for: request, from: visitor, at: now)
    }

    package func receive(text: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        note(now, unixTime)
        server.receive(text: text, from: socket, at: now)
    }

    package func receive(binary: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        note(now, unixTime)
        server.receive(binary: binary, from: socket, at: now)
    }

    package func webSocketClosed(_ socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        note(now, unixTime)
        server.webSocketClosed(socket, at: now)
    }

    private func note(_ now: Instant, _ unixTime: UnixTime) {
        self.now = now
        self.unixTime = unixTime
    }

    // MARK: - Time

    package var nextDeadline: Instant? {
        spoken.reduce([server.nextDeadline, departure?.nextAt].compactMap { $0 }.min()) { earliest, dialect in
            [earliest, dialect.nextDeadline].compactMap { $0 }.min()
        }
    }

    package func handleDeadline(at now: Instant, unixTime: UnixTime) {
        note(now, unixTime)
        server.handleDeadline(at: now)
        for dialect in spoken where dialect.nextDeadline.map({ $0 <= now }) ?? false {
            dialect.handleDeadline(at: now, unixTime: unixTime)
        }
        depart()
    }

    // MARK: - Outputs

    package func nextOutput() -> EngineEndpointOutput? {
        while true {
            if !events.isEmpty { return .event(events.removeFirst()) }
            // The dialects come first, so that a poll is answered once with all of what they say.
            if let output = nextOutputOfDialects() { return output }
            guard let output = server.nextOutput() else { return nil }
            if let output = pass(output) { return output }
        }
    }

    private func nextOutputOfDialects() -> EngineEndpointOutput? {
        for (index, dialect) in spoken.enumerated() {
            entrustAnnounced(of: index)
            while let output = dialect.nextOutput() {
                if let output = pass(output, of: dialect) { return output }
            }
        }
        return nil
    }

    private func pass(_ output: SignalingOutput, of dialect: any SpokenDialect) -> EngineEndpointOutput? {
        switch output {
        // Nothing on this path is compressed, so what is confidential needs no care of its own.
        case .send(let connections, let text, _): server.emit(array: text, to: connections.map(SocketID.init))
        // The transport has heartbeats of its own, and closes what does not answer.
        case .ping(let connection): dialect.receivePong(from: connection)
        case .close(let connection, let code, _):
            part(SocketID(connection), code == DialectCloseCode.goingAway ? .closeTransport : .kick)
        case .member(let change): return .member(change)
        // Each dialect says it; who stops the server knows.
        case .event(.draining): break
        case .event(let event): return .event(event)
        }
        return nil
    }

    private func pass(_ output: SocketIOOutput) -> EngineEndpointOutput? {
        switch output {
        case .respond(let id, let response): return .respond(id, response)
        case .sendText(let sockets, let text): return .sendText(to: sockets, text)
        case .sendBinary(let sockets, let bytes): return .sendBinary(to: sockets, bytes)
        case .closeWebSocket(let socket, let code): return .closeWebSocket(socket, code: code)
        case .connect(let connect): welcome(connect)
        case .event(let socket, let event): hear(event, from: socket)
        case .disconnected(let socket, _): lose(socket)
        // Nobody here asks.
        case .acknowledged: break
        }
        return nil
    }
}
