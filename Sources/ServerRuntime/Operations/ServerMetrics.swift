import LinuxSockets
import NetworkPrimitives
import STUN
import Signaling
import TURN
import Telemetry
import WebService

/// The standing of the server as metrics. Labels have few values, all of our choosing: never a user's name.
enum ServerMetrics {
    static func text(_ standing: ServerStanding, withCoturnNames: Bool) -> [UInt8] {
        var text = PrometheusText()
        process(standing, &text)
        allocations(standing.report, &text)
        traffic(standing.report, &text)
        protocolFigures(standing.report, &text)
        streams(standing.report, &text)
        signaling(standing.signaling, &text)
        if withCoturnNames { CoturnMetrics.append(standing.report, &text) }
        return text.bytes
    }

    private static func process(_ standing: ServerStanding, _ text: inout PrometheusText) {
        text.family("tern_build_info", .gauge, "The version that runs.")
        text.sample("tern_build_info", [("version", Version.number)], 1)
        text.gauge("tern_uptime_seconds", "Since the start.", Int(standing.uptimeSeconds))
        text.gauge("tern_workers", "Threads that relay.", standing.workerCount)
        text.gauge("process_resident_memory_bytes", "Memory of the process.", Int(standing.residentBytes))
        text.gauge("process_open_fds", "Descriptors that are open.", standing.openFiles)
        text.gauge("process_max_fds", "Descriptors that may be open.", standing.openFilesMax)
        text.gauge("tern_draining", "1 while nobody new is served.", standing.signaling.isDraining ? 1 : 0)
        guard !standing.certificates.isEmpty else { return }
        text.family("tern_certificate_expiry_timestamp_seconds", .gauge, "When a certificate runs out.")
        for certificate in standing.certificates {
            text.sample(
                "tern_certificate_expiry_timestamp_seconds", [("file", certificate.source)],
                Int(certificate.notAfter.seconds))
        }
    }

    private static func allocations(_ report: WorkerReport, _ text: inout PrometheusText) {
        text.family("tern_allocations", .gauge, "Allocations at present, by the client's transport.")
        for transport in ClientTransport.allCases {
            text.sample(
                "tern_allocations", [("transport", "\(transport)")], report.transports[transport].allocations)
        }
        text.counter("tern_allocations_opened_total", "Allocations made.", report.control.allocationsOpened)
        text.family("tern_allocations_closed_total", .counter, "Allocations that ended, by reason.")
        let ends: [(String, UInt64)] = [
            ("deleted", report.control.allocationsDeleted), ("expired", report.control.allocationsExpired),
            ("revoked", report.control.allocationsRevoked),
            ("disconnected", report.control.allocationsDisconnected),
        ]
        for (reason, count) in ends { text.sample("tern_allocations_closed_total", [("reason", reason)], count) }
        text.counter(
            "tern_allocations_moved_total", "Clients that moved to another address (RFC 8016).",
            report.control.allocationsMoved)
    }

    private static func traffic(_ report: WorkerReport, _ text: inout PrometheusText) {
        let families: [(String, String, (Traffic) -> (UInt64, UInt64))] = [
            ("tern_relayed_packets_total", "Datagrams relayed.", { ($0.toPeerPackets, $0.toClientPackets) }),
            ("tern_relayed_bytes_total", "Bytes of datagrams relayed.", { ($0.toPeerBytes, $0.toClientBytes) }),
        ]
        for (name, help, figures) in families {
            text.family(name, .counter, help)
            for transport in ClientTransport.allCases {
                let (toPeer, toClient) = figures(report.transports[transport].traffic)
                text.sample(name, [("transport", "\(transport)"), ("direction", "to_peer")], toPeer)
                text.sample(name, [("transport", "\(transport)"), ("direction", "to_client")], toClient)
            }
        }
        text.family("tern_dropped_datagrams_total", .counter, "Datagrams that went nowhere, by reason.")
        for reason in DropReason.allCases {
            text.sample("tern_dropped_datagrams_total", [("reason", "\(reason)")], report.drops[reason])
        }
        text.family("tern_unread_datagrams_total", .counter, "Datagrams that the kernel dropped unread.")
        text.sample("tern_unread_datagrams_total", [("socket", "listener")], report.droppedAtListeners)
        text.sample("tern_unread_datagrams_total", [("socket", "relay")], report.droppedAtRelays)
        text.counter("tern_sent_datagrams_total", "Datagrams given to the kernel.", report.sent.sent)
        text.family("tern_send_failures_total", .counter, "Datagrams that the kernel did not take, by reason.")
        let failures: [(String, UInt64)] = [
            ("queue_full", report.sent.wouldBlock), ("too_long", report.sent.messageTooLong),
            ("unreachable", report.sent.unreachable), ("not_permitted", report.sent.notPermitted),
            ("other", report.sent.other),
        ]
        for (reason, count) in failures { text.sample("tern_send_failures_total", [("reason", reason)], count) }
    }

