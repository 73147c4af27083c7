import Containers
import CredentialService
import EngineIO
import HTTP
package import NetworkPrimitives
package import Signaling
package import TernV1
import WebSocket

/// HTTP and WebSocket as one machine: bytes of connections and the time go in; bytes to write, connections to close and
/// what the TURN workers have to know come out. It owns no socket, clock or thread.
///
/// After every input, or a few, the shell does what `takeOutputs()` says and then serves each `nextReady()` connection.
package struct WebService: ~Copyable {
    package private(set) var settings: WebSettings
    package private(set) var counters = WebCounters()
    private(set) var authority: Authority
    private(set) var site: any SiteContent
    var connections: Slab<WebConnection>
    var signaling: TernV1Server
    let dialects: DialectServers
    /// Where the answers go that the engine owes.
    var handleOfRequest: FlatMap<RequestID, SlabHandle>
    var lastRequest: UInt64 = 0
    /// The wall clock of the last input that told it.
    var latestUnixTime = UnixTime(seconds: 0)
    var failures: FailureMeter
    var outputs: [WebOutput] = []
    private var names: IdentifierSource
    let startedAt: Instant
    private var timers: TimerWheel
    private var ready: [SlabHandle] = []
    private var countOfSource: FlatMap<IPAddress, Int>
    private var connectRate: SourceRateLimiter
    /// Whether new work is refused, because the server is about to stop.
    private(set) var isDraining = false

    /// Time for a client to close after the last word (TCP resets would destroy it otherwise).
    static let lingerSeconds: UInt32 = 2
    /// A client that asks for more than it reads gets no further answers until it has read.
    static let responsesAheadByteCountMax = 262_144

    package init(
        settings: WebSettings, authority: Authority, site: any SiteContent, signaling: consuming TernV1Server,
        dialects: DialectServers = DialectServers(), secret: [UInt8], start: Instant
    ) {
        precondition(secret.count == 32, "seeds and names are made of it")
        self.settings = settings
        self.authority = authority
        self.site = site
        self.signaling = signaling
        self.dialects = dialects
        startedAt = start
        connections = Slab(limit: settings.connectionsMax)
        timers = TimerWheel(start: start)
        let seed = unsafe secret.span.bytes.bigEndianUInt64(at: 0)
        names = IdentifierSource(secret: secret, purpose: 1)
        failures = FailureMeter(failuresPerMinute: settings.failuresPerMinute, seed: seed)
        countOfSource = FlatMap(seed: seed, limit: settings.connectionsMax)
        handleOfRequest = FlatMap(seed: seed, limit: settings.connectionsMax)
        connectRate = Self.connectRate(settings, seed: seed)
    }

    private static func connectRate(_ settings: WebSettings, seed: UInt64) -> SourceRateLimiter {
        SourceRateLimiter(
            seed: seed, ratePerSecond: settings.connectsPerSecond, burst: settings.connectsBurst, capacity: 4096)
    }

    /// Goes by other settings from now on. Connections, sessions and rooms stay; the sizes of tables do too.
    package mutating func adopt(
        _ new: WebSettings, authority: Authority, site: any SiteContent, signaling sessions: TernV1Settings
    ) {
        precondition(new.connectionsMax == settings.connectionsMax, "tables are made once")
        if new.connectsPerSecond != settings.connectsPerSecond || new.connectsBurst != settings.connectsBurst {
            connectRate = Self.connectRate(new, seed: names.next().high)
        }
        failures.failuresPerMinute = new.failuresPerMinute
        settings = new
        self.authority = authority
        self.site = site
        signaling.adopt(sessions)
    }

    // MARK: - Inputs

    /// A client has connected. Nil: the connection is to be closed at once.
    package mutating func open(
        remote: IPAddress, local: IPAddress, profile: ListenerProfile = .everything, at now: Instant
    ) -> ConnectionID? {
        let client = remote.unmapped
        guard profile == .control || mayConnect(client, at: now) else {
            outputs.append(.event(.tooManyConnections(source: remote)))
            return nil
        }
        let http = HTTPConnection(limits: settings.http, at: now)
        let connection = WebConnection(remote: client, local: local.unmapped, profile: profile, http: http)
        guard let handle = connections.insert(connection) else {
            counters.refusedConnectionsMax += 1
            return nil
        }
        counters.connections += 1
        countConnection(handle, of: client)
        rearm(handle)
        return handle.connection
    }

    /// A trusted proxy speaks for many clients; those are counted when they ask for a WebSocket.
    mutating func mayConnect(_ client: IPAddress, at now: Instant) -> Bool {
        guard !settings.proxies.contains(client) else { return true }
        let source = client.subscriber
        guard (countOfSource[source] ?? 0) < settings.connectionsPerSourceMax else {
            counters.refusedPerSource += 1
            return false
        }
        guard connectRate.allow(source, at: now) else {
            counters.refusedConnectRate += 1
            return false
        }
        return true
    }

    /// From here on the connection is one of this client's. Not to be called twice for one connection.
    mutating func countConnection(_ handle: SlabHandle, of client: IPAddress) {
        guard !settings.proxies.contains(client) else { return }
        let source = client.subscriber
        connections[handle].countedSource = source
        if !countOfSource.insert(1, for: source), let count = countOfSource[source] {
            countOfSource.update(count + 1, for: source)
        }
    }

    /// Bytes have come.
    package mutating func receive(
        _ bytes: RawSpan, on connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) {
        latestUnixTime = unixTime
        guard let handle = live(connection) else { return }
        switch connections[handle].stage {
        case .http: receiveHTTP(bytes, on: handle, at: now, unixTime: unixTime)
        case .webSocket: pumpWebSocket(handle, bytes, at: now, unixTime: unixTime)
        case .lingering, .over: break
        }
        rearm(handle)
    }

    /// The client sends nothing more. It may still read what waits for it; a WebSocket without a close frame is over.
    package mutating func endOfStream(_ connection: ConnectionID, at now: Instant, unixTime: UnixTime) {
        latestUnixTime = unixTime
        guard let handle = live(connection) else { return }
        part(with: handle, at: now)
        guard connections.contains(handle) else { return }
        connections[handle].closesWhenWritten = true
        connections[handle].end()
        markReady(handle)
        rearm(handle)
    }

    /// The connection is no more; nothing can be written.
    package mutating func closed(_ connection: ConnectionID, at now: Instant) {
        guard let handle = live(connection) else { return }
        part(with: handle, at: now)
        remove(handle)
    }

    /// Nobody is there any more who could hear an answer or say something.
    private mutating func part(with handle: SlabHandle, at now: Instant) {
        if connections[handle].isWebSocket { disconnect(handle, at: now) } else { abortRequest(of: handle, at: now) }
    }

    /// When to call `handleDeadline` next.
    package var nextDeadline: Instant? {
        var next = timers.nextDeadline
        func include(_ other: Instant?) {
            if let other { next = min(other, next ?? other) }
        }
        include(signaling.nextDeadline)
        include(dialects.engine?.nextDeadline)
        for dialect in dialects.served { include(dialect.nextDeadline) }
        return next
    }

    package mutating func handleDeadline(at now: Instant, unixTime: UnixTime) {
        latestUnixTime = unixTime
        while let index = timers.popExpired(at: now) {
            guard let handle = connections.handle(at: index) else { continue }
            expire(handle, at: now, unixTime: unixTime)
            rearm(handle)
        }
        if let deadline = signaling.nextDeadline, deadline <= now {
            signaling.handleDeadline(at: now, unixTime: unixTime)
            drain(.native, at: now)
        }
        for (index, dialect) in dialects.served.enumerated() {
            guard let deadline = dialect.nextDeadline, deadline <= now else { continue }
            dialect.handleDeadline(at: now, unixTime: unixTime)
            drain(.dialect(index), at: now)
        }
        if let engine = dialects.engine, let deadline = engine.nextDeadline, deadline <= now {
            engine.handleDeadline(at: now, unixTime: unixTime)
            drain(.engine, at: now)
        }
    }

    // MARK: - Outputs

    /// What the inputs since the last call have asked for, in order.
    package mutating func takeOutputs() -> [WebOutput] {
        let taken = outputs
        outputs = []
        return taken
    }

    /// A connection that has something to write, or is to be closed; each is named once until the shell has served it.
    package mutating func nextReady() -> ConnectionID? {
        while let handle = ready.popLast() {
            guard connections.contains(handle) else { continue }
            connections[handle].isReady = false
            return handle.connection
        }
        return nil
    }

    /// The kernel has room again for what waits: the connection is ready once more.
    package mutating func mayWrite(_ connection: ConnectionID) {
        if let handle = live(connection) { markReady(handle) }
    }

    /// Whether there is nothing for the shell to do at present.
    package var isSettled: Bool { ready.isEmpty && outputs.isEmpty }

    /// The next bytes of a connection; empty when none wait.
    package func pending(_ connection: ConnectionID) -> [ArraySlice<UInt8>] {
        guard let handle = live(connection) else { return [] }
        return connections[handle].outbound.next
    }

    /// What the shell does with a connection after it wrote what it could.
    package enum AfterWrite: Sendable {
        /// Nothing waits.
        case idle
        /// More waits: write again when the kernel has room.
        case more
        /// Say that nothing more comes, read what still comes, and wait.
        case shutDownWrites
        /// Close it.
        case close
    }

    /// The kernel took `count` bytes.
    package mutating func wrote(
        _ count: Int, to connection: ConnectionID, at now: Instant, unixTime: UnixTime
    ) -> AfterWrite {
        guard let handle = live(connection) else { return .close }
        connections[handle].outbound.consume(count)
        guard connections[handle].outbound.isEmpty else {
            if count > 0 || connections[handle].writeDeadline == nil {
                connections[handle].writeDeadline = now.advanced(bySeconds: settings.writeSeconds)
                rearm(handle)
            }
            return .more
        }
        connections[handle].writeDeadline = nil
        if connections[handle].closesWhenWritten { return finish(handle, at: now) }
        guard !connections[handle].isWebSocket else { return .idle }
        // Requests that came meanwhile had to wait until the client had read.
        pumpHTTP(handle, at: now, unixTime: unixTime)
        rearm(handle)
        return .idle
    }

    private mutating func finish(_ handle: SlabHandle, at now: Instant) -> AfterWrite {
        if connections[handle].stage == .over {
            remove(handle)
            return .close
        }
        let isWebSocket = connections[handle].isWebSocket
        if isWebSocket {
            // The close handshake has said everything (RFC 6455 §7.1.1).
            disconnect(handle, at: now)
        }
        guard connections.contains(handle) else { return .close }
        connections[handle].closesWhenWritten = false
        connections[handle].linger(until: now.advanced(bySeconds: Self.lingerSeconds))
        rearm(handle)
        return .shutDownWrites
    }

    // MARK: - The table

    func live(_ connection: ConnectionID) -> SlabHandle? {
        let handle = SlabHandle(connection)
        return connections.contains(handle) ? handle : nil
    }

    package var connectionCount: Int { connections.count }

    private mutating func remove(_ handle: SlabHandle) {
        guard let connection = connections.remove(handle) else { return }
        timers.cancel(handle.index)
        if let source = connection.countedSource, let count = countOfSource[source] {
            if count > 1 { countOfSource.update(count - 1, for: source) } else { countOfSource.remove(source) }
        }
    }

    mutating func markReady(_ handle: SlabHandle) {
        guard !connections[handle].isReady else { return }
        connections[handle].isReady = true
        ready.append(handle)
    }

    mutating func enqueue(_ bytes: [UInt8], to handle: SlabHandle) {
        connections[handle].outbound.append(bytes)
        markReady(handle)
    }

    mutating func rearm(_ handle: SlabHandle) {
        guard connections.contains(handle) else { return }
        if let deadline = connections[handle].deadline { timers.scheduleEarlier(handle.index, at: deadline) }
    }

    private mutating func expire(_ handle: SlabHandle, at now: Instant, unixTime: UnixTime) {
        // The timer may have fired for a deadline that has moved away since.
        guard let deadline = connections[handle].deadline, deadline <= now else { return }
        if let stalled = connections[handle].writeDeadline, stalled <= now { return abandon(handle, at: now) }
        switch connections[handle].stage {
        case .http:
            let event = connections[handle].withHTTP { $0.handleDeadline(at: now) } ?? nil
            perform(event, on: handle, at: now, unixTime: unixTime)
        case .webSocket, .lingering, .over: abandon(handle, at: now)
        }
    }

    /// Gives up on a connection whose client does not play its part.
    mutating func abandon(_ handle: SlabHandle, at now: Instant) {
        part(with: handle, at: now)
        guard connections.contains(handle) else { return }
        connections[handle].outbound.discard()
        connections[handle].writeDeadline = nil
        connections[handle].end()
        connections[handle].closesWhenWritten = true
        markReady(handle)
    }

    // MARK: - Stopping

    /// Sends sessions away to come back later, and tells load balancers to look elsewhere.
    package mutating func drain(seconds: UInt32, at now: Instant) {
        isDraining = true
        let deadline = now.advanced(bySeconds: seconds)
        signaling.drain(deadline: deadline, at: now)
        for dialect in dialects.served { dialect.drain(deadline: deadline, at: now) }
        dialects.engine?.drain(deadline: deadline, at: now, unixTime: latestUnixTime)
        drainSpeakers(at: now)
    }

    /// The tag of somebody of whom nothing is known.
    mutating func freshTag() -> MemberTag { MemberTag(Array("\(names.next())".utf8.prefix(16))) }

    mutating func count(_ change: (inout WebCounters) -> Void) { change(&counters) }
}

extension SlabHandle {
    /// Connections are known outside by index and generation in one word.
    init(_ connection: ConnectionID) {
        self.init(
            index: UInt32(truncatingIfNeeded: connection.rawValue),
            generation: UInt32(truncatingIfNeeded: connection.rawValue >> 32))
    }

    var connection: ConnectionID { ConnectionID(rawValue: UInt64(generation) << 32 | UInt64(index)) }
}
