/// The code of an error response (RFC 8489 §14.8, RFC 8656 §19, RFC 6062 §6.3, RFC 8016 §3.4).
package enum ErrorCode: UInt16, Error, Sendable, CaseIterable {
    case tryAlternate = 300
    case badRequest = 400
    case unauthenticated = 401
    case forbidden = 403
    case mobilityForbidden = 405
    case unknownAttribute = 420
    case allocationMismatch = 437
    case staleNonce = 438
    case addressFamilyNotSupported = 440
    case wrongCredentials = 441
    case unsupportedTransportProtocol = 442
    case peerAddressFamilyMismatch = 443
    case connectionAlreadyExists = 446
    case connectionTimeoutOrFailure = 447
    case allocationQuotaReached = 486
    case serverError = 500
    case insufficientCapacity = 508

    /// Class and number as the last two of the four bytes of the attribute.
    package var wire: UInt32 { UInt32(rawValue / 100) << 8 | UInt32(rawValue % 100) }

    /// The phrase that the RFC recommends. For people; clients decide by the code.
    package var reason: StaticString {
        switch self {
        case .tryAlternate: "Try Alternate"
        case .badRequest: "Bad Request"
        case .unauthenticated: "Unauthenticated"
        case .forbidden: "Forbidden"
        case .mobilityForbidden: "Mobility Forbidden"
        case .unknownAttribute: "Unknown Attribute"
        case .allocationMismatch: "Allocation Mismatch"
        case .staleNonce: "Stale Nonce"
        case .addressFamilyNotSupported: "Address Family not Supported"
        case .wrongCredentials: "Wrong Credentials"
        case .unsupportedTransportProtocol: "Unsupported Transport Protocol"
        case .peerAddressFamilyMismatch: "Peer Address Family Mismatch"
        case .connectionAlreadyExists: "Connection Already Exists"
        case .connectionTimeoutOrFailure: "Connection Timeout or Failure"
        case .allocationQuotaReached: "Allocation Quota Reached"
        case .serverError: "Server Error"
        case .insufficientCapacity: "Insufficient Capacity"
        }
    }
}
