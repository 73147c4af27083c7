import Containers
package import HTTP
package import NetworkPrimitives
import Signaling

// Requests of the polling transport, and the first request of every session.
extension EngineServer {
    /// A request for the path of Engine.IO that is no upgrade. It is answered by an output with its id, at once or
    /// later.
    package mutating func receive(
        _ request: HTTPRequest, id: RequestID, from visitor: EngineVisitor, at now: Instant
    ) {
        let query = EngineQuery(request.target.query)
        do throws(EngineRefusal) {
            try checkTransport(query, request)
            if let refusal = visitor.refusal { throw .forbidden(refusal) }
            guard let sid = query.sid else { return try shakeHands(request, query, id, visitor, at: now) }
            let handle = try find(sid, from: visitor, at: now)
            guard query.transport == "polling", !isOnWebSocket(handle) else { throw .badRequest }
            switch request.method {
            case .get: poll(handle, id, at: now)
            case .post: receivePayload(request, id, on: handle, at: now)
            case .head, .put, .patch, .delete, .options: throw .badRequest
            }
        } catch {
            counters.refusedRequests += 1
            outputs.append(.respond(id, PollResponse.refusal(error)))
        }
    }

    /// The client has cancelled a request, or its connection is gone. A session whose poll is cancelled is over: what
    /// went out with it cannot be told from what did not.
    package mutating func abort(_ id: RequestID, at now: Instant) {
        guard let handle = sessionByRequest.remove(id) else { return }
        guard case .polling(var polling) = sessions[handle].transport else { return }
        polling.poll = nil
        sessions[handle].transport = .polling(polling)
        end(handle, .pollAborted, at: now)
    }

    // MARK: - Checks

