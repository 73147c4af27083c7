import Containers
import NetworkPrimitives
import Signaling

// How a connection becomes a session, or finds the one that it had.
extension TernV1Server {
    /// The first message of a connection: `hello`, or it ends.
    mutating func receiveFirst(
        _ content: Result<Request, Refusal>, on connection: ConnectionID, _ exchange: Exchange
    ) {
        switch content {
        case .success(.hello(let hello)): greet(hello, on: connection, exchange)
        case .success:
            let refusal = Refusal(.badRequest, "send `hello` first")
            end(connection, refusal, id: exchange.id, code: .unauthorized, at: exchange.now)
        case .failure(let refusal):
            end(connection, refusal, id: exchange.id, code: .unauthorized, at: exchange.now)
        }
    }

    private mutating func greet(_ hello: Request.Hello, on connection: ConnectionID, _ exchange: Exchange) {
        guard drainDeadline == nil else {
            let refusal = Refusal(.serverDraining, "connect to another server")
            return end(connection, refusal, id: exchange.id, code: .goingAway, at: exchange.now)
        }
        if hello.wantsResume, resume(hello, on: connection, exchange) { return }
        let pass: PassBox?
        do { pass = try identify(hello.token, exchange) } catch {
            return end(connection, error, id: exchange.id, code: .unauthorized, at: exchange.now)
        }
        if hello.replaces, let identity = pass?.identity { replaceSessions(of: identity, at: exchange.now) }
        guard sessions.count - greetingCount < settings.limits.sessionsMax else {
            storedCounters.count(.sessions)
            let refusal = Refusal(
                .quotaExceeded, "the server is full: try again later", retryAfterMilliseconds: 10_000)
            return end(connection, refusal, id: exchange.id, code: .overloaded, at: exchange.now)
        }
        open(pass, on: connection, exchange)
    }

    /// The token of `hello`, else that of the upgrade request. No token is no pass, and nothing is wrong with that:
    /// rooms decide whether they take anonymous visitors.
    private mutating func identify(_ own: [UInt8]?, _ exchange: Exchange) throws(Refusal) -> PassBox? {
        var token = own
        if token == nil, case .greeting(_, let upgradeToken, _) = sessions[exchange.session].phase {
            token = upgradeToken
        }
        guard let token else { return nil }
        do { return PassBox(try gate.identify(token, at: exchange.unixTime)) } catch {
            throw refuse(error, visitor: sessions[exchange.session].visitor, room: nil)
        }
    }

    /// What the gate's refusal is called, with a note for the log.
    mutating func refuse(_ refusal: AdmissionRefusal, visitor: Visitor, room: RoomName?) -> Refusal {
        switch refusal {
        case .forbidden:
            if let room { outputs.append(.event(.refused(visitor, room))) }
            return Refusal(.forbidden, "ask for a token that opens this room")
        case .unauthorized:
            outputs.append(.event(.unauthorized(visitor)))
            return Refusal(.unauthorized, "bring a token that this server accepts")
        case .tokenExpired:
            outputs.append(.event(.outdatedToken(visitor)))
            return Refusal(.tokenExpired, "the token has expired: ask for a new one")
        case .tokenNotYetValid:
            outputs.append(.event(.outdatedToken(visitor)))
            return Refusal(.tokenNotYetValid, "the token is not valid yet: check the clocks")
        }
    }

    private mutating func open(_ pass: PassBox?, on connection: ConnectionID, _ exchange: Exchange) {
        let handle = exchange.session
        greetingCount -= 1
        let id = sessions[handle].id
        sessions[handle].phase = .attached(connection)
        sessions[handle].since = exchange.unixTime
        sessionByID.insert(handle, for: id)
        storedCounters.sessionsOpened += 1
        let event = SignalingEvent.sessionOpened(
            session: id, visitor: sessions[handle].visitor, identity: pass?.identity)
        outputs.append(.event(event))
        setPass(pass, of: handle)
        welcome(handle, on: connection, isResumed: false, exchange)
        acknowledge(exchange)
    }

    private mutating func welcome(
        _ handle: SlabHandle, on connection: ConnectionID, isResumed: Bool, _ exchange: Exchange
    ) {
        sessions[handle].heartbeat = Heartbeat()
        sessions[handle].heartbeat.nextAt = nextHeartbeat(after: exchange.now)
        timers.scheduleEarlier(handle.index, at: sessions[handle].nextDeadline)
        let token = ResumeToken(session: sessions[handle].id, secret: sessions[handle].resumeSecret)
        let welcome = MessageText.Welcome(session: sessions[handle].id, resume: token, isResumed: isResumed)
        // It is where the count of messages begins, so it is not counted itself.
        emit(MessageText.welcome(welcome, settings, id: exchange.id), to: [connection], isConfidential: true)
    }

