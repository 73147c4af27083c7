import NetworkPrimitives

/// When a worker lets datagrams gather before it looks at its sockets again.
///
/// At part load a worker would wake for every datagram or two, and a wake-up costs more than a datagram. A pause of a
/// fraction of a millisecond lets a dozen of them come together. It delays each by half of the pause, so it is made
/// only where it pays: many datagrams a second, of more than one allocation, and none when the worker has enough to
/// do.
struct Gathering {
    /// Nanoseconds of a pause; 0 never pauses.
    let pause: UInt64
    /// Datagrams that a pause must be expected to bring.
    static let worthwhileCount: UInt64 = 3
    /// Datagrams of a round after which there is no pause: the round itself lasted long enough for others to come.
    static let busyCount = 64
    /// Nanoseconds over which the traffic is counted.
    static let windowLength: UInt64 = 10_000_000

    private var windowStart: Instant
    private var datagrams: UInt64 = 0
    private var active: UInt64 = 0
    private var paysOff = false

    init(microseconds: Int, at now: Instant) {
        pause = UInt64(microseconds) * 1000
        windowStart = now
    }

    /// How long to pause after a round that began at `now` and handled so many datagrams of the allocations in `active`
    /// (`RelayForwarder.takeActive`).
    mutating func pause(after count: Int, of active: UInt64, at now: Instant) -> UInt64 {
        guard pause > 0 else { return 0 }
        let elapsed = UInt64(max(0, now.nanoseconds(since: windowStart)))
        if elapsed >= Self.windowLength {
            // The window is closed by the first round behind it, which for rare traffic comes late.
            paysOff = datagrams * pause / elapsed >= Self.worthwhileCount && self.active.nonzeroBitCount > 1
            windowStart = now
            datagrams = 0
            self.active = 0
        }
        datagrams += UInt64(count)
        self.active |= active
        return paysOff && count > 0 && count < Self.busyCount ? pause : 0
    }
}
