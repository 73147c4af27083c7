import Containers
import NetworkPrimitives

/// Somebody who speaks a dialect: here for as long as the connection is.
struct DialectClient {
    let connection: ConnectionID
    /// What the log calls it.
    let session: Identifier
    let visitor: Visitor
    let pass: PassBox?
    /// The room of the path, and the leave to be there.
    let home: Home?
    let pace: Pace
    let since: UnixTime
    /// Messages that it was sent.
    var sentCount: UInt64 = 0
    var level = MessagePace()
    /// Messages beyond the pace are themselves paced: who goes on for long is cut off.
    var excess = MessagePace()
    var heartbeat = DialectHeartbeat()
    var seats: [DialectSeat] = []
    /// When the dialect itself has something to do for it.
    var dueAt: Instant?

    struct Home {
        let room: RoomName
        let admission: Admission
    }

    /// How often it may say something.
    struct Pace {
        let perSecond: UInt32
        let burst: UInt32
    }

    /// When something has to be done for it.
    var nextDeadline: Instant {
        var next = min(heartbeat.nextAt, dueAt ?? heartbeat.nextAt)
        for seat in seats { next = min(next, seat.renewAt ?? next) }
        return next
    }
}

/// A client's place in a room.
struct DialectSeat {
    let room: RoomName
    let seat: SeatID
    /// What stands for the client in TURN, once it was issued credentials.
    var tag: MemberTag?
    /// When they are renewed; nil when they are not.
    var renewAt: Instant?
}

/// Pings, and what was not answered.
struct DialectHeartbeat {
    var nextAt: Instant = .zero
    private var isUnanswered = false
    private var missedCount: UInt8 = 0

    /// The client said something, or answered a ping.
    mutating func noteLife() {
        missedCount = 0
        isUnanswered = false
    }

    /// The time for the next ping has come. False when two in a row were missed.
    mutating func beat() -> Bool {
        if isUnanswered { missedCount += 1 }
        isUnanswered = true
        return missedCount < 2
    }
}
