import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Runs the requests of many clients, a few at a time.
final class ClientPool {
    private let options: Options
    let credentials: Credentials
    private var poller: Poller
    private let inbox = Inbox()
    private(set) var clients: [Client] = []
    /// The first refusals, to be shown.
    private(set) var refusals: [Int] = []
    private(set) var failures = 0
    private var clientsMade: UInt32

    private static let retransmissionsMax: Int = 10

    /// Clients are numbered from `firstNumber` on; no two pools of a run may use the same numbers.
    init(_ options: Options, firstNumber: UInt32 = 0) throws(SystemError) {
        self.options = options
        clientsMade = firstNumber
        credentials = Credentials(user: options.user, password: options.password)
        poller = try Poller()
    }

    /// Adds a client for each peer.
    func addClients(toPeers peers: [SocketAddress]) throws(SystemError) {
        for peer in peers {
            let client = try makeClient(to: peer)
            try poller.add(client.socket.raw, token: UInt64(clients.count), interest: .readable)
            clients.append(client)
        }
    }

    func makeClient(to peer: SocketAddress) throws(SystemError) -> Client {
        clientsMade += 1
        return try Client(number: clientsMade, peer: peer, credentials: credentials, options: options)
    }

    /// Has all clients go through the script, at most `concurrency` at a time.
    func run(_ script: [Client.Step], concurrency: Int) throws(SystemError) {
        var next = min(concurrency, clients.count)
        var running = next
        for index in 0..<next { clients[index].begin(script) }
        while running > 0 {
            try round { index, progress in
                switch progress {
                case .waiting, .advanced: return
                case .finished: break
                case .failed(let code): noteRefusal(code)
                }
                running -= 1
                // Whom the server refuses once it will refuse again.
                guard next < clients.count, failures == 0 else { return }
                clients[next].begin(script)
                next += 1
                running += 1
            }
            if failures > 0, retransmissionsAreUsedUp { return }
        }
    }

    /// Lets `concurrency` clients go through the script again and again, each time from a new address, until `isOver`
    /// says so; `isOver` is told how often the script was finished, and how long that took the last time.
    func cycle(
        _ script: [Client.Step], concurrency: Int, peer: SocketAddress, until isOver: (Int, [UInt64]) -> Bool
    ) throws(SystemError) {
        var finished = 0
        var durations: [UInt64] = []
        try addClients(toPeers: Array(repeating: peer, count: concurrency))
        for client in clients { client.begin(script) }
        while !isOver(finished, durations) {
            var ended: [Int] = []
            durations.removeAll(keepingCapacity: true)
            try round { index, progress in
                switch progress {
                case .waiting, .advanced: return
                case .finished:
                    finished += 1
                    durations.append(Clock.monotonic().nanoseconds - clients[index].beganAt)
                case .failed(let code): noteRefusal(code)
                }
                ended.append(index)
            }
            for index in ended {
                let client = try makeClient(to: peer)
                try poller.add(client.socket.raw, token: UInt64(index), interest: .readable)
                clients[index] = client
                client.begin(script)
            }
            if finished == 0, failures > 0, retransmissionsAreUsedUp || failures > 1000 { return }
        }
    }

    private func noteRefusal(_ code: Int) {
        failures += 1
        if refusals.count < 8 { refusals.append(code) }
    }

    private var retransmissionsAreUsedUp: Bool {
        clients.contains { !$0.isFinished && $0.retransmissions > Self.retransmissionsMax }
    }

    private func round(_ report: (Int, Client.Progress) -> Void) throws(SystemError) {
        let now = Clock.monotonic()
        let count = try poller.wait(until: now.advanced(byMilliseconds: 250), now: now)
        guard count > 0 else { return retransmit() }
        for event in 0..<count {
            let index = Int(poller.event(at: event).token)
            let client = clients[index]
            for slot in 0..<inbox.receive(from: client.socket.raw, limit: 4) {
                _ = unsafe inbox.forEachDatagram(inSlot: slot) {
                    let progress = unsafe client.receive($0.bytes)
                    report(index, progress)
                }
            }
        }
    }

    private func retransmit() {
        for client in clients where !client.isFinished {
            client.retransmit()
            if client.retransmissions > Self.retransmissionsMax { failures += 1 }
        }
    }
}
