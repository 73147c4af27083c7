import NetworkPrimitives
import Signaling

/// A machine with clocks, and what its connections were sent.
package final class DialectHarness<Machine: Dialect & ~Copyable> {
    package struct Closing: Equatable {
        package let code: UInt16
        package let reason: String

        package init(_ code: UInt16, _ reason: String) {
            self.code = code
            self.reason = reason
        }
    }

    package let gate: OpenGate
    private var machine: Machine
    package private(set) var now = Instant(nanoseconds: 5_000_000_000)
    package private(set) var unixTime = UnixTime(seconds: 1_800_000_000)
    package private(set) var texts: [UInt64: [String]] = [:]
    package private(set) var confidential: [String] = []
    package private(set) var closings: [UInt64: Closing] = [:]
    package private(set) var pings: [UInt64: Int] = [:]
    package private(set) var members: [MemberChange] = []
    package private(set) var events: [SignalingEvent] = []
    /// Things that must not happen: texts behind the end of a connection, a connection closed twice, endless deadlines.
    package private(set) var faults: [String] = []
    private var lastConnection: UInt64 = 0

    package static var visitor: Visitor {
        Visitor(
            address: IPAddress("198.51.100.7")!, localAddress: IPAddress("203.0.113.1")!, host: "turn.example")
    }

    package static var secret: [UInt8] { [UInt8](repeating: 9, count: 32) }

    package init(_ make: (OpenGate) -> Machine) {
        let gate = OpenGate()
        self.gate = gate
        machine = make(gate)
    }

    // MARK: - Inputs

    /// Opens a connection as `body` says, and answers its number.
    package func connect<Failure: Error>(
        _ body: (inout Machine, ConnectionID, Instant, UnixTime) throws(Failure) -> Void
    ) throws(Failure) -> UInt64 {
        lastConnection += 1
        defer { drain() }
        try body(&machine, ConnectionID(rawValue: lastConnection), now, unixTime)
        return lastConnection
    }

    package func say(_ text: String, on connection: UInt64) { say(Array(text.utf8), on: connection) }

    package func say(_ text: [UInt8], on connection: UInt64) {
        machine.receive(text, from: ConnectionID(rawValue: connection), at: now, unixTime: unixTime)
        drain()
    }

    package func disconnect(_ connection: UInt64) {
        machine.disconnect(ConnectionID(rawValue: connection), at: now)
        closings[connection] = Closing(0, "by the client")
        drain()
    }

    package func slowConsumer(_ connection: UInt64) {
        machine.slowConsumer(ConnectionID(rawValue: connection), at: now)
        drain()
    }

    package func drainMachine(seconds: UInt32) {
        machine.drain(deadline: now.advanced(bySeconds: seconds), at: now)
        drain()
    }

    /// Lets time pass from deadline to deadline, as a shell does. Connections answer pings unless they are silent.
    package func advance(milliseconds: UInt32, silent: Set<UInt64> = []) {
        let end = now.advanced(byMilliseconds: milliseconds)
        let (start, startOfWallClock) = (now, unixTime)
        var turns = 0
        while let deadline = machine.nextDeadline, deadline <= end {
            now = max(now, deadline)
            unixTime = UnixTime(
                seconds: startOfWallClock.seconds + Int64(now.nanoseconds(since: start) / 1_000_000_000))
            let before = pings
            machine.handleDeadline(at: now, unixTime: unixTime)
            drain()
            for (connection, count) in pings where count != before[connection] && !silent.contains(connection) {
                machine.receivePong(from: ConnectionID(rawValue: connection))
            }
            turns += 1
            if turns > 100_000 {
                faults.append("the deadlines never end")
                return
            }
        }
        now = end
        unixTime = UnixTime(seconds: startOfWallClock.seconds + Int64(milliseconds / 1000))
    }

    package func query<Result>(_ body: (borrowing Machine) -> Result) -> Result { body(machine) }

    package func act<Result>(_ body: (inout Machine, Instant) -> Result) -> Result {
        defer { drain() }
        return body(&machine, now)
    }

    // MARK: - What came out

    /// What a connection was sent since the last look.
    package func take(_ connection: UInt64) -> [String] { texts.removeValue(forKey: connection) ?? [] }

    package func takeMembers() -> [MemberChange] {
        defer { members = [] }
        return members
    }

    package func takeEvents() -> [SignalingEvent] {
        defer { events = [] }
        return events
    }

    private func drain() {
        while let output = machine.nextOutput() {
            switch output {
            case .send(let connections, let text, let isConfidential):
                let text = String(decoding: text, as: UTF8.self)
                if isConfidential { confidential.append(text) }
                for connection in connections {
                    if closings[connection.rawValue] != nil { faults.append("a text behind the end: \(text)") }
                    texts[connection.rawValue, default: []].append(text)
                }
            case .ping(let connection): pings[connection.rawValue, default: 0] += 1
            case .close(let connection, let code, let reason):
                if closings[connection.rawValue] != nil { faults.append("closed twice") }
                closings[connection.rawValue] = Closing(code, reason)
            case .member(let change): members.append(change)
            case .event(let event): events.append(event)
            }
        }
    }
}
