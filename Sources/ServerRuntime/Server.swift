package import Configuration
import EventLoop
import Glibc
import LinuxSockets
package import NetworkPrimitives
import TURN
import Telemetry
import WebService

/// Why the server did not start, as a sentence that says what to do.
package struct StartFailure: Error, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// The whole server: builds workers from a configuration, starts them, and waits for the signal to stop.
package final class Server {
    /// Who the server is for.
    package enum Purpose: Sendable {
        case production
        /// Strangers are let into rooms, but only those of this host.
        case development
    }

    /// Where clients are served: TURN over UDP and over TCP, and signaling over HTTP.
    package struct Addresses: Sendable {
        package var turn: [SocketAddress] = []
        package var streams: [SocketAddress] = []
        package var signaling: [SocketAddress] = []
    }

    /// Asks this server something from another thread.
    package var control: ServerControl { ServerControl(inbox: inbox) }
    var configuration: ServerConfiguration
    /// Nil when the configuration came from nowhere that could be read again.
    var origin: ConfigurationOrigin?
    /// What there was to say about the configuration when it was read last.
    var diagnostics: [Diagnostic]
    let purpose: Purpose
    /// As it was at the start: sizes and addresses go by it, and reloads too.
    let host: HostFacts
    /// Of nonces and tickets. Reloads keep it: what clients hold stays good.
    let nonceSecret: [UInt8]
    var issuing: IssuingSecret
    var settings: ServerSettings
    /// Whose users are wanted; nil without `userdb`.
    var userSelection: UserSelection?
    /// Those who were found; nil when there is no file yet.
    var stored: StoredUsers?
    /// Who looks for changes; nil before the server runs, and while no file was ever named.
    var userWatch: UserWatch?
    var signalingSettings: SignalingSettings?
    let members: SharedMembers?
    let ledger: SharedLedger
    let log: Log
    /// Nil before the server runs.
    var sinks: LogSinks?
    let workerCount: Int
    var mailboxes: [Mailbox<WorkerMessage>] = []
    /// Nil when nobody is served over TLS or DTLS.
    var certificates: CertificateStore?
    /// Some thread may still have old contexts.
    var owesContexts = false
    var signalingMailbox: Mailbox<SignalingMessage>?
    /// Where threads find newer settings than those that they began with.
    let news = SettingsBoard<ServerSettings>()
    let signalingNews = SettingsBoard<SignalingNews>()
    var threads: [WorkerThread] = []
    /// Set once the server is ending.
    var drain: Drain?
    /// What other threads want of the one that waits for signals.
    let inbox: Mailbox<ServerMessage>
    let startedAt = Clock.monotonic()
    /// Nil when no service manager waits to hear of the threads.
    var watchdog: Watchdog?
    var pulse: Pulse?
    var silentThreads: [Int] = []
    /// Why a worker ended that was not told to.
    let failure = Locked<String?>(nil)

    private static let mailboxMax = 1024

    /// Without an `origin` the configuration cannot be reloaded. `diagnostics` is what was said about it.
    package init(
        _ configuration: ServerConfiguration, from origin: ConfigurationOrigin? = nil, diagnostics: [Diagnostic] = [],
        for purpose: Purpose = .production
    ) throws(StartFailure) {
        self.configuration = configuration
        self.origin = origin
        self.diagnostics = diagnostics
        self.purpose = purpose
        workerCount = configuration.workers.count(detectedProcessors: ProcessorCount.available())
        host = HostFacts(
            addresses: NetworkInterfaces.addresses(), hostName: Process.hostName(),
            openFilesMax: ResourceLimits.raiseOpenFiles(), workerCount: workerCount)
        var random = OSRandom()
        issuing = IssuingSecret(configuration, random: &random)
        nonceSecret = random.bytes(32)
        userSelection = UserSelection(configuration, host)
        stored = try Self.storedUsers(userSelection, configuration)
        settings = ServerSettings(
            configuration, host: host, nonceSecret: nonceSecret, issuingSecret: issuing.ownBytes, stored: stored)
        // While the server may still read what only root can.
        certificates = try Self.certificates(configuration)
        signalingSettings = try Self.signalingSettings(
            configuration, connectionsMax: settings.signalingConnectionsMax, issuing, purpose,
            certificateNames: certificates?.names ?? [])
        members = signalingSettings.map { SharedMembers(MemberTable($0.members)) }
        ledger = SharedLedger(
            QuotaLedger(
                policy: settings.quotas, relayAddresses: settings.turn.relayAddresses.map(\.local),
                ports: settings.relayPorts, quarantineSeconds: settings.quarantineSeconds,
                socketsMax: settings.relaySocketsMax, random: random))
        do {
            log = try Log(minimum: Self.level(configuration.logging))
            inbox = try Mailbox(limit: Self.mailboxMax)
        } catch { throw StartFailure("the log cannot be set up: \(error)") }
    }

    /// Opens the listeners, drops privileges, starts the workers, and serves until SIGTERM or SIGINT. `ready` is called
    /// when the first datagram would be answered.
    package func run(ready: (Addresses) -> Void) throws(StartFailure) {
        do { sinks = try LogSinks(configuration.logging.destinations) } catch {
            throw StartFailure("the log cannot be opened: \(error); check log-file")
        }
        defer { writeLog() }
        do {
            // Before any thread, so that all of them leave these signals to us.
            let signals = try SignalSource([SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2])
            let listeners = try openListeners()
            let streamListeners = try openStreamListeners()
            guard !listeners.isEmpty || streamListeners.contains(where: { !$0.isEmpty }) else {
                throw StartFailure("there is nothing to listen on; check listening-ip")
            }
            let signalingListeners = try openSignalingListeners()
            if signalingSettings != nil { signalingMailbox = try Mailbox(limit: Self.mailboxMax) }
            let processIDFile = try writeProcessID()
            defer { processIDFile?.remove() }
            try dropPrivileges()
            privilegesDropped()
            try requireRelayDevice(for: configuration)
            let addresses = Addresses(
                turn: listeners.map { $0.data[0].socket.localAddress },
                streams: streamListeners.first?.map { $0.listener.localAddress } ?? [],
                signaling: (signalingListeners.filter(\.profile.isSignaling)
                    + (streamListeners.first ?? []).filter(\.mayBeHTTP)).map { $0.listener.localAddress })
            try startWorkers(listeners, streamListeners)
            try startSignaling(signalingListeners)
            logStart(addresses)
            logCertificates()
            try watchUsers()
            // A worker that answers has its poller and its tables.
            _ = report()
            writeLog()
            if failure.withLock({ $0 }) == nil {
                ready(addresses)
                Supervisor.notify(.ready, .status("serves"))
                startWatchdog()
            }
            try serve(signals)
        } catch let error as SystemError {
            throw StartFailure("\(error)")
        } catch let error as StartFailure {
            throw error
        } catch {
            throw StartFailure("\(error)")
        }
        if let reason = failure.withLock({ $0 }) { throw StartFailure(reason) }
    }

    private func writeLog() {
        if let sinks { log.writePending(to: sinks) }
    }

    // MARK: - Start

    private func writeProcessID() throws(StartFailure) -> ProcessIDFile? {
        guard let path = configuration.process.pidFile else { return nil }
        do { return try ProcessIDFile(writing: Process.id, to: path) } catch {
            throw StartFailure("cannot write the process id: \(error); check pidfile")
        }
    }

    private func dropPrivileges() throws(StartFailure) {
        let (user, group) = (configuration.process.user, configuration.process.group)
        if let group {
            do { try Process.become(group: group) } catch { throw Self.privilegeFailure("group", group, error) }
        }
        guard let user else { return }
        do {
            if group == nil { try Process.become(groupOf: user) }
            try Process.become(user: user)
        } catch { throw Self.privilegeFailure("user", user, error) }
    }

    private static func privilegeFailure(_ kind: String, _ name: String, _ error: SystemError) -> StartFailure {
        let reason = error.isNoSuchName ? "there is no such \(kind)" : "\(error)"
        return StartFailure("cannot become \(kind) \(Quoted(Array(name.utf8))): \(reason); check proc-\(kind)")
    }

    private func startWorkers(_ listeners: [ListenerGroup], _ streamListeners: [[HeldListener]]) throws {
        let reservations = ReservationBook()
        let streamBook = StreamBook(
            connectionsMax: settings.streams.connectionsMax, idlePerSourceMax: settings.streams.idlePerSourceMax)
        let dtlsBook = DTLSBook(settings)
        let failure = failure
        for _ in 0..<workerCount { mailboxes.append(try Mailbox(limit: Self.mailboxMax)) }
        let colleagues = Colleagues(mailboxes: mailboxes, book: MobilityBook())
        let peerBook = PeerBook()
        for number in 0..<workerCount {
            let data = listeners.map { $0.data[number] }
            let control = listeners.compactMap { $0.control.isEmpty ? nil : $0.control[number] }
            let context = WorkerContext(
                number: number, settings: settings, ledger: ledger, members: members, reservations: reservations,
                mailbox: mailboxes[number], log: log, streams: streamBook, secure: certificates?.contexts,
                colleagues: colleagues, signaling: signalingMailbox, dtls: dtlsBook, peerBook: peerBook, news: news)
            let streams = streamListeners[number]
            threads.append(
                try WorkerThread.spawn(name: "worker \(number)", cpu: processor(ofWorker: number)) {
                    do {
                        let listeners = ListenerSet(data: data, control: control)
                        var worker = try Worker(context, listeners: listeners, streamListeners: streams)
                        try worker.run()
                    } catch {
                        // Without its listeners the kernel would spread its clients over the others, which do not know
                        // them. A server that is restarted serves again; half a server does not.
                        Self.give(up: "worker \(context.number) stopped: \(error)", failure, context.log)
                    }
                })
        }
    }

    private func processor(ofWorker number: Int) -> Int? {
        configuration.workers.arePinned ? ProcessorCount.processor(forThread: number) : nil
    }

    /// Stops the server because one of its threads cannot go on.
    static func give(up reason: String, _ failure: Locked<String?>, _ log: Log) {
        log.write(.error, reason)
        failure.withLock { $0 = reason }
        Process.askToStop()
    }

    // MARK: - Serve

    private func serve(_ signals: borrowing SignalSource) throws(SystemError) {
        var poller = try Poller()
        try poller.add(signals.raw, token: 0, interest: .readable)
        try poller.add(log.raw, token: 1, interest: .readable)
        try poller.add(inbox.raw, token: 2, interest: .readable)
        var interruptions = try Poller()
        try interruptions.add(signals.raw, token: 0, interest: .readable)
        try interruptions.add(inbox.raw, token: 2, interest: .readable)
        while true {
            let looks = [certificates?.nextLook, watchdog?.nextLook, drain?.nextLook].compactMap { $0 }
            _ = try poller.wait(until: looks.min(), now: Clock.monotonic())
            lookAtThreads()
            if let look = certificates?.nextLook, look <= Clock.monotonic() { lookAtCertificates(for: .time) }
            writeLog()
            for message in inbox.drain() { handle(message) }
            while let signal = signals.read() {
                switch signal {
                case SIGTERM where configuration.draining.seconds > 0 && drain == nil:
                    beginDrain(seconds: configuration.draining.seconds)
                case SIGTERM, SIGINT:
                    Supervisor.notify(.stopping, .status("stops"))
                    stop()
                    return
                case SIGUSR1: beginDrain(seconds: configuration.draining.seconds)
                case SIGHUP:
                    Supervisor.notify(.reloading)
                    reload()
                    Supervisor.notify(.ready)
                case SIGUSR2 where certificates != nil: lookAtCertificates(for: .demand)
                default: log.write(.notice, "signal \(signal) is not used yet")
                }
            }
            if isDrained() {
                Supervisor.notify(.stopping, .status("stops"))
                stop()
                return
            }
            // Lines come in crowds: the first is written when it comes, and those of the next moment all at once, for
            // one wake-up. A signal does not wait.
            let now = Clock.monotonic()
            _ = try interruptions.wait(until: now.advanced(byMilliseconds: Log.gatheringMilliseconds), now: now)
        }
    }

    /// Whether all threads were told.
    func post(_ contexts: SecureContexts) -> Bool {
        var isComplete = true
        for mailbox in mailboxes where !mailbox.post(.renew(contexts)) { isComplete = false }
        if let mailbox = signalingMailbox, !mailbox.post(.renew(contexts)) { isComplete = false }
        return isComplete
    }

    private func stop() {
        let total = report()
        // First signaling, whose last words are about the workers' allocations.
        if let mailbox = signalingMailbox { Self.insist { mailbox.post(.stop) } }
        for mailbox in mailboxes { Self.insist { mailbox.post(.stop) } }
        for thread in threads { thread.join() }
        userWatch?.stop()
        log.write(.notice, "stopped with \(total.allocations) allocations; \(Self.summary(total))")
    }

    /// Says something that must be heard, to a thread whose mailbox may be full at present; one that has died reads no
    /// more.
    private static func insist(_ post: () -> Bool) {
        for _ in 0..<5000 {
            if post() { return }
            Clock.sleep(nanoseconds: 1_000_000)
        }
    }

    /// The counters of all workers. Each has done what it was told before.
    @discardableResult
    func report() -> WorkerReport {
        let total = Locked(WorkerReport())
        guard let arrived = try? Mailbox<Int>(limit: max(1, mailboxes.count)), var poller = try? Poller(),
            (try? poller.add(arrived.raw, token: 0, interest: .readable)) != nil
        else { return WorkerReport() }
        for mailbox in mailboxes {
            mailbox.post(
                .report { report in
                    total.withLock { $0.add(report) }
                    arrived.post(1)
                })
        }
        let deadline = Clock.monotonic().advanced(bySeconds: 1)
        var missing = mailboxes.count
        while missing > 0, Clock.monotonic() < deadline {
            guard (try? poller.wait(until: deadline, now: Clock.monotonic())) != nil else { break }
            missing -= arrived.drain().count
        }
        return total.withLock { $0 }
    }

    // MARK: - Words

    static func level(_ logging: ServerConfiguration.Logging) -> LogLevel {
        let written: LogLevel =
            switch logging.minimumLevel {
            case .debug: .debug
            case .info: .info
            case .notice: .notice
            case .warning: .warning
            case .error: .error
            }
        return logging.verbosity == .normal ? max(written, .info) : written
    }

    private func logStart(_ addresses: Addresses) {
        let transports = [("UDP", addresses.turn), ("TCP", addresses.streams)].filter { !$0.1.isEmpty }
        let listening = transports.map { "\($0.1.map(\.description).joined(separator: ", ")) over \($0.0)" }
        log.write(
            .notice,
            "Tern \(Version.number): \(workerCount) workers listen on \(listening.joined(separator: " and "))")
        for port in settings.proxyPorts.sorted() {
            log.write(.notice, "TCP port \(port) is for proxies only, which speak the PROXY protocol")
        }
        logSignalingStart(addresses.signaling)
        logListening()
        if case .stunOnly(let reason) = configuration.relaying {
            log.write(.warning, "STUN only, nothing is relayed: \(reason)")
            return
        }
        if configuration.authentication.anonymous {
            log.write(.warning, "no-auth: everybody who reaches this server relays through it")
        }
        if configuration.peerPolicy.allowsLoopback {
            log.write(.warning, "allow-loopback-peers: clients reach services of this host; for tests only")
        }
        for relay in settings.turn.relayAddresses {
            let shown = relay.local == relay.advertised ? "" : ", advertised as \(relay.advertised)"
            let ports = "\(settings.relayPorts.lowerBound)-\(settings.relayPorts.upperBound)"
            log.write(.notice, "relays from \(relay.local) ports \(ports)\(shown)")
        }
    }

    private static func summary(_ report: WorkerReport) -> String {
        let drops = DropReason.allCases.compactMap { reason -> String? in
            let count = report.drops[reason]
            return count > 0 ? "\(reason) \(count)" : nil
        }
        let unread = report.droppedAtListeners + report.droppedAtRelays
        let streams = report.streams
        return "sent \(report.sent.sent) datagrams, failed to send \(report.sent.failed), "
            + "\(unread) not read in time; dropped: "
            + (drops.isEmpty ? "none" : drops.joined(separator: ", "))
            + "; \(streams.accepted) connections accepted, \(streams.refused) refused, closed: "
            + "unframable \(streams.unframable), idle \(streams.idle), unread \(streams.unread), "
            + "displaced \(streams.displaced), not from a proxy \(streams.strangers), "
            + "without its header \(streams.badProxyHeaders), not encrypted \(streams.unencrypted); "
            + "\(streams.dropped) datagrams to slow connections dropped; "
            + report.dtls.summary
    }
}
