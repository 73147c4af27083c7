package import NetworkPrimitives

/// Decides who may enter a room, and makes the TURN credentials of those who did. Asked before anything of the room,
/// its members or its credentials is told.
package protocol Gatekeeper: Sendable {
    /// What a token says, once its signature and its times have been checked.
    func identify(_ token: [UInt8], at unixTime: UnixTime) throws(AdmissionRefusal) -> Pass

    /// Whether the holder of `pass` may enter the room; without a pass it is an anonymous visitor. The times of the
    /// pass are checked again, as it may have been shown a while ago.
    func admit(
        _ pass: Pass?, to room: RoomName, from visitor: Visitor, at unixTime: UnixTime
    ) throws(AdmissionRefusal) -> Admission

    /// Time-limited TURN credentials for a member, or nil when the admission grants none or this server relays nothing.
    func issue(
        to member: MemberTag, _ admission: Admission, visitor: Visitor, at unixTime: UnixTime
    ) -> IssuedCredentials?
}

/// Why somebody does not get in. A room that does not exist and one that is denied give the same answer.
package enum AdmissionRefusal: Error, Hashable, Sendable {
    /// No token where one is needed, or one that is not ours, not whole, or not signed by a known key.
    case unauthorized
    case tokenExpired
    case tokenNotYetValid
    /// A good token, for something else.
    case forbidden
}

/// Where somebody comes from.
package struct Visitor: Hashable, Sendable {
    /// The client's address; behind a trusted proxy, the one that the proxy names.
    package let address: IPAddress
    /// The server's address that the connection arrived at.
    package let localAddress: IPAddress
    /// The name by which the client calls this server (the Host header without its port), if it is a valid one.
    package let host: String?

    package init(address: IPAddress, localAddress: IPAddress, host: String?) {
        self.address = address
        self.localAddress = localAddress
        self.host = host
    }
}

/// What a member may do.
package struct Grants: OptionSet, Hashable, Sendable {
    package let rawValue: UInt8
    package init(rawValue: UInt8) { self.rawValue = rawValue }

    package static let join = Grants(rawValue: 1)
    package static let signal = Grants(rawValue: 2)
    package static let broadcast = Grants(rawValue: 4)
    package static let kick = Grants(rawValue: 8)
    /// May have TURN credentials.
    package static let turn = Grants(rawValue: 16)

    /// What a token without a list of grants gives.
    package static let standard: Grants = [.join, .signal, .broadcast, .turn]
}

/// A transport between client and TURN server, as URLs name it (RFC 7065).
package enum TURNTransport: String, Hashable, Sendable, CaseIterable {
    case udp, tcp, tls
}

/// The verified content of a token.
package struct Pass: Hashable, Sendable {
    /// Who signed it: the id of the key or the issuer's name.
    package var issuer: String
    /// Who it was given to (`sub`).
    package var subject: String?
    /// The rooms that it opens; nil opens none.
    package var rooms: RoomPattern?
    package var grants: Grants
    package var notBefore: UnixTime?
    package var expiresAt: UnixTime
    /// The most participants that a room opened with this token takes.
    package var capacity: Int?
    /// The longest lifetime of TURN credentials.
    package var credentialSecondsMax: UInt32?
    /// The transports of TURN credentials; nil means all.
    package var transports: Set<TURNTransport>?

    package init(
        issuer: String, subject: String? = nil, rooms: RoomPattern? = nil, grants: Grants = .standard,
        notBefore: UnixTime? = nil, expiresAt: UnixTime, capacity: Int? = nil, credentialSecondsMax: UInt32? = nil,
        transports: Set<TURNTransport>? = nil
    ) {
        self.issuer = issuer
        self.subject = subject
        self.rooms = rooms
        self.grants = grants
        self.notBefore = notBefore
        self.expiresAt = expiresAt
        self.capacity = capacity
        self.credentialSecondsMax = credentialSecondsMax
        self.transports = transports
    }
}

/// Leave to be in one room.
package struct Admission: Hashable, Sendable {
    /// The issuer and subject of the token; nil for an anonymous visitor. Two of one identity may take each other's
    /// place.
    package var identity: Identity?
    package var grants: Grants
    package var capacity: Int?
    /// How long TURN credentials should last, where a dialect has a wish; nil leaves it to the gate.
    package var credentialSeconds: UInt32?
    package var credentialSecondsMax: UInt32?
    package var transports: Set<TURNTransport>?
    /// Whether the identity may be in the room once only. Another one is refused then, unless it takes the place.
    package var isExclusive: Bool

    package init(
        identity: Identity?, grants: Grants, capacity: Int? = nil, credentialSecondsMax: UInt32? = nil,
        transports: Set<TURNTransport>? = nil, isExclusive: Bool = false
    ) {
        self.identity = identity
        self.grants = grants
        self.capacity = capacity
        self.credentialSecondsMax = credentialSecondsMax
        self.transports = transports
        self.isExclusive = isExclusive
    }

    /// Somebody, as an issuer knows them.
    package struct Identity: Hashable, Sendable {
        package let issuer: String
        package let subject: String

        package init(issuer: String, subject: String) {
            self.issuer = issuer
            self.subject = subject
        }
    }
}

/// What stands for a member in the user name of its TURN credentials: 16 characters of base64url made of 96 random
/// bits. User names travel in the clear over UDP, so it says nothing about person or room.
package struct MemberTag: Hashable, Sendable {
    // Kept inline: there is one for each seat and each allocation.
    private let first: UInt64
    private let second: UInt64

    package init(_ bytes: [UInt8]) {
        precondition(bytes.count == 16, "a tag has 16 characters")
        first = bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) }
        second = bytes[8...].reduce(0) { $0 << 8 | UInt64($1) }
    }

    /// The characters.
    package var bytes: [UInt8] {
        (0..<16).map { index in
            let word = index < 8 ? first : second
            return UInt8(truncatingIfNeeded: word >> UInt64(56 - 8 * (index % 8)))
        }
    }
}

/// An entry of `RTCConfiguration.iceServers`. STUN entries have neither user name nor credential.
package struct IceServer: Hashable, Sendable {
    package let urls: [String]
    package let username: String?
    package let credential: String?

    package init(urls: [String], username: String? = nil, credential: String? = nil) {
        self.urls = urls
        self.username = username
        self.credential = credential
    }
}

/// TURN credentials with the servers that they are for.
package struct IssuedCredentials: Hashable, Sendable {
    package let username: String
    package let iceServers: [IceServer]
    package let lifetimeSeconds: UInt32
    package let expiresAt: UnixTime

    package init(username: String, iceServers: [IceServer], lifetimeSeconds: UInt32, expiresAt: UnixTime) {
        self.username = username
        self.iceServers = iceServers
        self.lifetimeSeconds = lifetimeSeconds
        self.expiresAt = expiresAt
    }
}
