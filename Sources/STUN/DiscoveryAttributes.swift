import NetworkPrimitives

/// What a Binding request asks for by the attributes of RFC 5780 §7.
///
/// `STUNMessage` counts them as unknown, because they are so to every request but a Binding request that NAT discovery
/// is served to. Who serves it reads them here.
package struct DiscoveryAttributes: Equatable, Sendable {
    /// The first one's value of each type that comes before the integrity.
    package private(set) var changeRequest = AttributeReading<ChangeRequest>.absent
    /// A port; 0 is none, and malformed.
    package private(set) var responsePort = AttributeReading<UInt16>.absent
    /// Bytes of PADDING, whose content does not matter; nil without it.
    package private(set) var paddingByteCount: Int?

    /// CHANGE-REQUEST: which parts of the address the answer shall not come from (RFC 5780 §7.2).
    package struct ChangeRequest: Equatable, Sendable {
        package let changesIP: Bool
        package let changesPort: Bool

        package static let nothing = ChangeRequest(changesIP: false, changesPort: false)
    }

    /// Whether a type is one of these.
    package static func contain(_ type: AttributeType) -> Bool {
        type == .changeRequest || type == .responsePort || type == .padding
    }

    /// Reads what `message` says in `bytes`.
    package init(of message: STUNMessage, in bytes: RawSpan) {
        message.forEachCoveredAttribute(in: bytes) { type, value in
            switch AttributeType(rawValue: type) {
            case .changeRequest where changeRequest == .absent: changeRequest = Self.readChangeRequest(value)
            case .responsePort where responsePort == .absent: responsePort = Self.readPort(value)
            case .padding where paddingByteCount == nil: paddingByteCount = value.byteCount
            default: break
            }
            return true
        }
    }

    private static func readChangeRequest(_ value: RawSpan) -> AttributeReading<ChangeRequest> {
        guard value.byteCount == 4 else { return .malformed }
        // All other bits have no meaning, and old clients may set some.
        let flags = value.bigEndianUInt32(at: 0)
        return .value(ChangeRequest(changesIP: flags & 0b100 != 0, changesPort: flags & 0b010 != 0))
    }

    private static func readPort(_ value: RawSpan) -> AttributeReading<UInt16> {
        // Two bytes, and two of padding that some count as part of the value (RFC 5780 §7.5).
        guard value.byteCount == 4 || value.byteCount == 2, value.bigEndianUInt16(at: 0) != 0 else {
            return .malformed
        }
        return .value(value.bigEndianUInt16(at: 0))
    }
}
