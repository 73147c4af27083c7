package import NetworkPrimitives

/// Binding as RFC 3489 clients know it: a 16-byte transaction id where RFC 5389 put its cookie, and a plain
/// MAPPED-ADDRESS in the answer (RFC 5389 §12.2). Spoken only when the operator asks for it.
package enum ClassicBinding {
    /// Longest answer: header and an IPv6 MAPPED-ADDRESS.
    package static let responseByteCountMax = 44

    /// Whether the bytes are a Binding request without the cookie. Its attributes are not looked at, but must fit.
    package static func isRequest(_ bytes: RawSpan) -> Bool {
        guard bytes.byteCount >= STUNMessage.headerByteCount, bytes.bigEndianUInt16(at: 0) == 0x0001 else {
            return false
        }
        let length = Int(bytes.bigEndianUInt16(at: 2))
        return length & 0b11 == 0 && length == bytes.byteCount - STUNMessage.headerByteCount
            && bytes.bigEndianUInt32(at: 4) != STUNMessage.magicCookie
    }

    /// Writes the success response to `request`: the same sixteen bytes of id, and MAPPED-ADDRESS alone. Returns its
    /// length.
    package static func respond(
        to request: RawSpan, source: SocketAddress, into response: inout MutableRawSpan
    ) -> Int {
        let addressByteCount = PlainAddress.byteCount(source.family)
        response.storeBigEndian(UInt16(0x0101), at: 0)
        response.storeBigEndian(UInt16(4 + addressByteCount), at: 2)
        response.store(request.extracting(4..<20), at: 4)
        response.storeBigEndian(AttributeType.mappedAddress.rawValue, at: 20)
        response.storeBigEndian(UInt16(addressByteCount), at: 22)
        PlainAddress.encode(source, into: &response, at: 24)
        return 24 + addressByteCount
    }

    /// Longest refusal: header, and ERROR-CODE without a phrase.
    package static let refusalByteCountMax = 28

    /// Writes the error response 500 to a request without the cookie, of whatever method, by the sixteen bytes of its
    /// id. Nil when the bytes are no request: an indication is not answered.
    package static func refuse(_ request: RawSpan, into response: inout MutableRawSpan) -> Int? {
        guard request.byteCount >= STUNMessage.headerByteCount else { return nil }
        let type = request.bigEndianUInt16(at: 0)
        let length = Int(request.bigEndianUInt16(at: 2))
        // Neither bit of the class is set in a request (RFC 8489 §5), both are in an error response.
        guard type & 0xC110 == 0, length & 0b11 == 0, length == request.byteCount - STUNMessage.headerByteCount else {
            return nil
        }
        response.storeBigEndian(type | 0x0110, at: 0)
        response.storeBigEndian(UInt16(8), at: 2)
        response.store(request.extracting(4..<20), at: 4)
        response.storeBigEndian(AttributeType.errorCode.rawValue, at: 20)
        response.storeBigEndian(UInt16(4), at: 22)
        response.storeBigEndian(UInt32(5) << 8, at: 24)
        return refusalByteCountMax
    }
}
