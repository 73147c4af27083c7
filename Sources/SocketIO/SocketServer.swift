import Containers
package import EngineIO
package import NetworkPrimitives
import Signaling

/// Sockets of Socket.IO, protocols 4 and 5, over sessions of Engine.IO, as a value that is driven from outside:
/// messages and times in, messages and events out.
///
/// > After every input, take `nextOutput()` until it is nil. An input may be given in between; what it asks for comes
/// > behind what waits already.
package struct SocketServer: ~Copyable {
    let settings: SocketSettings
    var sessions: Slab<SocketSession>
    var sockets: Slab<Socket>
    var sessionByEngine: FlatMap<EngineSessionID, SlabHandle>
    var timers: TimerWheel
    var names: IdentifierSource
    var outputs = SocketOutputQueue()
    package internal(set) var counters = SocketCounters()

    /// As many sessions as the transport has. The secret is 32 random bytes.
    package init(settings: SocketSettings, sessionsMax: Int, secret: [UInt8], start: Instant) {
        self.settings = settings
        let sessionsMax = min(max(0, sessionsMax), 1 << 26)
        names = IdentifierSource(secret: secret, purpose: 0x20)
        var seeds = IdentifierSource(secret: secret, purpose: 0x21)
        sessions = Slab(limit: sessionsMax)
        sockets = Slab(limit: sessionsMax * min(max(1, settings.socketsPerSessionMax), 16))
        sessionByEngine = FlatMap(seed: seeds.next().high, limit: sessionsMax)
        timers = TimerWheel(start: start)
    }

    // MARK: - The transport's side

    /// A session begins.
    package mutating func open(_ opening: EngineOpening, at now: Instant) {
        let revision: SocketProtocol = opening.version == .three ? .four : .five
        let session = SocketSession(
            engine: opening.session, revision: revision, secret: opening.secret, visitor: opening.visitor,
            query: opening.query, connectBy: now.advanced(byMilliseconds: settings.connectTimeoutMilliseconds))
        guard let handle = sessions.insert(session) else {
            outputs.append(.closeSession(opening.session))
            return
        }
        sessionByEngine.insert(handle, for: opening.session)
        rearm(handle)
        // Clients of protocol 4 are in the default namespace without a word.
        if revision == .four { request("/", query: "", auth: nil, on: handle) }
    }

    /// A message of a session.
    package mutating func receive(_ message: EngineMessage, on engine: EngineSessionID, at now: Instant) {
        guard let handle = sessionByEngine[engine] else { return }
        switch message {
        case .text(let text): receive(text: text, on: handle, at: now)
        case .binary(let bytes): receive(attachment: bytes, on: handle, at: now)
        }
    }

    /// A session is over.
    package mutating func close(_ engine: EngineSessionID, _ reason: EngineCloseReason) {
        guard let handle = sessionByEngine[engine] else { return }
        forget(handle, .transport(reason))
    }

    /// When to call `handleDeadline` next.
    package var nextDeadline: Instant? { timers.nextDeadline }

    /// Closes the sessions that took too long.
    package mutating func handleDeadline(at now: Instant) {
        while let index = timers.popExpired(at: now) {
            guard let handle = sessions.handle(at: index) else { continue }
            if let until = sessions[handle].assembly?.until, until <= now {
                counters.attachmentLimits += 1
                fail(handle)
            } else if let until = sessions[handle].connectBy, until <= now {
                counters.connectTimeouts += 1
                closeSession(handle, .server)
            } else {
                rearm(handle)
            }
        }
    }

    // MARK: - Outputs and queries

    package mutating func nextOutput() -> SocketOutput? { outputs.next() }

    /// Sockets that are in a namespace, or want to be.
    package var socketCount: Int { sockets.count }

    /// How many there can be.
    package var socketsMax: Int { sockets.limit }

    /// What clients call the socket; nil when it is no more.
    package func name(of socket: SocketID) -> String? { live(socket).map { sockets[$0].name } }

    /// The namespace that the socket is in; nil when it is no more.
    package func namespace(of socket: SocketID) -> String? { live(socket).map { sockets[$0].namespace } }

    // MARK: - The tables

    func live(_ socket: SocketID) -> SlabHandle? {
        let handle = SlabHandle(rawValue: socket.rawValue)
        return sockets.contains(handle) ? handle : nil
    }

    mutating func rearm(_ handle: SlabHandle) {
        guard let deadline = sessions[handle].nextDeadline else { return }
        timers.scheduleEarlier(handle.index, at: deadline)
    }

    /// Takes a socket out of the tables.
    mutating func forget(socket handle: SlabHandle) {
        guard let socket = sockets.remove(handle) else { return }
        sessions[socket.session].sockets.removeAll { $0 == handle }
    }

    /// Takes a session out of the tables, with its sockets.
    mutating func forget(_ handle: SlabHandle, _ reason: SocketDisconnectReason) {
        guard let session = sessions.remove(handle) else { return }
        timers.cancel(handle.index)
        sessionByEngine.remove(session.engine)
        for socket in session.sockets {
            _ = sockets.remove(socket)
            outputs.append(.disconnected(SocketID(rawValue: socket.rawValue), reason))
        }
    }

    /// Ends a session that broke a rule.
    mutating func fail(_ handle: SlabHandle) {
        counters.malformedPackets += 1
        closeSession(handle, .malformed)
    }

    mutating func closeSession(_ handle: SlabHandle, _ reason: SocketDisconnectReason) {
        outputs.append(.closeSession(sessions[handle].engine))
        forget(handle, reason)
    }
}

