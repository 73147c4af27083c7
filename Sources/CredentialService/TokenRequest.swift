import JSON
package import Signaling

/// A room token that somebody with an API key asks for: the body of `POST /v1/tokens`, or the words of `tern token`.
package struct TokenRequest: Equatable, Sendable {
    package var rooms: RoomPattern
    /// Who the token is for, as the application knows them.
    package var identity: String?
    /// Nil asks for the default of an hour.
    package var lifetimeSeconds: UInt32?
    package var grants: Grants
    package var capacity: Int?
    package var credentialSecondsMax: UInt32?
    package var transports: Set<TURNTransport>?

    package init(
        rooms: RoomPattern, identity: String? = nil, lifetimeSeconds: UInt32? = nil, grants: Grants = .standard,
        capacity: Int? = nil, credentialSecondsMax: UInt32? = nil, transports: Set<TURNTransport>? = nil
    ) {
        self.rooms = rooms
        self.identity = identity
        self.lifetimeSeconds = lifetimeSeconds
        self.grants = grants
        self.capacity = capacity
        self.credentialSecondsMax = credentialSecondsMax
        self.transports = transports
    }

    /// Reads `{"room":…, "identity":…, "ttl":…, "grants":{…}, "cap":…}`. Only `room` is needed.
    ///
    /// A name that we do not know is an error: whoever writes `grant` for `grants` would otherwise hand out more than
    /// was meant.
    package init(parsing body: [UInt8]) throws(RequestError) {
        let object = try RequestBody(parsing: body)
        try object.require(only: ["room", "identity", "ttl", "grants", "cap"])
        guard let room = object["room"] else { throw RequestError("room", "is needed") }
        guard let pattern = room.string.flatMap({ RoomPattern($0) }) else {
            throw RequestError("room", "must be 1 to 128 letters, digits and . _ ~ -, with a * at the end for a prefix")
        }
        var list = GrantList.standard
        if let grants = object["grants"] { list = try GrantList(parsing: grants, unknownNames: .refused) }
        var capacity: Int?
        if let value = object["cap"] {
            guard let number = value.integer, TokenLimits.capacities.contains(number) else {
                throw RequestError("cap", "must be a number from 1 to \(TokenLimits.capacities.upperBound)")
            }
            capacity = number
        }
        self.init(
            rooms: pattern, identity: try object.identity(), lifetimeSeconds: try object.lifetimeSeconds(),
            grants: list.grants, capacity: capacity, credentialSecondsMax: list.credentialSecondsMax,
            transports: list.transports)
    }
}

/// TURN credentials that somebody with an API key, or with a room token, asks for without a signaling session.
package struct CredentialRequest: Equatable, Sendable {
    /// Who they are for, as the application knows them.
    package var identity: String?
    /// Nil asks for the default.
    package var lifetimeSeconds: UInt32?

    package init(identity: String? = nil, lifetimeSeconds: UInt32? = nil) {
        self.identity = identity
        self.lifetimeSeconds = lifetimeSeconds
    }

    /// Reads `{"identity":…, "ttl":…}` of `POST /v1/rooms/{room}/credentials`; an empty body asks for the defaults.
    package init(parsing body: [UInt8]) throws(RequestError) {
        let object = try RequestBody(parsing: body, whenEmpty: .isEmptyObject)
        try object.require(only: ["identity", "ttl"])
        self.init(identity: try object.identity(), lifetimeSeconds: try object.lifetimeSeconds())
    }

    /// Reads `{"ttl":…}` of Cloudflare's API. Other members are left alone: the form of that API is not ours to judge.
    package init(parsingCloudflare body: [UInt8]) throws(RequestError) {
        let object = try RequestBody(parsing: body, whenEmpty: .isEmptyObject)
        self.init(lifetimeSeconds: try object.lifetimeSeconds())
    }
}

/// A body that is one JSON object.
private struct RequestBody {
    enum EmptyBody {
        case isAnError
        case isEmptyObject
    }

    private static let limits = JSONLimits(depthMax: 8, valuesMax: 256)

    private let root: JSONValue

    init(parsing body: [UInt8], whenEmpty empty: EmptyBody = .isAnError) throws(RequestError) {
        let text = body.isEmpty && empty == .isEmptyObject ? Array("{}".utf8) : body
        guard let document = try? JSONDocument(parsing: text, limits: Self.limits), document.root.kind == .object else {
            throw RequestError("", "must be one JSON object")
        }
        root = document.root
    }

    subscript(_ name: String) -> JSONValue? { root[name] }

    func require(only names: [String]) throws(RequestError) {
        let isKnown = root.members.allSatisfy { member in names.contains { member.name.equals($0) } }
        guard isKnown else { throw RequestError("", "may have \(names.joined(separator: ", ")) and nothing else") }
    }

    func identity() throws(RequestError) -> String? {
        guard let value = root["identity"] else { return nil }
        guard let text = value.string, TokenLimits.isIdentity(text) else {
            throw RequestError("identity", "must be a string of 1 to \(TokenLimits.identityByteCountMax) bytes")
        }
        return text
    }

    func lifetimeSeconds() throws(RequestError) -> UInt32? {
        guard let value = root["ttl"] else { return nil }
        guard let seconds = value.integer, seconds > 0 else {
            throw RequestError("ttl", "must be a positive number of seconds")
        }
        return UInt32(clamping: seconds)
    }
}
