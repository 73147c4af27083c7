import Containers
package import NetworkPrimitives
import Signaling

/// Sessions of Engine.IO, revisions 3 and 4, as a value that is driven from outside: requests, frames and times in,
/// responses, frames and messages out.
///
/// > After every input, take `nextOutput()` until it is nil. An input may be given in between; what it asks for comes
/// > behind what waits already.
///
/// Whoever owns the connections matches the path, decides about origins (`EngineVisitor.refusal`), answers preflights
/// and adds CORS headers. The `sid` is a secret: it is never an output but in `EngineOpening`.
package struct EngineServer: ~Copyable {
    let settings: EngineSettings
    var sessions: Slab<EngineSession>
    var sessionBySecret: FlatMap<Identifier, SlabHandle>
    /// Sessions of WebSockets, those that are tried included.
    var sessionBySocket: FlatMap<WebSocketID, SlabHandle>
    /// Sessions of polls that wait.
    var sessionByRequest: FlatMap<RequestID, SlabHandle>
    var countOfSource: FlatMap<IPAddress, Int>
    var timers: TimerWheel
    var secrets: IdentifierSource
    var outputs = EngineOutputQueue()
    package internal(set) var counters = EngineCounters()
    var isDraining = false
    /// Sessions whose polls may have something to be answered with.
    var unflushed: [SlabHandle] = []

    /// The path of 32 random bytes to ids that nobody can guess.
    package init(settings: EngineSettings, secret: [UInt8], start: Instant) {
        self.settings = settings
        secrets = IdentifierSource(secret: secret, purpose: 0x10)
        var seeds = IdentifierSource(secret: secret, purpose: 0x11)
        let sessionsMax = min(max(0, settings.limits.sessionsMax), 1 << 28)
        sessions = Slab(limit: sessionsMax)
        sessionBySecret = FlatMap(seed: seeds.next().high, limit: sessionsMax)
        sessionBySocket = FlatMap(seed: seeds.next().high, limit: sessionsMax)
        sessionByRequest = FlatMap(seed: seeds.next().high, limit: sessionsMax)
        countOfSource = FlatMap(seed: seeds.next().high, limit: sessionsMax)
        timers = TimerWheel(start: start)
    }

    // MARK: - Outputs and queries

    package mutating func nextOutput() -> EngineOutput? {
        if let output = outputs.next() { return output }
        // By now everybody has said what an input made them say: a poll is answered once with all of it.
        for handle in unflushed where sessions.contains(handle) { flush(handle) }
        unflushed.removeAll(keepingCapacity: unflushed.capacity <= 256)
        return outputs.next()
    }

    /// When `handleDeadline` wants to be called, at the latest.
    package var nextDeadline: Instant? { timers.nextDeadline }

    /// Sessions, those included whose last words wait.
    package var sessionCount: Int { sessions.count }

    // MARK: - The application's side

    /// Sends messages, one behind the other, to each of the sessions. Those that are no more are left out.
    package mutating func send(_ messages: [EngineMessage], to recipients: [EngineSessionID], at now: Instant) {
        for message in messages {
            let frame = EngineFrame(message)
            var sockets: [WebSocketID] = []
            var base64Sockets: [WebSocketID] = []
            for recipient in recipients {
                guard let handle = open(recipient) else { continue }
                counters.messagesOut += 1
                switch sessions[handle].transport {
                case .webSocket(let socket):
                    if sessions[handle].wantsBase64 { base64Sockets.append(socket) } else { sockets.append(socket) }
                case .polling: enqueue(frame, for: handle, at: now)
                case .lingering: break
                }
            }
            emit(frame, to: sockets, base64: base64Sockets)
        }
    }

    /// Ends a session. What was sent before is still delivered.
    package mutating func close(_ session: EngineSessionID, at now: Instant) {
        guard let handle = open(session) else { return }
        end(handle, .server, at: now)
    }

    /// Begins no sessions any more; those that are go on.
    package mutating func refuseNewcomers() { isDraining = true }

    /// Ends all sessions, and begins no others.
    package mutating func drain(at now: Instant) {
        isDraining = true
        for index in 0..<UInt32(sessions.limit) {
            guard sessions.count > 0 else { return }
            guard let handle = sessions.handle(at: index), !sessions[handle].isLingering else { continue }
            end(handle, .draining, at: now)
        }
    }

    // MARK: - Time

    /// Does what is due.
    package mutating func handleDeadline(at now: Instant) {
        while let index = timers.popExpired(at: now) {
            guard let handle = sessions.handle(at: index) else { continue }
            expire(handle, at: now)
        }
    }

    /// Does what is due for one session, whether its timer has fired yet or not.
    mutating func expire(_ handle: SlabHandle, at now: Instant) {
        if case .lingering(let until) = sessions[handle].transport {
            if until <= now { forget(handle) }
            return rearm(handle)
        }
        switch sessions[handle].heartbeat.beat(at: now) {
        case .nothing: break
        case .dead: return end(handle, .pingTimeout, at: now)
        case .ping: deliver(.ping, to: handle, at: now)
        }
        guard sessions.contains(handle) else { return }
        expireProbe(handle, at: now)
        rearm(handle)
    }

    private mutating func expireProbe(_ handle: SlabHandle, at now: Instant) {
        guard case .polling(var polling) = sessions[handle].transport, let probe = polling.probe else { return }
        if let noopAt = probe.noopAt, noopAt <= now {
            polling.probe?.noopAt = nil
            sessions[handle].transport = .polling(polling)
            answerPoll(handle, with: [.noop])
        }
        if probe.until <= now { abandonProbe(handle) }
    }

    // MARK: - The table

    /// The session, unless it is over.
    func open(_ session: EngineSessionID) -> SlabHandle? {
        let handle = SlabHandle(rawValue: session.rawValue)
        guard sessions.contains(handle), !sessions[handle].isLingering else { return nil }
        return handle
    }

    mutating func rearm(_ handle: SlabHandle) {
        guard sessions.contains(handle) else { return }
        timers.scheduleEarlier(handle.index, at: sessions[handle].nextDeadline)
    }

    /// Takes the session out of all tables.
    mutating func forget(_ handle: SlabHandle) {
        guard let session = sessions.remove(handle) else { return }
        timers.cancel(handle.index)
        sessionBySecret.remove(session.secret)
        let source = session.address.subscriber
        if let count = countOfSource[source] {
            if count > 1 { countOfSource.update(count - 1, for: source) } else { countOfSource.remove(source) }
        }
    }
}

extension SlabHandle {
    var engineSession: EngineSessionID { EngineSessionID(rawValue: rawValue) }
}

/// Outputs in the order in which they were asked for.
struct EngineOutputQueue: ~Copyable {
    private var outputs: [EngineOutput] = []
    private var head = 0

    mutating func append(_ output: EngineOutput) { outputs.append(output) }

    mutating func next() -> EngineOutput? {
        guard head < outputs.count else {
            outputs.removeAll(keepingCapacity: outputs.capacity <= 256)
            head = 0
            return nil
        }
        defer { head += 1 }
        return outputs[head]
    }
}

extension WebSocketID: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { rawValue.hash(seed: seed) }
}

extension RequestID: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { rawValue.hash(seed: seed) }
}

extension EngineSessionID: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { rawValue.hash(seed: seed) }
}
