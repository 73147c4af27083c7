import Containers
package import NetworkPrimitives

/// A connection, as whoever owns the sockets numbers them. A number is never used twice.
package struct ConnectionID: Hashable, Sendable {
    package let rawValue: UInt64

    package init(rawValue: UInt64) { self.rawValue = rawValue }
}

extension ConnectionID: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { rawValue.hash(seed: seed) }
}

/// What a signaling protocol, the native one or a dialect, asks of whoever owns the connections.
package enum SignalingOutput: Sendable {
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
    /// The client said `bye`; in dialects without sessions, it closed its connection.
    case bye
    /// Its connection was gone for longer than a session waits.
    case timeout
    /// It came back, but what it had missed was no longer there; or that became more than is kept.
    case unresumable
    case replaced
    case removedByOperator
    case rateAbuse
    /// It said something for which its dialect has no answer but the end.
    case misbehaviour
    case drained
}

extension SessionEnd {
    /// What the others of its rooms are told.
    package var departureReason: DepartureReason {
        switch self {
        case .bye: .left
        case .timeout, .unresumable, .drained: .timeout
        case .replaced: .replaced
        case .removedByOperator, .rateAbuse, .misbehaviour: .kicked
        }
    }

    /// What it means for relaying.
    package func memberChange(_ tag: MemberTag) -> MemberChange {
        switch self {
        case .bye, .timeout, .unresumable, .drained, .replaced: .left(tag, keepsGrace: true)
        // A client that floods may still be in the middle of a call.
        case .rateAbuse, .misbehaviour: .left(tag, keepsGrace: false)
        case .removedByOperator: .revoked(tag)
        }
    }
}

/// Outputs in the order in which they were asked for.
package struct SignalingOutputQueue: ~Copyable {
    private var outputs: [SignalingOutput] = []
    private var head = 0

    package init() {}

    package mutating func append(_ output: SignalingOutput) { outputs.append(output) }

    package mutating func next() -> SignalingOutput? {
        guard head < outputs.count else {
            outputs.removeAll(keepingCapacity: outputs.capacity <= 256)
            head = 0
            return nil
        }
        defer { head += 1 }
        return outputs[head]
    }
}
