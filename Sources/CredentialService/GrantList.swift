import JSON
import Signaling

/// `grants` of a token or of a request for one:
/// ```
///  {"join":true, "signal":true, "broadcast":true, "kick":true, "turn":true | {"max_ttl":300, "transports":["udp"]}}
/// ```
/// Gives what it names and nothing else: a list that forgets something gives less, never more.
struct GrantList: Equatable {
    var grants: Grants = []
    var credentialSecondsMax: UInt32?
    var transports: Set<TURNTransport>?

    /// What to do about names that we do not know.
    enum UnknownNames {
        /// In a token: a later server may know more.
        case ignored
        /// In a request: it is a misspelling, and who wrote it should hear of it.
        case refused
    }

    private static let plainGrants: [(name: String, grant: Grants)] = [
        ("join", .join), ("signal", .signal), ("broadcast", .broadcast), ("kick", .kick),
    ]

    init(parsing value: JSONValue, unknownNames: UnknownNames) throws(RequestError) {
        guard value.kind == .object else { throw RequestError("grants", "must be an object") }
        for member in value.members {
            guard let name = member.name.string else { throw RequestError("grants", "has a malformed name") }
            if name == "turn" {
                try readTurn(member.value, unknownNames)
            } else if let (_, grant) = Self.plainGrants.first(where: { $0.name == name }) {
                guard let isGiven = member.value.bool else {
                    throw RequestError("grants.\(name)", "must be true or false")
                }
                if isGiven { grants.insert(grant) }
            } else if unknownNames == .refused {
                throw RequestError("grants", "knows only join, signal, broadcast, kick and turn")
            }
        }
    }

    private mutating func readTurn(_ value: JSONValue, _ unknownNames: UnknownNames) throws(RequestError) {
        if let isGiven = value.bool {
            if isGiven { grants.insert(.turn) }
            return
        }
        guard value.kind == .object else { throw RequestError("grants.turn", "must be true, false or an object") }
        grants.insert(.turn)
        for member in value.members {
            if member.name.equals("max_ttl") {
                guard let seconds = member.value.integer, seconds > 0 else {
                    throw RequestError("grants.turn.max_ttl", "must be a positive number of seconds")
                }
                credentialSecondsMax = UInt32(clamping: seconds)
            } else if member.name.equals("transports") {
                transports = try Self.transports(member.value, unknownNames)
            } else if unknownNames == .refused {
                throw RequestError("grants.turn", "knows only max_ttl and transports")
            }
        }
    }

    private static func transports(
        _ value: JSONValue, _ unknownNames: UnknownNames
    ) throws(RequestError) -> Set<TURNTransport> {
        let field = "grants.turn.transports"
        guard value.kind == .array, value.count > 0 else {
            throw RequestError(field, "must be a list of udp, tcp and tls")
        }
        var transports: Set<TURNTransport> = []
        for element in value.elements {
            guard let name = element.string else { throw RequestError(field, "must be a list of udp, tcp and tls") }
            if let transport = TURNTransport(rawValue: name) {
                transports.insert(transport)
            } else if unknownNames == .refused {
                throw RequestError(field, "knows only udp, tcp and tls")
            }
        }
        return transports
    }
}

extension GrantList {
    init(_ grants: Grants, credentialSecondsMax: UInt32?, transports: Set<TURNTransport>?) {
        self.grants = grants
        guard grants.contains(.turn) else { return }
        // An empty list of transports cannot be written; whoever has no transport has no TURN.
        guard transports?.isEmpty != true else {
            self.grants.remove(.turn)
            return
        }
        self.credentialSecondsMax = credentialSecondsMax
        self.transports = transports
    }

    static let standard = GrantList(.standard, credentialSecondsMax: nil, transports: nil)

    /// Writes what `init(parsing:)` reads.
    func write(to json: inout JSONWriter) {
        json.beginObject()
        for (name, grant) in Self.plainGrants where grants.contains(grant) { json.member(name, true) }
        if grants.contains(.turn) { writeTurn(to: &json) }
        json.endObject()
    }

    private func writeTurn(to json: inout JSONWriter) {
        json.name("turn")
        guard credentialSecondsMax != nil || transports != nil else { return json.bool(true) }
        json.beginObject()
        if let seconds = credentialSecondsMax { json.member("max_ttl", Int(seconds)) }
        if let transports {
            json.name("transports")
            json.beginArray()
            // In the order of the declaration, so that a set does not show its own.
            for transport in TURNTransport.allCases where transports.contains(transport) {
                json.string(transport.rawValue)
            }
            json.endArray()
        }
        json.endObject()
    }
}