    private static func protocolFigures(_ report: WorkerReport, _ text: inout PrometheusText) {
        text.counter("tern_binding_responses_total", "Binding requests answered.", report.control.bindingResponses)
        text.counter("tern_turn_successes_total", "Other requests that succeeded.", report.control.successes)
        text.counter(
            "tern_challenges_total", "Requests without credentials that were answered 401 or 438.",
            report.control.challenges)
        text.family("tern_turn_errors_total", .counter, "Error responses, by code.")
        for code in ErrorCode.allCases {
            text.sample(
                "tern_turn_errors_total", [("code", "\(code.rawValue)")], report.control.errorResponses(code))
        }
    }

    private static func streams(_ report: WorkerReport, _ text: inout PrometheusText) {
        text.gauge("tern_client_connections", "Connections of clients over TCP and TLS.", report.openStreams)
        text.gauge("tern_dtls_associations", "DTLS associations.", report.associations)
        text.counter("tern_client_connections_total", "Connections accepted.", report.streams.accepted)
        text.family("tern_client_connections_closed_total", .counter, "Connections that we ended, by reason.")
        let ends: [(String, UInt64)] = [
            ("refused", report.streams.refused), ("unframable", report.streams.unframable),
            ("idle", report.streams.idle), ("unread", report.streams.unread),
            ("displaced", report.streams.displaced), ("not_a_proxy", report.streams.strangers),
            ("bad_proxy_header", report.streams.badProxyHeaders), ("not_encrypted", report.streams.unencrypted),
        ]
        for (reason, count) in ends {
            text.sample("tern_client_connections_closed_total", [("reason", reason)], count)
        }
        text.family("tern_handshakes_total", .counter, "Handshakes of TLS and DTLS, by how they ended.")
        text.sample("tern_handshakes_total", [("protocol", "tls"), ("result", "complete")], report.streams.handshakes)
        text.sample(
            "tern_handshakes_total", [("protocol", "tls"), ("result", "failed")], report.streams.failedHandshakes)
        text.sample("tern_handshakes_total", [("protocol", "dtls"), ("result", "complete")], report.dtls.established)
        text.sample("tern_handshakes_total", [("protocol", "dtls"), ("result", "failed")], report.dtls.failed)
    }

    private static func signaling(_ standing: ServiceStanding, _ text: inout PrometheusText) {
        text.gauge("tern_signaling_connections", "Connections of HTTP and WebSocket.", standing.connections)
        text.gauge("tern_signaling_rooms", "Rooms, of all protocols.", standing.rooms)
        text.gauge("tern_signaling_participants", "Members of rooms.", standing.participants)
        let web = standing.web
        text.counter("tern_http_requests_total", "Requests.", web.requests)
        text.counter("tern_websocket_upgrades_total", "WebSockets.", web.upgrades)
        text.family("tern_signaling_messages_total", .counter, "Messages over WebSockets.")
        text.sample("tern_signaling_messages_total", [("direction", "in")], web.messagesIn)
        text.sample("tern_signaling_messages_total", [("direction", "out")], web.messagesOut)
        text.counter("tern_credentials_issued_total", "TURN credentials issued.", web.credentialsIssued)
        text.family("tern_signaling_refused_total", .counter, "What was refused, by reason.")
        let refusals: [(String, UInt64)] = [
            ("connections_max", web.refusedConnectionsMax), ("connections_per_source", web.refusedPerSource),
            ("connect_rate", web.refusedConnectRate), ("origin", web.refusedOrigin),
            ("authentication", web.refusedAuthentication), ("malformed", web.refusedMalformed),
            ("slow_consumer", web.slowConsumers),
        ]
        for (reason, count) in refusals { text.sample("tern_signaling_refused_total", [("reason", reason)], count) }
        dialects(standing.dialects, &text)
    }

