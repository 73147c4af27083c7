import Configuration
import HTTP
import JSON
import LinuxSockets
import NetworkPrimitives
import Signaling
import TURN
import Telemetry
import WebService

/// What an operator is told, as a response.
struct OperatorAnswer: Sendable {
    let response: HTTPResponse

    static func json(_ status: HTTPStatus = .ok, _ write: (inout JSONWriter) -> Void) -> OperatorAnswer {
        var writer = JSONWriter()
        write(&writer)
        return OperatorAnswer(response: .json(writer.bytes, status))
    }

    /// In the form of all errors of the API.
    static func refusal(_ status: HTTPStatus, _ code: String, _ message: String) -> OperatorAnswer {
        json(status) { writer in
            writer.beginObject()
            writer.name("error")
            writer.beginObject()
            writer.member("code", code)
            writer.member("message", message)
            writer.endObject()
            writer.endObject()
        }
    }

    static func metrics(_ standing: ServerStanding, withCoturnNames: Bool) -> OperatorAnswer {
        let bytes = ServerMetrics.text(standing, withCoturnNames: withCoturnNames)
        return OperatorAnswer(
            response: HTTPResponse(type: HTTPFieldValue(cleaning: PrometheusText.contentType), body: bytes))
    }

    static func ended(_ count: Int) -> OperatorAnswer {
        guard count > 0 else { return refusal(.notFound, "allocation_not_found", "there is no such allocation") }
        return json { writer in
            writer.beginObject()
            writer.member("ended", count)
            writer.endObject()
        }
    }

    static func peer(_ ip: IPAddress, _ port: UInt16?, _ verdict: PeerVerdict) -> OperatorAnswer {
        json { writer in
            writer.beginObject()
            writer.member("peer", port.map { "\(SocketAddress(ip: ip, port: $0))" } ?? "\(ip)")
            writer.member("allowed", verdict.isAllowed)
            writer.member("rule", verdict.rule)
            writer.endObject()
        }
    }

