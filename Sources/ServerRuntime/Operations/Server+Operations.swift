import HTTP
import WebService

// What operators ask of the thread that waits for signals.
extension Server {
    func handle(_ message: ServerMessage) {
        switch message {
        case .ask(let question, let answer): answer(self.answer(question))
        case .reload(let answer): answer(reload())
        }
    }

    private func answer(_ question: OperatorQuestion) -> OperatorAnswer {
        switch question {
        case .metrics, .overview, .allocations, .endAllocations, .peer:
            preconditionFailure("the desk and the workers answer these")
        case .reload: .reload(reload())
        case .drain, .logLevel, .setLogLevel, .configuration:
            .refusal(.notImplemented, "not_implemented", "restart the server instead")
        }
    }
}
