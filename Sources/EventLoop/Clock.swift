import CLinux
package import NetworkPrimitives

/// The only place that reads a clock; everything else is told the time.
package enum Clock {
    /// For deadlines: never jumps.
    package static func monotonic() -> Instant { Instant(nanoseconds: tern_clock_monotonic()) }

    /// Returns after so many nanoseconds, or a little later.
    package static func sleep(nanoseconds: UInt64) { tern_sleep(nanoseconds) }

    /// Has the calling thread woken when it asked for it, and not up to 50 µs later (prctl(2), PR_SET_TIMERSLACK).
    package static func sleepExactly() { tern_sleep_exactly() }

    /// For the expiry of credentials: may jump.
    package static func wall() -> UnixTime { UnixTime(seconds: tern_clock_wall()) }
}