    func checkTransport(_ query: EngineQuery, _ request: HTTPRequest) throws(EngineRefusal) {
        switch (query.transport, settings.transports) {
        case ("polling", .all), ("polling", .pollingOnly), ("websocket", .all), ("websocket", .webSocketOnly): break
        default: throw .transportUnknown
        }
        // The bytes of a header may be anything; those of an origin may not (RFC 6454 §7).
        if let origin = request.headers["origin"], !origin.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) {
            throw .badRequest
        }
    }

    /// The live session with this secret, for this visitor.
    mutating func find(
        _ sid: String, from visitor: EngineVisitor, at now: Instant
    ) throws(EngineRefusal) -> SlabHandle {
        guard let secret = Identifier(text: sid.utf8), let handle = sessionBySecret[secret] else {
            counters.refusedUnknownSession += 1
            throw .sessionUnknown
        }
        let isPinned = settings.pinsVersion3ToAddress && sessions[handle].version == .three
        guard !isPinned || sessions[handle].address.subscriber == visitor.address.subscriber else {
            // Whoever has read the id elsewhere does not learn that it is alive.
            counters.refusedForeignAddress += 1
            throw .sessionUnknown
        }
        // The timer may be a little late.
        expire(handle, at: now)
        guard sessions.contains(handle) else {
            counters.refusedUnknownSession += 1
            throw .sessionUnknown
        }
        return handle
    }

    private func isOnWebSocket(_ handle: SlabHandle) -> Bool {
        if case .webSocket = sessions[handle].transport { true } else { false }
    }

    /// What the query of a first request asks for.
    func beginning(
        _ query: EngineQuery, _ request: HTTPRequest, _ visitor: EngineVisitor
    ) throws(EngineRefusal) -> Beginning {
        guard let version = query.version, version == .four || settings.allowsVersion3 else {
            throw .unsupportedVersion
        }
        guard !isDraining else { throw .draining }
        guard !query.isJSONP || version == .four || settings.allowsJSONP, let pollForm = query.pollForm(version) else {
            throw .badRequest
        }
        return Beginning(
            version: version, query: query, rawQuery: request.target.rawQuery ?? "", visitor: visitor,
            pollForm: pollForm)
    }

    // MARK: - Handshake and polls

    private mutating func shakeHands(
        _ request: HTTPRequest, _ query: EngineQuery, _ id: RequestID, _ visitor: EngineVisitor, at now: Instant
    ) throws(EngineRefusal) {
        guard request.method == .get else { throw .badHandshakeMethod }
        guard query.transport == "polling" else { throw .badRequest }
        let beginning = try beginning(query, request, visitor)
        let polling = EngineSession.Transport.polling(EngineSession.Polling())
        guard let (handle, open) = begin(beginning, polling, at: now) else { throw .tooManySessions }
        respond(id, with: [open], for: handle)
    }

    private mutating func poll(_ handle: SlabHandle, _ id: RequestID, at now: Instant) {
        switch sessions[handle].transport {
        case .webSocket: break
        case .lingering:
            respond(id, with: sessions[handle].takeBuffer() + [.close], for: handle)
            forget(handle)
        case .polling(var polling):
            guard polling.poll == nil else {
                end(handle, .overlappingPolls, at: now)
                outputs.append(.respond(id, PollResponse.empty(.badRequest)))
                return
            }
            polling.poll = id
            if polling.probe?.isAnswered == true {
                polling.probe?.noopAt = now.advanced(byMilliseconds: settings.upgradeNoopMilliseconds)
            }
            sessions[handle].transport = .polling(polling)
            sessionByRequest.insert(handle, for: id)
            flush(handle)
            rearm(handle)
        }
    }

    // MARK: - Packets by POST

    private mutating func receivePayload(
        _ request: HTTPRequest, _ id: RequestID, on handle: SlabHandle, at now: Instant
    ) {
        guard request.body.count <= settings.limits.payloadByteCountMax else {
            outputs.append(.respond(id, PollResponse.empty(.contentTooLarge)))
            return
        }
        // A session that we have closed has no more to hear, and its client is told by its next poll.
        guard !sessions[handle].isLingering else {
            outputs.append(.respond(id, PollResponse.accepted))
            return
        }
        guard let packets = packets(of: request, for: handle) else {
            end(handle, .malformed, at: now)
            outputs.append(.respond(id, PollResponse.empty(.badRequest)))
            return
        }
        var isFine = true
        for packet in packets {
            isFine = receive(packet, on: handle, at: now)
            if !sessions.contains(handle) { break }
        }
        outputs.append(.respond(id, isFine ? PollResponse.accepted : PollResponse.empty(.badRequest)))
    }

    private func packets(of request: HTTPRequest, for handle: SlabHandle) -> [EnginePacket]? {
        let max = settings.limits.packetsPerPayloadMax
        let type = (request.headers["content-type"] ?? "").lowercased().utf8.prefix { $0 != UInt8(ascii: ";") }
        let isBinary = type.elementsEqual("application/octet-stream".utf8)
        switch sessions[handle].version {
        case .four:
            // Upstream's servers crashed on it once (CVE-2026-59725); no client of this revision sends it.
            return isBinary ? nil : EnginePayload.decode(text: request.body[...], version: .four, packetsMax: max)
        case .three:
            if isBinary { return EnginePayload.decode(binary: request.body[...], packetsMax: max) }
            guard case .script = sessions[handle].pollForm else {
                return EnginePayload.decode(text: request.body[...], version: .three, packetsMax: max)
            }
            guard let payload = JSONPolling.payload(ofForm: request.body[...]) else { return nil }
            return EnginePayload.decode(text: payload[...], version: .three, packetsMax: max)
        }
    }

    /// One packet of a live session. False when it breaks the protocol, which ends the session.
    mutating func receive(_ packet: EnginePacket, on handle: SlabHandle, at now: Instant) -> Bool {
        let version = sessions[handle].version
        switch packet {
        case .message(let message):
            counters.messagesIn += 1
            outputs.append(.message(handle.engineSession, message))
        case .ping where version == .three:
            sessions[handle].heartbeat.noteLife(at: now)
            deliver(.pong, to: handle, at: now)
        case .pong where version == .four:
            sessions[handle].heartbeat.noteLife(at: now)
            rearm(handle)
        case .close: end(handle, .client, at: now)
        // Late words of an upgrade.
        case .noop, .upgrade: break
        case .ping, .pong, .open:
            end(handle, .malformed, at: now)
            return false
        }
        return true
    }
}
