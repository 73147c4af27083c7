import HTTP
import PeerJS
import Signaling

/// What a request is about. Every path of the server is here; what is none of these is a page.
enum Route: Hashable {
    case signal
    case status, health, readiness
    /// Time-limited credentials for one room, as JSON.
    case roomCredentials(RoomName)
    /// The same for WHIP and WHEP, with `Link` headers (RFC 9725 §4.6).
    case roomIce(RoomName)
    case generateIceServers(key: String)
    /// The older shape, one object instead of a list.
    case generate(key: String)
    case revokeCredentials(key: String, username: String)
    /// draft-uberti-behave-turn-rest-00.
    case turnREST
    case tokens
    case rooms
    case room(RoomName)
    case session(String)
    /// What only the server as a whole can answer.
    case operations(OperatorRoute)
    case page([String])
    /// Engine.IO: requests and WebSockets.
    case engine
    case peerJS(PeerJSRoute)
    /// A WebSocket of a dialect, and the path below its own.
    case dialect(DialectEntrance, [String])
    /// The start page of a port of one dialect.
    case greeting(DialectEntrance)

    /// Nil for a path below `/v1` that names nothing.
    init?(_ segments: [String]) {
        switch segments.first {
        case "v1":
            guard let route = Self.versioned(Array(segments.dropFirst())) else { return nil }
            self = route
        case "turn" where segments.count == 1 || segments == ["turn", "credentials"]: self = .turnREST
        case "metrics" where segments.count == 1: self = .operations(.metrics)
        case "healthz" where segments.count == 1: self = .health
        case "readyz" where segments.count == 1: self = .readiness
        default: self = .page(segments)
        }
    }

    private static func versioned(_ segments: [String]) -> Route? {
        switch (segments.first, segments.count) {
        case ("signal", 1): .signal
        case ("status", 1): .status
        case ("tokens", 1): .tokens
        case ("rooms", 1): .rooms
        case ("rooms", 2): RoomName(segments[1].utf8).map(Route.room)
        case ("rooms", 3): roomPart(segments)
        case ("sessions", 2): .session(segments[1])
        case ("turn", 5...6): turnKey(segments)
        default: OperatorRoute(versioned: segments).map(Route.operations)
        }
    }

    private static func roomPart(_ segments: [String]) -> Route? {
        guard let room = RoomName(segments[1].utf8) else { return nil }
        switch segments[2] {
        case "credentials": return .roomCredentials(room)
        case "ice": return .roomIce(room)
        default: return nil
        }
    }

    /// `turn/keys/{id}/credentials/…`, as Cloudflare's service has it.
    private static func turnKey(_ segments: [String]) -> Route? {
        guard segments[1] == "keys", segments[3] == "credentials" else { return nil }
        switch (segments.count, segments[4]) {
        case (5, "generate-ice-servers"): return .generateIceServers(key: segments[2])
        case (5, "generate"): return .generate(key: segments[2])
        case (6, let username) where segments[5] == "revoke":
            return .revokeCredentials(key: segments[2], username: username)
        default: return nil
        }
    }

    /// The methods that it answers to; HEAD goes with GET, and OPTIONS is answered for all.
    var methods: [HTTPMethod] {
        switch self {
        case .signal, .status, .health, .readiness, .page, .rooms, .peerJS, .dialect, .greeting: [.get]
        // The engine itself says what it does not take.
        case .engine: HTTPMethod.allCases.filter { $0 != .options }
        case .room, .session: [.get, .delete]
        case .roomIce: [.get, .options]
        case .roomCredentials, .generateIceServers, .generate, .revokeCredentials, .tokens: [.post]
        case .turnREST: [.get, .post]
        case .operations(let route): route.methods
        }
    }

    /// Whether pages of other origins may call it, if the operator lists them. What an API key opens is for servers,
    /// not for pages.
    var isForBrowsers: Bool {
        switch self {
        case .signal, .status, .health, .readiness, .roomCredentials, .roomIce, .turnREST, .page, .engine, .peerJS,
            .dialect, .greeting:
            true
        case .generateIceServers, .generate, .revokeCredentials, .tokens, .rooms, .room, .session, .operations: false
        }
    }
}

extension Route {
    /// Whether a foreign page is refused before anything else. Pages and probes have nothing to hide.
    var checksOrigin: Bool {
        switch self {
        case .health, .readiness, .page, .greeting: false
        default: true
        }
    }

    /// Whether wrong tokens and keys can be tried here.
    var needsSecret: Bool {
        switch self {
        case .status, .health, .readiness, .page, .greeting: false
        default: true
        }
    }

    var allowHeader: String {
        methods.map(\.rawValue).joined(separator: ", ") + (methods.contains(.get) ? ", HEAD" : "")
            + (methods.contains(.options) ? "" : ", OPTIONS")
    }
}
