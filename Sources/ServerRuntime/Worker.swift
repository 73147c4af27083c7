import EventLoop
package import LinuxSockets
import NetworkPrimitives
import STUN
package import TURN
import Telemetry

/// What a worker needs from outside; everything else is its own.
struct WorkerContext: Sendable {
    let number: Int
    /// Replaced as a whole by a reload; what goes by it is read from here each time.
    var settings: ServerSettings
    let ledger: SharedLedger
    /// Nil without signaling.
    var members: SharedMembers?
    let reservations: ReservationBook
    let mailbox: Mailbox<WorkerMessage>
    let log: Log
    let streams: StreamBook
    /// Nil without certificates: then there is neither TLS nor DTLS.
    var secure: SecureContexts?
    /// The other workers; nil for one that is alone.
    var colleagues: Colleagues?
    /// Where connections go that speak HTTP.
    var signaling: Mailbox<SignalingMessage>?
    /// Nil without DTLS.
    var dtls: DTLSBook?
    /// Which worker has given which connection id (RFC 6062).
    var peerBook = PeerBook()
    /// Where newer settings are found.
    var news = SettingsBoard<ServerSettings>()
}

/// What other threads say to a worker.
enum WorkerMessage: Sendable {
    case stop
    /// Somebody was put out: the inbox says who.
    case revoke
    /// Certificates have changed: what begins from now on begins with these.
    case renew(SecureContexts)
    /// There may be newer settings: the board has them.
    case news
    /// Allocate requests are sent elsewhere from now on, or no longer.
    case redirect(AlternateServers)
    /// Nobody new is served from now on.
    case drain
    /// About a client that moves between workers.
    case mobility(MobilityMessage)
    /// Another worker has accepted a connection that belongs here.
    case stream(HandedStream)
    case report(@Sendable (WorkerReport) -> Void)
    /// Which allocations there are.
    case sessions(SessionFilter, limit: Int, @Sendable (SessionList) -> Void)
    /// An operator ends allocations; the answer is how many.
    case endSessions(SessionFilter, @Sendable (Int) -> Void)
    /// The watchdog wants to hear whether the worker gets round to its messages, and of how many allocations.
    case answer(@Sendable (Int) -> Void)
}

/// The counters of one worker at one moment.
package struct WorkerReport: Sendable {
    package var control = TURNCounters()
    package var drops = DropCounters()
    package var sent = TransmitCounters()
    package var streams = StreamCounters()
    package var dtls = DTLSCounters()
    package var allocations = 0
    /// Datagrams that the kernel dropped because a listener or a relay socket was not read in time.
    package var droppedAtListeners: UInt64 = 0
    package var droppedAtRelays: UInt64 = 0
    /// Sockets connected to one peer beside a relay socket.
    package var connections = 0
    /// Connections of clients.
    package var openStreams = 0
    /// DTLS associations, and handshakes that go on.
    package var associations = 0
    /// What clients of each transport have.
    var transports = ByTransport(TransportReport())

    mutating func add(_ other: WorkerReport) {
        control.add(other.control)
        drops.add(other.drops)
        drops.add(other.control.drops)
        sent.sent += other.sent.sent
        sent.wouldBlock += other.sent.wouldBlock
        sent.refused += other.sent.refused
        sent.messageTooLong += other.sent.messageTooLong
        sent.unreachable += other.sent.unreachable
        sent.notPermitted += other.sent.notPermitted
        sent.other += other.sent.other
        allocations += other.allocations
        droppedAtListeners += other.droppedAtListeners
        droppedAtRelays += other.droppedAtRelays
        connections += other.connections
        streams.add(other.streams)
        openStreams += other.openStreams
        dtls.add(other.dtls)
        associations += other.associations
        for transport in ClientTransport.allCases {
            transports[transport].allocations += other.transports[transport].allocations
            transports[transport].traffic.add(other.transports[transport].traffic)
        }
    }
}

/// One thread's share of the server: its listeners, its relay sockets, a control plane and a data plane. It is born and
/// dies on its thread and shares nothing with the others but the ledger, the reservations, the members and the book of
/// connections, which no packet touches.
///
/// A round: expire what has run out, wait, then read each ready socket in batches, ask the machines, and send. The
/// decisions are theirs; here is only what needs the kernel.
struct Worker: ~Copyable {
    /// Datagrams read from a listener before the other sockets get their turn.
    static let listenerShare = 256
    /// Datagrams read from a relay socket before the next one gets its turn.
    static let relayShare = 64
    /// Slots that one read of a relay socket may fill: each may hold a train of 64.
    static let relaySlots = 16
    /// Datagrams read from all relay sockets before the listeners get another turn: they bring the requests, which must
    /// not wait for a crowd of peers.
    static let relaysShare = 256
    /// Milliseconds without another try after there was no room for a connection to a peer.
    static let connectionPause: UInt32 = 1000
    /// Slots left in a batch below which it is sent before another relay socket is read.
    static let slotsPerRelay = 8
    /// Allocations at a time that leave enough free pages behind to be worth a trim.
    static let busyAllocations = 256

