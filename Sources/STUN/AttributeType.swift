/// The type of an attribute (RFC 8489 §18.3, RFC 8656 §18.2, RFC 8016 §3.3).
package struct AttributeType: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) { self.rawValue = rawValue }

    /// Types below 0x8000 must be understood by the receiver (RFC 8489 §14).
    package var isComprehensionRequired: Bool { rawValue < 0x8000 }

    package static let mappedAddress = AttributeType(rawValue: 0x0001)
    package static let changeRequest = AttributeType(rawValue: 0x0003)
    package static let username = AttributeType(rawValue: 0x0006)
    package static let messageIntegrity = AttributeType(rawValue: 0x0008)
    package static let errorCode = AttributeType(rawValue: 0x0009)
    package static let unknownAttributes = AttributeType(rawValue: 0x000A)
    package static let channelNumber = AttributeType(rawValue: 0x000C)
    package static let lifetime = AttributeType(rawValue: 0x000D)
    package static let xorPeerAddress = AttributeType(rawValue: 0x0012)
    package static let data = AttributeType(rawValue: 0x0013)
    package static let realm = AttributeType(rawValue: 0x0014)
    package static let nonce = AttributeType(rawValue: 0x0015)
    package static let xorRelayedAddress = AttributeType(rawValue: 0x0016)
    package static let requestedAddressFamily = AttributeType(rawValue: 0x0017)
    package static let evenPort = AttributeType(rawValue: 0x0018)
    package static let requestedTransport = AttributeType(rawValue: 0x0019)
    package static let dontFragment = AttributeType(rawValue: 0x001A)
    package static let messageIntegritySHA256 = AttributeType(rawValue: 0x001C)
    package static let passwordAlgorithm = AttributeType(rawValue: 0x001D)
    package static let userhash = AttributeType(rawValue: 0x001E)
    package static let xorMappedAddress = AttributeType(rawValue: 0x0020)
    package static let reservationToken = AttributeType(rawValue: 0x0022)
    package static let padding = AttributeType(rawValue: 0x0026)
    package static let responsePort = AttributeType(rawValue: 0x0027)
    package static let connectionID = AttributeType(rawValue: 0x002A)
    package static let additionalAddressFamily = AttributeType(rawValue: 0x8000)
    package static let addressErrorCode = AttributeType(rawValue: 0x8001)
    package static let passwordAlgorithms = AttributeType(rawValue: 0x8002)
    package static let alternateDomain = AttributeType(rawValue: 0x8003)
    package static let icmp = AttributeType(rawValue: 0x8004)
    package static let software = AttributeType(rawValue: 0x8022)
    package static let alternateServer = AttributeType(rawValue: 0x8023)
    package static let fingerprint = AttributeType(rawValue: 0x8028)
    package static let responseOrigin = AttributeType(rawValue: 0x802B)
    package static let otherAddress = AttributeType(rawValue: 0x802C)
    package static let mobilityTicket = AttributeType(rawValue: 0x8030)
}

/// An attribute that a client may send and Tern reads; dense, so that a message's index of attributes is a flat array.
package enum KnownAttribute: Int, Sendable, CaseIterable {
    case username, userhash, realm, nonce
    case messageIntegrity, messageIntegritySHA256
    case passwordAlgorithm, passwordAlgorithms
    case channelNumber, lifetime, xorPeerAddress, data
    case requestedAddressFamily, additionalAddressFamily
    case evenPort, requestedTransport, dontFragment, reservationToken
    case connectionID
    case fingerprint
    case mobilityTicket
    /// Attributes that belong into responses. In a request they are understood and mean nothing.
    case responseOnly

    package init?(_ type: AttributeType) {
        switch type.rawValue {
        case 0x0006: self = .username
        case 0x0008: self = .messageIntegrity
        case 0x000C: self = .channelNumber
        case 0x000D: self = .lifetime
        case 0x0012: self = .xorPeerAddress
        case 0x0013: self = .data
        case 0x0014: self = .realm
        case 0x0015: self = .nonce
        case 0x0017: self = .requestedAddressFamily
        case 0x0018: self = .evenPort
        case 0x0019: self = .requestedTransport
        case 0x001A: self = .dontFragment
        case 0x001C: self = .messageIntegritySHA256
        case 0x001D: self = .passwordAlgorithm
        case 0x001E: self = .userhash
        case 0x0022: self = .reservationToken
        case 0x002A: self = .connectionID
        case 0x8000: self = .additionalAddressFamily
        case 0x8002: self = .passwordAlgorithms
        case 0x8028: self = .fingerprint
        case 0x8030: self = .mobilityTicket
        case 0x0001, 0x0009, 0x000A, 0x0016, 0x0020: self = .responseOnly
        default: return nil
        }
    }
}
