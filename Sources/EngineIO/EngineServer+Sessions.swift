import Containers
import HTTP
import NetworkPrimitives
import Signaling

// The life of a session: its beginning, what it is sent, its end.
extension EngineServer {
    // MARK: - Beginning

    /// What a new session takes from the request that opens it.
    struct Beginning {
        let version: EngineVersion
        let query: EngineQuery
        let rawQuery: String
        let visitor: EngineVisitor
        let pollForm: EngineSession.PollForm
    }

    /// Makes a session with its first packet; nil, and counted, when there is no place.
    mutating func begin(
        _ beginning: Beginning, _ transport: EngineSession.Transport, at now: Instant
    ) -> (handle: SlabHandle, open: EngineFrame)? {
        let source = beginning.visitor.address.subscriber
        guard (countOfSource[source] ?? 0) < settings.limits.sessionsPerSourceMax else {
            counters.refusedPerSource += 1
            return nil
        }
        let session = EngineSession(
            secret: secrets.next(), version: beginning.version, pollForm: beginning.pollForm,
            wantsBase64: beginning.query.wantsBase64, address: beginning.visitor.address, transport: transport,
            heartbeat: EngineHeartbeat(beginning.version, settings, at: now))
        let secret = session.secret
        guard let handle = sessions.insert(session) else {
            counters.refusedSessionsMax += 1
            return nil
        }
        sessionBySecret.insert(handle, for: secret)
        if !countOfSource.insert(1, for: source), let count = countOfSource[source] {
            countOfSource.update(count + 1, for: source)
        }
        counters.sessionsOpened += 1
        rearm(handle)
        let isWebSocket = if case .webSocket = transport { true } else { false }
        let opening = EngineOpening(
            session: handle.engineSession, version: beginning.version, secret: secret, visitor: beginning.visitor,
            query: beginning.rawQuery, isWebSocket: isWebSocket)
        let open = openPacket("\(secret)", mayUpgrade: !isWebSocket && settings.transports == .all)
        outputs.append(.opened(opening))
        return (handle, open)
    }

    /// Exactly these five members: clients check it.
    private func openPacket(_ sid: String, mayUpgrade: Bool) -> EngineFrame {
        let upgrades = mayUpgrade ? "[\"websocket\"]" : "[]"
        return .text(
            Array(
                """
                0{"sid":"\(sid)","upgrades":\(upgrades),"pingInterval":\(settings.pingIntervalMilliseconds),\
                "pingTimeout":\(settings.pingTimeoutMilliseconds),"maxPayload":\(settings.limits.payloadByteCountMax)}
                """.utf8))
    }

    // MARK: - Sending

    /// Sends one frame by whatever transport there is.
    mutating func deliver(_ frame: EngineFrame, to handle: SlabHandle, at now: Instant) {
        switch sessions[handle].transport {
        case .webSocket(let socket):
            let isBase64 = sessions[handle].wantsBase64
            emit(frame, to: isBase64 ? [] : [socket], base64: isBase64 ? [socket] : [])
        case .polling: enqueue(frame, for: handle, at: now)
        case .lingering: break
        }
    }

    /// Keeps a frame for the next poll. A session that keeps too much is over.
    mutating func enqueue(_ frame: EngineFrame, for handle: SlabHandle, at now: Instant) {
        let limits = settings.limits
        let byteCount = sessions[handle].bufferedByteCount + frame.byteCount
        guard sessions[handle].buffer.count < limits.bufferedPacketsMax, byteCount <= limits.bufferedByteCountMax else {
            _ = sessions[handle].takeBuffer()
            return end(handle, .overflow, at: now)
        }
        sessions[handle].buffer.append(frame)
        sessions[handle].bufferedByteCount = byteCount
        // The others of a burst find it on the list.
        if sessions[handle].buffer.count == 1 { unflushed.append(handle) }
    }

    /// Answers the poll that waits with all that there is to say, if anything.
    mutating func flush(_ handle: SlabHandle) {
        guard case .polling(let polling) = sessions[handle].transport, polling.poll != nil,
            !sessions[handle].buffer.isEmpty
        else { return }
        answerPoll(handle, with: sessions[handle].takeBuffer())
    }

