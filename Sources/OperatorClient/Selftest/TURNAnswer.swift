import NetworkPrimitives
import STUN

/// A message of a server as a client reads it. `STUNMessage` reads requests, and leaves out what only answers have.
struct TURNAnswer: Equatable {
    let type: MessageType
    let transactionID: TransactionID
    var errorCode: Int?
    var mapped: SocketAddress?
    var relayed: SocketAddress?
    var peer: SocketAddress?
    var alternate: [UInt8]?
    var realm: [UInt8]?
    var nonce: [UInt8]?
    var data: [UInt8]?

    /// Nil when the bytes are no whole message (RFC 8489 §5).
    init?(_ bytes: [UInt8]) {
        let header = STUNMessage.headerByteCount
        guard bytes.count >= header else { return nil }
        let span = unsafe bytes.span.bytes
        let wireType = span.bigEndianUInt16(at: 0)
        guard wireType < 0x4000, span.bigEndianUInt32(at: 4) == STUNMessage.magicCookie,
            Int(span.bigEndianUInt16(at: 2)) == bytes.count - header
        else { return nil }
        type = MessageType(wire: wireType)
        transactionID = TransactionID(high: span.bigEndianUInt32(at: 8), low: span.bigEndianUInt64(at: 12))
        var offset = header
        while offset + 4 <= bytes.count {
            let length = Int(span.bigEndianUInt16(at: offset + 2))
            guard offset + 4 + length <= bytes.count else { return nil }
            let attribute = AttributeType(rawValue: span.bigEndianUInt16(at: offset))
            take(attribute, span.extracting(offset + 4..<offset + 4 + length))
            offset += 4 + (length + 3) & ~0b11
        }
    }

    /// Of a duplicate the first counts (RFC 8489 §14).
    private mutating func take(_ attribute: AttributeType, _ value: RawSpan) {
        switch attribute {
        case .errorCode where value.byteCount >= 4 && errorCode == nil:
            errorCode = Int(value.byte(at: 2) & 7) * 100 + Int(value.byte(at: 3))
        case .xorMappedAddress: mapped = mapped ?? XORAddress.decode(value, transactionID: transactionID)
        case .xorRelayedAddress: relayed = relayed ?? XORAddress.decode(value, transactionID: transactionID)
        case .xorPeerAddress: peer = peer ?? XORAddress.decode(value, transactionID: transactionID)
        case .alternateServer: alternate = alternate ?? value.array()
        case .realm: realm = realm ?? value.array()
        case .nonce: nonce = nonce ?? value.array()
        case .data: data = data ?? value.array()
        default: break
        }
    }
}
