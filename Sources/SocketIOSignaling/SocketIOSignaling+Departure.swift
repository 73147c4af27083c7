import Containers
package import NetworkPrimitives
import Signaling
import SocketIO

/// How those leave who speak no dialect, while the server is about to stop: a part of them at a time.
struct Departure {
    let deadline: Instant
    let share: Int
    let intervalMilliseconds: UInt32
    var nextAt: Instant?

    static let stepsMax = 16
}

extension SocketIOSignaling {
    package func drain(deadline: Instant, at now: Instant, unixTime: UnixTime) {
        guard departure == nil else { return }
        self.now = now
        self.unixTime = unixTime
        server.refuseNewcomers()
        for dialect in spoken { dialect.drain(deadline: deadline, at: now) }
        let milliseconds = min(deadline.nanoseconds(since: now) / 1_000_000, 86_400_000)
        let share = (newcomers.count + Departure.stepsMax - 1) / Departure.stepsMax
        let steps = share == 0 ? 1 : (newcomers.count + share - 1) / share
        departure = Departure(
            deadline: max(deadline, now), share: share,
            intervalMilliseconds: UInt32(truncatingIfNeeded: milliseconds / UInt64(steps)) + 1, nextAt: now)
    }

    /// Takes the next step of the departure, if it is time for one. The last one ends all sessions.
    func depart() {
        guard var step = departure, let nextAt = step.nextAt, nextAt <= now else { return }
        guard step.deadline > now else {
            departure?.nextAt = nil
            return server.drain(at: now)
        }
        step.nextAt = min(now.advanced(byMilliseconds: step.intervalMilliseconds), step.deadline)
        departure = step
        var next = newcomers.firstHandle(from: 0)
        for _ in 0..<step.share {
            guard let handle = next else { return }
            next = newcomers.firstHandle(from: handle.index + 1)
            // Clients come back by themselves, to where they are sent then.
            server.disconnect(newcomers[handle].socket, .closeTransport)
        }
    }
}