    var context: WorkerContext
    /// Of the settings that the worker knows.
    var edition = 0
    let listeners: ListenerSet
    private let revocations: RevocationInbox?
    var secure: SecureContexts?
    var poller: Poller
    var received: ReceiveBatch
    var outgoing: TransmitBatch
    var server: TURNServer
    var forwarder: RelayForwarder
    var relays: RelaySocketTable
    var door: StreamDoor
    var streams: StreamTable
    var dtls: DTLSTable
    var peers: PeerTable
    var gathering: Gathering
    var relayDepth = ReadDepth()
    /// When connections to peers may be opened again.
    var connectsFrom = Instant.zero
    /// Datagrams of this round so far.
    var handled = 0
    var answers: [ShellAnswer] = []
    var held = HeldMessages()
    var drops = DropCounters()
    /// What allocations relayed that are no more.
    var endedTraffic = ByTransport(Traffic())
    var refusals: RepeatLimiter
    var bindings: RepeatLimiter
    var isStopping = false
    /// Most allocations at a time since the heap was last trimmed.
    private var busiest = 0

    init(
        _ context: WorkerContext, listeners: consuming ListenerSet, streamListeners: [HeldListener] = []
    ) throws(SystemError) {
        let now = Clock.monotonic()
        let poller = try Poller()
        try poller.add(context.mailbox.raw, token: WorkerToken.mailbox.bits, interest: .readable)
        for index in 0..<listeners.count {
            try poller.add(listeners.raw(index), token: WorkerToken.listener(index).bits, interest: .readable)
        }
        for (index, held) in streamListeners.enumerated() {
            let token = WorkerToken.streamListener(index)
            try poller.add(held.listener.raw, token: token.bits, interest: .readable)
        }
        self.poller = poller
        self.listeners = listeners
        self.context = context
        secure = context.secure
        var random = OSRandom()
        received = ReceiveBatch(headroom: TransmitBatch.headroom)
        outgoing = TransmitBatch(slotsOf: received)
        forwarder = RelayForwarder(
            settings: context.settings.turn, tableSeed: random.next(), transactionSeed: random.next())
        server = TURNServer(
            settings: context.settings.turn, ledger: context.ledger, members: context.members,
            connections: PeerPage(context.peerBook, worker: context.number), random: random, start: now)
        relays = RelaySocketTable(connectionsMax: context.settings.connectionsPerWorkerMax)
        door = StreamDoor(streamListeners)
        streams = StreamTable(
            limit: context.settings.streams.connectionsMax, idleSeconds: context.settings.streams.idleSeconds,
            book: context.streams, seed: random.next(), start: now)
        streams.context = context.secure?.tls
        dtls = DTLSTable(
            context.secure?.dtls, limits: DTLSLimits(context.settings), book: context.dtls,
            seeds: (random.next(), random.next()), start: now)
        streams.requiresTLS = !context.settings.servesPlainStreams
        peers = PeerTable(limit: context.settings.turn.limits.tcpPeersMax, start: now)
        gathering = Gathering(microseconds: context.settings.gatherMicroseconds, at: now)
        revocations = context.members?.join(context.mailbox)
        refusals = RepeatLimiter(perSecond: 5, start: now)
        bindings = RepeatLimiter(perSecond: 100, start: now)
    }

    mutating func run() throws(SystemError) {
        Clock.sleepExactly()
        var now = Clock.monotonic()
        while !isStopping {
            trimWhenIdle()
            let count = try poller.wait(until: nextDeadline, now: now)
            now = Clock.monotonic()
            // What has run out must not be used by what is about to be read.
            expire(at: now)
            guard count > 0 || streams.hasBehind else { continue }
            handleEvents(count, at: now)
            let pause = gathering.pause(after: handled, of: forwarder.takeActive(), at: now)
            if pause > 0 { Clock.sleep(nanoseconds: pause) }
        }
        closeAssociations()
    }

    /// After a busy time the heap keeps pages that nobody uses. When the last allocation has gone they go too, so that
    /// memory returns to where it started.
    private mutating func trimWhenIdle() {
        let count = server.liveCounts.allocations
        busiest = max(busiest, count)
        guard count == 0, busiest >= Self.busyAllocations else { return }
        busiest = 0
        Heap.trim()
    }

