import NetworkPrimitives
import STUN

/// What an Allocate is waiting for: relay sockets that the shell is asked to open, and the answer that follows.
struct RelayOpening {
    /// One relayed address on its way.
    struct Pending: Equatable {
        let family: AddressFamily
        /// Nil while the socket of a reservation is claimed, whose port the shell knows.
        var address: SocketAddress?
        let relayAddress: RelayAddress?
        let preference: PortPreference
        var attempts = 1
    }

    let allocation: AllocationID
    let exchange: Exchange
    /// In the order in which they were asked for; the shell answers in that order too. There is one for each family.
    private var first: Pending?
    private var second: Pending?
    /// The token that the next port will be held under.
    var holdNextAs: UInt64?
    /// Its owner was put out meanwhile: what is opened now is closed again, and nobody is answered.
    var isRevoked = false

    init(_ allocation: AllocationID, _ exchange: Exchange) {
        self.allocation = allocation
        self.exchange = exchange
    }

    var isSettled: Bool { first == nil }

    /// The one that the shell answers next.
    mutating func takeFirst() -> Pending {
        guard let taken = first else { preconditionFailure("the shell answers an output once") }
        first = second
        second = nil
        return taken
    }

    mutating func append(_ pending: Pending) {
        precondition(second == nil, "an Allocate asks for at most one relay of each family")
        if first == nil { first = pending } else { second = pending }
    }
}

/// An Allocate's wishes, checked as far as they can be without state. Steps are those of RFC 8656 §7.2.
struct AllocateRequest: Equatable {
    enum Source: Equatable {
        /// Fresh relayed addresses, one a family.
        case fresh(FamilySet, PortPreference)
        /// The socket held under a RESERVATION-TOKEN.
        case reservation(token: UInt64)

        /// The token to redeem, if there is one.
        var token: UInt64? {
            switch self {
            case .fresh: nil
            case .reservation(let token): token
            }
        }
    }

    /// What is to be relayed, and by what the client came to ask for it.
    struct Terms {
        let transport: ClientTransport
        let unspecifiedFamily: AddressFamily
        let relaysUDP: Bool
        let relaysTCP: Bool
    }

    let relayProtocol: RelayProtocol
    let source: Source
    let requestedSeconds: UInt32?

    init(parsing message: STUNMessage, in bytes: RawSpan, _ terms: Terms) throws(ErrorCode) {
        // Step 3. DONT-FRAGMENT (step 4) is supported and asks for nothing here.
        switch message.requestedTransport(in: bytes) {
        case .absent, .malformed: throw .badRequest
        case .value(RelayProtocol.udp.rawValue) where terms.relaysUDP: relayProtocol = .udp
        case .value(RelayProtocol.tcp.rawValue) where terms.relaysTCP:
            // RFC 6062 §5.1. Its connections are told of, and asked for, over a connection.
            guard terms.transport.isStream, !message.has(.dontFragment), !message.has(.evenPort),
                !message.has(.reservationToken)
            else { throw .badRequest }
            relayProtocol = .tcp
        case .value: throw .unsupportedTransportProtocol
        }
        source = try Self.source(of: message, in: bytes, terms.unspecifiedFamily)
        switch message.lifetime(in: bytes) {
        case .absent: requestedSeconds = nil
        case .malformed: throw .badRequest
        case .value(let seconds): requestedSeconds = seconds
        }
    }

    private static func source(
        of message: STUNMessage, in bytes: RawSpan, _ unspecifiedFamily: AddressFamily
    ) throws(ErrorCode) -> Source {
        let namesFamily = message.has(.requestedAddressFamily)
        let wantsBoth = message.has(.additionalAddressFamily)
        // Step 5: a reserved port has its family and its parity already.
        if message.has(.reservationToken) {
            guard !message.has(.evenPort), !namesFamily, !wantsBoth,
                case .value(let token) = message.reservationToken(in: bytes)
            else { throw .badRequest }
            return .reservation(token: token)
        }
        // Step 6.
        if namesFamily, wantsBoth { throw .badRequest }
        let preference = try portPreference(of: message, in: bytes)
        // Steps 8 and 9.
        if wantsBoth {
            guard preference != .evenAndNext,
                message.addressFamily(.additionalAddressFamily, in: bytes) == .value(AddressFamily.ipv6.rawValue)
            else { throw .badRequest }
            return .fresh(.all, preference)
        }
        // Step 7.
        switch message.addressFamily(.requestedAddressFamily, in: bytes) {
        case .absent: return .fresh(FamilySet(unspecifiedFamily), preference)
        case .malformed: throw .badRequest
        case .value(let number):
            guard let family = AddressFamily(rawValue: number) else { throw .addressFamilyNotSupported }
            return .fresh(FamilySet(family), preference)
        }
    }

    private static func portPreference(of message: STUNMessage, in bytes: RawSpan) throws(ErrorCode) -> PortPreference {
        switch message.evenPort(in: bytes) {
        case .absent: .any
        case .malformed: throw .badRequest
        case .value(let reservesNext): reservesNext ? .evenAndNext : .even
        }
    }
}
