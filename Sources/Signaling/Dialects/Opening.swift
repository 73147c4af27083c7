/// What the request that opened a connection says about its client.
package struct Opening: Sendable {
    package var visitor: Visitor
    /// The token that it brought, such as the query's `token`; nil makes an anonymous visitor of the client.
    package var token: [UInt8]?
    /// The room that its path names. Whatever the dialect then calls a room lies within this one; without it, each of
    /// those is a room of its own to the gate.
    package var room: RoomName?

    package init(visitor: Visitor, token: [UInt8]? = nil, room: RoomName? = nil) {
        self.visitor = visitor
        self.token = token
        self.room = room
    }
}

/// What the path of an upgrade request says about the room.
package enum PathRoom: Hashable, Sendable {
    case unnamed
    case room(RoomName)
    /// It is no path of these dialects: 404.
    case invalid

    /// Reads a path by the decoded texts between its slashes. A page connects to its own URL in some dialects, so a
    /// file of a page at the end does not count: `/acme/player.html` is the room `acme`.
    package init(segments: [String]) {
        var segments = segments[...]
        if let last = segments.last, last.isEmpty || [".html", ".htm"].contains(where: { last.hasSuffix($0) }) {
            segments.removeLast()
        }
        guard let name = segments.first else {
            self = .unnamed
            return
        }
        guard segments.count == 1, let room = RoomName(escaping: Array(name.utf8)) else {
            self = .invalid
            return
        }
        self = .room(room)
    }
}

/// Why a connection is not taken. It is known before the upgrade is answered, so it can be said in words of HTTP.
package enum OpeningRefusal: Error, Hashable, Sendable {
    /// The server is about to stop: 503.
    case draining
    /// No more connections are taken: 503.
    case full
    /// The token, or its absence, does not open the room of the path: 401, or 403 for `forbidden`.
    case admission(AdmissionRefusal)
}

/// Why a client does not get a seat.
package enum EntryRefusal: Error, Hashable, Sendable {
    case admission(AdmissionRefusal)
    case room(RoomRefusal)
    /// It has as many seats as it may.
    case tooManySeats
    /// Too many come without a token from its address.
    case tooManyStrangers

    /// In a word, as the native protocol has it. What is denied and what does not exist have the same.
    package var code: String {
        switch self {
        case .admission(.unauthorized): "unauthorized"
        case .admission(.tokenExpired): "token_expired"
        case .admission(.tokenNotYetValid): "token_not_yet_valid"
        case .admission(.forbidden), .room(.forbidden): "forbidden"
        case .room(.roomFull): "room_full"
        case .room(.alreadyInRoom), .room(.identityInRoom): "duplicate_join"
        case .room(.notInRoom), .room(.participantNotFound): "not_in_room"
        case .room(.tooManyRooms), .tooManySeats: "quota_exceeded"
        case .tooManyStrangers: "rate_limited"
        }
    }
}
