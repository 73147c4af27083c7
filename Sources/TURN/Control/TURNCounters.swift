package import STUN

/// What the control plane of one worker has done since it started.
package struct TURNCounters: Sendable {
    package var drops = DropCounters()
    package var bindingResponses: UInt64 = 0
    package var challenges: UInt64 = 0
    package var allocationsOpened: UInt64 = 0
    package var allocationsDeleted: UInt64 = 0
    package var allocationsExpired: UInt64 = 0
    package var allocationsRevoked: UInt64 = 0
    package var allocationsDisconnected: UInt64 = 0
    /// Clients that were given to another address, on the same worker, and to and from another one (RFC 8016).
    package var allocationsMoved: UInt64 = 0
    package var allocationsHandedOver: UInt64 = 0
    package var allocationsAdopted: UInt64 = 0
    package var successes: UInt64 = 0
    /// TCP connections to peers that came to be (RFC 6062), those of peers that were taken in, and those that were
    /// closed at once.
    package var peersConnected: UInt64 = 0
    package var peersAccepted: UInt64 = 0
    package var peersRefused: UInt64 = 0
    /// TCP connections to peers that a client has bound, and those that nobody bound in time.
    package var peersBound: UInt64 = 0
    package var peersUnbound: UInt64 = 0
    /// Error responses after authentication, by code.
    private var errors = InlineArray<24, UInt64>(repeating: 0)

    package init() {}

    package mutating func count(_ code: ErrorCode) { errors[Self.slot(code)] += 1 }

    package func errorResponses(_ code: ErrorCode) -> UInt64 { errors[Self.slot(code)] }

    package mutating func add(_ other: TURNCounters) {
        drops.add(other.drops)
        bindingResponses += other.bindingResponses
        challenges += other.challenges
        allocationsOpened += other.allocationsOpened
        allocationsDeleted += other.allocationsDeleted
        allocationsExpired += other.allocationsExpired
        allocationsRevoked += other.allocationsRevoked
        allocationsDisconnected += other.allocationsDisconnected
        allocationsMoved += other.allocationsMoved
        allocationsHandedOver += other.allocationsHandedOver
        allocationsAdopted += other.allocationsAdopted
        successes += other.successes
        peersConnected += other.peersConnected
        peersAccepted += other.peersAccepted
        peersRefused += other.peersRefused
        peersBound += other.peersBound
        peersUnbound += other.peersUnbound
        for index in 0..<24 { errors[index] += other.errors[index] }
    }

    private static func slot(_ code: ErrorCode) -> Int {
        switch code {
        case .tryAlternate: 13
        case .badRequest: 0
        case .unauthenticated: 1
        case .forbidden: 2
        case .unknownAttribute: 3
        case .allocationMismatch: 4
        case .staleNonce: 5
        case .addressFamilyNotSupported: 6
        case .wrongCredentials: 7
        case .unsupportedTransportProtocol: 8
        case .peerAddressFamilyMismatch: 9
        case .allocationQuotaReached: 10
        case .serverError: 11
        case .insufficientCapacity: 12
        case .mobilityForbidden: 14
        case .connectionAlreadyExists: 15
        case .connectionTimeoutOrFailure: 16
        }
    }
}
