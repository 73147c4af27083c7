import Containers
package import EngineIO
package import HTTP
package import NetworkPrimitives
import Signaling

// Questions of operators: who may ask, what exactly is asked, and the answer's way back.
extension WebService {
    /// Passes a question on, or answers why not.
    mutating func ask(
        _ route: OperatorRoute, _ request: HTTPRequest, _ context: RequestContext, on handle: SlabHandle
    ) -> HTTPResponse? {
        do throws(ResponseError) {
            // Whoever reaches a port of metrics reads them.
            if connections[handle].profile != .metrics || route != .metrics { try requireOperator(context) }
            let question = try question(route, request)
            guard let id = postpone(on: handle, .operators) else { throw Self.busy }
            outputs.append(.ask(AskedQuestion(id: id, question: question)))
            return nil
        } catch { return error.response }
    }

    private static var busy: ResponseError {
        ResponseError(.serviceUnavailable, "busy", "too many requests wait for an answer")
    }

    private func question(
        _ route: OperatorRoute, _ request: HTTPRequest
    ) throws(ResponseError) -> OperatorQuestion {
        switch route {
        case .metrics: return .metrics
        case .overview: return .overview
        case .allocations:
            let query = try query(request.target)
            guard request.method == .delete else { return .allocations(query) }
            guard !query.isUnconditional else {
                throw ResponseError(.badRequest, "bad_request", "say which ones: user or client, or the id in the path")
            }
            return .endAllocations(query)
        case .allocation(let id):
            var query = AllocationQuery()
            query.id = id
            return request.method == .delete ? .endAllocations(query) : .allocations(query)
        case .reload: return .reload
        case .drain: return .drain
        case .logLevel where request.method == .put:
            return .setLogLevel(String(decoding: request.body.prefix(64), as: UTF8.self))
        case .logLevel: return .logLevel
        case .configuration: return .configuration
        case .peer(let ip, let port): return .peer(ip, port: port)
        }
    }

    private func query(_ target: RequestTarget) throws(ResponseError) -> AllocationQuery {
        var query = AllocationQuery()
        query.user = target.query("user")
        if let text = target.query("client") {
            guard let ip = IPAddress(text) else {
                throw ResponseError(.badRequest, "bad_request", "client is an IP address without a port")
            }
            query.client = ip
        }
        if let text = target.query("limit") {
            guard let limit = Int(text), (1...100_000).contains(limit) else {
                throw ResponseError(.badRequest, "bad_request", "limit is a number from 1 to 100000")
            }
            query.limit = limit
        }
        return query
    }

    /// The answer to a question. One whose asker is gone is dropped.
    package mutating func answer(
        _ id: RequestID, _ response: HTTPResponse, at now: Instant, unixTime: UnixTime
    ) {
        latestUnixTime = unixTime
        answerPending(id, response, at: now)
    }

    // MARK: - Requests that wait

    /// A number for the request in hand, under which it will be answered; nil when no more can wait.
    mutating func postpone(on handle: SlabHandle, _ debtor: PendingRequest.Debtor) -> RequestID? {
        lastRequest += 1
        let id = RequestID(rawValue: lastRequest)
        guard handleOfRequest.insert(handle, for: id) else { return nil }
        connections[handle].pendingRequest = PendingRequest(id: id, debtor: debtor)
        return id
    }

    mutating func answerPending(_ id: RequestID, _ response: HTTPResponse, at now: Instant) {
        guard let handle = handleOfRequest.remove(id), connections.contains(handle),
            let pending = connections[handle].pendingRequest
        else { return }
        connections[handle].pendingRequest = nil
        switch pending.debtor {
        case .engine(let origin):
            respond(withEngineCORS(response, origin), on: handle, at: now, unixTime: latestUnixTime)
        case .operators: respond(response.uncached, on: handle, at: now, unixTime: latestUnixTime)
        }
        rearm(handle)
    }
}

/// A request that waits for its answer.
struct PendingRequest {
    let id: RequestID
    let debtor: Debtor

    /// Who owes the answer.
    enum Debtor {
        /// The page that asks is to learn it.
        case engine(origin: OriginPolicy.Verdict)
        case operators
    }
}
