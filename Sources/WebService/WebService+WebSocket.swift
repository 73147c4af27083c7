import Containers
import HTTP
import NetworkPrimitives
import Signaling
import TernV1
import WebSocket

// From an upgrade request to messages, and back.
extension WebService {
    static let subprotocol = "tern.v1"
    /// The cookie in which a page of our own origin may keep its token.
    static let tokenCookie = "tern_token"

    /// Answers a request to become a WebSocket; nil when it has become one.
    mutating func upgrade(
        _ request: HTTPRequest, to destination: WebSocketDestination, _ context: RequestContext,
        on handle: SlabHandle
    ) -> HTTPResponse? {
        let now = context.now
        guard !isDraining else {
            return .problem(.serviceUnavailable, "server_draining", "the server is about to stop")
        }
        let isProxied = connections[handle].countedSource == nil
        if isProxied, !mayConnect(context.visitor.address, at: now) {
            return .problem(.tooManyRequests, "rate_limited", "too many connections from this address; try later")
        }
        let acceptance: WebSocketAcceptance
        do throws(WebSocketRefusal) {
            acceptance = try WebSocketHandshake.accept(request, policy: handshakePolicy(destination))
        } catch { return error.response }
        let speaker: Speaker
        do throws(ConnectFailure) {
            speaker = try connect(handle.connection, to: destination, request, context)
        } catch {
            // What a refusal says to the log, and to those who guess.
            drainSpeakers(at: now)
            return error.response
        }
        guard let opening = connections[handle].withHTTP({ $0.upgrade(acceptance.response) }) ?? nil else {
            disconnect(handle.connection, from: speaker, at: now)
            drain(speaker, at: now)
            return .problem(.badRequest, "bad_request", "wait for the answer before you send messages")
        }
        enqueue(opening.bytes, to: handle)
        let limits = speaker == .engine ? settings.engineWebSocket : settings.webSocket
        connections[handle].become(
            WebSocketConnection(role: .server, limits: limits, deflate: acceptance.deflate), for: speaker)
        count { $0.upgrades += 1 }
        if isProxied { countConnection(handle, of: context.visitor.address) }
        drain(speaker, at: now)
        opening.remainder.withRawSpan { pumpWebSocket(handle, $0, at: now, unixTime: context.unixTime) }
        return nil
    }

    private func handshakePolicy(_ destination: WebSocketDestination) -> WebSocketHandshakePolicy {
        switch destination {
        case .native:
            WebSocketHandshakePolicy(
                subprotocols: [Self.subprotocol], allowsDeflate: settings.compressesMessages)
        case .engine: WebSocketHandshakePolicy()
        case .channels, .yWebRTC, .peerJS, .pixelStreaming:
            WebSocketHandshakePolicy(allowsDeflate: settings.compressesMessages)
        }
    }

    /// The token that came in a header.
    func token(_ request: HTTPRequest, _ context: RequestContext) -> [UInt8]? {
        context.bearer ?? cookieToken(request, context)
    }

    /// A cookie comes along whoever wrote the page, so it counts only for pages of our own.
    private func cookieToken(_ request: HTTPRequest, _ context: RequestContext) -> [UInt8]? {
        guard context.isOwnOrigin, let cookies = request.headers["cookie"] else { return nil }
        for pair in cookies.split(separator: ";") {
            let pair = pair.drop { $0 == " " }
            guard pair.hasPrefix(Self.tokenCookie + "=") else { continue }
            return Array(pair.utf8.dropFirst(Self.tokenCookie.utf8.count + 1))
        }
        return nil
    }

    // MARK: - Frames

    mutating func pumpWebSocket(_ handle: SlabHandle, _ bytes: RawSpan, at now: Instant, unixTime: UnixTime) {
        var offset = 0
        while connections.contains(handle) {
            let next = connections[handle].withWebSocket { $0.nextEvent(in: bytes, from: &offset) }
            guard let event = next ?? nil else { return }
            switch event {
            case .text(let text):
                count { $0.messagesIn += 1 }
                receive(text, on: handle, at: now, unixTime: unixTime)
            case .binary(let bytes):
                count { $0.messagesIn += 1 }
                receive(binary: bytes, on: handle, at: now, unixTime: unixTime)
            case .pong: receivePong(on: handle, at: now)
            case .ping, .close, .failed: answer(event, on: handle, at: now)
            }
        }
    }

    /// What the protocol itself owes: pong, and the other half of the close handshake.
    private mutating func answer(_ event: WebSocketEvent, on handle: SlabHandle, at now: Instant) {
        let frame = connections[handle].withWebSocket { $0.answer(to: event, at: now) } ?? nil
        if let frame { deliver(frame, to: handle, at: now) }
        endIfClosed(handle)
    }

    /// Sends a close frame if none has been sent. The connection ends when both sides have sent theirs, or when the
    /// client takes too long.
    mutating func close(_ handle: SlabHandle, code: UInt16, reason: String, at now: Instant) {
        let frame = connections[handle].withWebSocket { $0.close(code: code, reason: Array(reason.utf8), at: now) }
        if let frame = frame ?? nil { enqueue(frame, to: handle) }
        endIfClosed(handle)
        rearm(handle)
    }

    private mutating func endIfClosed(_ handle: SlabHandle) {
        guard connections[handle].withWebSocket({ $0.isClosed }) == true else { return }
        connections[handle].closesWhenWritten = true
        markReady(handle)
    }

    // MARK: - Messages out

    mutating func perform(_ output: SignalingOutput, at now: Instant) {
        switch output {
        case .send(let recipients, let text, let isConfidential):
            send(text, to: recipients, isConfidential: isConfidential, at: now)
        case .ping(let connection):
            if let handle = live(connection) { deliver(WebSocketFrame.ping([]), to: handle, at: now) }
        case .close(let connection, let code, let reason):
            if let handle = live(connection) { close(handle, code: code, reason: reason, at: now) }
        case .member(let change):
            if case .issued = change { count { $0.credentialsIssued += 1 } }
            outputs.append(.member(change))
        case .event(let event): note(event, at: now)
        }
    }

    /// One text to all its recipients: framed once, and its bytes shared by all queues.
    private mutating func send(_ text: [UInt8], to recipients: [ConnectionID], isConfidential: Bool, at now: Instant) {
        let plain = WebSocketFrame.text(text)
        let mayCompress = settings.compressesMessages && !isConfidential
        // Without context takeover a message has one compressed form for all who agreed on the same window.
        var compressed: [WebSocketDeflate: [UInt8]] = [:]
        for recipient in recipients {
            guard let handle = live(recipient) else { continue }
            count { $0.messagesOut += 1 }
            let agreed = mayCompress ? connections[handle].withWebSocket { $0.deflate } ?? nil : nil
            guard let deflate = agreed else {
                deliver(plain, to: handle, at: now)
                continue
            }
            let frame = compressed[deflate] ?? WebSocketFrame.text(text, deflate: deflate)
            compressed[deflate] = frame
            deliver(frame, to: handle, at: now)
        }
    }

    mutating func deliver(_ frame: [UInt8], to handle: SlabHandle, at now: Instant) {
        guard connections[handle].outbound.byteCount + frame.count <= settings.queueByteCountMax,
            connections[handle].outbound.pieceCount < settings.queueMessagesMax
        else {
            slowConsumer(handle, at: now)
            return
        }
        enqueue(frame, to: handle)
    }

    private mutating func note(_ event: SignalingEvent, at now: Instant) {
        if case .unauthorized(let visitor) = event { failures.recordFailure(visitor.address, at: now) }
        outputs.append(.event(.signaling(event)))
    }
}
