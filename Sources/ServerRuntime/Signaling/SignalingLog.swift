import LinuxSockets
import NetworkPrimitives
import Signaling
import Telemetry
import TernV1
import WebService

/// What signaling does, as lines of the log: no secrets, no names that strangers chose, and no more lines than a
/// stranger may cause.
struct SignalingLog {
    private let log: Log
    private var sessions: RepeatLimiter
    private var refusals: RepeatLimiter
    private var troubles: RepeatLimiter

    init(log: Log, start: Instant) {
        self.log = log
        sessions = RepeatLimiter(perSecond: 100, start: start)
        refusals = RepeatLimiter(perSecond: 5, start: start)
        troubles = RepeatLimiter(perSecond: 1, start: start)
    }

    mutating func write(_ event: WebEvent, at now: Instant) {
        switch event {
        case .signaling(let event): write(event, at: now)
        case .unauthorized(let source): refuse("HTTP from \(source): wrong token or key", at: now)
        case .foreignOrigin(let origin, let source):
            refuse("HTTP from \(source): foreign origin <\(Quoted(Array(origin.utf8)))>; see signaling-origin", at: now)
        case .tooManyConnections(let source): refuse("HTTP from \(source): too many connections", at: now)
        case .closedByOperator(let what): log.write(.notice, "closed by an operator: \(what)")
        }
    }

    mutating func outOfFiles(_ error: SystemError, at now: Instant) {
        line(.error, &troubles, "no connection can be accepted: \(error); raise the limit of open files", at: now)
    }

    mutating func revocationNotRemembered(at now: Instant) {
        let text =
            "more people were put out than are remembered: new relays are possible until their credentials expire"
        line(.error, &troubles, text, at: now)
    }

    private mutating func write(_ event: SignalingEvent, at now: Instant) {
        switch event {
        case .sessionOpened(let session, let visitor, _):
            info("session \(session) of \(visitor.address) opened", at: now)
        case .sessionResumed(let session, let visitor):
            info("session \(session) resumed from \(visitor.address)", at: now)
        case .sessionEnded(let session, let end): info("session \(session) ended: \(end)", at: now)
        case .roomOpened(let room): info("room \(room) opened", at: now)
        case .roomFreed(let room): info("room \(room) freed", at: now)
        case .entered(let session, let room, let participant):
            info("session \(session) entered room \(room) as \(participant)", at: now)
        case .left(let room, let participant, let reason):
            info("\(participant) left room \(room): \(reason)", at: now)
        case .kicked(let room, let participant, let moderator):
            info("\(participant) kicked from room \(room) by session \(moderator)", at: now)
        case .unauthorized(let visitor): refuse("signaling from \(visitor.address): wrong token", at: now)
        case .outdatedToken(let visitor):
            refuse("signaling from \(visitor.address): token expired or not valid yet", at: now)
        case .refused(let visitor, let room): refuse("signaling from \(visitor.address): not into \(room)", at: now)
        case .slowConsumer(let session): refuse("session \(session) reads too slowly", at: now)
        case .draining: log.write(.notice, "signaling drains")
        }
    }

    private mutating func info(_ text: @autoclosure () -> String, at now: Instant) {
        guard log.isWritten(.info) else { return }
        line(.info, &sessions, text(), at: now)
    }

    private mutating func refuse(_ text: String, at now: Instant) { line(.info, &refusals, text, at: now) }

    private func line(_ level: LogLevel, _ limiter: inout RepeatLimiter, _ text: String, at now: Instant) {
        guard let left = limiter.admit(at: now) else { return }
        log.write(level, left > 0 ? "\(text) (\(left) like it left out)" : text)
    }
}
