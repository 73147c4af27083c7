/// What a run found out.
struct Outcome {
    var interval: Interval
    /// Of all that was sent, warm-up included.
    var lost = 0
    var sent = 0
    /// Of that, what the system would not take.
    var refusedBySystem = 0
    /// Datagrams that the generator's own sockets dropped, and those of the server, as far as they can be seen.
    var generatorDrops = 0
    var serverDrops: Int?
    var refusals: [Int] = []
    var failures = 0
    /// Why the first connection ended that was among the failures.
    var loss: String?
    var unexpected = 0
    var stalls = 0
    /// Connections that the server ended while they were needed.
    var endedConnections = 0
    var handshakes: Links.Handshakes?
    /// Version and cipher suite of connections that are encrypted.
    var protocolName: String?
    var latency: LatencyHistogram?
    /// Paced: how much later than scheduled bursts left, and how many were left out.
    var lateness: LatencyHistogram?
    var skipped = 0
    var samples: [Sample] = []
    /// Of the server, at the end.
    var resident: Int?
    var memory: Memory?
    var probe: Probe?
    var churn: Churn?
    /// Whether the generator looked instead of sleeping.
    var hasSpun = false

    struct Memory {
        let before: Int
        let open: Int
        let afterwards: Int
        let idleCPUShare: Double?
    }

    /// What became of the requests next to the load.
    struct Probe {
        var isRefresh = false
        var sent = 0
        var answered = 0
        var unanswered = 0
        var retransmissions = 0
        var refusals = 0
        /// Answered within 50 ms of when the request was due.
        var prompt = 0
        var latency = LatencyHistogram()
    }

    /// What became of the allocations that came and went.
    struct Churn {
        var opened = 0
        var released = 0
        var failures = 0
        var refusals: [Int] = []
        var retransmissions = 0
        /// From the first Allocate to the answer to ChannelBind.
        var setUp = LatencyHistogram()
    }

    /// Latenesses of which one in a hundred is longer mean that the generator could not keep the schedule.
    var isLate: Bool { skipped > 0 || (lateness?.percentile(99) ?? 0) > 1e6 }

    /// More about the generator than about the server.
    var isSaturated: Bool { interval.isSaturated || isLate }
}

/// What happened in one short piece of a run.
struct Sample {
    /// At its end, since the measurement began.
    let seconds: Double
    let duration: Double
    let sent: Int
    let delivered: Int
    /// Cores.
    let serverCPU: Double?
    /// Microseconds.
    let median: Double?
    let p99: Double?
}
