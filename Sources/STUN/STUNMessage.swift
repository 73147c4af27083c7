import NetworkPrimitives

/// Why bytes are not a STUN message. Each case is a counter; nothing is formatted per datagram.
package enum STUNParseError: Error, Equatable, Sendable, CaseIterable {
    /// Fewer than 20 bytes (RFC 8489 §5).
    case truncatedHeader
    /// The two top bits are not zero (RFC 8489 §5).
    case notSTUN
    /// The length field is not a multiple of four, or differs from the bytes that follow (RFC 8489 §5, §6.3).
    case badLength
    /// The cookie is not 0x2112A442: RFC 3489, or another protocol (RFC 8489 §5).
    case badMagicCookie
    /// An attribute runs past the end of the message (RFC 8489 §14).
    case attributeOverrun
    /// FINGERPRINT is wrong, or not the last attribute (RFC 8489 §14.7).
    case badFingerprint
}

/// An index over the bytes of one STUN message: what stands where. It holds offsets, not bytes, so it can be kept while
/// the buffer is lent elsewhere; every method that reads a value takes the same bytes again.
///
/// ```
///   0                   2                   4
///  +-------------------+-------------------+
///  | type              | length            |   length: bytes after the header
///  | magic cookie 0x2112A442               |
///  | transaction id, 12 bytes              |
///  +---------------------------------------+
///  | attributes: type, length, value, padding to four |
/// ```
/// Parsing settles once what the RFC says of order: the first of a duplicate counts (§14), what follows
/// MESSAGE-INTEGRITY is ignored but for MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (§14.5, §14.6).
package struct STUNMessage: Sendable {
    package static let headerByteCount = 20
    package static let magicCookie: UInt32 = 0x2112_A442
    /// UNKNOWN-ATTRIBUTES lists at most this many types; a request with more names the first ones.
    package static let unknownAttributesMax = 16

    package let type: MessageType
    package let transactionID: TransactionID
    /// Header and attributes, in bytes.
    package let byteCount: Int

    /// A quarter of the value's offset in the high half (values start at multiples of four), its length in the low
    /// half; zero means absent, since no value starts at 0. As many as there are cases; a test counts them.
    private var places = InlineArray<22, UInt32>(repeating: 0)
    private var unknownTypes = InlineArray<16, UInt16>(repeating: 0)
    /// How many comprehension-required attributes were not understood, at most `unknownAttributesMax`.
    package private(set) var unknownRequiredCount = 0

    /// Reads a message that fills `bytes` exactly, as a datagram must.
    package init(parsing bytes: RawSpan) throws(STUNParseError) {
        guard bytes.byteCount >= Self.headerByteCount else { throw .truncatedHeader }
        let wireType = bytes.bigEndianUInt16(at: 0)
        guard wireType < 0x4000 else { throw .notSTUN }
        let length = Int(bytes.bigEndianUInt16(at: 2))
        guard bytes.bigEndianUInt32(at: 4) == Self.magicCookie else { throw .badMagicCookie }
        guard length & 0b11 == 0, length == bytes.byteCount - Self.headerByteCount else { throw .badLength }
        type = MessageType(wire: wireType)
        transactionID = TransactionID(high: bytes.bigEndianUInt32(at: 8), low: bytes.bigEndianUInt64(at: 12))
        byteCount = bytes.byteCount
        try indexAttributes(of: bytes)
    }

    private mutating func indexAttributes(of bytes: RawSpan) throws(STUNParseError) {
        var offset = Self.headerByteCount
        var coverage = Coverage.everything
        while offset < byteCount {
            // The length field is a multiple of four, so at least one attribute header is left.
            let type = AttributeType(rawValue: bytes.bigEndianUInt16(at: offset))
            let length = Int(bytes.bigEndianUInt16(at: offset + 2))
            let value = offset + 4
            let next = value + (length + 3) & ~0b11
            guard next <= byteCount else { throw .attributeOverrun }
            if let known = KnownAttribute(type) {
                if coverage.admits(known), places[known.rawValue] == 0 {
                    places[known.rawValue] = UInt32(value >> 2) << 16 | UInt32(length)
                    coverage = coverage.after(known)
                }
                if known == .fingerprint {
                    guard next == byteCount, length == 4, Fingerprint.matches(bytes, upTo: offset) else {
                        throw .badFingerprint
                    }
                }
            } else if coverage == .everything, type.isComprehensionRequired {
                noteUnknown(type)
            }
            offset = next
        }
    }

    /// Which attributes still count, given the integrity attributes seen so far (RFC 8489 §14.5, §14.6).
    private enum Coverage {
        case everything, afterIntegrity, afterIntegritySHA256

        func admits(_ attribute: KnownAttribute) -> Bool {
            switch self {
            case .everything: true
            case .afterIntegrity: attribute == .messageIntegritySHA256 || attribute == .fingerprint
            case .afterIntegritySHA256: attribute == .fingerprint
            }
        }

        func after(_ attribute: KnownAttribute) -> Coverage {
            switch attribute {
            case .messageIntegrity: .afterIntegrity
            case .messageIntegritySHA256: .afterIntegritySHA256
            default: self
            }
        }
    }

    private mutating func noteUnknown(_ type: AttributeType) {
        guard unknownRequiredCount < Self.unknownAttributesMax else { return }
        for index in 0..<unknownRequiredCount where unknownTypes[index] == type.rawValue { return }
        unknownTypes[unknownRequiredCount] = type.rawValue
        unknownRequiredCount += 1
    }

    // MARK: - Queries

    /// Where the value of the first such attribute stands, without padding.
    package func range(of attribute: KnownAttribute) -> Range<Int>? {
        let place = places[attribute.rawValue]
        guard place != 0 else { return nil }
        let start = Int(place >> 16) << 2
        return start..<(start + Int(place & 0xFFFF))
    }

    package func has(_ attribute: KnownAttribute) -> Bool { places[attribute.rawValue] != 0 }

    /// A comprehension-required type that was not understood; `index` is below `unknownRequiredCount`.
    package func unknownRequired(_ index: Int) -> AttributeType {
        precondition(index < unknownRequiredCount)
        return AttributeType(rawValue: unknownTypes[index])
    }

    /// The same message, read by somebody who understands further types.
    package func understanding(_ isUnderstood: (AttributeType) -> Bool) -> STUNMessage {
        var copy = self
        copy.unknownRequiredCount = 0
        for index in 0..<unknownRequiredCount where !isUnderstood(unknownRequired(index)) {
            copy.unknownTypes[copy.unknownRequiredCount] = unknownTypes[index]
            copy.unknownRequiredCount += 1
        }
        return copy
    }

    /// The value of `attribute`, or nil when it is absent.
    @_lifetime(copy bytes)
    package func value(of attribute: KnownAttribute, in bytes: RawSpan) -> RawSpan? {
        guard let range = range(of: attribute) else { return nil }
        return bytes.extracting(range)
    }
}
