import JSON
import NetworkPrimitives
import Signaling
import TernV1
import TestSupport

/// Clients, the lines between them and the server, and the server, in virtual time and from a seed.
package final class RoomWorld {
    /// What may be done to the outputs before anybody sees them: a wrong server.
    package typealias Tampering = (inout [SignalingOutput], inout SeededRandom) -> Void

    private var server: TernV1Server
    private let judge: RoomJudge
    private var random: SeededRandom
    private let tampering: Tampering?
    private var now = Instant(nanoseconds: 1_000_000_000)
    private var clients: [RoomClient]
    private var lastConnection: UInt64 = 0
    private var traceHash: UInt64 = 0
    private let trace: ((String) -> Void)?
    private let limits: SignalingLimits

    package init(
        seed: UInt64, clientCount: Int = 14, trace: ((String) -> Void)? = nil, tampering: Tampering? = nil
    ) {
        random = SeededRandom(seed: seed)
        self.trace = trace
        self.tampering = tampering
        var limits = SignalingLimits()
        limits.messagesPerSecond = 0
        limits.replayMessagesMax = 12
        limits.replayByteCountMax = 1 << 30
        limits.roomsPerSessionMax = 3
        self.limits = limits
        server = TernV1Server(
            settings: TernV1Settings(limits: limits), gate: SimulatedGate(), secret: random.bytes(32))
        judge = RoomJudge(
            model: RoomModel(
                replayMessagesMax: limits.replayMessagesMax, roomsPerSessionMax: limits.roomsPerSessionMax),
            resumeSeconds: limits.resumeSeconds)
        // A few names twice, so that people take their own places; some strangers; some who may send others away.
        let names: [String?] = ["ann", "ann", "bob", "mod", "mia", "quiet", "xeno", "xeno", nil, nil, "!bad"]
        clients = (0..<clientCount).map { RoomClient(number: $0, token: names[$0 % names.count]) }
    }

    /// What was wrong, if anything.
    package var findings: [String] { judge.findings }

    /// How often what happened.
    package var tally: [String: Int] { judge.tally }

    /// A number that stands for all that happened.
    package var hash: UInt64 { traceHash }

    // MARK: - Time

    /// Lets so many things happen, and time pass between them.
    package func run(steps: Int) {
        for _ in 0..<steps where findings.isEmpty {
            wait(milliseconds: pickWait())
            step(random.below(clients.count))
        }
    }

    /// Everybody goes; when the last session has run out, nothing is left.
    package func finish() -> [String] {
        for index in clients.indices {
            guard let connection = clients[index].connection else { continue }
            act(.disconnect(connection)) { $0.disconnect(ConnectionID(rawValue: connection), at: self.now) }
            clients[index].connection = nil
        }
        // Broken lines are noticed after three pings, and then their sessions wait.
        wait(milliseconds: 120_000)
        let counts = server.liveCounts
        let isEmpty =
            counts.sessions == 0 && counts.connections == 0 && counts.rooms == 0 && counts.participants == 0
        var findings = findings
        if !isEmpty { findings.append("left behind: \(counts)") }
        if server.nextDeadline != nil { findings.append("a timer for nobody") }
        return findings
    }

    private func pickWait() -> UInt32 {
        switch random.below(40) {
        case 0: UInt32(random.below(40_000))
        case 1...6: UInt32(random.below(2_000))
        default: UInt32(random.below(30))
        }
    }

    private func wait(milliseconds: UInt32) {
        let end = now.advanced(byMilliseconds: milliseconds)
        while let deadline = server.nextDeadline, deadline <= end {
            now = max(now, deadline)
            act(.deadline) { $0.handleDeadline(at: self.now, unixTime: self.unixTime) }
        }
        now = end
    }

    private var unixTime: UnixTime { UnixTime(seconds: 1_800_000_000 + Int64(now.nanoseconds / 1_000_000_000)) }

    // MARK: - One thing

    private func step(_ index: Int) {
        guard let connection = clients[index].connection else { return connect(index) }
        switch random.below(100) {
        case 0...2: lose(index, connection, isNoticed: true)
        // The server does not notice until pings are missed or the client is back.
        case 3: lose(index, connection, isNoticed: false)
        case 4:
            act(.slowConsumer(connection)) { $0.slowConsumer(ConnectionID(rawValue: connection), at: self.now) }
        case 5: operate(index)
        case 6...7: say(index, connection, .bye(connection))
        case 8...9: nonsense(index, connection)
        default: say(index, connection, request(index, connection))
        }
    }

    private func connect(_ index: Int) {
        lastConnection += 1
        let connection = lastConnection
        let visitor = Visitor(
            address: IPAddress("198.51.100.\(index)")!, localAddress: IPAddress("203.0.113.1")!, host: nil)
        var isTaken = false
        act(.connect(connection)) {
            isTaken = $0.connect(ConnectionID(rawValue: connection), visitor: visitor, token: nil, at: self.now)
        }
        guard isTaken else { return }
        clients[index].connection = connection
        // Now and then somebody says nothing.
        guard random.below(20) > 0 else {
            lose(index, connection, isNoticed: true)
            return
        }
        let hello = clients[index].hello(
            connection, resumes: random.below(10) > 0, replaces: random.below(4) == 0)
        say(index, connection, hello)
    }

    private func lose(_ index: Int, _ connection: UInt64, isNoticed: Bool) {
        clients[index].connection = nil
        guard isNoticed else { return }
        act(.disconnect(connection)) { $0.disconnect(ConnectionID(rawValue: connection), at: self.now) }
    }

    private func operate(_ index: Int) {
        if random.below(3) == 0 {
            let room = pickRoom()
            act(.closeRoom(room)) { _ = $0.closeRoom(RoomName(room.utf8)!, reason: "x", at: self.now) }
        } else if let session = clients[index].session {
            act(.endSession(session)) { _ = $0.endSession(session, reason: "x", at: self.now) }
        }
    }

    private func nonsense(_ index: Int, _ connection: UInt64) {
        let (code, text) = [
            ("unknown_type", #"{"type":"fly","id":1}"#), ("bad_request", #"{"type":"join","id":1}"#),
            ("bad_request", #"{"type":"hello","v":1,"id":1}"#),
            ("too_large", #"{"type":"update","room":"r0","id":1,"meta":"\#(String(repeating: "x", count: 2048))"}"#),
        ][random.below(4)]
        say(index, connection, .nonsense(connection, code), text: text)
    }

    private func pickRoom() -> String { (random.below(3) == 0 ? "p" : "r") + "\(random.below(3))" }

    private func request(_ index: Int, _ connection: UInt64) -> RoomAct {
        let room =
            clients[index].rooms.isEmpty || random.below(5) == 0
            ? pickRoom() : clients[index].rooms[random.below(clients[index].rooms.count)]
        let data = "{ \"n\":\(random.below(1_000_000)) }"
        switch random.below(20) {
        case 0...4:
            return .join(
                connection, room: pickRoom(), metadata: random.below(2) == 0 ? "" : data, ice: random.below(4) > 0,
                replaces: random.below(6) == 0)
        case 5: return .leave(connection, room: room)
        case 6...11: return .signal(connection, room: room, to: clients[index].somebody(&random), data: data)
        case 12...14: return .broadcast(connection, room: room, data: data)
        case 15: return .update(connection, room: room, metadata: data)
        case 16: return .roster(connection, room: room)
        case 17: return .credentials(connection, room: room)
        case 18:
            return .kick(
                connection, room: room, to: clients[index].somebody(&random), banSeconds: random.below(3) * 20)
        default: return .ping(connection)
        }
    }

    // MARK: - The line

    private func say(_ index: Int, _ connection: UInt64, _ message: RoomAct, text: String? = nil) {
        let text = text ?? RoomClient.text(message)
        act(message) {
            $0.receive(
                Array(text.utf8), from: ConnectionID(rawValue: connection), at: self.now, unixTime: self.unixTime)
        }
    }

    /// Does one thing to the server, has it judged, and brings everybody what they are sent.
    private func act(_ act: RoomAct, _ body: (inout TernV1Server) -> Void) {
        body(&server)
        var outputs: [SignalingOutput] = []
        while let output = server.nextOutput() { outputs.append(output) }
        tampering?(&outputs, &random)
        trace?("\(now.nanoseconds / 1_000_000) \(act)")
        judge.judge(act, outputs, server.liveCounts, at: now)
        for output in outputs { deliver(output) }
    }

    private func deliver(_ output: SignalingOutput) {
        switch output {
        case .send(let connections, let text, let isConfidential):
            for connection in connections {
                note(connection.rawValue ^ text.reduce(0) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 })
                guard let index = index(of: connection),
                    let sent = Sent(text, to: connection.rawValue, isConfidential: isConfidential)
                else { continue }
                trace?("    -> \(connection.rawValue) \(sent.note)")
                clients[index].receive(sent, random.below(200) == 0)
            }
        case .ping(let connection):
            guard let index = index(of: connection), !clients[index].isDeaf else { return }
            act(.pong(connection.rawValue)) { $0.receivePong(from: connection, at: self.now) }
        case .close(let connection, let code, _):
            note(UInt64(code))
            trace?("    -> \(connection.rawValue) closed \(code)")
            if let index = index(of: connection) { clients[index].connection = nil }
        case .member, .event: break
        }
    }

    private func index(of connection: ConnectionID) -> Int? {
        clients.firstIndex { $0.connection == connection.rawValue }
    }

    private func note(_ value: UInt64) { traceHash = (traceHash ^ value) &* 0x100_0000_01B3 }
}