    /// Answers the poll that waits, if one does.
    mutating func answerPoll(_ handle: SlabHandle, with frames: [EngineFrame]) {
        guard case .polling(var polling) = sessions[handle].transport, let poll = polling.poll else { return }
        polling.poll = nil
        polling.probe?.noopAt = nil
        sessions[handle].transport = .polling(polling)
        sessionByRequest.remove(poll)
        respond(poll, with: frames, for: handle)
    }

    func response(_ frames: [EngineFrame], for handle: SlabHandle) -> HTTPResponse {
        PollResponse.make(frames, sessions[handle].pollForm, sessions[handle].version)
    }

    mutating func respond(_ request: RequestID, with frames: [EngineFrame], for handle: SlabHandle) {
        outputs.append(.respond(request, response(frames, for: handle)))
    }

    /// One frame to WebSockets; base 64 for those without binary.
    mutating func emit(_ frame: EngineFrame, to sockets: [WebSocketID], base64: [WebSocketID]) {
        switch frame {
        case .text(let bytes):
            let all = sockets + base64
            if !all.isEmpty { outputs.append(.sendText(to: all, bytes)) }
        case .binary(let bytes):
            for version in [EngineVersion.three, .four] {
                let plain = sockets.filter { self.version(of: $0) == version }
                if !plain.isEmpty {
                    outputs.append(.sendBinary(to: plain, version == .three ? [4] + bytes : bytes))
                }
                let encoded = base64.filter { self.version(of: $0) == version }
                if !encoded.isEmpty {
                    outputs.append(.sendText(to: encoded, EngineFrame.base64(bytes, version: version)))
                }
            }
        }
    }

    private func version(of socket: WebSocketID) -> EngineVersion? {
        sessionBySocket[socket].map { sessions[$0].version }
    }

    // MARK: - End

    /// Ends a session with the last word that fits the reason.
    mutating func end(_ handle: SlabHandle, _ reason: EngineCloseReason, at now: Instant) {
        guard !sessions[handle].isLingering else { return }
        counters.count(reason)
        outputs.append(.closed(handle.engineSession, reason))
        switch sessions[handle].transport {
        case .lingering: break
        case .webSocket(let socket):
            sessionBySocket.remove(socket)
            if reason != .transportClosed {
                outputs.append(.closeWebSocket(socket, code: reason.closeCode))
            }
            forget(handle)
        case .polling(let polling):
            if polling.probe != nil { abandonProbe(handle) }
            endPolling(handle, reason, hasPoll: polling.poll != nil, at: now)
        }
    }

    private mutating func endPolling(
        _ handle: SlabHandle, _ reason: EngineCloseReason, hasPoll: Bool, at now: Instant
    ) {
        // A client that closes itself gets an empty answer; all others are told.
        let lastWord = reason == .client ? EngineFrame.noop : .close
        if hasPoll {
            answerPoll(handle, with: sessions[handle].takeBuffer() + [lastWord])
        } else if reason.isOurs {
            sessions[handle].transport = .lingering(until: now.advanced(byMilliseconds: settings.lingerMilliseconds))
            return rearm(handle)
        }
        forget(handle)
    }

    /// Gives the WebSocket up that was tried; polling goes on.
    mutating func abandonProbe(_ handle: SlabHandle) {
        guard case .polling(var polling) = sessions[handle].transport, let probe = polling.probe else { return }
        polling.probe = nil
        sessions[handle].transport = .polling(polling)
        sessionBySocket.remove(probe.socket)
        counters.upgradesFailed += 1
        outputs.append(.closeWebSocket(probe.socket, code: 1000))
    }
}

extension EngineCloseReason {
    /// Whether the client has done nothing to know of it, so that its next poll has to tell.
    fileprivate var isOurs: Bool {
        switch self {
        case .server, .draining: true
        case .client, .pingTimeout, .transportClosed, .pollAborted, .overlappingPolls, .malformed, .overflow: false
        }
    }

    /// RFC 6455 §7.4.1.
    fileprivate var closeCode: UInt16 {
        switch self {
        case .client, .server, .pingTimeout, .transportClosed, .pollAborted, .overlappingPolls: 1000
        case .draining: 1001
        case .malformed: 1002
        case .overflow: 1008
        }
    }
}
