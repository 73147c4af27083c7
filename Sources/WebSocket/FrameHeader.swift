import NetworkPrimitives

/// What a frame is (RFC 6455 §5.2). Data frames are below 8, control frames from there on.
package enum WebSocketOpcode: UInt8, Sendable {
    case continuation = 0x0
    case text = 0x1
    case binary = 0x2
    case close = 0x8
    case ping = 0x9
    case pong = 0xA

    var isControl: Bool { rawValue >= 0x8 }
}

/// The head of a frame: two to fourteen bytes (RFC 6455 §5.2).
struct FrameHeader: Equatable, Sendable {
    static let byteCountMax = 14
    /// The longest payload of a control frame (RFC 6455 §5.5).
    static let controlPayloadMax = 125

    let opcode: WebSocketOpcode
    let isFinal: Bool
    /// RSV1, as RFC 7692 §6 uses it. Nobody else uses it here.
    let isCompressed: Bool
    let payloadByteCount: Int
    let mask: Mask
    /// The length of the head itself.
    let byteCount: Int

    /// What this connection takes for a well-formed head.
    struct Rules: Sendable {
        let isMasked: Bool
        let mayBeCompressed: Bool
    }

    enum Reading {
        /// More bytes are needed; what is there is in order.
        case incomplete
        case failed(WebSocketFailure)
        case header(FrameHeader)
    }

    /// Reads the head at `start`. The first two bytes are judged as soon as they are there.
    static func read(_ bytes: RawSpan, at start: Int, rules: Rules) -> Reading {
        let available = bytes.byteCount - start
        guard available >= 2 else { return .incomplete }
        let first = bytes.byte(at: start)
        let second = bytes.byte(at: start + 1)
        guard let opcode = WebSocketOpcode(rawValue: first & 0x0F) else { return .failed(.reservedOpcode) }
        let isFinal = first & 0x80 != 0
        let isCompressed = first & 0x40 != 0
        let isMasked = second & 0x80 != 0
        let shortLength = second & 0x7F
        if first & 0x70 != 0 {
            // RFC 7692 §6.1: RSV1 stands on the first frame of a message, on no other and on no control frame.
            let isLegal = first & 0x30 == 0 && rules.mayBeCompressed && (opcode == .text || opcode == .binary)
            guard isLegal else { return .failed(.reservedBitSet) }
        }
        if opcode.isControl {
            guard isFinal else { return .failed(.controlFrameFragmented) }
            guard shortLength <= controlPayloadMax else { return .failed(.controlFrameTooLong) }
        }
        guard isMasked == rules.isMasked else { return .failed(isMasked ? .maskForbidden : .maskMissing) }

        let lengthByteCount = shortLength < 126 ? 0 : shortLength == 126 ? 2 : 8
        let byteCount = 2 + lengthByteCount + (isMasked ? 4 : 0)
        guard available >= byteCount else { return .incomplete }
        var payloadByteCount = Int(shortLength)
        switch lengthByteCount {
        case 2:
            payloadByteCount = Int(bytes.bigEndianUInt16(at: start + 2))
            guard payloadByteCount > 125 else { return .failed(.lengthNotMinimal) }
        case 8:
            let length = bytes.bigEndianUInt64(at: start + 2)
            guard length >> 63 == 0 else { return .failed(.lengthOutOfRange) }
            payloadByteCount = Int(length)
            guard payloadByteCount > 0xFFFF else { return .failed(.lengthNotMinimal) }
        default: break
        }
        let key = isMasked ? bytes.bigEndianUInt32(at: start + byteCount - 4) : 0
        return .header(
            FrameHeader(
                opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, payloadByteCount: payloadByteCount,
                mask: Mask(key: key), byteCount: byteCount))
    }
}

/// The first bytes of a head whose rest has not arrived.
struct PartialHeader: Sendable {
    private var bytes = InlineArray<14, UInt8>(repeating: 0)
    private(set) var count: UInt8 = 0

    /// Takes bytes from `source` until the head is whole or wrong, or the bytes are used up.
    mutating func read(_ source: RawSpan, from offset: inout Int, rules: FrameHeader.Rules) -> FrameHeader.Reading {
        while offset < source.byteCount {
            bytes[Int(count)] = source.byte(at: offset)
            count += 1
            offset += 1
            let reading = unsafe FrameHeader.read(bytes.span.bytes.extracting(first: Int(count)), at: 0, rules: rules)
            if case .incomplete = reading { continue }
            return reading
        }
        return .incomplete
    }
}
