import Deflate
package import NetworkPrimitives

/// One WebSocket connection after its handshake (RFC 6455 §5): bytes in, events out.
///
/// It owns no socket and no clock. While no message is under way it holds nothing on the heap. Bytes are read where the
/// caller has them; what a frame claims of its length is never reserved, only what has arrived.
///
///     var offset = 0
///     while let event = connection.nextEvent(in: bytes, from: &offset) {
///         if let frame = connection.answer(to: event, at: now) { write(frame) }
///         …
///     }
package struct WebSocketConnection: Sendable {
    /// Limits of this connection.
    package let limits: WebSocketLimits
    /// Which side we are.
    package let role: WebSocketRole
    /// What the handshake agreed on for compression, if anything.
    package let deflate: WebSocketDeflate?

    private var phase: Phase = .betweenFrames
    /// The message whose frames are arriving, without its bytes.
    private var message: Message?
    private var messagePayload: [UInt8] = []
    private var controlPayload: [UInt8] = []
    /// Set when our Close has been written: the time by which all has to be over.
    package private(set) var deadline: Instant?

    private enum Phase: Sendable {
        case betweenFrames
        case inHeader(PartialHeader)
        case inPayload(Frame)
        /// The other side has closed, or failed.
        case over
    }

    /// A frame whose payload is arriving.
    private struct Frame: Sendable {
        var remaining: Int
        var mask: Mask
        let opcode: WebSocketOpcode
        let isFinal: Bool
    }

    private struct Message: Sendable {
        let isText: Bool
        let isCompressed: Bool
        var utf8 = UTF8Validator()
        var fragments: UInt32 = 0
        var controlFrames: UInt32 = 0
    }

    /// A connection whose handshake is done.
    package init(role: WebSocketRole = .server, limits: WebSocketLimits = .init(), deflate: WebSocketDeflate? = nil) {
        self.limits = limits
        self.role = role
        self.deflate = deflate
    }

    /// Reads on at `offset` until there is an event. Nil when all bytes are used up; partial frames are kept inside.
    ///
    /// After `close` and `failed` there are no events; bytes are passed over. After our own `close(code:reason:at:)`
    /// these two are the only ones: nobody waits for the other messages any longer.
    package mutating func nextEvent(in bytes: RawSpan, from offset: inout Int) -> WebSocketEvent? {
        while offset < bytes.byteCount {
            var frame: Frame
            switch phase {
            case .inPayload(let current):
                frame = current
            case .betweenFrames, .inHeader:
                switch readHeader(bytes, from: &offset) {
                case .incomplete: return nil
                case .failed(let failure): return end(with: .failed(failure))
                case .header(let header):
                    if let failure = begin(header) { return end(with: .failed(failure)) }
                    frame = Frame(
                        remaining: header.payloadByteCount, mask: header.mask, opcode: header.opcode,
                        isFinal: header.isFinal)
                }
            case .over:
                offset = bytes.byteCount
                return nil
            }

            let arrived = min(frame.remaining, bytes.byteCount - offset)
            let payload = bytes.extracting(offset..<(offset + arrived))
            offset += arrived
            if let failure = take(payload, of: &frame) { return end(with: .failed(failure)) }
            guard frame.remaining == 0 else {
                phase = .inPayload(frame)
                return nil
            }
            phase = .betweenFrames
            if let event = finish(frame) {
                if event.isLast { return end(with: event) }
                if deadline == nil { return event }
            }
        }
        return nil
    }

    /// Nothing behind this event is read, and nothing from before it is kept.
    private mutating func end(with event: WebSocketEvent) -> WebSocketEvent {
        phase = .over
        message = nil
        messagePayload = []
        controlPayload = []
        return event
    }
}

extension WebSocketEvent {
    fileprivate var isLast: Bool {
        switch self {
        case .close, .failed: true
        case .text, .binary, .ping, .pong: false
        }
    }
}

// MARK: - Frames

extension WebSocketConnection {
    private mutating func readHeader(_ bytes: RawSpan, from offset: inout Int) -> FrameHeader.Reading {
        let rules = FrameHeader.Rules(isMasked: role == .server, mayBeCompressed: deflate != nil)
        var partial = PartialHeader()
        if case .inHeader(let begun) = phase {
            partial = begun
        } else if case .header(let header) = FrameHeader.read(bytes, at: offset, rules: rules) {
            // The usual case: the whole head is there.
            offset += header.byteCount
            return .header(header)
        }
        let reading = partial.read(bytes, from: &offset, rules: rules)
        phase = .inHeader(partial)
        return reading
    }

    /// Whether a frame may come now, and whether what it claims is within the limits. Nothing of its payload has been
    /// kept.
    private mutating func begin(_ header: FrameHeader) -> WebSocketFailure? {
        if header.opcode.isControl {
            // RFC 6455 §5.4: they may stand between the fragments of a message. Elsewhere the caller's rate limit
            // counts.
            message?.controlFrames += 1
            guard let message else { return nil }
            return Int(message.controlFrames) > limits.controlFramesPerMessageMax ? .tooManyControlFrames : nil
        }
        if header.opcode == .continuation {
            guard message != nil else { return .continuationWithoutStart }
        } else {
            guard message == nil else { return .messageInterrupted }
            guard header.opcode == .text || limits.acceptsBinary else { return .binaryUnsupported }
            message = Message(isText: header.opcode == .text, isCompressed: header.isCompressed)
        }
        message?.fragments += 1
        // Bytes alone do not bound empty fragments, and each costs us work.
        if let message, Int(message.fragments) > limits.fragmentsMax { return .tooManyFragments }
        guard header.payloadByteCount <= limits.messageByteCountMax - messagePayload.count else {
            return .messageTooBig
        }
        return nil
    }