    private mutating func expire(at now: Instant) {
        while let deadline = server.nextDeadline, deadline <= now {
            server.handleDeadline(at: now)
            drainOutputs(at: now)
        }
        reviewPeers(at: now)
        expirePeers(at: now)
        expireStreams(at: now)
        expireAssociations(at: now)
    }

    private mutating func handleEvents(_ count: Int, at now: Instant) {
        handled = 0
        dtls.beginRound()
        streams.beginRound()
        for index in 0..<count {
            switch WorkerToken(bits: poller.event(at: index).token) {
            case .mailbox:
                let messages = context.mailbox.drain()
                // Who posts something behind newer settings counts on them.
                adoptNews(at: now)
                for message in messages { handle(message, at: now) }
                // Whatever the messages say: the one about it may have found no room.
                deleteRevoked(at: now)
            case .listener(let listener) where listener < listeners.controlCount: readListener(listener, at: now)
            case .streamListener(let listener): accept(from: listener, at: now)
            case .listener, .relay, .stream, .peerListener, .peer, .splicedPeer, .splicedClient: continue
            }
        }
        for index in 0..<count {
            guard case .listener(let listener) = WorkerToken(bits: poller.event(at: index).token),
                listener >= listeners.controlCount
            else { continue }
            readListener(listener, at: now)
        }
        readSockets(count, at: now)
        settleStreams(at: now)
    }

    private mutating func readSockets(_ count: Int, at now: Instant) {
        // Those of this round come in the next one.
        let behind = streams.takeBehind()
        // Relay sockets and connections rarely hold more than a message each, so that one batch gathers from many.
        var filledSlots = 0
        var handledBefore = handled
        for index in 0..<count {
            let event = poller.event(at: index)
            switch WorkerToken(bits: event.token) {
            case .relay(let descriptor, let allocation):
                // An earlier event of this round may have closed the socket.
                guard relays.isOpen(descriptor, of: allocation) else { continue }
                if event.hasError { readErrors(descriptor, allocation, at: now) }
                filledSlots = readRelay(descriptor, allocation, startingAt: filledSlots, at: now)
            case .stream(let name):
                guard let handle = streams.handle(name) else { continue }
                if event.isWritable { streams.writeQueued(handle, poller) }
                if event.isReadable || event.hasError, streams.mayRead(handle) {
                    filledSlots = readStream(handle, startingAt: filledSlots, at: now)
                }
            case .peerListener(let descriptor, let allocation): acceptPeers(at: descriptor, of: allocation, at: now)
            case .peer(let name):
                if let handle = peers.socket(name) { handlePeer(handle, at: now) }
            case .splicedPeer(let name):
                if let handle = peers.splice(name) { handleSplice(handle, .toClient, event, at: now) }
            case .splicedClient(let name):
                if let handle = peers.splice(name) { handleSplice(handle, .toPeer, event, at: now) }
            case .mailbox, .listener, .streamListener: continue
            }
            guard handled - handledBefore >= Self.relaysShare else { continue }
            outgoing.flush()
            filledSlots = 0
            for listener in 0..<listeners.count { readListener(listener, at: now) }
            handledBefore = handled
        }
        for handle in behind where streams.isBehind(handle) {
            filledSlots = readStream(handle, startingAt: filledSlots, at: now)
        }
        outgoing.flush()
        if let wish = forwarder.takeWish() { connect(wish, at: now) }
    }

    private mutating func handle(_ message: WorkerMessage, at now: Instant) {
        switch message {
        case .stop: isStopping = true
        case .revoke, .news: break
        case .renew(let contexts): renew(contexts)
        case .redirect(let alternates): server.alternates = alternates
        case .drain: server.isDraining = true
        case .mobility(let message): receive(message, at: now)
        case .stream(let handed): adopt(handed, at: now)
        case .report(let receive): receive(makeReport())
        case .sessions(let filter, let limit, let receive): receive(sessions(filter, limit: limit))
        case .endSessions(let filter, let receive): receive(endSessions(filter, at: now))
        case .answer(let receive): receive(server.liveCounts.allocations)
        }
    }

    private mutating func renew(_ contexts: SecureContexts) {
        secure = contexts
        streams.context = contexts.tls
        dtls.renew(contexts.dtls)
    }

    /// Ends what belongs to those who were put out, all of them by one look at the allocations.
    mutating func deleteRevoked(at now: Instant) {
        switch revocations?.take() {
        case nil: return
        case .scopes(let scopes): server.revoke(scopes, at: now)
        case .unlisted: server.revokeByRegister(at: now)
        }
        drainOutputs(at: now)
    }
}
