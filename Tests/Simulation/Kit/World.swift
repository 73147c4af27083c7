import NetworkPrimitives

/// Something that was seen and must never be seen.
package struct Violation: Equatable, Sendable, CustomStringConvertible {
    package let rule: Rule
    package let at: Instant
    package let detail: String

    package init(_ rule: Rule, at: Instant, _ detail: String) {
        self.rule = rule
        self.at = at
        self.detail = detail
    }

    package var description: String { "\(at.milliseconds) ms: \(rule): \(detail)" }
}

/// One server, the hosts around it, the network between them, and the model that judges what the server does.
package final class World {
    package let clock: VirtualClock
    package let model: ReferenceModel
    package var network: VirtualNetwork
    private let server: any Node
    private let nodes: [any Node]
    private let nodeByHost: [IPAddress: Int]
    private var actions: [(at: Instant, perform: () -> Void)] = []
    private var trace: EventTrace
    /// More events than any run has, so that a livelock fails instead of hanging.
    private let eventsMax: Int
    private var events = 0

    /// The server is told apart because the model observes it, and it alone.
    package init(
        clock: VirtualClock, network: VirtualNetwork, model: ReferenceModel, server: any Node, others: [any Node],
        eventsMax: Int = 2_000_000
    ) {
        self.clock = clock
        self.network = network
        self.model = model
        self.server = server
        self.eventsMax = eventsMax
        nodes = [server] + others
        var byHost: [IPAddress: Int] = [:]
        for (index, node) in nodes.enumerated() {
            for host in node.hosts {
                precondition(byHost[host] == nil, "one host has one node")
                byHost[host] = index
            }
        }
        nodeByHost = byHost
        trace = EventTrace(isPrinted: SimulationSeeds.isTraced)
    }

    /// Does something at a time, such as setting the wall clock. Actions of one time are done in the order given.
    package func schedule(at instant: Instant, _ perform: @escaping () -> Void) {
        let position = actions.firstIndex { $0.at > instant } ?? actions.count
        actions.insert((instant, perform), at: position)
    }

    /// The hash over all events so far: equal for equal runs.
    package var traceHash: UInt64 { trace.hash }

    package var eventCount: Int { events }

    /// Jumps from event to event: a simulated hour takes a second or two, most of it cryptography.
    package func run(until end: Instant) {
        while let next = nextEvent(), next <= end {
            clock.advance(to: next)
            while let action = actions.first, action.at <= next {
                actions.removeFirst()
                count("action")
                action.perform()
            }
            while let datagram = network.deliver(at: next) { dispatch(datagram) }
            for node in nodes {
                guard let deadline = node.nextDeadline, deadline <= next else { continue }
                count("deadline")
                wake(node)
            }
        }
        clock.advance(to: end)
    }

    private func nextEvent() -> Instant? {
        var earliest = network.nextDelivery
        for node in nodes {
            guard let deadline = node.nextDeadline else { continue }
            earliest = min(earliest ?? deadline, max(deadline, clock.now))
        }
        if let action = actions.first { earliest = min(earliest ?? action.at, action.at) }
        return earliest
    }

    private func dispatch(_ datagram: Datagram) {
        count("deliver")
        trace.record(clock.now, .delivered, datagram)
        // Datagrams for hosts that nobody plays are lost.
        guard let index = nodeByHost[datagram.destination.ip] else { return }
        let sent = nodes[index].receive(datagram, at: clock.now)
        if nodes[index] === server { model.serverReceived(datagram, sent: sent, at: clock.now) }
        transmit(sent)
    }

    private func wake(_ node: any Node) {
        let sent = node.handleDeadline(at: clock.now)
        if node === server { model.serverWoke(sent: sent, at: clock.now) }
        transmit(sent)
    }

    private func transmit(_ datagrams: [Datagram]) {
        for datagram in datagrams {
            trace.record(clock.now, .sent, datagram)
            for node in nodes where node.overhears { node.overhear(datagram) }
            network.send(datagram, at: clock.now)
        }
    }

    private func count(_ what: StaticString) {
        events += 1
        precondition(events <= eventsMax, "livelock: more events than any run has (\(what))")
    }
}

/// All events of a run as one number, and as lines when somebody wants to read them.
struct EventTrace {
    enum Kind: UInt8 { case sent, delivered }

    private(set) var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    let isPrinted: Bool

    init(isPrinted: Bool) { self.isPrinted = isPrinted }

    mutating func record(_ now: Instant, _ kind: Kind, _ datagram: Datagram) {
        mix(now.nanoseconds)
        mix(UInt64(kind.rawValue))
        mix(datagram.source)
        mix(datagram.destination)
        mix(UInt64(datagram.payload.count))
        for byte in datagram.payload { mixByte(byte) }
        guard isPrinted else { return }
        let arrow = kind == .sent ? "->" : "=>"
        print("\(now.milliseconds) ms \(datagram.source) \(arrow) \(datagram.destination) \(summary(datagram))")
    }

    private func summary(_ datagram: Datagram) -> String {
        guard let message = WireMessage(parsing: datagram.payload) else { return "\(datagram.payload.count) bytes" }
        let code = message.errorCode.map { " \($0)" } ?? ""
        return "method \(message.method) class \(message.messageClass.rawValue)\(code), \(datagram.payload.count) bytes"
    }

    // FNV-1a: order matters, and nothing but the bytes goes in.
    private mutating func mixByte(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }

    private mutating func mix(_ value: UInt64) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) { mixByte(UInt8(truncatingIfNeeded: value >> shift)) }
    }

    private mutating func mix(_ address: SocketAddress) {
        mix(UInt64(address.port))
        switch address.ip {
        case .v4(let ip): mix(UInt64(ip.rawValue))
        case .v6(let ip):
            mix(ip.high)
            mix(ip.low)
        }
    }
}
