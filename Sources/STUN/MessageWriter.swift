package import Crypto
package import NetworkPrimitives

/// Writes one STUN message into memory that the caller owns, without allocating.
///
/// The buffer is large enough for the message, whose longest parts (realm, nonce, unknown attributes) are bounded by
/// the server and not by the client; running out of room is our own mistake and ends in a precondition. Padding is zero
/// (RFC 8489 §14), whatever the buffer held before.
package struct MessageWriter: ~Copyable, ~Escapable {
    private var bytes: MutableRawSpan
    /// Bytes written so far, header included.
    package private(set) var byteCount: Int
    private let transactionID: TransactionID

    /// Begins a message at the start of `buffer`.
    @_lifetime(copy buffer)
    package init(into buffer: consuming MutableRawSpan, type: MessageType, transactionID: TransactionID) {
        buffer.storeBigEndian(type.wire, at: 0)
        buffer.storeBigEndian(UInt16(0), at: 2)
        buffer.storeBigEndian(STUNMessage.magicCookie, at: 4)
        buffer.storeBigEndian(transactionID.high, at: 8)
        buffer.storeBigEndian(transactionID.low, at: 12)
        bytes = buffer
        byteCount = STUNMessage.headerByteCount
        self.transactionID = transactionID
    }

    /// Ends the message; the answer is its length in bytes.
    package consuming func finish() -> Int { byteCount }

    // MARK: - Attributes

    @_lifetime(self: copy self)
    package mutating func append(_ type: AttributeType, _ value: RawSpan) {
        let start = beginAttribute(type, valueByteCount: value.byteCount)
        bytes.store(value, at: start)
    }

    @_lifetime(self: copy self)
    package mutating func append(_ type: AttributeType, _ value: [UInt8]) {
        value.withRawSpan { append(type, $0) }
    }

    @_lifetime(self: copy self)
    package mutating func append(_ type: AttributeType, _ value: UInt32) {
        let start = beginAttribute(type, valueByteCount: 4)
        bytes.storeBigEndian(value, at: start)
    }

    @_lifetime(self: copy self)
    package mutating func append(_ type: AttributeType, _ value: UInt64) {
        let start = beginAttribute(type, valueByteCount: 8)
        bytes.storeBigEndian(value, at: start)
    }

    @_lifetime(self: copy self)
    package mutating func appendXORAddress(_ type: AttributeType, _ address: SocketAddress) {
        let start = beginAttribute(type, valueByteCount: XORAddress.byteCount(address.family))
        XORAddress.encode(address, transactionID: transactionID, into: &bytes, at: start)
    }

    /// An address as it is, in the form of MAPPED-ADDRESS (RFC 8489 §14.1).
    @_lifetime(self: copy self)
    package mutating func appendAddress(_ type: AttributeType, _ address: SocketAddress) {
        let start = beginAttribute(type, valueByteCount: PlainAddress.byteCount(address.family))
        PlainAddress.encode(address, into: &bytes, at: start)
    }

    /// `byteCount` zero bytes.
    @_lifetime(self: copy self)
    package mutating func appendZeros(_ type: AttributeType, byteCount: Int) {
        let start = beginAttribute(type, valueByteCount: byteCount)
        for offset in start..<start + byteCount { bytes.storeBigEndian(UInt8(0), at: offset) }
    }

    /// ERROR-CODE (RFC 8489 §14.8): 21 zero bits, class, number, reason phrase.
    @_lifetime(self: copy self)
    package mutating func appendErrorCode(_ error: ErrorCode, reason: StaticString?) {
        let reasonByteCount = reason?.utf8CodeUnitCount ?? 0
        let start = beginAttribute(.errorCode, valueByteCount: 4 + reasonByteCount)
        bytes.storeBigEndian(error.wire, at: start)
        guard let reason else { return }
        for index in 0..<reasonByteCount {
            // A StaticString is immortal memory of the stated length.
            unsafe bytes.storeBigEndian(reason.utf8Start[index], at: start + 4 + index)
        }
    }

    /// UNKNOWN-ATTRIBUTES (RFC 8489 §14.13): two bytes a type.
    @_lifetime(self: copy self)
    package mutating func appendUnknownAttributes(of request: STUNMessage) {
        let start = beginAttribute(.unknownAttributes, valueByteCount: 2 * request.unknownRequiredCount)
        for index in 0..<request.unknownRequiredCount {
            bytes.storeBigEndian(request.unknownRequired(index).rawValue, at: start + 2 * index)
        }
    }

    // MARK: - Integrity

    /// MESSAGE-INTEGRITY (RFC 8489 §14.5): HMAC-SHA1 over all before it, with the length field counting it already.
    @_lifetime(self: copy self)
    package mutating func appendMessageIntegrity(_ key: HMACSHA1Key) {
        let covered = byteCount
        let start = beginAttribute(.messageIntegrity, valueByteCount: SHA1Digest.byteCount)
        let digest = key.authenticate(bytes.bytes.extracting(0..<covered))
        digest.withRawSpan { bytes.store($0, at: start) }
    }

    /// MESSAGE-INTEGRITY-SHA256, not truncated (RFC 8489 §14.6).
    @_lifetime(self: copy self)
    package mutating func appendMessageIntegritySHA256(_ key: HMACSHA256Key) {
        let covered = byteCount
        let start = beginAttribute(.messageIntegritySHA256, valueByteCount: SHA256Digest.byteCount)
        let digest = key.authenticate(bytes.bytes.extracting(0..<covered))
        digest.withRawSpan { bytes.store($0, at: start) }
    }

    /// FINGERPRINT (RFC 8489 §14.7); nothing may follow it.
    @_lifetime(self: copy self)
    package mutating func appendFingerprint() {
        let covered = byteCount
        let start = beginAttribute(.fingerprint, valueByteCount: 4)
        bytes.storeBigEndian(CRC32.checksum(bytes.bytes.extracting(0..<covered)) ^ Fingerprint.mask, at: start)
    }

    /// Writes the attribute's header, clears its padding, counts it in the message length, and says where the value
    /// goes.
    @_lifetime(self: copy self)
    private mutating func beginAttribute(_ type: AttributeType, valueByteCount: Int) -> Int {
        let start = byteCount + 4
        let padded = (valueByteCount + 3) & ~0b11
        precondition(start + padded <= bytes.byteCount, "the caller sized the buffer for the message")
        bytes.storeBigEndian(type.rawValue, at: byteCount)
        bytes.storeBigEndian(UInt16(valueByteCount), at: byteCount + 2)
        if padded > valueByteCount { bytes.storeBigEndian(UInt32(0), at: start + padded - 4) }
        byteCount = start + padded
        bytes.storeBigEndian(UInt16(byteCount - STUNMessage.headerByteCount), at: 2)
        return start
    }
}
