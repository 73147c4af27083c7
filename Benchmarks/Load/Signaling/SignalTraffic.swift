import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Messages through rooms: each sender sends its next burst when the last has arrived with everybody who was to have
/// it, or all of them send by the clock.
final class SignalTraffic {
    private struct Flow {
        /// Who sends together: one member, or all of a room.
        let senders: [Int]
        /// All messages of one sender's burst.
        let frames: [UInt8]
        /// Arrivals that one burst leads to.
        let arrivals: Int
        /// Arrivals that are still to come.
        var outstanding = 0
    }

    private let options: SignalOptions
    private let pool: SignalPool
    private var flows: [Flow] = []
    /// The one flow that reaches a client, by the client's index.
    private var flowReaching: [Int] = []
    private var next = 0
    private var sent = 0
    private var delivered = 0
    private var failure: SignalError?

    /// Bursts of one sender under way when all send by the clock; who is that far behind is left out.
    private static let backlogMax = 32

    init(_ options: SignalOptions) throws(SystemError) {
        self.options = options
        pool = try SignalPool(options)
    }

    func run() throws -> SignalOutcome {
        guard options.members >= 2 else { throw SignalError.stalled("nobody is there to send to") }
        try pool.fill(rooms: 0..<options.rooms, members: options.members, concurrency: 64)
        try makeFlows()
        let start = Clock.monotonic()
        let measureFrom = start.nanoseconds + UInt64(options.warmup * 1e9)
        let end = measureFrom + UInt64(options.seconds * 1e9)
        var first: Reading?
        if options.rate == 0 { for _ in 0..<min(options.window ?? flows.count, flows.count) { sendNext() } }
        while true {
            let now = Clock.monotonic()
            if first == nil, now.nanoseconds >= measureFrom { first = reading() }
            if now.nanoseconds >= end { break }
            if options.rate > 0 { sendDue(since: start, at: now) }
            // A thousand times a second, when there is a clock to send by.
            let pause: UInt64 = options.rate > 0 ? 1_000_000 : 100_000_000
            try pool.round(until: Instant(nanoseconds: now.nanoseconds + pause)) { client, progress in
                note(progress, of: client)
            }
            if let failure { throw failure }
        }
        let last = reading()
        guard let first else { throw SignalError.stalled("there was no time to measure") }
        let interval = Interval(from: first, to: last)
        let lost = try countLost()
        // Seats that are kept for whoever may come back would be in the way of the next run.
        try pool.leave()
        return SignalOutcome(interval: interval, lost: lost, sent: sent)
    }

    private func reading() -> Reading { Reading(pid: options.pid, delivered: delivered, sent: sent) }

    // MARK: - Flows

    /// Within a room each member sends to the next, or the first one to all, or all to all. So each client hears from
    /// one flow.
    private func makeFlows() throws(SignalError) {
        flowReaching = Array(repeating: 0, count: pool.clients.count)
        // Clients of a room need not have come in one after the other.
        var membersOfRoom: [String: [Int]] = [:]
        for (index, client) in pool.clients.enumerated() {
            if let client { membersOfRoom[client.room, default: []].append(index) }
        }
        let data = Self.data(byteCount: options.payload)
        for (room, members) in membersOfRoom.sorted(by: { $0.key < $1.key }) {
            guard members.count == options.members else { throw .stalled("\(room) is not full") }
            switch options.message {
            case .broadcast:
                for member in members { flowReaching[member] = flows.count }
                let text = #"{"type":"broadcast","room":"\#(room)","data":\#(data)}"#
                addFlow(from: options.everybodyTalks ? members : [members[0]], text, receivers: members.count - 1)
            case .signal:
                for (position, member) in members.enumerated() {
                    let target = members[(position + 1) % members.count]
                    let name = String(decoding: pool.clients[target]?.identifier ?? [], as: UTF8.self)
                    flowReaching[target] = flows.count
                    let text = #"{"type":"signal","room":"\#(room)","to":"\#(name)","data":\#(data)}"#
                    addFlow(from: [member], text, receivers: 1)
                }
            }
        }
    }

    private func addFlow(from senders: [Int], _ text: String, receivers: Int) {
        let frames = Array(repeatElement(SignalClient.frame(text), count: options.burst).joined())
        flows.append(Flow(senders: senders, frames: frames, arrivals: senders.count * options.burst * receivers))
    }

    /// What browsers send: a candidate when it is short, a description when it is long, whose line ends are escapes.
    private static func data(byteCount: Int) -> String {
        guard byteCount > 400 else {
            let head = #"{"candidate":"candidate:842163049 1 udp 1677729535 192.0.2.1 46154 typ srflx"#
            let tail = #"","sdpMid":"0"}"#
            let padding = max(0, byteCount - head.utf8.count - tail.utf8.count)
            return head + String(repeating: "x", count: padding) + tail
        }
        let head = #"{"type":"offer","sdp":"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"#
        let line = #"a=rtpmap:111 opus/48000/2\r\n"#
        var text = head
        while text.utf8.count + line.utf8.count + 2 <= byteCount { text += line }
        return text + String(repeating: "x", count: max(0, byteCount - text.utf8.count - 2)) + #""}"#
    }

    // MARK: - Sending

    /// One burst of the next flow that has none under way.
    private func sendNext() {
        for _ in 0..<flows.count {
            let index = next
            next = next + 1 == flows.count ? 0 : next + 1
            if flows[index].outstanding == 0 { return send(index) }
        }
    }

    private func sendDue(since start: Instant, at now: Instant) {
        let due = Int(Double(now.nanoseconds(since: start)) * Double(options.rate) / 1e9)
        var tries = max(0, due - sent)
        while tries > 0 {
            tries -= 1
            if flows[next].outstanding < Self.backlogMax * flows[next].arrivals { send(next) }
            next = next + 1 == flows.count ? 0 : next + 1
        }
    }

    private func send(_ index: Int) {
        for sender in flows[index].senders {
            guard let client = pool.clients[sender], client.send(flows[index].frames) else {
                failure = .client(.blocked)
                return
            }
        }
        flows[index].outstanding += flows[index].arrivals
        sent += 1
    }

    private func note(_ progress: SignalClient.Progress, of client: Int) {
        switch progress {
        case .delivered(let byteCount):
            guard byteCount >= options.payload else {
                failure = .client(.malformed)
                return
            }
            delivered += 1
            let flow = flowReaching[client]
            flows[flow].outstanding -= 1
            if flows[flow].outstanding == 0, options.rate == 0 { sendNext() }
        case .failed(let reason): failure = .client(reason)
        case .waiting, .arrived: break
        }
    }

    /// Deliveries that never came, half a second after the last message was sent.
    private func countLost() throws(SystemError) -> Int {
        let end = Clock.monotonic().advanced(byMilliseconds: 500)
        while flows.contains(where: { $0.outstanding > 0 }), Clock.monotonic() < end {
            try pool.round(until: end) { client, progress in
                if case .delivered = progress { flows[flowReaching[client]].outstanding -= 1 }
            }
        }
        return flows.reduce(0) { $0 + $1.outstanding }
    }
}
