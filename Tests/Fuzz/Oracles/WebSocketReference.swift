import Deflate
import WebSocket

/// A second, slow reading of RFC 6455 §5: all bytes at once, and text as the standard library sees it.
struct WebSocketReference {
    private let isServer: Bool
    private let mayBeCompressed: Bool
    private let limits: WebSocketLimits
    private var events: [WebSocketEvent] = []
    /// The message under way: its first byte, its payloads, and how many frames it has.
    private var message: (firstByte: UInt8, payload: [UInt8], fragments: Int, controlFrames: Int)?

    init(connection: WebSocketConnection) {
        isServer = connection.role == .server
        mayBeCompressed = connection.deflate != nil
        limits = connection.limits
    }

    /// The events of the whole connection.
    consuming func events(in bytes: [UInt8]) -> [WebSocketEvent] {
        var rest = bytes[...]
        while let length = headLength(rest) {
            if let failure = fault(inStart: rest) { return events + [.failed(failure)] }
            guard rest.count >= length else { return events }
            let head = Array(rest.prefix(length))
            rest = rest.dropFirst(length)
            let size: UInt64
            switch head[1] & 0x7F {
            case 126:
                size = number(head[2..<4])
                if size < 126 { return events + [.failed(.lengthNotMinimal)] }
            case 127:
                size = number(head[2..<10])
                if size > UInt64(Int64.max) { return events + [.failed(.lengthOutOfRange)] }
                if size < 65_536 { return events + [.failed(.lengthNotMinimal)] }
            default: size = UInt64(head[1] & 0x7F)
            }
            if let failure = fault(inSequence: head[0], size: size) { return events + [.failed(failure)] }
            let key = isServer ? Array(head.suffix(4)) : [0, 0, 0, 0]
            let arrived = rest.prefix(Int(clamping: size))
            let payload = arrived.enumerated().map { $0.element ^ key[$0.offset % 4] }
            rest = rest.dropFirst(arrived.count)
            let isWhole = UInt64(arrived.count) == size
            if let failure = take(payload, firstByte: head[0], isWhole: isWhole) { return events + [.failed(failure)] }
            if case .close? = events.last { return events }
        }
        return events
    }

    private func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// Nil while there are not two bytes.
    private func headLength(_ bytes: ArraySlice<UInt8>) -> Int? {
        guard let second = bytes.dropFirst().first else { return nil }
        let lengthBytes = [126: 2, 127: 8][second & 0x7F] ?? 0
        return 2 + lengthBytes + (second & 0x80 == 0 ? 0 : 4)
    }

    private func fault(inStart bytes: ArraySlice<UInt8>) -> WebSocketFailure? {
        guard let first = bytes.first, let second = bytes.dropFirst().first else { return nil }
        let opcode = first & 0x0F
        if ![0, 1, 2, 8, 9, 10].contains(opcode) { return .reservedOpcode }
        if first & 0x30 != 0 { return .reservedBitSet }
        if first & 0x40 != 0, !mayBeCompressed || ![1, 2].contains(opcode) { return .reservedBitSet }
        if opcode >= 8, first & 0x80 == 0 { return .controlFrameFragmented }
        if opcode >= 8, second & 0x7F > 125 { return .controlFrameTooLong }
        if (second & 0x80 != 0) != isServer { return isServer ? .maskMissing : .maskForbidden }
        return nil
    }

    private mutating func fault(inSequence firstByte: UInt8, size: UInt64) -> WebSocketFailure? {
        let opcode = firstByte & 0x0F
        if opcode >= 8 {
            message?.controlFrames += 1
            return message?.controlFrames ?? 0 > limits.controlFramesPerMessageMax ? .tooManyControlFrames : nil
        }
        if opcode == 0, message == nil { return .continuationWithoutStart }
        if opcode > 0, message != nil { return .messageInterrupted }
        if opcode == 2, !limits.acceptsBinary { return .binaryUnsupported }
        var current = message ?? (firstByte, [], 0, 0)
        current.fragments += 1
        message = current
        if current.fragments > limits.fragmentsMax { return .tooManyFragments }
        return size > UInt64(limits.messageByteCountMax - current.payload.count) ? .messageTooBig : nil
    }

    /// Takes what has arrived of a frame.
    private mutating func take(_ payload: [UInt8], firstByte: UInt8, isWhole: Bool) -> WebSocketFailure? {
        if firstByte & 0x0F >= 8 { return isWhole ? takeControl(firstByte & 0x0F, payload) : nil }
        message?.payload += payload
        guard let current = message else { return nil }
        let isText = current.firstByte & 0x0F == 1
        let isCompressed = current.firstByte & 0x40 != 0
        if isText, !isCompressed, !mayBecomeText(current.payload) { return .invalidUTF8 }
        guard isWhole, firstByte & 0x80 != 0 else { return nil }
        message = nil
        var content = current.payload
        if isCompressed {
            do throws(InflateFailure) {
                content = try Inflater.inflate(content.span.bytes, byteCountMax: limits.messageByteCountMax)
            } catch {
                return error == .tooLong ? .messageTooBig : .malformedDeflate
            }
        }
        if isText, String(validating: content, as: UTF8.self) == nil { return .invalidUTF8 }
        events.append(isText ? .text(content) : .binary(content))
        return nil
    }

    private mutating func takeControl(_ opcode: UInt8, _ payload: [UInt8]) -> WebSocketFailure? {
        guard opcode == 8 else {
            events.append(opcode == 9 ? .ping(payload) : .pong(payload))
            return nil
        }
        guard !payload.isEmpty else {
            events.append(.close(code: nil, reason: []))
            return nil
        }
        if payload.count == 1 { return .closePayloadTooShort }
        let code = UInt16(payload[0]) * 256 + UInt16(payload[1])
        let isRegistered = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].contains(code)
        if !isRegistered, code < 3000 || code > 4999 { return .closeCodeInvalid }
        let reason = Array(payload.dropFirst(2))
        if String(validating: reason, as: UTF8.self) == nil { return .invalidUTF8 }
        events.append(.close(code: code, reason: reason))
        return nil
    }

    /// Whether some ending makes it valid: one of these does, if any does.
    private func mayBecomeText(_ bytes: [UInt8]) -> Bool {
        var endings: [[UInt8]] = [[]]
        for first: UInt8 in [0x80, 0x90, 0xA0] { endings += [[first], [first, 0x80], [first, 0x80, 0x80]] }
        return endings.contains { String(validating: bytes + $0, as: UTF8.self) != nil }
    }
}
