import CLoad
import EventLoop
import LinuxSockets
import NetworkPrimitives

/// One direction of one allocation: where its datagrams leave, and what they are.
struct Flow {
    let sender: CInt
    /// The train of datagrams, within `Traffic.trains`.
    let start: Int
    let datagramBytes: Int
}

/// Datagrams on their way through the server, sent by us and received by us.
///
/// Closed loop: the window is kept full, so that the server is the one who is waited for. Paced: so many a second.
@safe final class Traffic {
    private let options: Options
    private var poller: Poller
    private var received = ReceiveBatch(slots: 64, slotBytes: 65_664, headroom: 0)
    private var flows: [Flow] = []
    private var trains: [UInt8] = []
    /// By token of the poller: the descriptor, and the lengths that a datagram may have when it comes there.
    private var arrivals: [(raw: CInt, bytes: ClosedRange<Int>)] = []
    private var nextFlow = 0
    private var inFlight = 0
    private var sent = 0
    private var delivered = 0
    private var refusedBySystem = 0
    private(set) var unexpected = 0
    private(set) var stalls = 0

    private static let stallMilliseconds: UInt32 = 50
    private static let trainBytesMax = 65_000

    init(_ options: Options) throws(SystemError) {
        self.options = options
        poller = try Poller()
    }

    /// Puts `datagram` into the memory of trains; the result goes into `addFlow`.
    func addTrain(of datagram: [UInt8]) -> Int {
        let start = trains.count
        for _ in 0..<options.burst { trains += datagram }
        return start
    }

    func addFlow(from sender: CInt, train start: Int, datagramBytes: Int) {
        precondition(
            options.burst == 1 || options.burst * datagramBytes <= Self.trainBytesMax, "a train fits a datagram of UDP")
        flows.append(Flow(sender: sender, start: start, datagramBytes: datagramBytes))
    }

    func addArrival(at raw: CInt, bytes: ClosedRange<Int>) throws(SystemError) {
        try poller.add(raw, token: UInt64(arrivals.count), interest: .readable)
        arrivals.append((raw, bytes))
    }

    /// Warms up, measures, and says what happened while measuring.
    func run() throws(SystemError) -> Interval {
        let start = Clock.monotonic()
        let measureFrom = start.nanoseconds + UInt64(options.warmup * 1e9)
        let end = measureFrom + UInt64(options.seconds * 1e9)
        var first: Reading?
        var due = start.nanoseconds
        while true {
            let now = Clock.monotonic()
            if first == nil, now.nanoseconds >= measureFrom { first = reading() }
            if let first, now.nanoseconds >= end { return Interval(from: first, to: reading()) }
            let wake = options.rate > 0 ? sendDue(&due, now) : fillWindow(now)
            try receive(until: Instant(nanoseconds: min(wake.nanoseconds, end)), now: now)
        }
    }

    /// Waits for stragglers; the result is how many never came.
    func countLost() throws(SystemError) -> Int {
        let end = Clock.monotonic().advanced(byMilliseconds: 300)
        while sent - refusedBySystem > delivered {
            let now = Clock.monotonic()
            guard now < end else { break }
            try receive(until: end, now: now)
        }
        return max(0, sent - delivered)
    }

    var totalSent: Int { sent }

    private func reading() -> Reading { Reading(pid: options.pid, delivered: delivered, sent: sent) }

    private func fillWindow(_ now: Instant) -> Instant {
        let window = max(options.window ?? 256, options.burst)
        while inFlight + options.burst <= window { sendBurst() }
        return now.advanced(byMilliseconds: Self.stallMilliseconds)
    }

    /// Sends what is due by now; the result is when the next burst will be. Never catches up more than 10 ms at once.
    private func sendDue(_ due: inout UInt64, _ now: Instant) -> Instant {
        let interval = UInt64(options.burst) * 1_000_000_000 / UInt64(options.rate)
        if due + 10_000_000 < now.nanoseconds { due = now.nanoseconds - 10_000_000 }
        while due <= now.nanoseconds {
            sendBurst()
            due += max(1, interval)
        }
        return Instant(nanoseconds: due)
    }

    private func sendBurst() {
        let flow = flows[nextFlow]
        nextFlow = nextFlow + 1 == flows.count ? 0 : nextFlow + 1
        let bytes = flow.datagramBytes * options.burst
        let result = unsafe trains.withUnsafeBytes { buffer -> CInt in
            guard let base = buffer.baseAddress else { return 0 }
            let start = unsafe base + flow.start
            return options.burst == 1
                ? unsafe cload_send(flow.sender, start, bytes)
                : unsafe cload_send_train(flow.sender, start, bytes, UInt16(flow.datagramBytes))
        }
        sent += options.burst
        if result < 0 {
            // Sent, as far as the measurement goes, and lost.
            refusedBySystem += options.burst
        } else {
            inFlight += options.burst
        }
    }

    private func receive(until wake: Instant, now: Instant) throws(SystemError) {
        let count = try poller.wait(until: wake, now: now)
        guard count > 0 else {
            // What has been missing for so long is lost; without it the window would stay closed for ever.
            if options.rate == 0, inFlight > 0, wake <= Clock.monotonic() {
                inFlight = 0
                stalls += 1
            }
            return
        }
        for index in 0..<count {
            let arrival = arrivals[Int(poller.event(at: index).token)]
            let datagrams: Int
            do { datagrams = try received.receive(from: arrival.raw) } catch { continue }
            for slot in 0..<datagrams {
                let isWhole = arrival.bytes.contains(received.payloadRange(of: slot).count)
                if isWhole { delivered += 1 } else { unexpected += 1 }
            }
            inFlight = max(0, inFlight - datagrams)
        }
    }
}