    private static func dialects(_ dialects: [DialectStanding], _ text: inout PrometheusText) {
        guard !dialects.isEmpty else { return }
        text.family("tern_dialect_clients", .gauge, "Clients of a dialect.")
        for dialect in dialects {
            text.sample("tern_dialect_clients", [("dialect", dialect.name)], dialect.live.connections)
        }
        text.family("tern_dialect_rooms", .gauge, "Rooms of a dialect.")
        for dialect in dialects { text.sample("tern_dialect_rooms", [("dialect", dialect.name)], dialect.live.rooms) }
        let families: [(String, String, (DialectCounters) -> UInt64)] = [
            ("tern_dialect_connections_total", "Clients that came.", { $0.connections }),
            ("tern_dialect_messages_in_total", "Messages of clients.", { $0.messagesIn }),
            ("tern_dialect_messages_out_total", "Messages to clients.", { $0.messagesOut }),
            ("tern_dialect_credentials_issued_total", "TURN credentials issued.", { $0.credentialsIssued }),
            ("tern_dialect_refused_total", "Connections and entrances that the gate refused.", { $0.refusedByGate }),
            ("tern_dialect_malformed_total", "Messages that are none.", { $0.malformed }),
            ("tern_dialect_undeliverable_total", "Messages for nobody.", { $0.undeliverable }),
        ]
        for (name, help, figure) in families {
            text.family(name, .counter, help)
            for dialect in dialects { text.sample(name, [("dialect", dialect.name)], figure(dialect.counters)) }
        }
        text.family("tern_dialect_limits_total", .counter, "How often a limit of a dialect was met.")
        for dialect in dialects {
            for limit in SignalingLimit.allCases where dialect.counters[limit] > 0 {
                text.sample(
                    "tern_dialect_limits_total", [("dialect", dialect.name), ("limit", limit.rawValue)],
                    dialect.counters[limit])
            }
        }
    }
}

/// The names that coturn has for the same, so that boards made for it go on. Without labels for users and realms, and
/// live, where coturn counts a session when it has ended.
enum CoturnMetrics {
    static func append(_ report: WorkerReport, _ text: inout PrometheusText) {
        let control = report.control
        text.counter("stun_binding_request", "Incoming STUN Binding requests", control.bindingResponses)
        text.counter("stun_binding_response", "Outgoing STUN Binding responses", control.bindingResponses)
        text.family("turn_total_allocations", .gauge, "Represents current allocations number")
        for transport in ClientTransport.allCases {
            text.sample(
                "turn_total_allocations", [("type", "\(transport)".uppercased())],
                report.transports[transport].allocations)
        }
        var total = Traffic()
        for transport in ClientTransport.allCases { total.add(report.transports[transport].traffic) }
        // What we relay to peers came from clients, and the other way round.
        let figures: [(String, UInt64)] = [
            ("turn_total_traffic_rcvp", total.toPeerPackets), ("turn_total_traffic_rcvb", total.toPeerBytes),
            ("turn_total_traffic_sentp", total.toClientPackets), ("turn_total_traffic_sentb", total.toClientBytes),
            ("turn_total_traffic_peer_rcvp", total.toClientPackets),
            ("turn_total_traffic_peer_rcvb", total.toClientBytes),
            ("turn_total_traffic_peer_sentp", total.toPeerPackets),
            ("turn_total_traffic_peer_sentb", total.toPeerBytes),
            ("turn_packet_processed", total.toPeerPackets + total.toClientPackets),
            ("turn_packet_dropped", DropReason.allCases.reduce(0) { $0 + report.drops[$1] }),
            ("turn_unauthenticated_401_requests", control.challenges),
            ("turn_unauthenticated_401_responses", control.challenges),
        ]
        for (name, value) in figures { text.counter(name, "As coturn names it", value) }
    }
}
