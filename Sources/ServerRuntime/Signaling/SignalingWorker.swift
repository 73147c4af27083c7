import Containers
import EngineIO
import EventLoop
import HTTP
import LinuxSockets
import NetworkPrimitives
import Signaling
import TLS
import TURN
import WebService

/// What other threads say to the signaling worker.
enum SignalingMessage: Sendable {
    case stop
    /// Sessions are to go elsewhere within so many seconds, and nobody new comes.
    case drain(seconds: UInt32)
    /// A connection that came to a listener of TURN.
    case arrival(SignalingArrival)
    /// Certificates have changed: what begins from now on begins with these.
    case renew(SecureContexts)
    /// There may be newer settings: the board has them.
    case news
    case report(@Sendable (SignalingReport) -> Void)
    /// What somebody found out for a question of an operator.
    case found(Finding, for: RequestID)
    /// As of workers, with the number of connections.
    case answer(@Sendable (Int) -> Void)
}

/// The counters of signaling at one moment.
struct SignalingReport: Sendable {
    var web = WebCounters()
    var connections = 0
}

/// What the signaling worker needs from outside.
struct SignalingContext: Sendable {
    let settings: SignalingSettings
    /// Nil when nothing is relayed, so that nobody has credentials.
    let members: MemberLiaison?
    let mailbox: Mailbox<SignalingMessage>
    let log: Log
    /// Nil without certificates.
    var secure: SecureContexts?
    let operators: OperatorContext
    /// Where newer settings are found.
    var news = SettingsBoard<SignalingNews>()
}

/// The thread of HTTP and WebSocket: it owns the connections and drives `WebService`, which decides everything.
///
/// One thread serves all rooms, beside the TURN workers and not on them: a slow browser must not delay media, and
/// participants of one room come by many connections (Docs/Architecture.md).
///
/// A round: expire what has run out, wait, read what is readable, do what the machine asks for, and write once to each
/// connection that has something to be written, however many messages that is.
struct SignalingWorker: ~Copyable {
    /// Room for what one turn of reading brings.
    static let readByteCount = 65_536
    /// Connections accepted from one listener before the others get their turn.
    static let acceptsPerRound = 64
    /// How long no connection is accepted after descriptors ran out.
    static let acceptPauseMilliseconds: UInt32 = 100
    /// Tokens of the poller that are no connection; their generation is none that a connection has.
    private static let mailboxToken = UInt64(UInt32.max)

    private let context: SignalingContext
    /// Of the settings that the worker knows.
    private var edition = 0
    private let gate: ReplaceableGate
    private var members: MemberLiaison?
    private let listeners: [HeldListener]
    private var poller: Poller
    private var service: WebService
    private var sockets: SparseArray<SignalingSocket>
    private var tls: TLSContext?
    private var workspace = TLSWorkspace()
    private var buffer = [UInt8](repeating: 0, count: SignalingWorker.readByteCount)
    /// The wall clock of the present round.
    private var unixTime = Clock.wall()
    private var acceptsAgainAt: Instant?
    private var isStopping = false
    private var secure: SecureContexts?
    private var desk: OperatorDesk
    private var words: SignalingLog

    init(_ context: SignalingContext, listeners: [HeldListener]) throws(SystemError) {
        // What can fail comes first: a value that cannot be copied is made at once or not at all.
        let poller = try Poller()
        try poller.add(context.mailbox.raw, token: Self.mailboxToken, interest: .readable)
        for (index, held) in listeners.enumerated() {
            try poller.add(held.listener.raw, token: UInt64(index), interest: .readable)
        }
        let now = Clock.monotonic()
        var random = OSRandom()
        self.context = context
        self.listeners = listeners
        self.poller = poller
        tls = context.secure?.tls
        secure = context.secure
        desk = OperatorDesk(context.operators, own: context.mailbox)
        gate = ReplaceableGate(context.settings.authority.gate)
        members = context.members
        service = context.settings.makeService(gate: gate, random: &random, at: now)
        sockets = SparseArray(limit: context.settings.web.connectionsMax)
        words = SignalingLog(log: context.log, start: now)
    }

    mutating func run() throws(SystemError) {
        while !isStopping {
            let deadline = [
                service.nextDeadline, acceptsAgainAt, members?.nextDeadline, desk.nextDeadline,
            ].compactMap { $0 }.min()
            let count = try poller.wait(until: deadline, now: Clock.monotonic())
            let now = Clock.monotonic()
            unixTime = Clock.wall()
            if let deadline = service.nextDeadline, deadline <= now {
                service.handleDeadline(at: now, unixTime: unixTime)
            }
            members?.handleDeadline(at: now, unixTime: unixTime)
            if let again = acceptsAgainAt, again <= now { acceptAgain() }
            answerOverdue(at: now)
            for index in 0..<count {
                let event = poller.event(at: index)
                handle(event, at: now)
            }
            // Before anything is written: who is told a credential can use it, and who was put out cannot.
            performOutputs(at: now)
            serveReady(at: now)
        }
    }

