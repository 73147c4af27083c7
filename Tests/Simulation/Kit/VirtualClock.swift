import NetworkPrimitives

/// The two clocks of the simulated world. The monotonic one only ever goes forward; the wall clock goes with it and may
/// be set, as an administrator or a time server does.
///
/// A class, because all nodes of one world look at the same clock.
package final class VirtualClock {
    package private(set) var now: Instant
    private var wallSeconds: Int64
    package private(set) var wasSetBack = false

    /// The default is a day in 2023: far from any limit of the types.
    package init(now: Instant = .zero, unixTime: UnixTime = UnixTime(seconds: 1_700_000_000)) {
        self.now = now
        wallSeconds = unixTime.seconds
    }

    package var unixTime: UnixTime { UnixTime(seconds: wallSeconds + Int64(now.nanoseconds / 1_000_000_000)) }

    package func advance(to instant: Instant) {
        precondition(instant >= now, "a node asked to be woken in the past")
        now = instant
    }

    /// Sets the wall clock ahead or back. Nothing that is measured by `now` may notice.
    package func jumpWallClock(bySeconds seconds: Int64) {
        wallSeconds += seconds
        if seconds < 0 { wasSetBack = true }
    }
}
