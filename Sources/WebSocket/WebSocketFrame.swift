import NetworkPrimitives

/// Writes frames (RFC 6455 §5). A server's are plain; with a masking key they are a client's.
package enum WebSocketFrame {
    /// A message in one frame. It has to be valid UTF-8. Compressed when that was agreed on and pays; a message with
    /// credentials goes without `deflate`, because the length of a compressed one tells about its content.
    package static func text(
        _ payload: [UInt8], deflate: WebSocketDeflate? = nil, maskingKey: UInt32? = nil
    ) -> [UInt8] {
        message(.text, payload, deflate: deflate, maskingKey: maskingKey)
    }

    /// A message in one frame, compressed as `text` is.
    package static func binary(
        _ payload: [UInt8], deflate: WebSocketDeflate? = nil, maskingKey: UInt32? = nil
    ) -> [UInt8] {
        message(.binary, payload, deflate: deflate, maskingKey: maskingKey)
    }

    /// At most 125 bytes for the other side to send back.
    package static func ping(_ payload: [UInt8] = [], maskingKey: UInt32? = nil) -> [UInt8] {
        frame(.ping, payload, maskingKey: maskingKey)
    }

    /// The answer to a ping, with its payload (RFC 6455 §5.5.3).
    package static func pong(_ payload: [UInt8], maskingKey: UInt32? = nil) -> [UInt8] {
        frame(.pong, payload, maskingKey: maskingKey)
    }

    /// The last frame of a side. A reason above 123 bytes is cut before the character that does not fit.
    package static func close(code: UInt16?, reason: [UInt8] = [], maskingKey: UInt32? = nil) -> [UInt8] {
        guard let code else { return frame(.close, [], maskingKey: maskingKey) }
        precondition(WebSocketCloseCode.mayBeSent(code), "RFC 6455 §7.4.1 keeps the other codes off the wire")
        var end = min(reason.count, FrameHeader.controlPayloadMax - 2)
        if end < reason.count {
            while end > 0, reason[end] & 0xC0 == 0x80 { end -= 1 }
        }
        let payload = [UInt8(code >> 8), UInt8(truncatingIfNeeded: code)] + reason[..<end]
        return frame(.close, payload, maskingKey: maskingKey)
    }

    /// One frame of any kind, for fragments and for tests. The caller keeps to the order of RFC 6455 §5.4.
    package static func frame(
        _ opcode: WebSocketOpcode, _ payload: [UInt8], isFinal: Bool = true, isCompressed: Bool = false,
        maskingKey: UInt32? = nil
    ) -> [UInt8] {
        precondition(!opcode.isControl || payload.count <= FrameHeader.controlPayloadMax, "RFC 6455 §5.5")
        let head = Head(opcode, isFinal: isFinal, isCompressed: isCompressed, maskingKey: maskingKey)
        return [UInt8](capacity: head.byteCount(for: payload.count) + payload.count) { output in
            head.write(payloadByteCount: payload.count, to: &output)
            if let maskingKey {
                var mask = Mask(key: maskingKey)
                _ = unsafe mask.apply(to: payload.span.bytes, appendingTo: &output)
            } else {
                output.append(copying: payload)
            }
        }
    }

    /// The bytes in front of the payload of a server's frame. Many connections can then share one payload.
    package static func header(
        _ opcode: WebSocketOpcode, payloadByteCount: Int, isFinal: Bool = true, isCompressed: Bool = false
    ) -> [UInt8] {
        precondition(payloadByteCount >= 0)
        let head = Head(opcode, isFinal: isFinal, isCompressed: isCompressed, maskingKey: nil)
        return [UInt8](capacity: head.byteCount(for: payloadByteCount)) { output in
            head.write(payloadByteCount: payloadByteCount, to: &output)
        }
    }

    private static func message(
        _ opcode: WebSocketOpcode, _ payload: [UInt8], deflate: WebSocketDeflate?, maskingKey: UInt32?
    ) -> [UInt8] {
        if let deflate, let compressed = deflate.compress(payload) {
            return frame(opcode, compressed, isCompressed: true, maskingKey: maskingKey)
        }
        return frame(opcode, payload, maskingKey: maskingKey)
    }
}

/// The head of a frame to write.
private struct Head {
    private let firstByte: UInt8
    private let maskingKey: UInt32?

    init(_ opcode: WebSocketOpcode, isFinal: Bool, isCompressed: Bool, maskingKey: UInt32?) {
        firstByte = opcode.rawValue | (isFinal ? 0x80 : 0) | (isCompressed ? 0x40 : 0)
        self.maskingKey = maskingKey
    }

    func byteCount(for payloadByteCount: Int) -> Int {
        let length = payloadByteCount < 126 ? 0 : payloadByteCount <= 0xFFFF ? 2 : 8
        return 2 + length + (maskingKey == nil ? 0 : 4)
    }

    /// RFC 6455 §5.2: the length takes as few bytes as it can.
    func write(payloadByteCount: Int, to output: inout OutputSpan<UInt8>) {
        let maskBit: UInt8 = maskingKey == nil ? 0 : 0x80
        output.append(firstByte)
        switch payloadByteCount {
        case ..<126:
            output.append(UInt8(payloadByteCount) | maskBit)
        case ...0xFFFF:
            output.append(126 | maskBit)
            output.append(bigEndian: UInt64(payloadByteCount), byteCount: 2)
        default:
            output.append(127 | maskBit)
            output.append(bigEndian: UInt64(payloadByteCount), byteCount: 8)
        }
        if let maskingKey { output.append(bigEndian: UInt64(maskingKey), byteCount: 4) }
    }
}

extension OutputSpan<UInt8> {
    fileprivate mutating func append(copying bytes: [UInt8]) {
        precondition(freeCapacity >= bytes.count, "the frame was measured before it was written")
        unsafe withUnsafeMutableBufferPointer { buffer, count in
            let target = unsafe UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
            unsafe bytes.withUnsafeBytes { unsafe target.copyMemory(from: $0) }
            count += bytes.count
        }
    }

    /// The low bytes of a number, the most significant first.
    fileprivate mutating func append(bigEndian value: UInt64, byteCount: Int) {
        for index in 1...byteCount {
            append(UInt8(truncatingIfNeeded: value >> UInt64(8 * (byteCount - index))))
        }
    }
}
