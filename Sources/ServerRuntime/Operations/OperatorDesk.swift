import Configuration
import EngineIO
import EventLoop
import HTTP
import LinuxSockets
import NetworkPrimitives
import WebService

/// What the desk needs from outside.
struct OperatorContext: Sendable {
    var configuration: ServerConfiguration
    let workers: [Mailbox<WorkerMessage>]
    /// The thread that waits for signals.
    let server: Mailbox<ServerMessage>
    let start: Instant
    /// Metrics also have the names that coturn gives them.
    var hasCoturnNames: Bool
}

/// What the workers, or the thread that waits for signals, found out for a question.
enum Finding: Sendable {
    case report(WorkerReport)
    case sessions(SessionList)
    case ended(Int)
    /// A whole answer.
    case answer(OperatorAnswer)
}

/// Answers what operators ask: says it to those who know, gathers what they say, and puts it into words.
struct OperatorDesk: ~Copyable {
    private struct Waiting {
        let question: OperatorQuestion
        let until: Instant
        var missing: Int
        var report = WorkerReport()
        var sessions = SessionList()
        var endedCount = 0
    }

    private var context: OperatorContext
    private let own: Mailbox<SignalingMessage>
    private var waiting: [RequestID: Waiting] = [:]
    /// An operator asks one thing at a time; more than these are a mistake.
    private static let waitingMax = 64
    /// A worker looks into its mailbox after every round, so this is long.
    private static let patienceSeconds: UInt32 = 5

    init(_ context: OperatorContext, own: Mailbox<SignalingMessage>) {
        self.context = context
        self.own = own
    }

    /// A reload has made this the configuration.
    mutating func adopt(_ configuration: ServerConfiguration) {
        context.configuration = configuration
        context.hasCoturnNames = configuration.metrics.hasCoturnNames
    }

    /// Takes a question. The answer, when it is known at once.
    mutating func ask(_ asked: AskedQuestion, at now: Instant) -> OperatorAnswer? {
        guard waiting.count < Self.waitingMax else {
            return .refusal(.serviceUnavailable, "busy", "too many questions wait for an answer")
        }
        switch asked.question {
        case .allocations(let query), .endAllocations(let query):
            guard let filter = SessionFilter(query) else {
                return .refusal(.badRequest, "bad_request", "an allocation has a number of eighteen digits")
            }
            askWorkers(asked, filter, query, at: now)
        case .metrics, .overview: askWorkers(asked, SessionFilter(), AllocationQuery(), at: now)
        case .reload, .drain, .logLevel, .setLogLevel, .configuration, .peer: askServer(asked, at: now)
        }
        return nil
    }

    private mutating func askWorkers(
        _ asked: AskedQuestion, _ filter: SessionFilter, _ query: AllocationQuery, at now: Instant
    ) {
        let (id, own) = (asked.id, own)
        let tell: @Sendable (Finding) -> Void = { own.post(.found($0, for: id)) }
        var missing = 0
        for mailbox in context.workers {
            let isHeard =
                switch asked.question {
                case .allocations: mailbox.post(.sessions(filter, limit: query.limit) { tell(.sessions($0)) })
                case .endAllocations: mailbox.post(.endSessions(filter) { tell(.ended($0)) })
                default: mailbox.post(.report { tell(.report($0)) })
                }
            if isHeard { missing += 1 }
        }
        let until = now.advanced(bySeconds: Self.patienceSeconds)
        waiting[id] = Waiting(question: asked.question, until: until, missing: missing)
    }

    private mutating func askServer(_ asked: AskedQuestion, at now: Instant) {
        let (id, own) = (asked.id, own)
        let isHeard = context.server.post(.ask(asked.question) { own.post(.found(.answer($0), for: id)) })
        let until = now.advanced(bySeconds: Self.patienceSeconds)
        waiting[id] = Waiting(question: asked.question, until: isHeard ? until : now, missing: 1)
    }

    /// Takes what somebody found out. The answer, when that was the last that was missing.
    mutating func take(
        _ finding: Finding, for id: RequestID, _ standing: (WorkerReport) -> ServerStanding
    ) -> OperatorAnswer? {
        guard var waiting = waiting.removeValue(forKey: id) else { return nil }
        waiting.missing -= 1
        switch finding {
        case .report(let report): waiting.report.add(report)
        case .sessions(let sessions): waiting.sessions.add(sessions)
        case .ended(let count): waiting.endedCount += count
        case .answer(let answer): return answer
        }
        guard waiting.missing <= 0 else {
            self.waiting[id] = waiting
            return nil
        }
        switch waiting.question {
        case .metrics: return .metrics(standing(waiting.report), withCoturnNames: context.hasCoturnNames)
        case .overview: return .overview(standing(waiting.report))
        case .allocations(let query): return .allocations(waiting.sessions, query, context.configuration)
        case .endAllocations: return .ended(waiting.endedCount)
        case .reload, .drain, .logLevel, .setLogLevel, .configuration, .peer: return nil
        }
    }

    var nextDeadline: Instant? { waiting.values.map(\.until).min() }

    /// Questions that nobody answered in time.
    mutating func takeOverdue(at now: Instant) -> [RequestID] {
        let overdue = waiting.filter { $0.value.until <= now }.map(\.key)
        for id in overdue { waiting[id] = nil }
        return overdue
    }

    /// What the process is doing, for a standing.
    func processStanding(_ secure: SecureContexts?, at now: Instant, unixTime: UnixTime) -> ServerStanding {
        var standing = ServerStanding()
        standing.workerCount = context.workers.count
        standing.uptimeSeconds = now.nanoseconds(since: context.start) / 1_000_000_000
        standing.unixTime = unixTime
        standing.residentBytes = ProcessFigures.residentBytes()
        standing.openFiles = ProcessFigures.openFiles()
        standing.openFilesMax = ProcessFigures.openFilesMax()
        standing.certificates = secure?.expiries ?? []
        return standing
    }
}

/// What others say to the thread that waits for signals.
enum ServerMessage: Sendable {
    /// A question that this thread answers.
    case ask(OperatorQuestion, @Sendable (OperatorAnswer) -> Void)
    /// The configuration is to be read again.
    case reload(@Sendable (ReloadReport) -> Void)
    /// Somebody has looked at the database of users.
    case users(UserNews)
}

extension SessionFilter {
    /// Nil when the number of the query is none.
    init?(_ query: AllocationQuery) {
        if let id = query.id {
            guard let number = SessionNumber(id) else { return nil }
            self.number = number
        }
        user = query.user.map { Array($0.utf8) }
        client = query.client
    }
}
