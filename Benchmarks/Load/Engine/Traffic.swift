import CLoad
import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Datagrams on their way through the server, sent by us and received by us.
///
/// Closed loop: the window is kept full, so that the server is the one who is waited for. Paced: on a schedule. Flood:
/// as fast as the kernel takes them.
@safe final class Traffic {
    let options: Options
    let sampler: Sampler
    private(set) var engine: Engine
    private(set) var failures = 0
    /// Told of error responses and the number of the arrival; says whether that is a failure.
    var onRefusal: ((Engine.Refusal) -> Bool)?

    private var poller: Poller
    private var companions: [any Companion] = []
    /// Nanoseconds spent looking for something to do.
    private var idle: UInt64 = 0

    /// A look that took longer was interrupted by others, and what they used was not our CPU.
    private static let lookMax: UInt64 = 2_000

    init(_ options: Options, _ links: Links?) throws(SystemError) {
        self.options = options
        poller = try Poller()
        engine = Engine(options, links)
        sampler = Sampler(pid: options.pid)
    }

    // MARK: - What is to go on

    /// Puts `datagram` into the memory of trains; the result goes into a flow.
    func addTrain(of datagram: [UInt8], room: Int = 0) -> Int { engine.addTrain(of: datagram, room: room) }

    func addFlow(_ flow: Flow) {
        precondition(options.burst == 1 || options.burst * flow.datagramBytes <= 65_507, "a train fits a datagram")
        engine.flows.append(flow)
    }

    func addArrival(_ arrival: Arrival) throws(SystemError) {
        try poller.add(arrival.raw, token: UInt64(engine.arrivals.count), interest: .readable)
        engine.arrivals.append(arrival)
    }

    func addCompanion(_ companion: some Companion) { companions.append(companion) }

    /// Watches a socket of a companion.
    func watch(_ raw: CInt, for companion: some Companion, number: Int) throws(SystemError) {
        guard let index = companions.firstIndex(where: { $0 === companion }) else { return }
        try poller.add(raw, token: UInt64(index + 1) << 32 | UInt64(number), interest: .readable)
    }

    /// With what requests are sealed.
    func seal(with key: HMACKey) { engine.key = key }

    /// The flow sends these bytes from now on.
    func replaceRequest(ofFlow index: Int, by request: [UInt8]) { engine.replaceRequest(ofFlow: index, by: request) }

    // MARK: - Running

    /// Warms up, measures, and says what happened while measuring.
    func run() throws(SystemError) -> Interval {
        let start = Clock.monotonic().nanoseconds
        let from = start + UInt64(options.warmup * 1e9)
        let end = from + UInt64(options.seconds * 1e9)
        engine.begin(at: start)
        for companion in companions { try companion.begin(in: self, at: start) }
        var first: Reading?
        var last = start
        var wasIdle = false
        while true {
            let now = Clock.monotonic().nanoseconds
            if wasIdle { idle += min(now - last, Self.lookMax) }
            last = now
            if first == nil, now >= from {
                engine.measureFrom = now
                first = reading()
                sampler.begin(at: now, until: end, sent: engine.sent, delivered: engine.delivered)
            }
            if let first, now >= end {
                let interval = Interval(from: first, to: reading())
                sampler.finish(
                    at: now, sent: engine.sent, delivered: engine.delivered, latency: engine.latency)
                return interval
            }
            if now >= sampler.due { takeSample(at: now) }
            let wake = min(try attendCompanions(at: now), end, sampler.due)
            let sentBefore = engine.sent
            let next = min(engine.send(at: now), wake)
            let events = try receive(until: spins ? now : next, now: now)
            wasIdle = events == 0 && engine.sent == sentBefore
        }
    }

    /// Waits for stragglers; the result is how many never came.
    func countLost() throws(SystemError) -> Int {
        // Where something is lost anyway, who has been quiet for so long has nothing left. Where nothing should be, it
        // is worth waiting for a server that others keep from its processor.
        let patience: UInt64 = if case .window = options.pace { 1_000_000_000 } else { 300_000_000 }
        var end = Clock.monotonic().nanoseconds + patience
        while engine.sent > engine.refusedBySystem + engine.delivered + engine.refused + engine.unexpected {
            let now = Clock.monotonic().nanoseconds
            guard now < end else { break }
            if try receive(until: end, now: now) > 0 { end = now + patience }
        }
        return max(0, engine.sent - engine.delivered - engine.refused)
    }

    /// Whether we look for something to do instead of sleeping until there is.
    var spins: Bool { options.pace == .flood || options.spins && options.rate > 0 }

    private func reading() -> Reading {
        Reading(pid: options.pid, delivered: engine.delivered, sent: engine.sent, ownIdle: idle)
    }

    private func takeSample(at now: UInt64) {
        sampler.take(at: now, sent: engine.sent, delivered: engine.delivered, latency: engine.latency)
    }

    /// Waits until `wake` for datagrams and takes what there is; returns the number of sockets at which there was any.
    func receive(until wake: UInt64, now: UInt64) throws(SystemError) -> Int {
        let count = try poller.wait(until: Instant(nanoseconds: wake), now: Instant(nanoseconds: now))
        guard count > 0 else { return 0 }
        engine.round += 1
        for index in 0..<count {
            let token = poller.event(at: index).token
            if token >> 32 == 0 {
                engine.takeArrivals(Int(token))
            } else {
                let companion = companions[Int(token >> 32) - 1]
                try companion.receive(from: Int(token & 0xFFFF_FFFF), at: Clock.monotonic().nanoseconds)
            }
        }
        if !engine.refusals.isEmpty { lookAtRefusals() }
        return count
    }

    private func lookAtRefusals() {
        let refusals = engine.refusals
        engine.refusals.removeAll(keepingCapacity: true)
        for refusal in refusals where onRefusal?(refusal) ?? true { failures += 1 }
    }

    /// The result is when one of them wants to be called again.
    private func attendCompanions(at now: UInt64) throws(SystemError) -> UInt64 {
        var wake = UInt64.max
        for companion in companions {
            if companion.due <= now { try companion.attend(at: now) }
            wake = min(wake, companion.due)
        }
        return wake
    }
}
