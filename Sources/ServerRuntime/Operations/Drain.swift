import Configuration
import EventLoop
import NetworkPrimitives
import Telemetry

/// The server is ending: nobody new is served, and those who are may go on for a while.
struct Drain {
    /// Nil for as long as there are allocations.
    let until: Instant?
    /// When the allocations are counted next.
    var nextLook: Instant

    static let lookMilliseconds: UInt32 = 500
    /// Signaling clients are spread over this time at most: they lose nothing by leaving early.
    static let signalingSecondsMax: UInt32 = 30
}

extension Server {
    /// Begins to drain; without effect while it does already. With 0 seconds there is no end but that of the
    /// allocations.
    func beginDrain(seconds: UInt32) {
        guard drain == nil else { return }
        let now = Clock.monotonic()
        drain = Drain(until: seconds > 0 ? now.advanced(bySeconds: seconds) : nil, nextLook: now)
        for mailbox in mailboxes { mailbox.post(.drain) }
        let forSignaling = seconds > 0 ? min(seconds, Drain.signalingSecondsMax) : Drain.signalingSecondsMax
        signalingMailbox?.post(.drain(seconds: forSignaling))
        let end = seconds > 0 ? "\(seconds) s have passed, or" : ""
        log.write(
            .notice,
            "draining: no new allocations; the server stops when \(end) "
                + "\(configuration.draining.allocationsMin) allocations or fewer are left")
        Supervisor.notify(.status("drains"))
    }

    /// Whether the drain is over, and with it the server. Counts the allocations twice a second.
    func isDrained() -> Bool {
        let now = Clock.monotonic()
        guard let current = drain, current.nextLook <= now else { return false }
        if let until = current.until, until <= now {
            log.write(.notice, "the time to drain is over")
            return true
        }
        drain?.nextLook = now.advanced(byMilliseconds: Drain.lookMilliseconds)
        return report().allocations <= configuration.draining.allocationsMin
    }
}
