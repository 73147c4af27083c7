import HTTP
import NetworkPrimitives
import PeerJS
import Signaling

// What clients of PeerJS ask over HTTP.
extension WebService {
    mutating func peerJS(_ route: PeerJSRoute, _ context: RequestContext) -> HTTPResponse {
        let answer = dialects.peerJS?.machine.answer(
            route, visitor: context.visitor, at: context.now, unixTime: context.unixTime)
        drainSpeakers(at: context.now)
        switch answer {
        case .json(let bytes): return .json(bytes).uncached
        case .text(let bytes): return HTTPResponse(type: "text/plain; charset=utf-8", body: bytes).uncached
        // The words of PeerServer.
        case .unauthorized: return .text("Invalid key provided\n", .unauthorized).uncached
        case nil: return .problem(.notFound, "not_found", "there is nothing at this path")
        }
    }
}
