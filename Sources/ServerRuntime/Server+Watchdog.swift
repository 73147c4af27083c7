import EventLoop
import NetworkPrimitives
import Telemetry

// The manager of services as a part of the server: it is told that all threads live, for as long as they do.
extension Server {
    /// The thread of signaling, behind the workers.
    private var threadNames: [String] {
        (0..<workerCount).map { "worker \($0)" } + (signalingMailbox == nil ? [] : ["signaling"])
    }

    /// Begins to look after the threads, if the manager wants to hear of them.
    func startWatchdog(_ manager: Supervisor = .current) {
        guard let interval = manager.watchdogNanoseconds else { return }
        watchdog = Watchdog(intervalNanoseconds: interval, start: Clock.monotonic())
        pulse = Pulse(threadCount: threadNames.count)
    }

    /// Tells the manager that the server lives if all threads have answered, and asks them again.
    func lookAtThreads(_ manager: Supervisor = .current) {
        guard var watch = watchdog, let pulse, watch.nextLook <= Clock.monotonic() else { return }
        let finding = watch.look(at: pulse.rounds, now: Clock.monotonic())
        watchdog = watch
        switch finding {
        case .alive:
            manager.notify([.alive, .status(status(pulse.loads))])
            if !silentThreads.isEmpty { log.write(.notice, "all threads answer again") }
            silentThreads = []
            for thread in 0..<threadNames.count { ask(thread, round: watch.round, pulse) }
        case .silent(let threads):
            for thread in threads { ask(thread, round: watch.round, pulse) }
            guard threads != silentThreads else { return }
            silentThreads = threads
            let names = threads.map { threadNames[$0] }.joined(separator: ", ")
            log.write(.error, "no answer from \(names): unless it comes, the service manager starts the server again")
        }
    }

    private func ask(_ thread: Int, round: UInt64, _ pulse: Pulse) {
        let answer: @Sendable (Int) -> Void = { load in pulse.beat(thread, round: round, load: load) }
        if thread < workerCount {
            mailboxes[thread].post(.answer(answer))
        } else {
            signalingMailbox?.post(.answer(answer))
        }
    }

    private func status(_ loads: [Int]) -> String {
        let allocations = loads.prefix(workerCount).reduce(0, +)
        let words = "serves \(allocations) allocation\(allocations == 1 ? "" : "s")"
        guard loads.count > workerCount else { return words }
        return words + " and \(loads[workerCount]) connection\(loads[workerCount] == 1 ? "" : "s") of signaling"
    }
}