/// A session of the transport, as this protocol sees it.
struct SocketSession {
    let engine: EngineSessionID
    let revision: SocketProtocol
    let secret: Identifier
    let visitor: EngineVisitor
    let query: String
    var sockets: [SlabHandle] = []
    /// A packet whose attachments are on their way.
    var assembly: Assembly?
    /// When the session is closed unless it is in a namespace by then.
    var connectBy: Instant?
    /// How often it was kept or sent out of a namespace.
    var refusalCount = 0
    /// Namespaces that the application has put it out of: what was on its way then is no offence.
    private(set) var partedWith: [String] = []

    struct Assembly {
        let packet: SocketPacket
        var attachments: [ArraySlice<UInt8>] = []
        var byteCount = 0
        let until: Instant
    }

    var nextDeadline: Instant? {
        guard let connectBy, let until = assembly?.until else { return connectBy ?? assembly?.until }
        return min(connectBy, until)
    }

    mutating func noteParting(_ namespace: String) {
        guard !partedWith.contains(namespace) else { return }
        // A session that is sent away from ever more namespaces need not be believed for the first of them.
        if partedWith.count == 8 { partedWith.removeFirst() }
        partedWith.append(namespace)
    }

    init(
        engine: EngineSessionID, revision: SocketProtocol, secret: Identifier, visitor: EngineVisitor, query: String,
        connectBy: Instant
    ) {
        self.engine = engine
        self.revision = revision
        self.secret = secret
        self.visitor = visitor
        self.query = query
        self.connectBy = connectBy
    }
}

/// One session in one namespace.
struct Socket {
    let session: SlabHandle
    let namespace: String
    /// What clients call it.
    let name: String
    /// Whether the application has let it in.
    var isAccepted = false
    var lastQuestion: UInt64 = 0
    /// Questions that wait for an answer.
    var questions: [UInt64] = []
}

/// Outputs in the order in which they were asked for.
struct SocketOutputQueue: ~Copyable {
    private var outputs: [SocketOutput] = []
    private var head = 0

    mutating func append(_ output: SocketOutput) { outputs.append(output) }

    mutating func next() -> SocketOutput? {
        guard head < outputs.count else {
            outputs.removeAll(keepingCapacity: outputs.capacity <= 256)
            head = 0
            return nil
        }
        defer { head += 1 }
        return outputs[head]
    }
}

extension SocketID: FlatMapKey {
    /// See `FlatMapKey`.
    package func hash(seed: UInt64) -> UInt64 { rawValue.hash(seed: seed) }
}
