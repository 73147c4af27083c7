import ChannelSignaling
import Containers
import EngineIO
import HTTP
import NetworkPrimitives
import PeerJS
import PixelStreaming
import Signaling
import TernV1
import WebSocket
import YWebRTC

// Connections of dialects: who they are handed to, and what becomes of them.
extension WebService {
    /// Hands a connection to whoever is to speak with it, before its upgrade is answered. What that asks to be sent
    /// waits until then.
    mutating func connect(
        _ connection: ConnectionID, to destination: WebSocketDestination, _ request: HTTPRequest,
        _ context: RequestContext
    ) throws(ConnectFailure) -> Speaker {
        let (now, unixTime) = (context.now, context.unixTime)
        switch destination {
        case .native:
            let token = token(request, context)
            guard signaling.connect(connection, visitor: context.visitor, token: token, at: now) else {
                throw ConnectFailure(.full)
            }
            return .native
        case .engine:
            guard let engine = dialects.engine else { throw ConnectFailure(.full) }
            let refusal = engine.openWebSocket(
                WebSocketID(connection), for: request, from: engineVisitor(request, context), at: now,
                unixTime: unixTime)
            if let refusal { throw ConnectFailure(response: refusal) }
            return .engine
        case .channels(let opening):
            return try connect(dialects.channels) { machine throws(OpeningRefusal) in
                try machine.connect(connection, opening, at: now, unixTime: unixTime)
            }
        case .yWebRTC(let opening):
            return try connect(dialects.yWebRTC) { machine throws(OpeningRefusal) in
                try machine.connect(connection, opening, at: now, unixTime: unixTime)
            }
        case .peerJS(let room, let query):
            let visitor = context.visitor
            return try connect(dialects.peerJS) { machine throws(OpeningRefusal) in
                try machine.connect(connection, visitor: visitor, room: room, query, at: now, unixTime: unixTime)
            }
        case .pixelStreaming(let role, let opening, let options):
            return try connect(dialects.pixelStreaming) { machine throws(OpeningRefusal) in
                try machine.connect(connection, role, opening, options, at: now, unixTime: unixTime)
            }
        }
    }

    private func connect<Machine: Dialect & ~Copyable>(
        _ box: DialectBox<Machine>?, _ body: (inout Machine) throws(OpeningRefusal) -> Void
    ) throws(ConnectFailure) -> Speaker {
        guard let box else { throw ConnectFailure(.full) }
        do throws(OpeningRefusal) { try body(&box.machine) } catch { throw ConnectFailure(error) }
        return .dialect(dialects.index(of: box))
    }

    // MARK: - Whoever speaks with a connection

    /// A text message has come.
    mutating func receive(_ text: [UInt8], on handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        let connection = handle.connection
        switch connections[handle].speaker {
        case .native: signaling.receive(text, from: connection, at: now, unixTime: unixTime)
        case .dialect(let index):
            dialects.served[index].receive(text, from: connection, at: now, unixTime: unixTime)
        case .engine:
            dialects.engine?.receive(text: text, from: WebSocketID(connection), at: now, unixTime: unixTime)
        }
        drain(connections[handle].speaker, at: now)
    }

    /// A binary message has come. Only the engine's connections take them; the codec refuses those of the others.
    mutating func receive(binary: [UInt8], on handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        switch connections[handle].speaker {
        case .native, .dialect:
            close(handle, code: WebSocketCloseCode.unsupportedData, reason: "text only", at: now)
        case .engine:
            dialects.engine?.receive(
                binary: binary, from: WebSocketID(handle.connection), at: now, unixTime: unixTime)
            drain(.engine, at: now)
        }
    }

    mutating func receivePong(on handle: SlabHandle, at now: Instant) {
        switch connections[handle].speaker {
        case .native: signaling.receivePong(from: handle.connection, at: now)
        case .dialect(let index): dialects.served[index].receivePong(from: handle.connection)
        // It has heartbeats of its own.
        case .engine: break
        }
    }

    /// The WebSocket is over.
    mutating func disconnect(_ handle: SlabHandle, at now: Instant) {
        let speaker = connections[handle].speaker
        disconnect(handle.connection, from: speaker, at: now)
        drain(speaker, at: now)
    }

    mutating func disconnect(_ connection: ConnectionID, from speaker: Speaker, at now: Instant) {
        switch speaker {
        case .native: signaling.disconnect(connection, at: now)
        case .dialect(let index): dialects.served[index].disconnect(connection, at: now)
        case .engine: dialects.engine?.webSocketClosed(WebSocketID(connection), at: now, unixTime: latestUnixTime)
        }
    }

    /// The client takes too little of what is sent; its speaker's outputs are looked at afterwards.
    mutating func slowConsumer(_ handle: SlabHandle, at now: Instant) {
        count { $0.slowConsumers += 1 }
        switch connections[handle].speaker {
        // The close frame goes behind what waits; a client that takes nothing is given up soon.
        case .native: signaling.slowConsumer(handle.connection, at: now)
        case .dialect(let index): dialects.served[index].slowConsumer(handle.connection, at: now)
        case .engine:
            close(handle, code: WebSocketCloseCode.policyViolation, reason: "slow consumer", at: now)
            disconnect(handle.connection, from: .engine, at: now)
        }
    }

    // MARK: - What they ask for

    /// Does what a speaker asks for, until it asks for nothing more.
    mutating func drain(_ speaker: Speaker, at now: Instant) {
        switch speaker {
        case .native: while let output = signaling.nextOutput() { perform(output, at: now) }
        case .dialect(let index): while let output = dialects.served[index].nextOutput() { perform(output, at: now) }
        case .engine: while let output = dialects.engine?.nextOutput() { perform(output, at: now) }
        }
    }

    /// The same for all, after an input that concerns all.
    mutating func drainSpeakers(at now: Instant) {
        drain(.native, at: now)
        for index in dialects.served.indices { drain(.dialect(index), at: now) }
        drain(.engine, at: now)
    }
}

/// Who speaks with a WebSocket's client.
enum Speaker: Hashable {
    case native
    /// By its index in `DialectServers.served`.
    case dialect(Int)
    case engine
}

/// Why a connection does not become a WebSocket, as its client is told.
struct ConnectFailure: Error {
    let response: HTTPResponse

    init(response: HTTPResponse) { self.response = response }

    init(_ refusal: OpeningRefusal) {
        switch refusal {
        case .draining:
            response = .problem(.serviceUnavailable, "server_draining", "the server is about to stop")
        case .full:
            response = .problem(.serviceUnavailable, "quota_exceeded", "no more sessions; try later")
        case .admission(let refusal):
            let message = "the token, or its absence, does not open this"
            var refused = HTTPResponse.problem(
                refusal == .forbidden ? .forbidden : .unauthorized, Self.code(refusal), message)
            if refusal != .forbidden { refused.headers.append("www-authenticate", "Bearer") }
            response = refused
        }
    }

    private static func code(_ refusal: AdmissionRefusal) -> StaticString {
        switch refusal {
        case .unauthorized: "unauthorized"
        case .tokenExpired: "token_expired"
        case .tokenNotYetValid: "token_not_yet_valid"
        case .forbidden: "forbidden"
        }
    }
}

extension WebSocketID {
    /// Both are numbers that are never used twice.
    init(_ connection: ConnectionID) { self.init(rawValue: connection.rawValue) }
}

extension ConnectionID {
    init(_ socket: WebSocketID) { self.init(rawValue: socket.rawValue) }
}