    // MARK: - Resuming

    /// Gives the connection the session that the token is for. False when that cannot be done; a session that is no
    /// longer whole has ended then.
    private mutating func resume(
        _ hello: Request.Hello, on connection: ConnectionID, _ exchange: Exchange
    ) -> Bool {
        guard let token = hello.resume, let handle = sessionByID[token.session],
            sessions[handle].resumeSecret.equalsInConstantTime(token.secret)
        else {
            storedCounters.resumesFailed += 1
            return false
        }
        guard sessions[handle].replay.canResume(after: hello.received) else {
            storedCounters.resumesFailed += 1
            storedCounters.count(.replay)
            endSession(handle, .unresumable, at: exchange.now)
            return false
        }
        // The server may not have noticed yet that the old connection is gone.
        if let old = sessions[handle].connection {
            close(old, .replaced, "resumed on another connection")
            sessionByConnection.remove(old)
        }
        attach(handle, to: connection, insteadOf: exchange.session)
        renewPass(of: handle, by: hello.token, at: exchange.unixTime)
        sessions[handle].replay.confirm(upTo: hello.received)
        storedCounters.resumes += 1
        let event = SignalingEvent.sessionResumed(
            session: sessions[handle].id, visitor: sessions[handle].visitor)
        outputs.append(.event(event))
        welcome(handle, on: connection, isResumed: true, exchange)
        for entry in sessions[handle].replay.entries {
            emit(entry.text, to: [connection], isConfidential: entry.isConfidential)
        }
        acknowledge(
            Exchange(session: handle, id: exchange.id, now: exchange.now, unixTime: exchange.unixTime))
        return true
    }

    /// The record of the greeting goes, its connection becomes that of the older session.
    private mutating func attach(
        _ handle: SlabHandle, to connection: ConnectionID, insteadOf greeting: SlabHandle
    ) {
        timers.cancel(greeting.index)
        greetingCount -= 1
        if let greeted = sessions.remove(greeting) { sessions[handle].visitor = greeted.visitor }
        sessionByConnection.update(handle, for: connection)
        sessions[handle].phase = .attached(connection)
        sessions[handle].resumeSecret = secrets.next()
    }

    /// A newer token of the same person takes the place of the older one. The session itself needs none to go on.
    private mutating func renewPass(of handle: SlabHandle, by token: [UInt8]?, at unixTime: UnixTime) {
        guard let token, let pass = try? gate.identify(token, at: unixTime) else { return }
        let box = PassBox(pass)
        guard box.identity == sessions[handle].pass?.identity else { return }
        sessions[handle].pass = box
    }

    // MARK: - Identities

    /// Ends all sessions of an identity at once: a ghost of a connection that is dead holds nobody up.
    private mutating func replaceSessions(of identity: Admission.Identity, at now: Instant) {
        var next = sessionByIdentity[identity.hash(seed: identitySeed)]
        while let handle = next {
            next = sessions[handle].olderOfIdentity
            guard sessions[handle].pass?.identity == identity else { continue }
            storedCounters.takeovers += 1
            endSession(handle, .replaced, at: now)
        }
    }

    private mutating func setPass(_ pass: PassBox?, of handle: SlabHandle) {
        sessions[handle].pass = pass
        guard let key = pass?.identity?.hash(seed: identitySeed) else { return }
        guard let newest = sessionByIdentity[key] else {
            sessionByIdentity.insert(handle, for: key)
            return
        }
        sessions[handle].olderOfIdentity = newest
        sessions[newest].newerOfIdentity = handle
        sessionByIdentity.update(handle, for: key)
    }

    /// Takes a session that ends out of the list of its identity.
    mutating func unlinkIdentity(of session: Session) {
        guard let key = session.pass?.identity?.hash(seed: identitySeed) else { return }
        if let newer = session.newerOfIdentity {
            sessions[newer].olderOfIdentity = session.olderOfIdentity
        } else if let older = session.olderOfIdentity {
            sessionByIdentity.update(older, for: key)
        } else {
            sessionByIdentity.remove(key)
        }
        if let older = session.olderOfIdentity { sessions[older].newerOfIdentity = session.newerOfIdentity }
    }
}
