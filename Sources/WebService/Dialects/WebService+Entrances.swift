import EngineIO
import HTTP
import PeerJS
import PixelStreaming
import Signaling

// Which of the paths lead to a dialect.
extension WebService {
    /// What a request is about; nil when there is nothing at its path.
    func route(_ request: HTTPRequest, profile: ListenerProfile) -> Route? {
        let path = request.target.segments
        let isUpgrade = request.headers.contains(token: "websocket", in: "upgrade")
        switch profile {
        case .only(let entrance): return dedicatedRoute(path, entrance, isUpgrade: isUpgrade)
        case .metrics: return request.target.path == settings.metricsPath ? .operations(.metrics) : probe(path)
        case .control, .everything: break
        }
        if let route = dialectRoute(path, settings.entrances, isUpgrade: isUpgrade) { return route }
        let route = Route(path)
        if case .page = route, isUpgrade, let root = settings.rootEntrance { return .dialect(root, path) }
        return route
    }

    /// The port that everything shares: each dialect has its own part of the paths.
    private func dialectRoute(_ path: [String], _ entrances: Set<DialectEntrance>, isUpgrade: Bool) -> Route? {
        if entrances.contains(.socketIO), dialects.engine?.serves(path) == true { return .engine }
        // The page about PeerServer has the path of all pages; the other paths of its clients are theirs.
        if entrances.contains(.peerJS), let route = PeerJSRoute(segments: path), route != .about {
            return .peerJS(route)
        }
        guard let first = path.first, let entrance = DialectEntrance(rawValue: first), entrance.takesAnyPath,
            entrances.contains(entrance)
        else { return nil }
        return .dialect(entrance, Array(path.dropFirst()))
    }

    /// What load balancers ask for, on every port.
    private func probe(_ path: [String]) -> Route? {
        guard let route = Route(path), route == .health || route == .readiness else { return nil }
        return route
    }

    /// A port of one dialect: whatever its clients call.
    private func dedicatedRoute(_ path: [String], _ entrance: DialectEntrance, isUpgrade: Bool) -> Route? {
        if let route = probe(path) { return route }
        switch entrance {
        case .socketIO:
            if dialects.engine?.serves(path) == true { return .engine }
            // The script of clients; see `OverlaidSite`.
            if path.first == DialectEntrance.socketIO.rawValue { return .page(path) }
        case .peerJS:
            if let route = PeerJSRoute(segments: path) { return .peerJS(route) }
        case .channels, .yWebRTC, .pixelStreaming, .pixelStreamingStreamer, .pixelStreamingSFU:
            if isUpgrade { return .dialect(entrance, path) }
        }
        if settings.hasOwnPages { return .page(path) }
        return path.isEmpty || path == [""] ? .greeting(entrance) : nil
    }

    /// What is at a WebSocket's path; nil when there is nothing.
    func destination(_ route: Route, _ request: HTTPRequest, _ context: RequestContext) -> WebSocketDestination? {
        switch route {
        case .signal: return .native
        case .engine: return .engine
        case .peerJS(.socket(let room)):
            let target = request.target
            return .peerJS(
                room: room,
                PeerJSQuery(
                    id: target.query("id") ?? "", token: target.query("token") ?? "",
                    key: target.query("key") ?? ""))
        case .dialect(let entrance, let path):
            let opening: Opening
            switch PathRoom(segments: path) {
            case .unnamed: opening = self.opening(request, context, room: nil)
            case .room(let room): opening = self.opening(request, context, room: room)
            case .invalid: return nil
            }
            return destination(entrance, opening, request.target)
        case .status, .health, .readiness, .roomCredentials, .roomIce, .generateIceServers, .generate,
            .revokeCredentials, .turnREST, .tokens, .rooms, .room, .session, .page, .peerJS, .greeting, .operations:
            return nil
        }
    }

    private func destination(
        _ entrance: DialectEntrance, _ opening: Opening, _ target: RequestTarget
    ) -> WebSocketDestination? {
        let options = PixelStreamingOptions(
            offersToReceive: PixelStreamingOptions.isSet(target.query("OfferToReceive")),
            prefersSFU: PixelStreamingOptions.isSet(target.query("preferSFU")))
        switch entrance {
        case .channels: return .channels(opening)
        case .yWebRTC: return .yWebRTC(opening)
        case .pixelStreaming: return .pixelStreaming(.player, opening, options)
        case .pixelStreamingStreamer: return .pixelStreaming(.streamer, opening, options)
        case .pixelStreamingSFU: return .pixelStreaming(.sfu, opening, options)
        case .socketIO, .peerJS: return nil
        }
    }

    /// The token may stand in the query, because clients of dialects have a URL and nothing else.
    private func opening(_ request: HTTPRequest, _ context: RequestContext, room: RoomName?) -> Opening {
        let token = token(request, context) ?? request.target.query("token").map { Array($0.utf8) }
        return Opening(visitor: context.visitor, token: token, room: room)
    }
}

/// What a WebSocket is for.
enum WebSocketDestination {
    case native
    case engine
    case channels(Opening)
    case yWebRTC(Opening)
    case peerJS(room: RoomName?, PeerJSQuery)
    case pixelStreaming(PixelStreamingRole, Opening, PixelStreamingOptions)
}
