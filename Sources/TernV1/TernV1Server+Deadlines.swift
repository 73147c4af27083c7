import Containers
package import NetworkPrimitives
import Signaling

// What time does to sessions.
extension TernV1Server {
    /// Does what is due. At most a few hundred sessions a call; call again while `nextDeadline` has passed.
    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) {
        if let drainDeadline, drainDeadline <= now, !isStopped { return stop(at: now) }
        rooms.handleDeadline(at: now)
        for _ in 0..<256 {
            guard let index = timers.popExpired(at: now) else { break }
            guard let handle = sessions.handle(at: index) else { continue }
            attend(to: handle, at: now, unixTime: unixTime)
            guard sessions.contains(handle) else { continue }
            timers.scheduleEarlier(handle.index, at: sessions[handle].nextDeadline)
        }
        settle(at: now)
    }

    private mutating func attend(to handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        switch sessions[handle].phase {
        case .greeting(let connection, _, let until):
            guard until <= now else { return }
            storedCounters.count(.hello)
            let refusal = Refusal(
                .unauthorized, "send `hello` within \(settings.limits.helloSeconds) seconds")
            end(connection, refusal, id: nil, code: .unauthorized, at: now)
        case .detached(let until, _):
            guard until <= now else { return }
            storedCounters.count(.resumeWindow)
            endSession(handle, .timeout, at: now)
        case .attached(let connection):
            let isBeat = sessions[handle].heartbeat.nextAt <= now
            guard !isBeat || sessions[handle].heartbeat.beat() else {
                storedCounters.count(.heartbeat)
                close(connection, .policy, "no pong")
                return detach(handle, at: now)
            }
            renewCredentials(of: handle, at: now, unixTime: unixTime)
            guard isBeat else { return }
            sessions[handle].heartbeat.nextAt = nextHeartbeat(after: now)
            ping(handle)
        }
    }

    // MARK: - Pings

    /// A little sooner or later than the last time, so that clients who came together do not stay in step; but in steps
    /// of a quarter of a second, so that one round of the loop serves many of thousands who are idle.
    mutating func nextHeartbeat(after now: Instant) -> Instant {
        let interval = max(1000, min(UInt64(settings.limits.heartbeatSeconds) * 1000, 86_400_000))
        let next = now.advanced(byMilliseconds: UInt32(interval * (900 + jitter.next() % 201) / 1000))
        return Instant(nanoseconds: (next.nanoseconds >> 28 + 1) << 28)
    }

    private mutating func ping(_ handle: SlabHandle) {
        guard let connection = sessions[handle].connection else { return }
        sessions[handle].heartbeat.notePing(sentCount: sessions[handle].replay.sentCount)
        outputs.append(.ping(connection))
    }

    /// Pings sessions that were sent much since the last pong, behind what they were sent.
    mutating func sendPings() {
        guard !pingsDue.isEmpty else { return }
        for handle in pingsDue where sessions.contains(handle) && sessions[handle].heartbeat.unanswered == nil {
            ping(handle)
        }
        pingsDue.removeAll(keepingCapacity: true)
    }

    /// The end of every input: what rooms still have to say is said, and who has to be pinged is.
    mutating func settle(at now: Instant) {
        deliverAll(at: now)
        sendPings()
    }

    // MARK: - The end of the server

    /// The server is about to stop: takes nobody new, asks everybody to go elsewhere, each at another time until the
    /// deadline, and ends at the deadline what is left.
    package mutating func drain(deadline: Instant, at now: Instant) {
        guard drainDeadline == nil else { return }
        drainDeadline = max(deadline, now)
        outputs.append(.event(.draining))
        let milliseconds = deadline.nanoseconds(since: now) / 1_000_000
        var next = sessions.firstHandle(from: 0)
        while let handle = next {
            next = sessions.firstHandle(from: handle.index + 1)
            guard sessions[handle].connection != nil else { continue }
            let text = MessageText.draining(
                deadlineMilliseconds: milliseconds,
                reconnectAfterMilliseconds: milliseconds == 0 ? 0 : jitter.next() % milliseconds)
            send(text, to: handle, at: now)
        }
        settle(at: now)
    }

    /// Ends everything at once. Nobody is told of each other's going: that would be a message for each pair.
    private mutating func stop(at now: Instant) {
        isStopped = true
        var next = sessions.firstHandle(from: 0)
        while let handle = next {
            next = sessions.firstHandle(from: handle.index + 1)
            switch sessions[handle].phase {
            case .greeting(let connection, _, _):
                close(connection, .goingAway, "server_draining")
                detach(handle, at: now)
            case .attached(let connection):
                close(connection, .goingAway, "server_draining")
                endSession(handle, .drained, at: now)
            case .detached: endSession(handle, .drained, at: now)
            }
        }
        settle(at: now)
    }
}
