import Containers
import EventLoop
import NetworkPrimitives
import TURN
import Telemetry

// Lines about sessions, in words that existing tools of the field look for: `session`, `realm=<…>`, `username=<…>`,
// `usage:`, `rp=`, `rb=`, `sp=`, `sb=`.
extension Worker {
    func wallClock() -> UnixTime { Clock.wall() }

    func quoted(_ bytes: [UInt8]) -> String { "\(Quoted(bytes))" }

    func logOpened(_ session: SessionSummary) {
        guard context.log.isWritten(.info) else { return }
        let relayed = session.relayed.map(\.description).joined(separator: " and ")
        context.log.write(
            .info,
            "\(name(session)): new, \(owner(session)), lifetime=\(session.lifetimeSeconds), "
                + "client \(session.fiveTuple.client.socketAddress), server \(session.fiveTuple.server), "
                + "relay \(relayed)"
        )
    }

    func logClosed(_ session: SessionSummary, _ end: SessionEnd, _ traffic: Traffic) {
        guard context.log.isWritten(.info) else { return }
        let reason =
            switch end {
            case .deletedByClient: "deleted by the client"
            case .expired: "expired"
            case .revoked: "revoked"
            }
        context.log.write(
            .info,
            "\(name(session)): delete, \(owner(session)), \(reason), usage: rp=\(traffic.toPeerPackets), "
                + "rb=\(traffic.toPeerBytes), sp=\(traffic.toClientPackets), sb=\(traffic.toClientBytes)")
    }

    func logBinding(_ client: ClientAddress, at now: Instant) {
        guard context.log.isWritten(.info), let suppressed = bindings.admit(at: now) else { return }
        let leftOut = suppressed == 0 ? "" : " (\(suppressed) such lines left out)"
        context.log.write(.info, "Binding from \(client.socketAddress)\(leftOut)")
    }

    /// A line that strangers can cause: a few a second, and how many were left out.
    func logRefusal(_ text: @autoclosure () -> String, at now: Instant) {
        guard context.log.isWritten(.warning), let suppressed = refusals.admit(at: now) else { return }
        context.log.write(.warning, suppressed == 0 ? text() : "\(text()) (\(suppressed) such lines left out)")
    }

    /// `drop-invalid-packets-log`: bytes that are no message, at the rate of other lines that strangers can cause.
    func logDrop(_ reason: DropReason, _ path: FiveTuple, at now: Instant) {
        guard context.settings.logsInvalidPackets else { return }
        switch reason {
        case .notForUs, .malformed, .badFingerprint:
            logRefusal("dropped a datagram from \(path.client.socketAddress): \(reason)", at: now)
        default: break
        }
    }

    /// Eighteen digits: worker, then the allocation's place and generation.
    private func name(_ session: SessionSummary) -> String {
        let handle = session.allocation.handle
        let number = UInt64(handle.generation) << 20 | UInt64(handle.index & 0xF_FFFF)
        let digits = String(number)
        let worker =
            context.number < 10
            ? "00\(context.number)" : context.number < 100 ? "0\(context.number)" : "\(context.number)"
        return "session \(worker)" + String(repeating: "0", count: max(0, 15 - digits.count)) + digits
    }

    private func owner(_ session: SessionSummary) -> String {
        "realm=<\(quoted(context.settings.turn.realm))>, username=<\(quoted(session.username))>"
    }
}
