import Containers
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import TernV1

/// What is known about a request before its route looks at it.
struct RequestContext {
    let visitor: Visitor
    /// The token or key of `Authorization: Bearer …`.
    let bearer: [UInt8]?
    /// Whether it came by the control socket, which only operators can open.
    let isControl: Bool
    let origin: OriginPolicy.Verdict
    let now: Instant
    let unixTime: UnixTime

    var isOwnOrigin: Bool { origin == .own }
}

// Requests in, responses out.
extension WebService {
    mutating func receiveHTTP(_ bytes: RawSpan, on handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        // While answers wait, requests are not taken apart, so their number and size are bounded here or nowhere.
        let held = connections[handle].withHTTP { $0.heldByteCount } ?? 0
        if hasEnoughToRead(handle), held + bytes.byteCount > settings.http.pipelinedByteCountMax {
            count { $0.refusedMalformed += 1 }
            _ = connections[handle].withHTTP { $0.stop() }
            return endIfOver(handle)
        }
        _ = connections[handle].withHTTP { $0.receive(bytes, at: now) }
        pumpHTTP(handle, at: now, unixTime: unixTime)
    }

    /// Whether so much waits for the client that it gets no further answers before it has read.
    private func hasEnoughToRead(_ handle: SlabHandle) -> Bool {
        connections[handle].outbound.byteCount >= Self.responsesAheadByteCountMax
    }

    mutating func pumpHTTP(_ handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        while connections.contains(handle), !connections[handle].closesWhenWritten, !hasEnoughToRead(handle) {
            let next = connections[handle].withHTTP { $0.nextEvent(at: now) }
            guard let event = next ?? nil else { return }
            perform(event, on: handle, at: now, unixTime: unixTime)
        }
    }

    mutating func perform(_ event: HTTPEvent?, on handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        switch event {
        case .request(let request):
            count { $0.requests += 1 }
            guard let response = answer(request, on: handle, at: now, unixTime: unixTime) else { return }
            respond(response, on: handle, at: now, unixTime: unixTime)
        case .continueExpected(let bytes): enqueue(bytes, to: handle)
        case .refused(let response):
            count { $0.refusedMalformed += 1 }
            respond(response, on: handle, at: now, unixTime: unixTime)
        case nil: endIfOver(handle)
        }
    }

    mutating func respond(
        _ response: HTTPResponse, on handle: SlabHandle, at now: Instant, unixTime: UnixTime
    ) {
        let pieces = connections[handle].withHTTP { $0.respond(response, at: now, unixTime: unixTime) }
        for piece in pieces ?? [] { enqueue(piece, to: handle) }
        endIfOver(handle)
    }

    /// HTTP is over on this connection: after a refusal, a last response, or when nobody asked for anything.
    private mutating func endIfOver(_ handle: SlabHandle) {
        guard connections[handle].withHTTP({ $0.isClosed }) == true else { return }
        connections[handle].closesWhenWritten = true
        markReady(handle)
    }

    /// The answer to a request; nil when it became a WebSocket, or is answered later.
    private mutating func answer(
        _ request: HTTPRequest, on handle: SlabHandle, at now: Instant, unixTime: UnixTime
    ) -> HTTPResponse? {
        let context = context(of: request, on: handle, at: now, unixTime: unixTime)
        guard let route = route(request, profile: connections[handle].profile) else {
            return .problem(
                .notFound, "not_found", "there is nothing at this path; the API is described in Docs/Signaling")
        }
        if case .refused = context.origin, route.checksOrigin {
            count { $0.refusedOrigin += 1 }
            outputs.append(.event(.foreignOrigin(request.headers["origin"] ?? "", source: context.visitor.address)))
            return .problem(
                .forbidden, "foreign_origin", "pages of this origin may not use this server; see signaling-origin")
        }
        if request.isPreflight { return preflight(route, request, context) }
        if request.method == .options, !route.methods.contains(.options) {
            var response = HTTPResponse.empty(.noContent)
            response.headers.append("allow", HTTPFieldValue(cleaning: route.allowHeader))
            return response
        }
        let method = request.method == .head ? HTTPMethod.get : request.method
        guard route.methods.contains(method) else {
            var response = HTTPResponse.problem(.methodNotAllowed, "method_not_allowed", "use \(route.allowHeader)")
            response.headers.append("allow", HTTPFieldValue(cleaning: route.allowHeader))
            return response
        }
        if route.needsSecret, request.beginsSession(route),
            let seconds = failures.waitSeconds(context.visitor.address, at: now)
        {
            var response = HTTPResponse.problem(
                .tooManyRequests, "rate_limited", "too many wrong tokens or keys from this address; wait \(seconds) s")
            response.headers.append("retry-after", HTTPFieldValue(seconds))
            return response
        }
        if let destination = destination(route, request, context), route != .engine || request.isUpgrade {
            return upgrade(request, to: destination, context, on: handle)
        }
        if case .operations(let route) = route { return ask(route, request, context, on: handle) }
        if case .engine = route {
            receiveEngineRequest(request, context, on: handle)
            return nil
        }
        return withCORS(respond(to: route, request, context), route, context)
    }

