import EventLoop
import NetworkPrimitives

/// What is done for every datagram, and all that this needs.
///
/// A structure, so that Swift checks once a round and not at every step whether somebody else is using it: with a class
/// those checks were half of the generator's own instructions.
struct Engine {
    /// An error response: the number of the arrival, and what came.
    typealias Refusal = (arrival: Int, bytes: [UInt8])

    let pace: Options.Pace
    let burst: Int
    let stamp: Stamp
    let inbox = Inbox()
    /// Connections of clients; nil when they use UDP.
    let links: Links?
    /// With what requests are sealed.
    var key = HMACKey()
    var flows: [Flow] = []
    var trains: [UInt8] = []
    var arrivals: [Arrival] = []
    /// Error responses that nobody has looked at yet.
    var refusals: [Refusal] = []

    var sent = 0
    var delivered = 0
    /// Error responses in all.
    var refused = 0
    var refusedBySystem = 0
    var unexpected = 0
    var stalls = 0
    /// Connections that the server has ended.
    var ended = 0
    /// Connections with more to write than the kernel would take.
    var waiting = 0
    var pacer: Pacer?
    var latency: LatencyHistogram?
    var lateness: LatencyHistogram?
    /// Times from here on are measured; earlier datagrams belong to the warm-up.
    var measureFrom: UInt64 = .max

    var nextFlow = 0
    var inFlight = 0
    var round = 0
    var lastArrival: UInt64 = 0

    init(_ options: Options, _ links: Links?) {
        self.links = links
        pace = options.pace
        burst = options.burst
        stamp = Stamp(run: UInt32(truncatingIfNeeded: Clock.monotonic().nanoseconds) | 1)
        if options.hasStamps { latency = LatencyHistogram() }
    }

    mutating func begin(at now: UInt64) {
        lastArrival = now
        guard case .rate(let perSecond) = pace else { return }
        pacer = Pacer(start: now, perSecond: perSecond, burst: burst)
        lateness = LatencyHistogram()
    }

    /// Puts `datagram` into the memory of trains and returns where; with `room` for a longer one later.
    mutating func addTrain(of datagram: [UInt8], room: Int) -> Int {
        let start = trains.count
        for _ in 0..<burst { trains += datagram }
        trains += Array(repeating: 0, count: max(0, room - datagram.count))
        return start
    }

    /// The flow sends these bytes from now on.
    mutating func replaceRequest(ofFlow index: Int, by request: [UInt8]) {
        precondition(request.count <= AuthenticatedRequest.room, "it has the room of the first one")
        let start = flows[index].start
        trains.replaceSubrange(start..<start + request.count, with: request)
        flows[index].datagramBytes = request.count
    }
}
