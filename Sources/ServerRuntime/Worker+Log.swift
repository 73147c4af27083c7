import Containers
import EventLoop
import NetworkPrimitives
import TURN
import Telemetry

// Lines about sessions, in words that existing tools of the field look for: `session`, `realm=<…>`, `username=<…>`,
// `usage:`, `rp=`, `rb=`, `sp=`, `sb=`.
extension Worker {
    func wallClock() -> UnixTime { Clock.wall() }

    func logOpened(_ session: SessionSummary) {
        guard context.log.isWritten(.info) else { return }
        var line = beginLine(session)
        line.append(": new, ")
        appendOwner(session, &line)
        line.append(", lifetime=")
        line.append(UInt64(session.lifetimeSeconds))
        line.append(", client ")
        line.append(session.fiveTuple.client.socketAddress)
        line.append(", server ")
        line.append(session.fiveTuple.server)
        line.append(", relay ")
        let first = session.relayedIPv4 ?? session.relayedIPv6
        if let first { line.append(first) }
        if session.relayedIPv4 != nil, let second = session.relayedIPv6 {
            line.append(" and ")
            line.append(second)
        }
        context.log.write(.info, line.text)
    }

    func logClosed(_ session: SessionSummary, _ end: SessionEnd, _ traffic: Traffic) {
        guard context.log.isWritten(.info) else { return }
        var line = beginLine(session)
        line.append(": delete, ")
        appendOwner(session, &line)
        switch end {
        case .deletedByClient: line.append(", deleted by the client, usage: rp=")
        case .expired: line.append(", expired, usage: rp=")
        case .revoked: line.append(", revoked, usage: rp=")
        case .disconnected: line.append(", the connection ended, usage: rp=")
        case .endedByOperator: line.append(", ended by an operator, usage: rp=")
        }
        line.append(traffic.toPeerPackets)
        line.append(", rb=")
        line.append(traffic.toPeerBytes)
        line.append(", sp=")
        line.append(traffic.toClientPackets)
        line.append(", sb=")
        line.append(traffic.toClientBytes)
        context.log.write(.info, line.text)
    }

    /// Where the client of a session has gone.
    enum Destination { case here, elsewhere, nowhere }

    func logMoved(_ session: SessionSummary, _ destination: Destination) {
        guard context.log.isWritten(.info) else { return }
        var line = beginLine(session)
        switch destination {
        case .here:
            line.append(": moved, client ")
            line.append(session.fiveTuple.client.socketAddress)
            line.append(", server ")
            line.append(session.fiveTuple.server)
        case .elsewhere: line.append(": moved, goes on at another worker")
        case .nowhere: line.append(": the connection ended, waits for its client")
        }
        context.log.write(.info, line.text)
    }

    mutating func logBinding(_ client: ClientAddress, at now: Instant) {
        guard context.log.isWritten(.info), let suppressed = bindings.admit(at: now) else { return }
        let leftOut = suppressed == 0 ? "" : " (\(suppressed) such lines left out)"
        context.log.write(.info, "Binding from \(client.socketAddress)\(leftOut)")
    }

    /// A line that strangers can cause: a few a second, and how many were left out.
    mutating func logRefusal(_ text: @autoclosure () -> String, at now: Instant) {
        guard context.log.isWritten(.warning), let suppressed = refusals.admit(at: now) else { return }
        context.log.write(.warning, suppressed == 0 ? text() : "\(text()) (\(suppressed) such lines left out)")
    }

    /// `drop-invalid-packets-log`: bytes that are no message, at the rate of other lines that strangers can cause.
    mutating func logDrop(_ reason: DropReason, _ path: FiveTuple, at now: Instant) {
        guard context.settings.logsInvalidPackets else { return }
        switch reason {
        case .notForUs, .malformed, .badFingerprint:
            logRefusal("dropped a datagram from \(path.client.socketAddress): \(reason)", at: now)
        default: break
        }
    }

    /// The session by its name, eighteen digits: worker, then the allocation's place and generation.
    private func beginLine(_ session: SessionSummary) -> LineBuilder {
        var line = LineBuilder()
        line.append("session ")
        SessionNumber(session, worker: context.number).append(to: &line)
        return line
    }

    private func appendOwner(_ session: SessionSummary, _ line: inout LineBuilder) {
        line.append("realm=<")
        line.append(quoted: context.settings.turn.realm)
        line.append(">, username=<")
        line.append(quoted: session.username)
        line.append(">")
    }
}
