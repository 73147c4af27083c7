import Containers
package import HTTP
package import NetworkPrimitives

// WebSockets: as the first transport of a session, or as its second.
extension EngineServer {
    /// A request to become a WebSocket, whose handshake is in order. Nil: accept it, and then do what the outputs say,
    /// which may be to close it. If it cannot be accepted after all, say `webSocketClosed`.
    package mutating func openWebSocket(
        _ socket: WebSocketID, for request: HTTPRequest, from visitor: EngineVisitor, at now: Instant
    ) -> HTTPResponse? {
        let query = EngineQuery(request.target.query)
        do throws(EngineRefusal) {
            try checkTransport(query, request)
            guard query.transport == "websocket" else { throw .badRequest }
            if let refusal = visitor.refusal { throw .forbidden(refusal) }
            guard let sid = query.sid else {
                let beginning = try beginning(query, request, visitor)
                guard let (handle, open) = begin(beginning, .webSocket(socket), at: now) else {
                    throw .tooManySessions
                }
                sessionBySocket.insert(handle, for: socket)
                emit(open, to: [socket], base64: [])
                return nil
            }
            guard settings.transports == .all else { throw .badRequest }
            beginProbe(socket, on: try find(sid, from: visitor, at: now), at: now)
            return nil
        } catch {
            counters.refusedRequests += 1
            return PollResponse.refusal(error)
        }
    }

    /// A text message. It is UTF-8.
    package mutating func receive(text: [UInt8], from socket: WebSocketID, at now: Instant) {
        receive(from: socket, byteCount: text.count, at: now) { EnginePacket(text: text[...], version: $0) }
    }

    /// A binary message.
    package mutating func receive(binary: [UInt8], from socket: WebSocketID, at now: Instant) {
        receive(from: socket, byteCount: binary.count, at: now) { EnginePacket(binary: binary[...], version: $0) }
    }

    /// The WebSocket is gone, or takes no more.
    package mutating func webSocketClosed(_ socket: WebSocketID, at now: Instant) {
        guard let handle = sessionBySocket.remove(socket) else { return }
        switch sessions[handle].transport {
        case .webSocket: end(handle, .transportClosed, at: now)
        case .polling(var polling):
            counters.upgradesFailed += 1
            polling.probe = nil
            sessions[handle].transport = .polling(polling)
        case .lingering: break
        }
    }

    private mutating func receive(
        from socket: WebSocketID, byteCount: Int, at now: Instant, read: (EngineVersion) -> EnginePacket?
    ) {
        guard let handle = sessionBySocket[socket] else { return }
        expire(handle, at: now)
        guard sessionBySocket[socket] != nil else { return }
        let packet =
            byteCount <= settings.limits.payloadByteCountMax ? read(sessions[handle].version) : nil
        switch sessions[handle].transport {
        case .webSocket:
            guard let packet else { return end(handle, .malformed, at: now) }
            _ = receive(packet, on: handle, at: now)
        case .polling(let polling):
            if let probe = polling.probe { continueProbe(probe, packet, on: handle, at: now) }
        case .lingering: break
        }
    }

    // MARK: - From polling to WebSocket

    /// A second transport for a session. A third one, or one for a session that has moved already, is closed at once.
    private mutating func beginProbe(_ socket: WebSocketID, on handle: SlabHandle, at now: Instant) {
        guard case .polling(var polling) = sessions[handle].transport, polling.probe == nil else {
            outputs.append(.closeWebSocket(socket, code: 1000))
            return
        }
        let until = now.advanced(byMilliseconds: settings.upgradeTimeoutMilliseconds)
        polling.probe = EngineSession.Probe(socket: socket, until: until)
        sessions[handle].transport = .polling(polling)
        sessionBySocket.insert(handle, for: socket)
        rearm(handle)
    }

    private mutating func continueProbe(
        _ probe: EngineSession.Probe, _ packet: EnginePacket?, on handle: SlabHandle, at now: Instant
    ) {
        switch packet {
        case .ping(let data) where data.elementsEqual("probe".utf8):
            guard case .polling(var polling) = sessions[handle].transport else { return }
            polling.probe?.isAnswered = true
            sessions[handle].transport = .polling(polling)
            emit(.probeAnswer, to: [probe.socket], base64: [])
            // The client moves once no poll of its waits.
            answerPoll(handle, with: [.noop])
        case .upgrade where probe.isAnswered: commit(to: probe.socket, handle, at: now)
        case .ping, .open, .close, .pong, .message, .upgrade, .noop, nil: abandonProbe(handle)
        }
    }

    /// From here on the WebSocket is the transport; what waits goes there, in its order.
    private mutating func commit(to socket: WebSocketID, _ handle: SlabHandle, at now: Instant) {
        answerPoll(handle, with: [.noop])
        sessions[handle].transport = .webSocket(socket)
        counters.upgrades += 1
        outputs.append(.upgraded(handle.engineSession))
        for frame in sessions[handle].takeBuffer() { deliver(frame, to: handle, at: now) }
        rearm(handle)
    }
}