    private mutating func handle(_ event: Poller.Event, at now: Instant) {
        let token = event.token
        if token == Self.mailboxToken {
            let messages = context.mailbox.drain()
            // Who posts something behind newer settings counts on them.
            adoptNews()
            for message in messages { handle(message, at: now) }
        } else if token < UInt64(listeners.count) {
            accept(from: Int(token), at: now)
        } else {
            let connection = ConnectionID(rawValue: token)
            // An earlier event of this round may have closed it.
            guard owns(connection) else { return }
            if event.isReadable || event.hasError { read(connection, at: now) }
            // What reading has made is written with all else; here there is room again for what had to wait.
            if event.isWritable { service.mayWrite(connection) }
        }
    }

    private mutating func handle(_ message: SignalingMessage, at now: Instant) {
        switch message {
        case .stop:
            // What is written now is the last word; whoever has no room for it learns it from the end of the
            // connection.
            service.drain(seconds: 0, at: now)
            service.handleDeadline(at: now, unixTime: unixTime)
            isStopping = true
        case .arrival(let arrival):
            guard let stream = arrival.take() else { return }
            add(
                stream, remote: arrival.remote, local: arrival.local, .everything, said: arrival.said, at: now)
        case .renew(let contexts):
            tls = contexts.tls
            secure = contexts
        case .found(let finding, let id):
            let answer = Self.take(finding, for: id, &desk, service.standing, secure, at: now, unixTime)
            if let answer { service.answer(id, answer.response, at: now, unixTime: unixTime) }
        case .answer(let receive): receive(service.connectionCount)
        case .news: break
        case .drain(let seconds): service.drain(seconds: seconds, at: now)
        case .report(let receive):
            receive(SignalingReport(web: service.counters, connections: service.connectionCount))
        }
    }

    private mutating func adoptNews() {
        guard let news = context.news.news(since: &edition) else { return }
        gate.replace(news.settings.authority.gate)
        members = news.members
        desk.adopt(news.configuration)
        service.adopt(
            news.settings.web, authority: news.settings.authority, site: news.settings.site,
            signaling: news.settings.sessions)
    }

    // MARK: - Connections

    private mutating func accept(from index: Int, at now: Instant) {
        // Another listener of this round may have found that there are no descriptors.
        guard acceptsAgainAt == nil else { return }
        for _ in 0..<Self.acceptsPerRound {
            switch listeners[index].listener.accept() {
            case .connection(let accepted):
                let (remote, local) = (accepted.remoteAddress.ip, accepted.localAddress.ip)
                let profile = listeners[index].profile
                add(ClientStream(accepted.take()), remote: remote, local: local, profile, said: [], at: now)
            case .none: return
            case .transient: continue
            case .outOfFiles(let error):
                words.outOfFiles(error, at: now)
                return pauseAccepting(at: now)
            }
        }
    }

    /// The backlog keeps who comes meanwhile; accepting again at once would only spin.
    private mutating func pauseAccepting(at now: Instant) {
        acceptsAgainAt = now.advanced(byMilliseconds: Self.acceptPauseMilliseconds)
        watchListeners([])
    }

    private mutating func acceptAgain() {
        acceptsAgainAt = nil
        watchListeners(.readable)
    }

    /// Listeners stay with the poller while nobody is accepted: to add them again could fail when memory is short.
    private func watchListeners(_ interest: Poller.Interest) {
        for (index, held) in listeners.enumerated() {
            // It fails only for a descriptor that is not watched, and these are.
            try? poller.modify(held.listener.raw, token: UInt64(index), interest: interest)
        }
    }

    private mutating func add(
        _ stream: consuming ClientStream, remote: IPAddress, local: IPAddress, _ profile: ListenerProfile,
        said: [UInt8], at now: Instant
    ) {
        guard let connection = service.open(remote: remote, local: local, profile: profile, at: now) else { return }
        do { try poller.add(stream.raw, token: connection.rawValue, interest: .readable) } catch {
            // The kernel has no memory for one more (ENOMEM, ENOSPC): this client pays for it, not all of them.
            words.outOfFiles(error, at: now)
            return service.closed(connection, at: now)
        }
        sockets.insert(SignalingSocket(connection: connection, stream: stream), at: connection.index)
        if !said.isEmpty {
            service.receive(unsafe said.span.bytes, on: connection, at: now, unixTime: unixTime)
            guard owns(connection) else { return }
        }
        // Clients send their request with the handshake's last packet or right behind it.
        read(connection, at: now)
    }

    private func owns(_ connection: ConnectionID) -> Bool {
        sockets.contains(connection.index) && sockets[connection.index].connection == connection
    }

