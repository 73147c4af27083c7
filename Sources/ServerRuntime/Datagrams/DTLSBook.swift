import LinuxSockets
import TURN

/// What the workers share about DTLS. Nothing of it is touched by a packet.
final class DTLSBook: Sendable {
    /// Makes the cookies, for as long as the process lives: renewed certificates do not void what strangers hold, and
    /// whichever worker meets them takes it.
    let cookieKey: [UInt8]
    /// How many associations there are. One without an allocation is idle.
    let associations: StreamBook

    init(cookieKey: [UInt8], associations: StreamBook) {
        self.cookieKey = cookieKey
        self.associations = associations
    }

    /// For a server with these settings.
    convenience init(_ settings: ServerSettings) {
        var random = OSRandom()
        self.init(
            cookieKey: random.bytes(32),
            // An association is of use for an allocation only.
            associations: StreamBook(
                connectionsMax: settings.relaySocketsMax, idlePerSourceMax: settings.streams.idlePerSourceMax))
    }
}

/// How many associations a worker has, and for how long.
struct DTLSLimits: Sendable {
    var associationsMax: Int
    /// Handshakes that go on at a time. One more ends the oldest: an honest one takes two ways to the client and back,
    /// so that those who are behind it for longer most likely have nobody at their other end.
    var handshakesMax = 512
    /// Associations that have no allocation. Here too one more ends the oldest, which has had the most time to ask for
    /// one: memory that strangers fill is bounded by the two limits, however many addresses they have.
    var idleMax = 2048
    /// Handshakes begun before the other sockets get their turn: each costs as much as some hundred relayed packets.
    var handshakesPerRound = 16
    /// A handshake that is not complete by then has failed. Three flights lost in a row take seven seconds.
    var handshakeSeconds: UInt32 = 10
    /// Handshakes of a source a second, five seconds of them at once; 0 is without limit.
    var handshakesPerSecond: Int
    /// How long an association may stay without an allocation; 0 is without limit.
    var idleSeconds: UInt32
    /// Sources of which a worker remembers how many handshakes they have begun.
    var meteredSourcesMax = 8192

    /// Of a worker with these settings. A handshake is an answer to somebody who has shown no credentials, though a
    /// dearer one.
    init(_ settings: ServerSettings) {
        self.init(
            associationsMax: settings.relaySocketsMax,
            handshakesPerSecond: settings.turn.unauthenticatedRepliesPerSecond,
            idleSeconds: settings.streams.idleSeconds)
    }

    init(associationsMax: Int, handshakesPerSecond: Int, idleSeconds: UInt32) {
        self.associationsMax = associationsMax
        self.handshakesPerSecond = handshakesPerSecond
        self.idleSeconds = idleSeconds
    }
}

/// What became of the DTLS associations of a worker.
package struct DTLSCounters: Equatable, Sendable {
    /// Strangers who were sent a cookie. Nothing is kept of them.
    package var challenged: UInt64 = 0
    /// Handshakes begun: the cookie came back.
    package var begun: UInt64 = 0
    package var established: UInt64 = 0
    /// Handshakes that failed or were not complete in time.
    package var failed: UInt64 = 0
    /// Handshakes, and associations without an allocation, given up because many others had come: the oldest first.
    package var displaced: UInt64 = 0
    /// Handshakes not begun: there were too many of a source, in a round, or in all.
    package var refused: UInt64 = 0
    /// Ended by us: no allocation in `max-allocate-timeout`.
    package var idle: UInt64 = 0
    /// Ended because their client began another one from the same address.
    package var replaced: UInt64 = 0

    mutating func add(_ other: DTLSCounters) {
        challenged += other.challenged
        begun += other.begun
        established += other.established
        failed += other.failed
        displaced += other.displaced
        refused += other.refused
        idle += other.idle
        replaced += other.replaced
    }

    /// For the line that is written at the end.
    var summary: String {
        "DTLS: \(challenged) strangers challenged, handshakes: \(begun) begun, \(established) complete, "
            + "\(failed) failed, \(displaced) displaced, \(refused) refused; associations: \(replaced) replaced, "
            + "\(idle) idle"
    }
}
