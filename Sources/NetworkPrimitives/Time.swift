/// A point on the monotonic clock, in nanoseconds since an arbitrary start. Deadlines use it; it never jumps.
@usableFromInline package struct Instant: Hashable, Comparable, Sendable {
    @usableFromInline package let nanoseconds: UInt64

    @inlinable package init(nanoseconds: UInt64) { self.nanoseconds = nanoseconds }

    @usableFromInline package static let zero = Instant(nanoseconds: 0)

    @inlinable package static func < (left: Instant, right: Instant) -> Bool { left.nanoseconds < right.nanoseconds }

    // Half a millennium of nanoseconds fits; lifetimes are at most a 32-bit number of seconds, so the sum cannot trap.
    @inlinable package func advanced(bySeconds seconds: UInt32) -> Instant {
        Instant(nanoseconds: nanoseconds + UInt64(seconds) * 1_000_000_000)
    }

    @inlinable package func advanced(byMilliseconds milliseconds: UInt32) -> Instant {
        Instant(nanoseconds: nanoseconds + UInt64(milliseconds) * 1_000_000)
    }

    /// The last instant there is, if the sum is beyond it.
    @inlinable package func advanced(byNanoseconds other: UInt64) -> Instant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(other)
        return Instant(nanoseconds: overflow ? .max : sum)
    }

    /// Nanoseconds from `earlier` until here; zero when `earlier` is later.
    @inlinable package func nanoseconds(since earlier: Instant) -> UInt64 {
        nanoseconds > earlier.nanoseconds ? nanoseconds - earlier.nanoseconds : 0
    }
}

/// Seconds of the wall clock since 1970. Credentials expire by it; it may jump.
@usableFromInline package struct UnixTime: Hashable, Comparable, Sendable {
    @usableFromInline package let seconds: Int64

    @inlinable package init(seconds: Int64) { self.seconds = seconds }

    @inlinable package static func < (left: UnixTime, right: UnixTime) -> Bool { left.seconds < right.seconds }
}