    private mutating func read(_ connection: ConnectionID, at now: Instant) {
        var more = true
        while more, owns(connection) {
            switch Self.read(&sockets[connection.index].stream, into: &buffer, &workspace, tls) {
            case .bytes(let count, let again):
                more = again
                if count > 0 { receive(count, on: connection, at: now) }
            case .endOfStream:
                more = false
                sockets[connection.index].isReadOver = true
                watch(connection)
                service.endOfStream(connection, at: now, unixTime: unixTime)
            case .failed:
                service.closed(connection, at: now)
                sockets.remove(at: connection.index)
            }
        }
        workspace.removeAll()
        // Something that TLS has to say by itself.
        if owns(connection), sockets[connection.index].stream.hasUnsent { watchWrites(of: connection, true) }
    }

    private static func read(
        _ stream: inout ClientStream, into buffer: inout [UInt8], _ workspace: inout TLSWorkspace, _ tls: TLSContext?
    ) -> StreamRead {
        var span = buffer.mutableSpan
        var room = unsafe span.mutableBytes
        return stream.read(into: &room, &workspace, tls)
    }

    private mutating func receive(_ count: Int, on connection: ConnectionID, at now: Instant) {
        // A second reference for as long as the machine looks at the bytes; nobody writes to them meanwhile.
        let bytes = buffer
        let read = unsafe bytes.span.bytes.extracting(0..<count)
        service.receive(read, on: connection, at: now, unixTime: unixTime)
    }

    // MARK: - Writing

    private mutating func serveReady(at now: Instant) {
        while let connection = service.nextReady() {
            if owns(connection) { write(to: connection, at: now) }
        }
        // What a write set free may have something to say in turn.
        performOutputs(at: now)
    }

    private mutating func write(to connection: ConnectionID, at now: Instant) {
        while owns(connection) {
            let pieces = service.pending(connection)
            var written = 0
            if !pieces.isEmpty {
                switch sockets[connection.index].write(gathering: pieces, &workspace) {
                case .wrote(let count): written = count
                case .wouldBlock:
                    // The machine gives a client that takes nothing a limited time.
                    _ = service.wrote(0, to: connection, at: now, unixTime: unixTime)
                    return watchWrites(of: connection, true)
                case .failed:
                    service.closed(connection, at: now)
                    sockets.remove(at: connection.index)
                    return
                }
            }
            switch service.wrote(written, to: connection, at: now, unixTime: unixTime) {
            case .more: continue
            case .idle: return watchWrites(of: connection, sockets[connection.index].stream.hasUnsent)
            case .shutDownWrites:
                watchWrites(of: connection, false)
                sockets[connection.index].stream.shutdownWrites(&workspace)
                return
            case .close:
                sockets[connection.index].stream.close(&workspace)
                sockets.remove(at: connection.index)
                return
            }
        }
    }

    private mutating func watchWrites(of connection: ConnectionID, _ watches: Bool) {
        guard sockets[connection.index].watchesWrites != watches else { return }
        sockets[connection.index].watchesWrites = watches
        watch(connection)
    }

    private mutating func watch(_ connection: ConnectionID) {
        // It fails only for a descriptor that is not watched, and this one is.
        try? poller.modify(
            sockets[connection.index].stream.raw, token: connection.rawValue,
            interest: sockets[connection.index].interest)
    }

    // MARK: - What the machine asks for

    private mutating func performOutputs(at now: Instant) {
        let outputs = service.takeOutputs()
        guard !outputs.isEmpty else { return }
        var scopes: Set<CredentialScope> = []
        for output in outputs {
            switch output {
            case .member(let change):
                if let scope = members?.apply(change, at: now, unixTime: unixTime) { scopes.insert(scope) }
            case .revoke(let user):
                // A name without its expiry stands for everything that was issued under it.
                scopes.formUnion([.name(user), .user(user)])
            case .event(let event): words.write(event, at: now)
            case .ask(let asked):
                guard let answer = desk.ask(asked, at: now) else { continue }
                service.answer(asked.id, answer.response, at: now, unixTime: unixTime)
            }
        }
        // All at once: a closed room is one look at the allocations.
        guard !scopes.isEmpty, let members else { return }
        if !members.revoke(scopes, at: now, unixTime: unixTime) { words.revocationNotRemembered(at: now) }
    }
}

// What operators ask.
extension SignalingWorker {
    private static func take(
        _ finding: Finding, for id: RequestID, _ desk: inout OperatorDesk, _ signaling: ServiceStanding,
        _ secure: SecureContexts?, at now: Instant, _ unixTime: UnixTime
    ) -> OperatorAnswer? {
        let process = desk.processStanding(secure, at: now, unixTime: unixTime)
        return desk.take(finding, for: id) { report in
            var standing = process
            standing.report = report
            standing.signaling = signaling
            return standing
        }
    }

    private mutating func answerOverdue(at now: Instant) {
        guard let deadline = desk.nextDeadline, deadline <= now else { return }
        for id in desk.takeOverdue(at: now) {
            let answer = OperatorAnswer.refusal(.serviceUnavailable, "busy", "the server is too busy to answer")
            service.answer(id, answer.response, at: now, unixTime: unixTime)
        }
    }
}

extension ConnectionID {
    /// The place of the connection in tables.
    fileprivate var index: UInt32 { UInt32(truncatingIfNeeded: rawValue) }
}
