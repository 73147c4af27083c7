import CredentialService
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import TernV1

// The API, route by route.
extension WebService {
    mutating func respond(to route: Route, _ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        switch route {
        case .signal, .engine, .operations: preconditionFailure("they are answered elsewhere")
        case .dialect: .problem(.notFound, "not_found", "the path may name one room, of 128 bytes at most")
        case .greeting(let entrance): .text("This is Tern. Clients of \(entrance.rawValue) connect here.\n")
        case .peerJS(let route): peerJS(route, context)
        case .status: status(context)
        case .health: .text("ok\n")
        case .readiness: isDraining ? .text("draining\n", .serviceUnavailable) : .text("ready\n")
        case .roomCredentials(let room): roomCredentials(room, request, context)
        case .roomIce(let room): roomIce(room, request, context)
        case .generateIceServers(let key): generate(key, request, context, shape: .iceServers)
        case .generate(let key): generate(key, request, context, shape: .single)
        case .revokeCredentials(let key, let username): revoke(username, key, context)
        case .turnREST: turnREST(request, context)
        case .tokens: mintToken(request, context)
        case .rooms: rooms(request, context)
        case .room(let room): roomDetail(room, request, context)
        case .session(let id): session(id, request, context)
        case .page(let path): page(path, request)
        }
    }

    // MARK: - What anybody may know

    private func status(_ context: RequestContext) -> HTTPResponse {
        var writer = JSONWriter()
        writer.beginObject()
        writer.member("version", settings.version)
        writer.member("uptime_s", Int(context.now.nanoseconds(since: startedAt) / 1_000_000_000))
        writer.member("anonymous_rooms", settings.hasAnonymousRooms)
        let turnURLs = authority.issuer?.servers.turnURLs(for: context.visitor) ?? []
        Self.write("turn", urls: turnURLs, to: &writer)
        Self.write("stun", urls: authority.servers.stunURLs(for: context.visitor), to: &writer)
        // How much is going on here is nobody's business but the host's.
        if context.visitor.address.isLoopback {
            writer.member("rooms", liveCounts.rooms)
            writer.member("participants", liveCounts.participants)
        }
        writer.endObject()
        return .json(writer.bytes).uncached
    }

    private static func write(_ name: String, urls: [String], to writer: inout JSONWriter) {
        writer.name(name)
        writer.beginObject()
        writer.name("urls")
        writer.strings(urls)
        writer.endObject()
    }

    // MARK: - Pages

    private func page(_ path: [String], _ request: HTTPRequest) -> HTTPResponse {
        // A directory is its index page; a link to it without the slash at the end would break relative links.
        guard let resource = site.resource(at: path) else {
            guard var missing = site.resource(at: ["404.html"]).map({ HTTPResponse($0, .notFound) }) else {
                return .text("There is no such page.\n", .notFound)
            }
            missing.headers.append("cache-control", "no-cache")
            return missing
        }
        if let known = request.headers["if-none-match"], Self.matches(known, resource.entityTag.text) {
            var unchanged = HTTPResponse.empty(.notModified)
            unchanged.headers.append("etag", resource.entityTag)
            unchanged.headers.append("cache-control", "no-cache")
            return unchanged
        }
        var response = HTTPResponse(resource, .ok)
        response.headers.append("etag", resource.entityTag)
        // Kept, but asked about each time: an update of the server is seen at once.
        response.headers.append("cache-control", "no-cache")
        if path.isClient { response.headers.append("access-control-allow-origin", "*") }
        return response
    }

    /// If-None-Match is `*` or a list of tags, compared weakly (RFC 9110 §13.1.2).
    private static func matches(_ header: String, _ tag: String) -> Bool {
        header.split(separator: ",").contains { part in
            var part = part.drop { $0 == " " }
            while part.last == " " { part.removeLast() }
            if part.hasPrefix("W/") { part = part.dropFirst(2) }
            return part == "*" || part == tag
        }
    }

    // MARK: - Keys

    /// The id of the application whose key is shown.
    mutating func requireApplication(_ context: RequestContext) throws(ResponseError) -> String {
        guard case .application(let id) = try principal(context) else {
            throw ResponseError(.forbidden, "forbidden", "this takes an API key, not the operator's")
        }
        return id
    }

    mutating func requireOperator(_ context: RequestContext) throws(ResponseError) {
        guard case .operator = try principal(context) else {
            throw ResponseError(.forbidden, "forbidden", "this takes the operator's key")
        }
    }

    private mutating func principal(_ context: RequestContext) throws(ResponseError) -> APIPrincipal {
        if context.isControl { return .operator }
        guard let bearer = context.bearer else { throw unauthorized("show a key as 'Authorization: Bearer …'") }
        guard let principal = authority.keys.authenticate(bearer: bearer) else {
            throw denied("this is no key of this server", context)
        }
        return principal
    }

    /// Counts a wrong secret; a missing one is no attempt at guessing.
    mutating func denied(_ message: String, _ context: RequestContext) -> ResponseError {
        failures.recordFailure(context.visitor.address, at: context.now)
        count { $0.refusedAuthentication += 1 }
        outputs.append(.event(.unauthorized(source: context.visitor.address)))
        return unauthorized(message)
    }

    func unauthorized(_ message: String, code: StaticString = "unauthorized") -> ResponseError {
        var response = HTTPResponse.problem(.unauthorized, code, message)
        response.headers.append("www-authenticate", "Bearer")
        return ResponseError(response: response)
    }
}

/// An answer that ends the handling of a request early.
struct ResponseError: Error {
    let response: HTTPResponse

    init(response: HTTPResponse) { self.response = response }

    init(_ status: HTTPStatus, _ code: StaticString, _ message: String) {
        response = .problem(status, code, message)
    }
}

extension HTTPResponse {
    init(_ page: SiteResource, _ status: HTTPStatus) {
        self.init(status, type: page.contentType, body: page.bytes)
        headers.append("x-content-type-options", "nosniff")
        headers.append("referrer-policy", "no-referrer")
        if let policy = page.securityPolicy { headers.append("content-security-policy", policy) }
    }

    /// Never kept by anybody on the way: it holds a secret, or what is true at this moment only.
    var uncached: HTTPResponse {
        var response = self
        response.headers.append("cache-control", "no-store")
        return response
    }
}

extension JSONWriter {
    mutating func strings(_ values: [String]) {
        beginArray()
        for value in values { string(value) }
        endArray()
    }
}
