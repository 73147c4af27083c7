import Containers
import NetworkPrimitives
import Signaling

/// One client, over one connection after the other.
struct Session {
    enum Phase {
        /// The connection is there and has not said who it is. The token came with the upgrade request.
        case greeting(ConnectionID, token: [UInt8]?, until: Instant)
        case attached(ConnectionID)
        /// The connection is gone and may come back. What was sent up to `sentCount` may have arrived.
        case detached(until: Instant, sentCount: UInt64)
    }

    let id: Identifier
    /// Half of the resume token; new with each connection.
    var resumeSecret: Identifier
    var phase: Phase
    var visitor: Visitor
    var pass: PassBox?
    var since = UnixTime(seconds: 0)
    var pace = MessagePace()
    /// Messages beyond the pace are themselves paced: who goes on for long is cut off.
    var excess = MessagePace()
    /// Tokens that it has shown and that no key has signed.
    var wrongTokenCount: UInt8 = 0
    var replay = ReplayBuffer()
    var heartbeat = Heartbeat()
    var memberships: [Membership] = []
    /// Sessions of one identity form a list, the newest first.
    var olderOfIdentity: SlabHandle?
    var newerOfIdentity: SlabHandle?

    /// The connection of a session that has one.
    var connection: ConnectionID? {
        if case .attached(let connection) = phase { connection } else { nil }
    }

    var isGreeting: Bool {
        if case .greeting = phase { true } else { false }
    }

    /// When something has to be done for it.
    var nextDeadline: Instant {
        switch phase {
        case .greeting(_, _, let until), .detached(let until, _): until
        case .attached: memberships.reduce(heartbeat.nextAt) { min($0, $1.renewAt ?? $0) }
        }
    }
}

/// A session's seat in a room, and what stands for it in TURN.
struct Membership {
    let room: RoomName
    let seat: SeatID
    let tag: MemberTag
    /// When credentials are renewed unasked; nil while none were issued.
    var renewAt: Instant?
}

/// Pings and what they prove.
struct Heartbeat {
    var nextAt: Instant = .zero
    /// How many messages had been sent before the oldest ping that was not answered.
    private(set) var unanswered: UInt64?
    private var missedCount: UInt8 = 0

    /// A ping is sent after so many messages. RFC 6455 §5.5.3 allows to answer only the latest of several pings, so the
    /// next pong is taken for the answer to the oldest.
    mutating func notePing(sentCount: UInt64) {
        if unanswered == nil { unanswered = sentCount }
    }

    /// Every message before the ping has arrived: answers how many that were. A pong without a ping proves nothing.
    mutating func notePong() -> UInt64 {
        missedCount = 0
        defer { unanswered = nil }
        return unanswered ?? 0
    }

    /// The client said something.
    mutating func noteLife() { missedCount = 0 }

    /// The time for the next ping has come. False when two in a row were missed.
    mutating func beat() -> Bool {
        if unanswered != nil { missedCount += 1 }
        return missedCount < 2
    }
}
