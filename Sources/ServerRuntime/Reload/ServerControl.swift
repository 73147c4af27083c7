import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Asks something of a server that runs, from any thread but its own.
package struct ServerControl: Sendable {
    let inbox: Mailbox<ServerMessage>

    /// Has the configuration reloaded; `answer` is called on the server's thread, once every thread goes by the new
    /// settings. False when too much waits for that thread already.
    package func reload(_ answer: @escaping @Sendable (ReloadReport) -> Void) -> Bool { inbox.post(.reload(answer)) }

    /// The same for somebody who has the time to wait; nil when there is no answer in `seconds`.
    package func reload(within seconds: UInt32 = 30) -> ReloadReport? {
        guard let answers = try? Mailbox<ReloadReport>(limit: 1), var poller = try? Poller(),
            (try? poller.add(answers.raw, token: 0, interest: .readable)) != nil,
            reload({ answers.post($0) })
        else { return nil }
        let deadline = Clock.monotonic().advanced(bySeconds: seconds)
        while Clock.monotonic() < deadline {
            guard (try? poller.wait(until: deadline, now: Clock.monotonic())) != nil else { return nil }
            if let report = answers.drain().first { return report }
        }
        return nil
    }
}
