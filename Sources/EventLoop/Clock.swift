import CLinux
package import NetworkPrimitives

/// The only place that reads a clock; everything else is told the time.
package enum Clock {
    /// For deadlines: never jumps.
    package static func monotonic() -> Instant { Instant(nanoseconds: tern_clock_monotonic()) }

    /// For the expiry of credentials: may jump.
    package static func wall() -> UnixTime { UnixTime(seconds: tern_clock_wall()) }
}
