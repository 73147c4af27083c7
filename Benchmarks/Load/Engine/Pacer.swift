/// When each burst is due: evenly, on a schedule that is fixed at the start and does not wait for anybody.
///
/// Who is late sends what is due and carries on, so the rate holds. Who is later than `lagMax` leaves out what cannot
/// be made up for, and counts it: a train of a thousand bursts would not be the load that was asked for.
package struct Pacer: Sendable {
    /// 20 ms, which a scheduler may well take from us.
    package static let lagMax: UInt64 = 20_000_000

    /// When the next burst is to leave, in nanoseconds.
    package private(set) var due: UInt64
    /// Bursts left out.
    package private(set) var skipped = 0

    // The interval is a fraction: 1/3 ns a burst, left out three million times, would be a millisecond.
    private let whole: UInt64
    private let numerator: UInt64
    private let denominator: UInt64
    private var carry: UInt64 = 0

    /// `perSecond` datagrams in bursts of `burst`, the first of them at once.
    package init(start: UInt64, perSecond: Int, burst: Int) {
        precondition(perSecond > 0 && burst > 0, "there is something to send")
        let nanoseconds = UInt64(burst) * 1_000_000_000
        denominator = UInt64(perSecond)
        whole = nanoseconds / denominator
        numerator = nanoseconds % denominator
        due = start
    }

    /// To be called when the burst that was due has left.
    package mutating func advance() {
        due += whole
        carry += numerator
        if carry >= denominator {
            carry -= denominator
            due += 1
        }
    }

    /// Leaves out what is overdue by more than `lagMax`.
    package mutating func skipHopeless(at now: UInt64) {
        guard now > due, now - due > Self.lagMax else { return }
        while due + Self.lagMax < now {
            advance()
            skipped += 1
        }
    }
}