    /// 422 when nothing has changed because of errors.
    static func reload(_ report: ReloadReport) -> OperatorAnswer {
        json(report.isApplied ? .ok : .unprocessableContent) { writer in
            writer.beginObject()
            writer.member("applied", report.isApplied)
            for (name, options) in [("adopted", report.adopted), ("needs_restart", report.awaitingRestart)] {
                writer.name(name)
                writer.beginArray()
                for option in options {
                    writer.beginObject()
                    writer.member("option", option.name)
                    if let place = option.place { writer.member("place", "\(place)") }
                    writer.endObject()
                }
                writer.endArray()
            }
            writer.name("diagnostics")
            writer.beginArray()
            for diagnostic in report.diagnostics { write(diagnostic, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
    }

    private static func write(_ diagnostic: Diagnostic, to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("severity", diagnostic.severity.rawValue)
        writer.member("place", "\(diagnostic.place)")
        if let option = diagnostic.option { writer.member("option", option) }
        writer.member("message", diagnostic.message)
        writer.endObject()
    }

    static func logLevel(_ level: LogLevel) -> OperatorAnswer {
        json { writer in
            writer.beginObject()
            writer.member("level", "\(level.name)")
            writer.endObject()
        }
    }

    /// 202: it has begun.
    static func draining(seconds: UInt32, allocations: Int) -> OperatorAnswer {
        json(.accepted) { writer in
            writer.beginObject()
            writer.member("draining", true)
            writer.member("allocations", allocations)
            if seconds > 0 { writer.member("deadline_s", Int(seconds)) }
            writer.endObject()
        }
    }

    static func configuration(_ options: [ShownOption]) -> OperatorAnswer {
        json { writer in
            writer.beginObject()
            writer.name("options")
            writer.beginArray()
            for option in options {
                writer.beginObject()
                writer.member("name", option.name)
                writer.name("value")
                if let value = option.value { writer.string(value) } else { writer.null() }
                writer.member("place", option.place)
                writer.endObject()
            }
            writer.endArray()
            writer.endObject()
        }
    }

    // MARK: - Allocations

    static func allocations(
        _ sessions: SessionList, _ query: AllocationQuery, _ configuration: ServerConfiguration
    ) -> OperatorAnswer {
        if query.id != nil, sessions.count == 0 {
            return refusal(.notFound, "allocation_not_found", "there is no such allocation")
        }
        var shown = sessions
        shown.sort(limit: query.limit)
        return json { writer in
            writer.beginObject()
            writer.member("count", sessions.count)
            writer.name("allocations")
            writer.beginArray()
            for session in shown.reports { write(session, to: &writer) }
            writer.endArray()
            writer.endObject()
        }
    }

    private static func write(_ session: SessionReport, to writer: inout JSONWriter) {
        let summary = session.summary
        writer.beginObject()
        writer.member("id", session.number.text)
        // A name may be any bytes; what is no text is shown as the log shows it.
        let user = String(validating: summary.username, as: UTF8.self) ?? "\(Quoted(summary.username))"
        writer.member("user", user)
        writer.member("transport", "\(summary.fiveTuple.transport)")
        writer.member("client", "\(summary.fiveTuple.client.socketAddress)")
        writer.member("server", "\(summary.fiveTuple.server)")
        writer.member("attached", summary.isAttached)
        writer.member("relays", summary.relaysTCP ? "tcp" : "udp")
        writer.name("relayed")
        writer.beginArray()
        for address in summary.relayed { writer.string("\(address)") }
        writer.endArray()
        writer.member("lifetime_s", Int(summary.lifetimeSeconds))
        let traffic = session.traffic
        let figures = [
            ("to_peer_packets", traffic.toPeerPackets), ("to_peer_bytes", traffic.toPeerBytes),
            ("to_client_packets", traffic.toClientPackets), ("to_client_bytes", traffic.toClientBytes),
        ]
        for (name, value) in figures { writer.member(name, Int(clamping: value)) }
        writer.endObject()
    }

    // MARK: - The server

    static func overview(_ standing: ServerStanding) -> OperatorAnswer {
        json { writer in
            writer.beginObject()
            writer.member("version", Version.number)
            writer.member("time", Int(standing.unixTime.seconds))
            writer.member("uptime_s", Int(standing.uptimeSeconds))
            writer.member("workers", standing.workerCount)
            writer.member("resident_bytes", Int(clamping: standing.residentBytes))
            writer.member("open_files", standing.openFiles)
            writer.member("open_files_max", standing.openFilesMax)
            writer.member("draining", standing.signaling.isDraining)
            writer.name("allocations")
            allocations(standing.report, &writer)
            writer.name("relayed")
            relayed(standing.report, &writer)
            writer.name("drops")
            drops(standing.report, &writer)
            writer.member("client_connections", standing.report.openStreams)
            writer.member("dtls_associations", standing.report.associations)
            writer.name("signaling")
            signaling(standing.signaling, &writer)
            writer.name("certificates")
            certificates(standing, &writer)
            writer.endObject()
        }
    }

    private static func allocations(_ report: WorkerReport, _ writer: inout JSONWriter) {
        writer.beginObject()
        for transport in ClientTransport.allCases {
            writer.member("\(transport)", report.transports[transport].allocations)
        }
        writer.member("opened_total", Int(clamping: report.control.allocationsOpened))
        writer.endObject()
    }

    private static func relayed(_ report: WorkerReport, _ writer: inout JSONWriter) {
        var total = Traffic()
        for transport in ClientTransport.allCases { total.add(report.transports[transport].traffic) }
        writer.beginObject()
        writer.member("to_peer_packets", Int(clamping: total.toPeerPackets))
        writer.member("to_peer_bytes", Int(clamping: total.toPeerBytes))
        writer.member("to_client_packets", Int(clamping: total.toClientPackets))
        writer.member("to_client_bytes", Int(clamping: total.toClientBytes))
        writer.endObject()
    }

    private static func drops(_ report: WorkerReport, _ writer: inout JSONWriter) {
        writer.beginObject()
        for reason in DropReason.allCases { writer.member("\(reason)", Int(clamping: report.drops[reason])) }
        writer.member("unread", Int(clamping: report.droppedAtListeners + report.droppedAtRelays))
        writer.member("unsent", Int(clamping: report.sent.failed))
        writer.endObject()
    }

    private static func signaling(_ standing: ServiceStanding, _ writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("connections", standing.connections)
        writer.member("rooms", standing.rooms)
        writer.member("participants", standing.participants)
        writer.member("credentials_issued_total", Int(clamping: standing.web.credentialsIssued))
        writer.name("dialects")
        writer.beginObject()
        for dialect in standing.dialects { writer.member(dialect.name, dialect.live.connections) }
        writer.endObject()
        writer.endObject()
    }

    private static func certificates(_ standing: ServerStanding, _ writer: inout JSONWriter) {
        writer.beginArray()
        for certificate in standing.certificates {
            writer.beginObject()
            writer.member("file", certificate.source)
            writer.name("names")
            writer.beginArray()
            for name in certificate.names { writer.string(name) }
            writer.endArray()
            writer.member("not_after", Int(certificate.notAfter.seconds))
            writer.member(
                "days_left", Int((certificate.notAfter.seconds - standing.unixTime.seconds) / 86_400))
            writer.endObject()
        }
        writer.endArray()
    }
}
