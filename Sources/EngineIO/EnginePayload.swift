/// Several packets in the body of one request or response of the polling transport.
///
/// Revision 4 puts 0x1E between texts. Revision 3 says the length of each packet, as text `<digits>:` in units of
/// UTF-16, or as bytes: 0 for text or 1 for binary, the digits as bytes 0 to 9, 0xFF. All reading is linear.
package enum EnginePayload {
    /// Stands between the packets of revision 4.
    static let separator: UInt8 = 0x1E

    // MARK: - Reading

    /// The packets of a text body; nil when it is not UTF-8, malformed, empty, or holds too many.
    package static func decode(
        text body: ArraySlice<UInt8>, version: EngineVersion, packetsMax: Int
    ) -> [EnginePacket]? {
        guard isUTF8(body) else { return nil }
        switch version {
        case .four: return decodeSeparated(body, packetsMax)
        case .three: return decodeMeasured(body, packetsMax)
        }
    }

    /// The packets of a body of type `application/octet-stream`, which revision 3 has.
    package static func decode(binary body: ArraySlice<UInt8>, packetsMax: Int) -> [EnginePacket]? {
        var packets: [EnginePacket] = []
        var rest = body
        while let kind = rest.popFirst() {
            guard packets.count < packetsMax, let length = takeLength(from: &rest, upTo: 0xFF, zero: 0),
                length > 0, length <= rest.count
            else { return nil }
            let content = rest.prefix(length)
            rest.removeFirst(length)
            let packet: EnginePacket?
            switch kind {
            case 0: packet = isUTF8(content) ? EnginePacket(text: content, version: .three) : nil
            case 1: packet = EnginePacket(binary: content, version: .three)
            default: packet = nil
            }
            guard let packet else { return nil }
            packets.append(packet)
        }
        return packets.isEmpty ? nil : packets
    }

    private static func decodeSeparated(_ body: ArraySlice<UInt8>, _ packetsMax: Int) -> [EnginePacket]? {
        var packets: [EnginePacket] = []
        var start = body.startIndex
        while true {
            let end = body[start...].firstIndex(of: separator) ?? body.endIndex
            guard packets.count < packetsMax, let packet = EnginePacket(text: body[start..<end], version: .four) else {
                return nil
            }
            packets.append(packet)
            if end == body.endIndex { return packets }
            start = end + 1
        }
    }

    private static func decodeMeasured(_ body: ArraySlice<UInt8>, _ packetsMax: Int) -> [EnginePacket]? {
        var packets: [EnginePacket] = []
        var rest = body
        while !rest.isEmpty {
            guard packets.count < packetsMax,
                let length = takeLength(from: &rest, upTo: UInt8(ascii: ":"), zero: UInt8(ascii: "0")),
                let content = takeUTF16Units(length, from: &rest),
                let packet = EnginePacket(text: content, version: .three)
            else { return nil }
            packets.append(packet)
        }
        return packets.isEmpty ? nil : packets
    }

    /// Decimal digits, counted from `zero`, and the byte behind them. At most nine, which no body is as long as.
    private static func takeLength(from rest: inout ArraySlice<UInt8>, upTo end: UInt8, zero: UInt8) -> Int? {
        var length = 0
        var count = 0
        while let byte = rest.popFirst() {
            if byte == end { return count > 0 ? length : nil }
            guard count < 9, byte >= zero, byte - zero <= 9 else { return nil }
            length = length * 10 + Int(byte - zero)
            count += 1
        }
        return nil
    }

    /// As much valid UTF-8 as is `count` units of UTF-16; nil when it ends before, or within a character.
    private static func takeUTF16Units(_ count: Int, from rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
        var units = 0
        var end = rest.startIndex
        while units < count {
            guard end < rest.endIndex else { return nil }
            units += utf16Units(startingWith: rest[end])
            end += 1
            while end < rest.endIndex, rest[end] & 0xC0 == 0x80 { end += 1 }
        }
        guard units == count else { return nil }
        defer { rest = rest[end...] }
        return rest[..<end]
    }

    /// Four bytes of UTF-8 are two units of UTF-16, fewer bytes are one.
    private static func utf16Units(startingWith byte: UInt8) -> Int {
        if byte & 0xC0 == 0x80 { return 0 }
        return byte >= 0xF0 ? 2 : 1
    }

    static func isUTF8(_ bytes: ArraySlice<UInt8>) -> Bool { (try? UTF8Span(validating: bytes.span)) != nil }

    // MARK: - Writing

    /// A text body.
    package static func encode(text frames: [EngineFrame], version: EngineVersion) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(frames.reduce(0) { $0 + $1.byteCount + 8 })
        for (index, frame) in frames.enumerated() {
            let packet =
                switch frame {
                case .text(let bytes): bytes
                case .binary(let bytes): EngineFrame.base64(bytes, version: version)
                }
            switch version {
            case .four: if index > 0 { body.append(separator) }
            case .three:
                body.append(contentsOf: String(utf16Count(packet)).utf8)
                body.append(UInt8(ascii: ":"))
            }
            body.append(contentsOf: packet)
        }
        return body
    }

    /// A body of type `application/octet-stream` for revision 3.
    package static func encode(binary frames: [EngineFrame]) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(frames.reduce(0) { $0 + $1.byteCount + 10 })
        for frame in frames {
            switch frame {
            case .text(let bytes):
                body.append(0)
                appendLength(bytes.count, to: &body)
                body.append(contentsOf: bytes)
            case .binary(let bytes):
                body.append(1)
                appendLength(bytes.count + 1, to: &body)
                body.append(4)
                body.append(contentsOf: bytes)
            }
        }
        return body
    }

    private static func appendLength(_ length: Int, to body: inout [UInt8]) {
        body.append(contentsOf: String(length).utf8.map { $0 - UInt8(ascii: "0") })
        body.append(0xFF)
    }

    private static func utf16Count(_ text: [UInt8]) -> Int { text.reduce(0) { $0 + utf16Units(startingWith: $1) } }

    /// Whether every frame is text of ASCII, which all clients read alike, whatever they take for its encoding.
    static func isPlain(_ frames: [EngineFrame]) -> Bool {
        frames.allSatisfy { frame in
            guard case .text(let bytes) = frame else { return false }
            return bytes.allSatisfy { $0 < 0x80 }
        }
    }
}
