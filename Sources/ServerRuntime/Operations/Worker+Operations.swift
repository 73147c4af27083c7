import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

// What operators ask of a worker.
extension Worker {
    /// The counters of this moment.
    func makeReport() -> WorkerReport {
        var report = WorkerReport()
        report.control = server.counters
        report.drops = drops
        report.sent = outgoing.counters
        report.allocations = server.liveCounts.allocations
        report.droppedAtListeners = listeners.dropsByKernel
        report.droppedAtRelays = relays.dropsByKernel
        report.connections = relays.connectionCount
        report.streams = streams.counters
        report.openStreams = streams.count
        report.dtls = dtls.counters
        report.associations = dtls.count
        for transport in ClientTransport.allCases { report.transports[transport].traffic = endedTraffic[transport] }
        server.forEachSession { session in
            let transport = session.fiveTuple.transport
            report.transports[transport].allocations += 1
            report.transports[transport].traffic.add(forwarder.traffic(of: session.allocation.index))
            return true
        }
        return report
    }

    /// The allocations that are meant, at most `limit` of them.
    func sessions(_ filter: SessionFilter, limit: Int) -> SessionList {
        var reports: [SessionReport] = []
        server.forEachSession { session in
            guard filter.means(session, worker: context.number) else { return true }
            reports.append(
                SessionReport(
                    number: SessionNumber(session, worker: context.number), summary: session,
                    traffic: forwarder.traffic(of: session.allocation.index)))
            return true
        }
        return SessionList(reports, limit: limit)
    }

    /// Ends the allocations that are meant, and answers how many there were.
    mutating func endSessions(_ filter: SessionFilter, at now: Instant) -> Int {
        let number = context.number
        let count = server.endSessions(at: now) { filter.means($0, worker: number) }
        drainOutputs(at: now)
        return count
    }
}
