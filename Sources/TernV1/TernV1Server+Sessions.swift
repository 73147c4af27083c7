import Containers
import NetworkPrimitives
import Signaling

// Sending, pace, and the ends of connections and sessions.
extension TernV1Server {
    // MARK: - Sending

    /// A text for connections, past all counting.
    mutating func emit(_ text: [UInt8], to connections: [ConnectionID], isConfidential: Bool) {
        storedCounters.messagesOut += UInt64(connections.count)
        outputs.append(.send(to: connections, text: text, isConfidential: isConfidential))
    }

    /// Sends a session a numbered message, now or when it is back.
    mutating func send(
        _ text: [UInt8], to handle: SlabHandle, isConfidential: Bool = false, at now: Instant
    ) {
        guard let connection = keep(text, for: handle, isConfidential: isConfidential, at: now) else { return }
        emit(text, to: [connection], isConfidential: isConfidential)
    }

    /// Numbers a message of a session and keeps it for a replay. Answers the connection that it goes to, if there is
    /// one.
    mutating func keep(
        _ text: [UInt8], for handle: SlabHandle, isConfidential: Bool, at now: Instant
    ) -> ConnectionID? {
        let limits = settings.limits
        let entry = ReplayBuffer.Entry(text: text, isConfidential: isConfidential)
        let lost = sessions[handle].replay.append(
            entry, messagesMax: limits.replayMessagesMax, bytesMax: limits.replayByteCountMax)
        switch sessions[handle].phase {
        case .greeting: preconditionFailure("nobody who has not been greeted is sent numbered messages")
        case .attached(let connection):
            let isHalfFull =
                sessions[handle].replay.entries.count * 2 >= limits.replayMessagesMax
                || sessions[handle].replay.byteCount * 2 >= limits.replayByteCountMax
            // Its pong empties the buffer, so that the next break in the connection finds room in it.
            if isHalfFull, sessions[handle].heartbeat.unanswered == nil { pingsDue.append(handle) }
            return connection
        case .detached(_, let sentCount):
            // What was sent before the connection broke may have arrived; what came later has not.
            if lost > sentCount {
                storedCounters.count(.replay)
                endSession(handle, .unresumable, at: now)
            }
            return nil
        }
    }

    /// Answers a request that asked for an answer.
    mutating func acknowledge(_ exchange: Exchange) {
        guard let id = exchange.id, sessions.contains(exchange.session) else { return }
        send(MessageText.ok(id: id), to: exchange.session, at: exchange.now)
    }

    mutating func refuse(_ refusal: Refusal, _ exchange: Exchange) {
        storedCounters.count(refusal.code)
        guard sessions.contains(exchange.session) else { return }
        let text = MessageText.refusal(refusal, isFatal: false, id: exchange.id)
        send(text, to: exchange.session, at: exchange.now)
    }

    // MARK: - Pace

    /// Whether the session may say something now. Whoever goes on saying too much is cut off.
    mutating func isWithinPace(_ exchange: Exchange, on connection: ConnectionID) -> Bool {
        let limits = settings.limits
        let handle = exchange.session
        let wait = sessions[handle].pace.take(
            perSecond: limits.messagesPerSecond, burst: limits.messagesBurst, at: exchange.now)
        guard let wait else { return true }
        storedCounters.count(.messageRate)
        let isAbuse = sessions[handle].excess.take(
            perSecond: max(1, limits.messagesPerSecond / 5), burst: limits.messagesBurst, at: exchange.now)
        let refusal = Refusal(
            .rateLimited, "send at most \(limits.messagesPerSecond) messages a second",
            retryAfterMilliseconds: wait)
        guard isAbuse != nil else {
            refuse(refusal, exchange)
            return false
        }
        storedCounters.count(.rateLimited)
        emit(
            MessageText.refusal(refusal, isFatal: true, id: exchange.id), to: [connection], isConfidential: false)
        close(connection, .rate, "rate_limited")
        endSession(handle, .rateAbuse, at: exchange.now)
        return false
    }

    // MARK: - Ends of connections

    /// Says why, and ends the connection. A session that it had waits for another one.
    mutating func end(
        _ connection: ConnectionID, _ refusal: Refusal, id: ArraySlice<UInt8>?, code: CloseCode, at now: Instant
    ) {
        guard let handle = sessionByConnection[connection] else { return }
        storedCounters.count(refusal.code)
        let text = MessageText.refusal(refusal, isFatal: true, id: id)
        if sessions[handle].isGreeting {
            emit(text, to: [connection], isConfidential: false)
        } else {
            // The session goes on, and with it the count of its messages.
            send(text, to: handle, at: now)
        }
        close(connection, code, refusal.code.rawValue)
        detach(handle, at: now)
        settle(at: now)
    }

    /// Forgets a connection and has it closed.
    mutating func close(_ connection: ConnectionID, _ code: CloseCode, _ reason: String) {
        outputs.append(.close(connection, code: code.rawValue, reason: reason))
    }

    /// The connection of the session is no more.
    mutating func detach(_ handle: SlabHandle, at now: Instant) {
        switch sessions[handle].phase {
        case .detached: return
        case .greeting(let connection, _, _):
            sessionByConnection.remove(connection)
            timers.cancel(handle.index)
            _ = sessions.remove(handle)
            greetingCount -= 1
        case .attached(let connection):
            sessionByConnection.remove(connection)
            let until = now.advanced(bySeconds: settings.limits.resumeSeconds)
            let sentCount = sessions[handle].replay.sentCount
            sessions[handle].phase = .detached(until: until, sentCount: sentCount)
            if settings.limits.resumeSeconds == 0 {
                endSession(handle, .timeout, at: now)
            } else {
                timers.scheduleEarlier(handle.index, at: until)
            }
        }
    }

    // MARK: - Ends of sessions

    /// Ends a session with all its seats. A connection that it loses to another one is closed here; in all other cases
    /// the caller has done so, as it knows what to say.
    mutating func endSession(_ handle: SlabHandle, _ end: SessionEnd, at now: Instant) {
        guard let session = sessions.remove(handle) else { return }
        timers.cancel(handle.index)
        unlinkIdentity(of: session)
        sessionByID.remove(session.id)
        if let connection = session.connection {
            sessionByConnection.remove(connection)
            switch end {
            case .replaced: sayReplaced(connection)
            case .unresumable: close(connection, .replaced, "resumed on another connection")
            case .bye, .timeout, .removedByOperator, .rateAbuse, .misbehaviour, .drained: break
            }
        }
        storedCounters.sessionsEnded += 1
        outputs.append(.event(.sessionEnded(session: session.id, end)))
        for membership in session.memberships {
            outputs.append(.member(end.memberChange(membership.tag)))
            storedCounters.leaves += 1
            rooms.leave(membership.seat, end.departureReason, at: now)
        }
    }

    private mutating func sayReplaced(_ connection: ConnectionID) {
        storedCounters.count(.sessionReplaced)
        let refusal = Refusal(.sessionReplaced, "the same person has come by another connection")
        emit(MessageText.refusal(refusal, isFatal: true, id: nil), to: [connection], isConfidential: false)
        close(connection, .replaced, "session_replaced")
    }
}
