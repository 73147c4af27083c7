package import NetworkPrimitives
package import Signaling

/// What the sessions ask of whoever owns the connections.
package enum TernV1Output: Sendable {
    /// One text for all of them. What is confidential carries credentials or a resume token and must not be compressed,
    /// because the length of compressed bytes tells about their content.
    case send(to: [ConnectionID], text: [UInt8], isConfidential: Bool)
    /// Send a WebSocket ping; its pong is `receivePong`.
    case ping(ConnectionID)
    /// Close the connection. Nothing that it still says will be heard.
    case close(ConnectionID, code: UInt16, reason: String)
    case member(MemberChange)
    case event(SignalingEvent)
}

/// What a membership of a room means for TURN credentials made for it.
package enum MemberChange: Hashable, Sendable {
    case entered(MemberTag)
    /// Credentials were made, the first or newer ones.
    case issued(MemberTag, expiresAt: UnixTime)
    /// The member has gone. With grace it may still begin to relay for a while; without, it may not. What it relays
    /// already goes on either way.
    case left(MemberTag, keepsGrace: Bool)
    /// The member was sent away: nothing goes on.
    case revoked(MemberTag)
    /// Somebody is kept out of a room: neither does what was issued to them for it without a session.
    case banned(Admission.Identity, RoomName)
}

/// What happened, for the log. Holds no secrets; names and reasons that strangers chose are not in it either.
package enum SignalingEvent: Hashable, Sendable {
    case sessionOpened(session: Identifier, visitor: Visitor, identity: Admission.Identity?)
    case sessionResumed(session: Identifier, visitor: Visitor)
    case sessionEnded(session: Identifier, SessionEnd)
    case roomOpened(RoomName)
    case roomFreed(RoomName)
    case entered(session: Identifier, RoomName, ParticipantID)
    case left(RoomName, ParticipantID, DepartureReason)
    /// Somebody used the right to send others away.
    case kicked(RoomName, ParticipantID, by: Identifier)
    /// A token that no key of ours has signed: somebody may be guessing.
    case unauthorized(Visitor)
    /// A token that is no longer or not yet good. Its holder once was, or will be: nobody guesses.
    case outdatedToken(Visitor)
    /// A good token, or none, for a room that it does not open.
    case refused(Visitor, RoomName)
    case slowConsumer(session: Identifier)
    case draining
}

/// How a session came to its end.
package enum SessionEnd: Hashable, Sendable {
    /// The client said `bye`.
    case bye
    /// Its connection was gone for longer than a session waits.
    case timeout
    /// It came back, but what it had missed was no longer there; or that became more than is kept.
    case unresumable
    case replaced
    case removedByOperator
    case rateAbuse
    case drained
}
