import Configuration
import HTTP
import TURN
import Telemetry
import WebService

// What operators ask of the thread that waits for signals.
extension Server {
    func handle(_ message: ServerMessage) {
        switch message {
        case .ask(let question, let answer): answer(self.answer(question))
        case .reload(let answer): answer(reload())
        case .users(let news): adopt(news)
        }
    }

    private func answer(_ question: OperatorQuestion) -> OperatorAnswer {
        switch question {
        case .peer(let ip, let port): .peer(ip, port, PeerVerdict(of: ip, port: port, settings.turn.peerFilter))
        case .metrics, .overview, .allocations, .endAllocations:
            preconditionFailure("the desk and the workers answer these")
        case .reload: .reload(reload())
        case .drain:
            drained()
        case .logLevel: .logLevel(log.minimumLevel)
        case .setLogLevel(let name): setLogLevel(name)
        case .configuration: .configuration(origin?.source.shownOptions ?? [])
        }
    }

    private func drained() -> OperatorAnswer {
        beginDrain(seconds: configuration.draining.seconds)
        return .draining(seconds: configuration.draining.seconds, allocations: report().allocations)
    }

    private func setLogLevel(_ name: String) -> OperatorAnswer {
        let wanted = name.filter { !$0.isWhitespace }
        guard let level = LogLevel.allCases.first(where: { "\($0.name)" == wanted }) else {
            let known = LogLevel.allCases.map { "\($0.name)" }.joined(separator: ", ")
            return .refusal(.badRequest, "bad_request", "the level is one of \(known)")
        }
        log.setMinimum(level)
        log.write(.notice, "the log begins at \(level.name) from now on; a reload sets it again")
        return .logLevel(level)
    }
}
