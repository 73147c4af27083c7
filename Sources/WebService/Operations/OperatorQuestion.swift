package import EngineIO
package import NetworkPrimitives

/// What an operator asks that this machine does not know itself; the shell answers it with `answer(_:_:)`.
package enum OperatorQuestion: Hashable, Sendable {
    /// All counters, as text for Prometheus.
    case metrics
    /// What runs, and how much of it.
    case overview
    /// Allocations that fulfil all of these conditions.
    case allocations(AllocationQuery)
    /// The same, to be ended.
    case endAllocations(AllocationQuery)
    /// The configuration is to be read again.
    case reload
    /// Nobody new is to be served; and the server stops when its time has come.
    case drain
    case logLevel
    case setLogLevel(String)
    /// The configuration in force, without its secrets.
    case configuration
    /// Whether clients may reach a peer, and which rule says so.
    case peer(IPAddress, port: UInt16?)
}

/// Conditions on allocations.
package struct AllocationQuery: Hashable, Sendable {
    /// Eighteen digits, as the log has them.
    package var id: String?
    package var user: String?
    package var client: IPAddress?
    /// How many are shown.
    package var limit = 1000

    package init() {}

    /// Whether it would mean all of them.
    var isUnconditional: Bool { id == nil && user == nil && client == nil }
}

/// A question that waits, by the number under which it is to be answered.
package struct AskedQuestion: Sendable {
    package let id: RequestID
    package let question: OperatorQuestion
}
