import Deflate
import HTTP
import NetworkPrimitives
import WebSocket

/// Two bytes choose a connection and where its bytes are cut; the rest are the bytes. Events are the same wherever they
/// are cut and are what a second reading of the RFC finds; what is held is bounded; what is written reads as the same.
package func checkWebSocket(_ input: RawSpan) {
    var script = Script(input.array())
    let options = script.byte()
    var cuts = SplitCuts(seed: script.byte())
    let rest = script.rest()
    let role: WebSocketRole = options & 1 == 0 ? .server : .client(maskingKey: 0x37FA_213D)
    let limits = WebSocketLimits(
        messageByteCountMax: [65_536, 300, 20, 4096][Int(options >> 3 & 3)], fragmentsMax: 5,
        controlFramesPerMessageMax: 3, acceptsBinary: options & 4 == 0)
    let fresh = WebSocketConnection(role: role, limits: limits, deflate: options & 2 == 0 ? nil : WebSocketDeflate())
    let bytes = options & 0x20 == 0 ? rest : frames(from: rest, isMasked: role == .server)

    let events = checkCuts(bytes, fresh, &cuts)
    checkEvents(events, limits)
    let expected = WebSocketReference(connection: fresh).events(in: bytes)
    require(events.count == expected.count, "as many events as a second reading finds")
    require(zip(events, expected).allSatisfy(isSame), "the events that a second reading finds")

    checkValidator(rest, &cuts)
    checkDeflate(rest)
    checkHandshake(rest)
}

/// Sizes of pieces: many bytes, few, or one.
private struct SplitCuts {
    private var state: UInt32

    init(seed: UInt8) { state = UInt32(seed) }

    mutating func next() -> Int {
        state = state &* 1_664_525 &+ 1_013_904_223
        let choice = state >> 16
        return 1 + Int(choice & 0x100 == 0 ? choice & 0x3 : choice & 0x7F)
    }
}

/// Frames with right masks and short lengths: first bytes and payloads alone are what the input says.
private func frames(from bytes: [UInt8], isMasked: Bool) -> [UInt8] {
    var script = Script(bytes)
    var frames: [UInt8] = []
    while !script.isOver {
        frames.append(script.byte())
        let payload = script.take(Int(script.byte() % 126))
        frames.append(UInt8(payload.count) | (isMasked ? 0x80 : 0))
        if isMasked { frames += [0xA5, 0x5A, 0x00, 0xFF] }
        let key: [UInt8] = isMasked ? [0xA5, 0x5A, 0x00, 0xFF] : [0, 0, 0, 0]
        for (index, byte) in payload.enumerated() { frames.append(byte ^ key[index % 4]) }
    }
    return frames
}

// MARK: - Events

private func checkCuts(
    _ bytes: [UInt8], _ fresh: WebSocketConnection, _ cuts: inout SplitCuts
) -> [WebSocketEvent] {
    var connection = fresh
    let events = receive(bytes, &connection)
    var inPieces = fresh
    var piecewise: [WebSocketEvent] = []
    var start = 0
    while start < bytes.count {
        let end = min(start + cuts.next(), bytes.count)
        piecewise += receive(Array(bytes[start..<end]), &inPieces)
        // Twice what has arrived, and what the allocator rounds up.
        require(inPieces.heldByteCount <= 2 * end + 128, "nothing is reserved for what has not arrived")
        require(inPieces.heldByteCount <= fresh.limits.messageByteCountMax + 8192, "no more is held than the limit")
        start = end
    }
    require(piecewise == events, "events are the same wherever the bytes are cut")
    require(connection.isClosing == inPieces.isClosing, "and so is what state they leave")

    var closing = fresh
    _ = closing.close(code: 1001, at: .zero)
    let last = receive(bytes, &closing)
    require(last == events.filter(isLast), "after our Close only the end is told")
    require(closing.isClosed == !last.isEmpty, "with the other's Close, or its failure, all is over")
    return events
}

private func receive(_ bytes: [UInt8], _ connection: inout WebSocketConnection) -> [WebSocketEvent] {
    var events: [WebSocketEvent] = []
    var offset = 0
    while let event = connection.nextEvent(in: bytes.span.bytes, from: &offset) {
        require(offset <= bytes.count, "no more is used up than there is")
        events.append(event)
    }
    require(offset == bytes.count, "nil means that all is used up")
    return events
}

private func isLast(_ event: WebSocketEvent) -> Bool {
    switch event {
    case .close, .failed: true
    case .text, .binary, .ping, .pong: false
    }
}

private func isSame(_ left: WebSocketEvent, _ right: WebSocketEvent) -> Bool {
    // Bytes may break two rules at once; which of them is named does not matter, what the other side is told does.
    if case .failed(let one) = left, case .failed(let other) = right { return one.closeCode == other.closeCode }
    return left == right
}

