import NetworkPrimitives

/// Decides when the service manager may be told that the server is alive: when every thread has answered since it was
/// told last. A thread that hangs keeps silent, and the manager starts the server again.
struct Watchdog: Sendable {
    /// What to do at a look.
    enum Finding: Equatable, Sendable {
        /// All have answered: tell the manager, and ask all for the next round.
        case alive
        /// These threads have not: ask them again, for a mailbox may have been full, and tell nobody.
        case silent([Int])
    }

    /// The round that the threads are asked to answer.
    private(set) var round: UInt64 = 0
    private(set) var nextLook: Instant
    /// A quarter of what the manager waits, so that it hears of us in time though a thread is late by half of it.
    private let pauseNanoseconds: UInt64

    init(intervalNanoseconds: UInt64, start: Instant) {
        pauseNanoseconds = max(1, intervalNanoseconds / 4)
        nextLook = start
    }

    /// Looks at the last round that each thread has answered.
    mutating func look(at answered: [UInt64], now: Instant) -> Finding {
        nextLook = now.advanced(byNanoseconds: pauseNanoseconds)
        let silent = answered.indices.filter { answered[$0] < round }
        guard silent.isEmpty else { return .silent(silent) }
        round += 1
        return .alive
    }
}
