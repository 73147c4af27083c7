import TestSupport
import Testing
import WebSocket

/// The events of bytes that arrive in pieces of at most `size`.
func events(
    _ bytes: [UInt8], piecesOf size: Int, for connection: inout WebSocketConnection
) -> [WebSocketEvent] {
    var events: [WebSocketEvent] = []
    for start in stride(from: 0, to: bytes.count, by: max(size, 1)) {
        events += receive(Array(bytes[start..<min(start + size, bytes.count)]), &connection)
    }
    return events
}

/// The events of bytes that arrive at once.
func receive(_ bytes: [UInt8], _ connection: inout WebSocketConnection) -> [WebSocketEvent] {
    var events: [WebSocketEvent] = []
    var offset = 0
    while let event = connection.nextEvent(in: bytes.span.bytes, from: &offset) { events.append(event) }
    #expect(offset == bytes.count, "nil means that all bytes are used up")
    return events
}

/// The events of `bytes` on a new connection. They are the same wherever the bytes are cut, or the test fails.
func events(
    _ bytes: [UInt8], role: WebSocketRole = .server, limits: WebSocketLimits = .init(),
    deflate: WebSocketDeflate? = nil, sourceLocation: SourceLocation = #_sourceLocation
) -> [WebSocketEvent] {
    let fresh = WebSocketConnection(role: role, limits: limits, deflate: deflate)
    var connection = fresh
    let whole = receive(bytes, &connection)
    for size in [1, 2, 3, 7, 8, 9, 64] {
        var connection = fresh
        #expect(
            events(bytes, piecesOf: size, for: &connection) == whole, "pieces of \(size)",
            sourceLocation: sourceLocation)
    }
    for cut in 0..<min(bytes.count, 200) {
        var connection = fresh
        let inTwo = receive(Array(bytes[..<cut]), &connection) + receive(Array(bytes[cut...]), &connection)
        #expect(inTwo == whole, "cut at \(cut)", sourceLocation: sourceLocation)
    }
    return whole
}

/// A client's frame made by hand, without our writer: the first byte, then the payload masked with 37 FA 21 3D.
func masked(_ firstByte: UInt8, _ payload: [UInt8]) -> [UInt8] {
    let key: [UInt8] = [0x37, 0xFA, 0x21, 0x3D]
    var frame = [firstByte]
    switch payload.count {
    case ..<126: frame.append(0x80 | UInt8(payload.count))
    case ...0xFFFF: frame += [0xFE, UInt8(payload.count >> 8), UInt8(payload.count & 0xFF)]
    default: frame += [0xFF] + (0..<8).map { UInt8(payload.count >> (56 - 8 * $0) & 0xFF) }
    }
    frame += key
    for (index, byte) in payload.enumerated() { frame.append(byte ^ key[index % 4]) }
    return frame
}

func masked(_ firstByte: UInt8, _ text: String) -> [UInt8] { masked(firstByte, Array(text.utf8)) }

extension WebSocketEvent {
    /// A whole message of text.
    static func text(_ string: String) -> WebSocketEvent { .text(Array(string.utf8)) }
}
