package import Containers
package import NetworkPrimitives

// What time does to clients.
extension DialectHost {
    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? {
        [timers.nextDeadline, rooms.nextDeadline].compactMap { $0 }.min()
    }

    /// Does what is due. At most a few hundred clients a call; call again while `nextDeadline` has passed.
    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) {
        rooms.handleDeadline(at: now)
        for _ in 0..<256 {
            guard let index = timers.popExpired(at: now) else { return }
            guard let handle = clients.handle(at: index) else { continue }
            attend(to: handle, at: now, unixTime: unixTime)
            guard clients.contains(handle) else { continue }
            timers.scheduleEarlier(handle.index, at: clients[handle].nextDeadline)
        }
    }

    private mutating func attend(to handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        if let dueAt = clients[handle].dueAt, dueAt <= now {
            clients[handle].dueAt = nil
            guard drainDeadline == nil else {
                return end(
                    handle, .drained, code: DialectCloseCode.goingAway, reason: "the server stops", at: now)
            }
            changes.append(.due(handle))
        }
        if clients[handle].heartbeat.nextAt <= now {
            guard clients[handle].heartbeat.beat() else {
                counters.count(.heartbeat)
                return end(handle, .timeout, code: DialectCloseCode.policy, reason: "no pong", at: now)
            }
            clients[handle].heartbeat.nextAt = nextHeartbeat(after: now)
            outputs.append(.ping(clients[handle].connection))
        }
        renewCredentials(of: handle, at: now, unixTime: unixTime)
    }

    private mutating func renewCredentials(of handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        for index in clients[handle].seats.indices {
            let seat = clients[handle].seats[index]
            guard let renewAt = seat.renewAt, renewAt <= now else { continue }
            // A gate that gives none is not asked again.
            clients[handle].seats[index].renewAt = nil
            guard let grant = issue(to: handle, for: seat.seat, renews: true, at: now, unixTime: unixTime) else {
                continue
            }
            counters.credentialsRenewed += 1
            changes.append(.renewed(handle, seat.seat, grant))
        }
    }

    /// Sets the time at which the dialect hears of the client by `.due`; nil for no such time.
    package mutating func setDue(_ client: SlabHandle, at deadline: Instant?) {
        // While the server stops, what is due is the end.
        guard clients.contains(client), drainDeadline == nil else { return }
        clients[client].dueAt = deadline
        if let deadline { timers.scheduleEarlier(client.index, at: deadline) }
    }

    /// A little sooner or later than the last time, so that clients who came together do not stay in step; but in steps
    /// of a quarter of a second, so that one round of the loop serves many of thousands who are idle.
    mutating func nextHeartbeat(after now: Instant) -> Instant {
        let interval = max(1000, min(UInt64(settings.limits.heartbeatSeconds) * 1000, 86_400_000))
        let next = now.advanced(byMilliseconds: UInt32(interval * (900 + jitter.next() % 201) / 1000))
        return Instant(nanoseconds: (next.nanoseconds >> 28 + 1) << 28)
    }

    /// The server is about to stop: takes nobody new, and ends everybody before the deadline, each at another time, so
    /// that they do not all come to the next server at once. No dialect has a word for it.
    package mutating func drain(deadline: Instant, at now: Instant) {
        guard drainDeadline == nil else { return }
        drainDeadline = max(deadline, now)
        outputs.append(.event(.draining))
        let milliseconds = min(deadline.nanoseconds(since: now) / 1_000_000, UInt64(UInt32.max))
        var next = clients.firstHandle(from: 0)
        while let handle = next {
            next = clients.firstHandle(from: handle.index + 1)
            let wait = milliseconds == 0 ? 0 : UInt32(truncatingIfNeeded: jitter.next() % milliseconds)
            let dueAt = now.advanced(byMilliseconds: wait)
            clients[handle].dueAt = dueAt
            timers.scheduleEarlier(handle.index, at: dueAt)
        }
    }
}
