import Containers
import EngineIO
import HTTP
import NetworkPrimitives
import Signaling
import WebSocket

// Requests of Engine.IO, which are answered when there is something to say.
extension WebService {
    /// Gives a request to the engine. Its answer comes as an output, soon or late.
    mutating func receiveEngineRequest(
        _ request: HTTPRequest, _ context: RequestContext, on handle: SlabHandle
    ) {
        guard let engine = dialects.engine, let id = postpone(on: handle, .engine(origin: context.origin)) else {
            return
        }
        engine.receive(
            request, id: id, from: engineVisitor(request, context), at: context.now, unixTime: context.unixTime)
        drain(.engine, at: context.now)
    }

    func engineVisitor(_ request: HTTPRequest, _ context: RequestContext) -> EngineVisitor {
        EngineVisitor(context.visitor, token: token(request, context))
    }

    /// The client of a request that waits is gone.
    mutating func abortRequest(of handle: SlabHandle, at now: Instant) {
        guard let pending = connections[handle].pendingRequest else { return }
        connections[handle].pendingRequest = nil
        handleOfRequest.remove(pending.id)
        guard case .engine = pending.debtor else { return }
        dialects.engine?.abort(pending.id, at: now, unixTime: latestUnixTime)
        drain(.engine, at: now)
    }

    mutating func perform(_ output: EngineEndpointOutput, at now: Instant) {
        switch output {
        case .respond(let id, let response): answerPending(id, response, at: now)
        case .sendText(let sockets, let text): send(WebSocketFrame.text(text), to: sockets, at: now)
        case .sendBinary(let sockets, let bytes): send(WebSocketFrame.binary(bytes), to: sockets, at: now)
        case .closeWebSocket(let socket, let code):
            if let handle = live(ConnectionID(socket)) { close(handle, code: code, reason: "", at: now) }
        case .member(let change): perform(SignalingOutput.member(change), at: now)
        case .event(let event): perform(SignalingOutput.event(event), at: now)
        }
    }

    private mutating func send(_ frame: [UInt8], to sockets: [WebSocketID], at now: Instant) {
        for socket in sockets {
            guard let handle = live(ConnectionID(socket)) else { continue }
            count { $0.messagesOut += 1 }
            deliver(frame, to: handle, at: now)
        }
    }

    // MARK: - CORS, as the reference answers it

    /// Clients may ask with cookies (`withCredentials`), which browsers allow only when told so. They count for pages
    /// of our own alone; see `token`.
    func withEngineCORS(_ response: HTTPResponse, _ origin: OriginPolicy.Verdict) -> HTTPResponse {
        var response = response
        response.headers.append("vary", "origin")
        guard case .listed(let origin) = origin else { return response }
        response.headers.append("access-control-allow-origin", HTTPFieldValue(cleaning: origin))
        response.headers.append("access-control-allow-credentials", "true")
        return response
    }

    /// Clients may have headers of their own (`extraHeaders`), so what is asked for is allowed.
    func enginePreflight(_ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        var response = withEngineCORS(.empty(.noContent), context.origin)
        response.headers.append("access-control-allow-methods", "GET,HEAD,PUT,PATCH,POST,DELETE")
        if let asked = request.headers["access-control-request-headers"] {
            response.headers.append("access-control-allow-headers", HTTPFieldValue(cleaning: asked))
        }
        response.headers.append("access-control-max-age", "600")
        return response
    }
}
