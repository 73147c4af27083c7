import CredentialService
import HTTP
import JSON
import NetworkPrimitives
import Signaling
import TernV1

// Routes that give out credentials, and take them back. The gate is asked before anything else.
extension WebService {
    // MARK: - Rooms

    /// `POST /v1/rooms/{room}/credentials`, with a token of the room, or with an API key and `{"identity":…}`.
    mutating func roomCredentials(
        _ room: RoomName, _ request: HTTPRequest, _ context: RequestContext
    ) -> HTTPResponse {
        do throws(ResponseError) {
            let issued = try issue(for: room, request, context)
            return .json(IceServersResponse.native(issued), .created).uncached
        } catch { return error.response }
    }

    /// `GET` or `OPTIONS /v1/rooms/{room}/ice`: the same with the `Link` headers of WHIP and WHEP (RFC 9725 §4.6).
    mutating func roomIce(_ room: RoomName, _ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        do throws(ResponseError) {
            let issued = try issue(for: room, request, context)
            var response = HTTPResponse.json(IceServersResponse.native(issued)).uncached
            for link in IceServersResponse.linkHeaders(issued) {
                response.headers.append("link", HTTPFieldValue(cleaning: link))
            }
            return response
        } catch { return error.response }
    }

    /// Credentials without a session: they run out by their time alone, and one identity has one quota however often it
    /// asks.
    private mutating func issue(
        for room: RoomName, _ request: HTTPRequest, _ context: RequestContext
    ) throws(ResponseError) -> IssuedCredentials {
        let asked = try parsed { () throws(RequestError) in try CredentialRequest(parsing: request.body) }
        if let bearer = context.bearer, let principal = authority.keys.authenticate(bearer: bearer) {
            guard case .application(let id) = principal else {
                throw denied("an operator's key opens no rooms", context)
            }
            guard let identity = asked.identity else {
                throw ResponseError(.badRequest, "bad_request", "say for whom: {\"identity\":\"…\"}")
            }
            let terms = CredentialTerms(requestedSeconds: asked.lifetimeSeconds)
            return try issue(to: .user(issuer: id, identity: identity, room: room), terms, context)
        }
        let admission = try admission(to: room, context)
        guard admission.grants.contains(.turn) else {
            throw ResponseError(.forbidden, "credentials_denied", "this token does not grant TURN credentials")
        }
        // A ban would be none if the relays of the room stayed open to who is banned from it.
        if let identity = admission.identity, isBanned(identity, from: room, at: context.now) {
            throw refusal(.forbidden, context)
        }
        let terms = CredentialTerms(
            requestedSeconds: asked.lifetimeSeconds, secondsMax: admission.credentialSecondsMax,
            transports: admission.transports)
        // An anonymous visitor is known by its address: asking again brings no second quota.
        let (issuer, identity) =
            admission.identity.map { ($0.issuer, $0.subject) } ?? ("", "\(context.visitor.address.subscriber)")
        return try issue(to: .user(issuer: issuer, identity: identity, room: room), terms, context)
    }

    private mutating func issue(
        to holder: CredentialHolder, _ terms: CredentialTerms, _ context: RequestContext
    ) throws(ResponseError) -> IssuedCredentials {
        guard let issuer = authority.issuer,
            let issued = issuer.issue(to: holder, terms, visitor: context.visitor, at: context.unixTime)
        else {
            throw ResponseError(.notFound, "no_turn", "this server has no TURN service for you, so no credentials")
        }
        count { $0.credentialsIssued += 1 }
        return issued
    }

    /// What a body says, or an answer that names the member that is wrong.
    private func parsed<Body>(_ parse: () throws(RequestError) -> Body) throws(ResponseError) -> Body {
        do throws(RequestError) { return try parse() } catch {
            throw ResponseError(.badRequest, "bad_request", error.message)
        }
    }

    private mutating func admission(to room: RoomName, _ context: RequestContext) throws(ResponseError) -> Admission {
        do throws(AdmissionRefusal) {
            let pass: Pass? =
                if let token = context.bearer { try authority.gate.identify(token, at: context.unixTime) } else { nil }
            return try authority.gate.admit(pass, to: room, from: context.visitor, at: context.unixTime)
        } catch { throw refusal(error, context) }
    }

    private mutating func refusal(_ refusal: AdmissionRefusal, _ context: RequestContext) -> ResponseError {
        switch refusal {
        case .unauthorized where context.bearer == nil:
            return unauthorized("show a room token as 'Authorization: Bearer …'")
        case .unauthorized: return denied("this token is not signed by a key of this server, or not whole", context)
        case .tokenExpired: return unauthorized("the token has expired; get a new one", code: "token_expired")
        case .tokenNotYetValid:
            return unauthorized("the token is not valid yet; check the clocks", code: "token_not_yet_valid")
        case .forbidden:
            return ResponseError(.forbidden, "forbidden", "not allowed in this room")
        }
    }