    private mutating func take(_ bytes: RawSpan, of frame: inout Frame) -> WebSocketFailure? {
        guard !bytes.isEmpty else { return nil }
        frame.remaining -= bytes.byteCount
        if frame.opcode.isControl {
            controlPayload.makeRoom(for: bytes.byteCount, ceiling: FrameHeader.controlPayloadMax)
            _ = frame.mask.append(bytes, to: &controlPayload)
            return nil
        }
        let start = messagePayload.count
        messagePayload.makeRoom(for: bytes.byteCount, ceiling: limits.messageByteCountMax)
        let isASCII = frame.mask.append(bytes, to: &messagePayload)
        guard var message, message.isText, !message.isCompressed else { return nil }
        if isASCII, message.utf8.isBetweenScalars { return nil }
        let isValid = unsafe message.utf8.accepts(messagePayload.span.bytes.extracting(start...))
        self.message = message
        return isValid ? nil : .invalidUTF8
    }

    /// What a frame whose payload is whole amounts to. Nil for a fragment that is not the last.
    private mutating func finish(_ frame: Frame) -> WebSocketEvent? {
        switch frame.opcode {
        case .continuation, .text, .binary:
            guard frame.isFinal, let message else { return nil }
            self.message = nil
            return Self.event(for: message, payload: messagePayload.moved(), limits: limits)
        case .ping: return .ping(controlPayload.moved())
        case .pong: return .pong(controlPayload.moved())
        case .close: return Self.closeEvent(controlPayload.moved())
        }
    }

    private static func event(for message: Message, payload: [UInt8], limits: WebSocketLimits) -> WebSocketEvent {
        guard message.isCompressed else {
            guard message.isText else { return .binary(payload) }
            return message.utf8.isBetweenScalars ? .text(payload) : .failed(.invalidUTF8)
        }
        do throws(InflateFailure) {
            let inflated = try payload.withRawSpan { (bytes) throws(InflateFailure) in
                try Inflater.inflate(bytes, byteCountMax: limits.messageByteCountMax)
            }
            guard message.isText else { return .binary(inflated) }
            return inflated.isUTF8 ? .text(inflated) : .failed(.invalidUTF8)
        } catch {
            switch error {
            case .malformed: return .failed(.malformedDeflate)
            case .tooLong: return .failed(.messageTooBig)
            case .outOfMemory: return .failed(.outOfMemory)
            }
        }
    }

    /// RFC 6455 §5.5.1: nothing, or two bytes of code and then a reason in UTF-8.
    private static func closeEvent(_ payload: [UInt8]) -> WebSocketEvent {
        guard !payload.isEmpty else { return .close(code: nil, reason: []) }
        guard payload.count >= 2 else { return .failed(.closePayloadTooShort) }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard WebSocketCloseCode.mayBeSent(code) else { return .failed(.closeCodeInvalid) }
        let reason = Array(payload[2...])
        return reason.isUTF8 ? .close(code: code, reason: reason) : .failed(.invalidUTF8)
    }
}

// MARK: - Closing

extension WebSocketConnection {
    /// Our Close, the last frame that we may write. Nil when we have written one already.
    ///
    /// From here the other side has until `deadline` to answer; the caller then closes the connection below, answered
    /// or not (RFC 6455 §7.1.1). `code` is one of those that may be sent; a reason above 123 bytes is cut.
    package mutating func close(code: UInt16?, reason: [UInt8] = [], at now: Instant) -> [UInt8]? {
        guard deadline == nil else { return nil }
        deadline = now.advanced(bySeconds: limits.closeSeconds)
        return WebSocketFrame.close(code: code, reason: reason, maskingKey: role.maskingKey)
    }

    /// The frame that the protocol itself owes for an event: a pong for a ping, the same code for a Close, and a Close
    /// that says what went wrong. Nil for all else, and when our Close has been written.
    package mutating func answer(to event: WebSocketEvent, at now: Instant) -> [UInt8]? {
        switch event {
        case .text, .binary, .pong: nil
        case .ping(let payload): deadline == nil ? WebSocketFrame.pong(payload, maskingKey: role.maskingKey) : nil
        // The reason is a stranger's text, so it is not sent back.
        case .close(let code, _): close(code: code, at: now)
        case .failed(let failure): close(code: failure.closeCode, at: now)
        }
    }

    /// One side has closed, or failed; the other's Close is outstanding.
    package var isClosing: Bool { isOver != (deadline != nil) }

    /// Both sides have closed, or the other has failed and been told. What is left is to write our bytes out, until
    /// `deadline`, and to close the connection below. A server is the first to do that (RFC 6455 §7.1.1).
    package var isClosed: Bool { isOver && deadline != nil }

    /// Whether the other side will say nothing more that counts.
    private var isOver: Bool {
        if case .over = phase { true } else { false }
    }

    /// What partial messages hold on the heap, for tests of the limits.
    package var heldByteCount: Int { messagePayload.capacity + controlPayload.capacity }
}

extension Array where Element == UInt8 {
    /// Grows by doubling, but not beyond `ceiling`: a stranger pays with as many bytes as we reserve, and no more of
    /// them than the limit says are held.
    fileprivate mutating func makeRoom(for count: Int, ceiling: Int) {
        let needed = self.count + count
        guard needed > capacity else { return }
        reserveCapacity(Swift.max(needed, Swift.min(ceiling, 2 * capacity)))
    }

    /// The bytes, which then are no longer here.
    fileprivate mutating func moved() -> [UInt8] {
        let bytes = self
        self = []
        return bytes
    }

    fileprivate var isUTF8: Bool {
        var validator = UTF8Validator()
        return withRawSpan { validator.accepts($0) } && validator.isBetweenScalars
    }
}
