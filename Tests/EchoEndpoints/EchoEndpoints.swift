package import EngineIO
package import HTTP
package import NetworkPrimitives
package import Signaling
import SocketIO

/// An endpoint without rooms.
package protocol EchoEndpoint: EngineEndpoint {}

extension EchoEndpoint {
    package var rooms: (any RoomOperations)? { nil }
}

extension EngineSettings {
    /// With the times that the official suites are written for.
    package static var ofSuites: EngineSettings {
        var settings = EngineSettings()
        settings.pingIntervalMilliseconds = 300
        settings.pingTimeoutMilliseconds = 200
        return settings
    }
}

/// Engine.IO: every message comes back.
package final class EngineEcho: EchoEndpoint {
    private var engine: EngineServer
    private var now: Instant

    package init(_ settings: EngineSettings = .ofSuites, secret: [UInt8], start: Instant) {
        engine = EngineServer(settings: settings, secret: secret, start: start)
        now = start
    }

    package func serves(_ path: [String]) -> Bool { path == ["engine.io"] || path == ["engine.io", ""] }

    package func receive(
        _ request: HTTPRequest, id: RequestID, from visitor: EngineVisitor, at now: Instant, unixTime: UnixTime
    ) {
        self.now = now
        engine.receive(request, id: id, from: visitor, at: now)
    }

    package func abort(_ id: RequestID, at now: Instant, unixTime: UnixTime) { engine.abort(id, at: now) }

    package func openWebSocket(
        _ socket: WebSocketID, for request: HTTPRequest, from visitor: EngineVisitor, at now: Instant,
        unixTime: UnixTime
    ) -> HTTPResponse? {
        self.now = now
        return engine.openWebSocket(socket, for: request, from: visitor, at: now)
    }

    package func receive(text: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        self.now = now
        engine.receive(text: text, from: socket, at: now)
    }

    package func receive(binary: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        self.now = now
        engine.receive(binary: binary, from: socket, at: now)
    }

    package func webSocketClosed(_ socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        engine.webSocketClosed(socket, at: now)
    }

    package var nextDeadline: Instant? { engine.nextDeadline }

    package func handleDeadline(at now: Instant, unixTime: UnixTime) {
        self.now = now
        engine.handleDeadline(at: now)
    }

    package func drain(deadline: Instant, at now: Instant, unixTime: UnixTime) { engine.drain(at: now) }

    package func nextOutput() -> EngineEndpointOutput? {
        while let output = engine.nextOutput() {
            switch output {
            case .respond(let id, let response): return .respond(id, response)
            case .sendText(let sockets, let text): return .sendText(to: sockets, text)
            case .sendBinary(let sockets, let bytes): return .sendBinary(to: sockets, bytes)
            case .closeWebSocket(let socket, let code): return .closeWebSocket(socket, code: code)
            case .message(let session, let message): engine.send([message], to: [session], at: now)
            case .opened, .upgraded, .closed: break
            }
        }
        return nil
    }
}

/// Socket.IO: `message` comes back as `message-back`, `message-with-ack` is acknowledged with what it says, and who
/// connects is told by `auth` what it said then.
package final class SocketEcho: EchoEndpoint {
    private var server: SocketIOServer

    package init(_ settings: EngineSettings = .ofSuites, secret: [UInt8], start: Instant) {
        var sockets = SocketSettings()
        sockets.connectTimeoutMilliseconds = 1000
        sockets.namespaces = .listed(["/", "/custom"])
        server = SocketIOServer(
            engine: settings, sockets: sockets, secret: secret, start: start)
    }

    package func serves(_ path: [String]) -> Bool { path == ["socket.io"] || path == ["socket.io", ""] }

    package func receive(
        _ request: HTTPRequest, id: RequestID, from visitor: EngineVisitor, at now: Instant, unixTime: UnixTime
    ) {
        server.receive(request, id: id, from: visitor, at: now)
    }

    package func abort(_ id: RequestID, at now: Instant, unixTime: UnixTime) { server.abort(id, at: now) }

    package func openWebSocket(
        _ socket: WebSocketID, for request: HTTPRequest, from visitor: EngineVisitor, at now: Instant,
        unixTime: UnixTime
    ) -> HTTPResponse? { server.openWebSocket(socket, for: request, from: visitor, at: now) }

    package func receive(text: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        server.receive(text: text, from: socket, at: now)
    }

    package func receive(binary: [UInt8], from socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        server.receive(binary: binary, from: socket, at: now)
    }

    package func webSocketClosed(_ socket: WebSocketID, at now: Instant, unixTime: UnixTime) {
        server.webSocketClosed(socket, at: now)
    }

    package var nextDeadline: Instant? { server.nextDeadline }

    package func handleDeadline(at now: Instant, unixTime: UnixTime) { server.handleDeadline(at: now) }

    package func drain(deadline: Instant, at now: Instant, unixTime: UnixTime) { server.drain(at: now) }

    package func nextOutput() -> EngineEndpointOutput? {
        while let output = server.nextOutput() {
            switch output {
            case .respond(let id, let response): return .respond(id, response)
            case .sendText(let sockets, let text): return .sendText(to: sockets, text)
            case .sendBinary(let sockets, let bytes): return .sendBinary(to: sockets, bytes)
            case .closeWebSocket(let socket, let code): return .closeWebSocket(socket, code: code)
            case .connect(let connect):
                server.accept(connect.socket)
                let said = connect.auth ?? Array("{}".utf8)[...]
                server.emit("auth", SocketEmission([said]), to: [connect.socket])
            case .event(let socket, let event): echo(event, to: socket)
            case .acknowledged, .disconnected: break
            }
        }
        return nil
    }

    private func echo(_ event: SocketEvent, to socket: SocketID) {
        let arguments = SocketEmission(event.arguments)
        if event.name == "message" { server.emit("message-back", arguments, to: [socket]) }
        if event.name == "message-with-ack", let id = event.acknowledgement {
            server.acknowledge(id, arguments, to: socket)
        }
    }
}
