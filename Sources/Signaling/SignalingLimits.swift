/// How much a stranger can make signaling hold or do. Each has an option, an error code and a counter.
package struct SignalingLimits: Hashable, Sendable {
    /// Bytes of one message.
    package var messageByteCountMax = 65_536
    /// Messages of one session a second, and how many at once.
    package var messagesPerSecond: UInt32 = 50
    package var messagesBurst: UInt32 = 200
    /// Entrances without a token of one source (an IPv4 address or an IPv6 /64) a second, and how many at once. Each
    /// brings TURN credentials with a quota of their own, and nobody answers for them. A rate of 0 is no limit.
    package var anonymousJoinsPerSecond: UInt32 = 0
    package var anonymousJoinsBurst: UInt32 = 64
    /// Rooms that one session is in.
    package var roomsPerSessionMax = 8
    /// Participants of a room, when its token says nothing else.
    package var roomCapacity = 64
    package var roomsMax = 10_000
    package var sessionsMax = 20_000
    /// Bytes of what a participant says about itself.
    package var metadataByteCountMax = 2048
    /// Bytes of a participant's name.
    package var nameByteCountMax = 128
    /// What waits to be written to one connection: bytes, and messages.
    package var queueByteCountMax = 1_048_576
    package var queueMessagesMax = 512
    /// How long a session without its connection keeps its seats.
    package var resumeSeconds: UInt32 = 30
    /// What is kept for a session to be sent again when it resumes.
    package var replayMessagesMax = 128
    package var replayByteCountMax = 262_144
    /// Between two pings of the server; a session that misses two is gone.
    package var heartbeatSeconds: UInt32 = 25
    /// Until the first message of a connection.
    package var helloSeconds: UInt32 = 5
    /// How long a room without participants is kept.
    package var emptyRoomSeconds: UInt32 = 0
    /// Bans that a room remembers.
    package var bansPerRoomMax = 256

    package init() {}
}
