package import NetworkPrimitives

/// What a request says in an attribute of fixed form: nothing, something wrong, or a value. "Wrong" is an attribute
/// whose length does not fit its type; the answer to it is 400 (RFC 8489 §6.3.1).
package enum AttributeReading<Value> {
    case absent
    case malformed
    case value(Value)

    /// The value, `fallback` when absent, nil when malformed.
    package func or(_ fallback: Value) -> Value? {
        switch self {
        case .absent: fallback
        case .malformed: nil
        case .value(let value): value
        }
    }
}

extension AttributeReading: Equatable where Value: Equatable {}
extension AttributeReading: Sendable where Value: Sendable {}

extension STUNMessage {
    /// LIFETIME in seconds (RFC 8656 §18.2).
    package func lifetime(in bytes: RawSpan) -> AttributeReading<UInt32> {
        fixed(.lifetime, byteCount: 4, in: bytes) { value in value.bigEndianUInt32(at: 0) }
    }

    /// CHANNEL-NUMBER; the two bytes after the number are reserved and ignored (RFC 8656 §18.1).
    package func channelNumber(in bytes: RawSpan) -> AttributeReading<UInt16> {
        fixed(.channelNumber, byteCount: 4, in: bytes) { value in value.bigEndianUInt16(at: 0) }
    }

    /// REQUESTED-TRANSPORT: an IP protocol number, 17 for UDP (RFC 8656 §18.8).
    package func requestedTransport(in bytes: RawSpan) -> AttributeReading<UInt8> {
        fixed(.requestedTransport, byteCount: 4, in: bytes) { value in value.byte(at: 0) }
    }

    /// REQUESTED-ADDRESS-FAMILY or ADDITIONAL-ADDRESS-FAMILY as the number on the wire (RFC 8656 §18.6, §18.11).
    package func addressFamily(_ attribute: KnownAttribute, in bytes: RawSpan) -> AttributeReading<UInt8> {
        fixed(attribute, byteCount: 4, in: bytes) { value in value.byte(at: 0) }
    }

    /// EVEN-PORT's R bit: reserve the next port too (RFC 8656 §18.7).
    package func evenPort(in bytes: RawSpan) -> AttributeReading<Bool> {
        fixed(.evenPort, byteCount: 1, in: bytes) { value in value.byte(at: 0) & 0x80 != 0 }
    }

    /// RESERVATION-TOKEN, eight opaque bytes (RFC 8656 §18.10).
    package func reservationToken(in bytes: RawSpan) -> AttributeReading<UInt64> {
        fixed(.reservationToken, byteCount: 8, in: bytes) { value in value.bigEndianUInt64(at: 0) }
    }

    /// CONNECTION-ID: which connection of a TCP allocation is meant (RFC 6062 §6.2.1).
    package func connectionID(in bytes: RawSpan) -> AttributeReading<UInt32> {
        fixed(.connectionID, byteCount: 4, in: bytes) { value in value.bigEndianUInt32(at: 0) }
    }

    /// The first XOR-PEER-ADDRESS (RFC 8656 §18.3).
    package func xorPeerAddress(in bytes: RawSpan) -> AttributeReading<SocketAddress> {
        guard let range = range(of: .xorPeerAddress) else { return .absent }
        guard let address = XORAddress.decode(bytes.extracting(range), transactionID: transactionID) else {
            return .malformed
        }
        return .value(address)
    }

    /// Visits each XOR-PEER-ADDRESS in order, nil for a malformed one; stops when `body` answers false.
    /// CreatePermission is the one request that carries several (RFC 8656 §10.1). What stands after the integrity is
    /// not visited.
    package func forEachXORPeerAddress(in bytes: RawSpan, _ body: (SocketAddress?) -> Bool) {
        forEachCoveredAttribute(in: bytes) { type, value in
            guard type == AttributeType.xorPeerAddress.rawValue else { return true }
            return body(XORAddress.decode(value, transactionID: transactionID))
        }
    }

    /// Visits type and value of each attribute before the integrity, if there is one; stops when `body` answers false.
    func forEachCoveredAttribute(in bytes: RawSpan, _ body: (UInt16, RawSpan) -> Bool) {
        let covered = range(of: .messageIntegrity) ?? range(of: .messageIntegritySHA256)
        let end = covered.map { $0.lowerBound - 4 } ?? byteCount
        var offset = Self.headerByteCount
        while offset < end {
            let length = Int(bytes.bigEndianUInt16(at: offset + 2))
            let value = bytes.extracting(offset + 4..<offset + 4 + length)
            guard body(bytes.bigEndianUInt16(at: offset), value) else { return }
            offset += 4 + (length + 3) & ~0b11
        }
    }

    private func fixed<Value>(
        _ attribute: KnownAttribute, byteCount: Int, in bytes: RawSpan, _ read: (RawSpan) -> Value
    ) -> AttributeReading<Value> {
        guard let range = range(of: attribute) else { return .absent }
        guard range.count == byteCount else { return .malformed }
        return .value(read(bytes.extracting(range)))
    }
}