private func checkEvents(_ events: [WebSocketEvent], _ limits: WebSocketLimits) {
    require(!events.dropLast().contains(where: isLast), "nothing comes after the end")
    for event in events {
        switch event {
        case .text(let payload):
            require(String(validating: payload, as: UTF8.self) != nil, "text is UTF-8")
            require(payload.count <= limits.messageByteCountMax, "a message is within the limit")
            checkRoundTrip(event) { WebSocketFrame.text(payload, deflate: $0, maskingKey: $1) }
        case .binary(let payload):
            require(limits.acceptsBinary, "binary messages are told only to who wants them")
            require(payload.count <= limits.messageByteCountMax, "a message is within the limit")
            checkRoundTrip(event) { WebSocketFrame.binary(payload, deflate: $0, maskingKey: $1) }
        case .ping(let payload): checkRoundTrip(event) { WebSocketFrame.ping(payload, maskingKey: $1) }
        case .pong(let payload): checkRoundTrip(event) { WebSocketFrame.pong(payload, maskingKey: $1) }
        case .close(let code, let reason):
            checkRoundTrip(event) { WebSocketFrame.close(code: code, reason: reason, maskingKey: $1) }
        case .failed(let failure):
            require(WebSocketCloseCode.mayBeSent(failure.closeCode), "a failure has a code that may be sent")
        }
    }
}

/// What either side writes for an event, the other reads as that event.
private func checkRoundTrip(
    _ event: WebSocketEvent, write: (_ deflate: WebSocketDeflate?, _ maskingKey: UInt32?) -> [UInt8]
) {
    var server = WebSocketConnection()
    require(receive(write(nil, 0xDEAD_BEEF), &server) == [event], "a server reads what a client writes")
    var client = WebSocketConnection(role: .client(maskingKey: 0), deflate: WebSocketDeflate())
    require(receive(write(WebSocketDeflate(), nil), &client) == [event], "a client reads what a server compresses")
}

// MARK: - Parts

private func checkValidator(_ bytes: [UInt8], _ cuts: inout SplitCuts) {
    var validator = UTF8Validator()
    var isValid = true
    var start = 0
    while start < bytes.count, isValid {
        let end = min(start + cuts.next(), bytes.count)
        isValid = validator.accepts(bytes.span.bytes.extracting(start..<end))
        start = end
    }
    let verdict = isValid && validator.isBetweenScalars
    require(verdict == (String(validating: bytes, as: UTF8.self) != nil), "UTF-8 is what the standard library says")
}

private func checkDeflate(_ bytes: [UInt8]) {
    do throws(InflateFailure) {
        let output = try Inflater.inflate(bytes.span.bytes, byteCountMax: 5000)
        require(output.count <= 5000, "no more is inflated than is allowed")
    } catch {
        require(error != .outOfMemory, "there is memory for so little")
    }
    guard let compressed = Deflater.compress(bytes.span.bytes, windowBitsMax: 9) else { return }
    require(compressed.count < bytes.count, "what is compressed is shorter")
    let inflated = try? Inflater.inflate(compressed.span.bytes, byteCountMax: bytes.count)
    require(inflated == bytes, "what is compressed reads as the same")
}

/// Lines of any text as the headers of a handshake.
private func checkHandshake(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 0x0A, maxSplits: 3, omittingEmptySubsequences: false).map {
        HTTPFieldValue(cleaning: String(decoding: $0, as: UTF8.self))
    }
    guard lines.count == 4, let target = RequestTarget("/") else { return }
    var headers = HTTPHeaders()
    headers.append("Upgrade", "websocket")
    headers.append("Connection", lines[0].text.isEmpty ? "upgrade" : lines[0])
    headers.append("Sec-WebSocket-Version", "13")
    headers.append("Sec-WebSocket-Key", lines[1].text.isEmpty ? "dGhlIHNhbXBsZSBub25jZQ==" : lines[1])
    headers.append("Sec-WebSocket-Protocol", lines[2])
    headers.append("Sec-WebSocket-Extensions", lines[3])
    let request = HTTPRequest(method: .get, target: target, headers: headers)
    let policy = WebSocketHandshakePolicy(subprotocols: ["tern.v1", "chat"], allowsDeflate: true)
    guard let acceptance = try? WebSocketHandshake.accept(request, policy: policy) else { return }
    let offered = acceptance.subprotocol.map(lines[2].text.contains) ?? true
    require(offered, "only what was offered is chosen")
    require(
        acceptance.deflate == nil || lines[3].text.contains("permessage-deflate"), "compression is used only if offered"
    )
    require(acceptance.response.headers.count <= 5, "an answer has no headers of the client")
}