    // MARK: - Shapes of other services

    enum CloudflareShape { case iceServers, single }

    /// `POST /v1/turn/keys/{id}/credentials/generate-ice-servers`, as clients of Cloudflare's service ask.
    mutating func generate(
        _ key: String, _ request: HTTPRequest, _ context: RequestContext, shape: CloudflareShape
    ) -> HTTPResponse {
        do throws(ResponseError) {
            _ = try application(key, context)
            let asked = try parsed { () throws(RequestError) in try CredentialRequest(parsingCloudflare: request.body) }
            let holder: CredentialHolder = .anybody(freshTag())
            let issued = try issue(to: holder, CredentialTerms(requestedSeconds: asked.lifetimeSeconds), context)
            let body =
                switch shape {
                case .iceServers: IceServersResponse.cloudflare(issued)
                case .single: IceServersResponse.cloudflareSingle(issued)
                }
            return .json(body, .created).uncached
        } catch { return error.response }
    }

    /// `POST …/credentials/{username}/revoke`: the name is of no use from now on, and what it relays ends.
    mutating func revoke(_ username: String, _ key: String, _ context: RequestContext) -> HTTPResponse {
        do throws(ResponseError) {
            _ = try application(key, context)
            let name = Array(username.utf8)
            // USERNAME is shorter than 509 bytes (RFC 8489 §14.3).
            guard name.count <= 508 else {
                throw ResponseError(.badRequest, "bad_request", "a user name has at most 508 bytes")
            }
            outputs.append(.revoke(user: name))
            return .empty(.noContent)
        } catch { return error.response }
    }

    /// The id of the key in the path, if its secret is shown.
    private mutating func application(_ key: String, _ context: RequestContext) throws(ResponseError) -> String {
        guard let bearer = context.bearer else { throw unauthorized("show the key as 'Authorization: Bearer …'") }
        guard authority.keys.application(id: key, bearer: bearer) != nil else {
            throw denied("there is no such key, or this is not its secret", context)
        }
        return key
    }

    /// `GET` or `POST /turn` (draft-uberti-behave-turn-rest-00 §2): the key is in the query or in a form. Janus sends
    /// it as `api` and as `key`.
    mutating func turnREST(_ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        let form = FormFields(request)
        do throws(ResponseError) {
            if let service = form["service"], service != "turn" {
                throw ResponseError(.badRequest, "bad_request", "the service is 'turn'")
            }
            guard let secret = context.bearer ?? (form["key"] ?? form["api"]).map({ Array($0.utf8) }) else {
                throw ResponseError(.badRequest, "bad_request", "show an API key as 'key'")
            }
            guard case .application = authority.keys.authenticate(bearer: secret) else {
                _ = denied("wrong key", context)
                throw ResponseError(.forbidden, "forbidden", "this key does not open that")
            }
            let holder = try holder(form["username"])
            let terms = CredentialTerms(requestedSeconds: form["ttl"].flatMap { UInt32($0) })
            let issued = try issue(to: holder, terms, context)
            if form["format"] == "legacy", let server = authority.issuer?.servers.hostAndPort(for: context.visitor) {
                return .json(IceServersResponse.codelab(issued, hostAndPort: server)).uncached
            }
            return .json(IceServersResponse.turnREST(issued)).uncached
        } catch { return error.response }
    }

    /// The name that the application chose, else a tag of its own for each answer.
    private mutating func holder(_ username: String?) throws(ResponseError) -> CredentialHolder {
        guard let username, !username.isEmpty else { return .anybody(freshTag()) }
        guard let name = RESTUsername(Array(username.utf8)) else {
            throw ResponseError(
                .badRequest, "bad_request",
                "username has 1 to \(RESTUsername.byteCountMax) visible characters, and does not begin with 'tern.'")
        }
        return .named(name)
    }

    // MARK: - Tokens

    /// `POST /v1/tokens`: a room token signed with the key that is shown.
    mutating func mintToken(_ request: HTTPRequest, _ context: RequestContext) -> HTTPResponse {
        do throws(ResponseError) {
            let id = try requireApplication(context)
            let asked = try parsed { () throws(RequestError) in try TokenRequest(parsing: request.body) }
            guard let minter = authority.minters[id] else { throw denied("this key signs no tokens", context) }
            return .json(minter.mint(asked, at: context.unixTime).responseBody, .created).uncached
        } catch { return error.response }
    }
}
