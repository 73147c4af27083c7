package import Crypto
import NetworkPrimitives

extension STUNMessage {
    /// Whether MESSAGE-INTEGRITY is there, 20 bytes long, and right for `key` (RFC 8489 §14.5).
    package func hasValidIntegrity(_ key: HMACSHA1Key, in bytes: RawSpan) -> Bool {
        guard let range = range(of: .messageIntegrity), range.count == SHA1Digest.byteCount else { return false }
        let header = integrityHeader(endingAt: range.upperBound, in: bytes)
        let covered = bytes.extracting(Self.headerByteCount..<range.lowerBound - 4)
        let digest = key.authenticate(unsafe header.span.bytes, covered)
        return digest.withRawSpan { constantTimeEquals($0, bytes.extracting(range)) }
    }

    /// Whether MESSAGE-INTEGRITY-SHA256 is there and right for `key`. A sender may truncate it to a multiple of four of
    /// at least 16 bytes (RFC 8489 §14.6); anything else is wrong.
    package func hasValidIntegritySHA256(_ key: HMACSHA256Key, in bytes: RawSpan) -> Bool {
        guard let range = range(of: .messageIntegritySHA256), (16...32).contains(range.count),
            range.count & 0b11 == 0
        else { return false }
        let header = integrityHeader(endingAt: range.upperBound, in: bytes)
        let covered = bytes.extracting(Self.headerByteCount..<range.lowerBound - 4)
        let digest = key.authenticate(unsafe header.span.bytes, covered)
        return digest.withRawSpan { constantTimeEquals($0.extracting(0..<range.count), bytes.extracting(range)) }
    }

    /// The header as the sender hashed it: its length field ends with the integrity attribute, whatever follows.
    private func integrityHeader(endingAt end: Int, in bytes: RawSpan) -> InlineArray<20, UInt8> {
        var header = InlineArray<20, UInt8> { index in bytes.byte(at: index) }
        let length = end - Self.headerByteCount
        header[2] = UInt8(truncatingIfNeeded: length >> 8)
        header[3] = UInt8(truncatingIfNeeded: length)
        return header
    }
}