    private func context(
        of request: HTTPRequest, on handle: SlabHandle, at now: Instant, unixTime: UnixTime
    ) -> RequestContext {
        let remote = connections[handle].remote
        let address = settings.proxies.client(
            of: remote, forwardedFor: request.headers.values(of: "x-forwarded-for"),
            forwarded: request.headers.values(of: "forwarded"))
        // A proxy that calls us by another name says how the client called it.
        let forwardedHost = settings.proxies.contains(remote) ? request.headers["x-forwarded-host"] : nil
        let host = forwardedHost.map { HostName.parse($0) } ?? request.host
        let visitor = Visitor(address: address, localAddress: connections[handle].local, host: host)
        let origin = settings.origins.judge(
            request.headers["origin"], authority: forwardedHost ?? request.headers["host"])
        return RequestContext(
            visitor: visitor, bearer: Self.bearer(request.headers["authorization"]),
            isControl: connections[handle].profile == .control, origin: origin, now: now, unixTime: unixTime)
    }

    /// The credentials of the scheme Bearer (RFC 6750 §2.1); the scheme's name is case-insensitive.
    private static func bearer(_ authorization: String?) -> [UInt8]? {
        guard let authorization, let space = authorization.firstIndex(of: " "),
            authorization[..<space].lowercased() == "bearer"
        else { return nil }
        return Array(authorization[space...].utf8.drop { $0 == UInt8(ascii: " ") })
    }

    // MARK: - CORS

    /// The answer to a browser that asks before it sends (Fetch Standard, CORS-preflight request).
    private func preflight(_ route: Route, _ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        guard case .listed(let origin) = context.origin, route.isForBrowsers else {
            return .problem(.forbidden, "foreign_origin", "this is not for pages of other origins")
        }
        if case .engine = route { return enginePreflight(request, context) }
        var response = HTTPResponse.empty(.noContent)
        response.headers.append("access-control-allow-origin", HTTPFieldValue(cleaning: origin))
        response.headers.append("access-control-allow-methods", HTTPFieldValue(cleaning: route.allowHeader))
        response.headers.append("access-control-allow-headers", "authorization, content-type")
        response.headers.append("access-control-max-age", "600")
        response.headers.append("vary", "origin")
        return response
    }

    private func withCORS(_ response: HTTPResponse, _ route: Route, _ context: RequestContext) -> HTTPResponse {
        guard route.isForBrowsers else { return response }
        var response = response
        response.headers.append("vary", "origin")
        guard case .listed(let origin) = context.origin else { return response }
        response.headers.append("access-control-allow-origin", HTTPFieldValue(cleaning: origin))
        response.headers.append("access-control-expose-headers", "link")
        return response
    }
}

extension HTTPRequest {
    /// A browser asks whether it may send something (it never means the route's own OPTIONS).
    fileprivate var isPreflight: Bool {
        method == .options && headers["origin"] != nil && headers["access-control-request-method"] != nil
    }

    fileprivate var isUpgrade: Bool { headers.contains(token: "websocket", in: "upgrade") }

    /// Whether a wrong secret can be tried with it: not by who goes on with a session of the engine, and others of its
    /// address shall not disturb it.
    fileprivate func beginsSession(_ route: Route) -> Bool { route != .engine || target.query("sid") == nil }
}

extension HTTPResponse {
    /// An error as JSON: `{"error":{"code":…,"message":…}}`.
    static func problem(_ status: HTTPStatus, _ code: StaticString, _ message: String) -> HTTPResponse {
        var writer = JSONWriter()
        writer.beginObject()
        writer.name("error")
        writer.beginObject()
        writer.member("code", "\(code)")
        writer.member("message", message)
        writer.endObject()
        writer.endObject()
        var response = HTTPResponse.json(writer.bytes, status)
        response.headers.append("cache-control", "no-store")
        return response
    }
}
