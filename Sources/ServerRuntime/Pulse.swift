import EventLoop

/// What the threads that serve have answered to the main thread: a round of the watchdog, and how much they carry.
final class Pulse: Sendable {
    private struct State {
        var rounds: [UInt64]
        var loads: [Int]
    }

    private let state: Locked<State>

    init(threadCount: Int) {
        state = Locked(
            State(rounds: [UInt64](repeating: 0, count: threadCount), loads: [Int](repeating: 0, count: threadCount)))
    }

    /// A thread has come by. Answers to earlier rounds that were late do not count as a step back.
    func beat(_ thread: Int, round: UInt64, load: Int) {
        state.withLock { state in
            state.rounds[thread] = max(state.rounds[thread], round)
            state.loads[thread] = load
        }
    }

    /// The last round that each thread has answered.
    var rounds: [UInt64] { state.withLock { $0.rounds } }

    /// Allocations of workers, and connections of the thread of signaling, as they were last told.
    var loads: [Int] { state.withLock { $0.loads } }
}
