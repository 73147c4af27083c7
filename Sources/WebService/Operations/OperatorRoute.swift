import HTTP
import NetworkPrimitives

/// Where operators ask about the server itself, all of them below `/v1` but the metrics.
enum OperatorRoute: Hashable {
    case metrics
    case overview
    case allocations
    case allocation(String)
    case reload, drain, logLevel, configuration
    case peer(IPAddress, port: UInt16?)

    /// By what stands behind `v1`; nil when it is none of these.
    init?(versioned segments: [String]) {
        switch (segments.first, segments.count) {
        case ("server", 1): self = .overview
        case ("allocations", 1): self = .allocations
        case ("allocations", 2): self = .allocation(segments[1])
        case ("reload", 1): self = .reload
        case ("drain", 1): self = .drain
        case ("log-level", 1): self = .logLevel
        case ("configuration", 1): self = .configuration
        case ("peers", 2):
            if let ip = IPAddress(segments[1]) {
                self = .peer(ip, port: nil)
            } else if let peer = SocketAddress(segments[1]) {
                self = .peer(peer.ip, port: peer.port)
            } else {
                return nil
            }
        default: return nil
        }
    }

    var methods: [HTTPMethod] {
        switch self {
        case .metrics, .overview, .configuration, .peer: [.get]
        case .allocations, .allocation: [.get, .delete]
        case .reload, .drain: [.post]
        case .logLevel: [.get, .put]
        }
    }
}
