import EventLoop
import LinuxSockets
import NetworkPrimitives

/// Runs the requests of many clients, a few at a time.
final class ClientPool {
    private let options: Options
    private let links: Links?
    let credentials: Credentials
    private var poller: Poller
    private let inbox = Inbox()
    private(set) var clients: [Client] = []
    /// The first refusals, to be shown.
    private(set) var refusals: [Int] = []
    private(set) var failures = 0
    /// Why the first connection ended that was lost.
    private(set) var loss: String?
    private var clientsMade: UInt32

    private static let retransmissionsMax: Int = 10
    /// A client that has waited for so long asks again, although others are answered.
    private static let patience: UInt64 = 1_000_000_000
    private var nextLook: UInt64 = 0

    /// Clients are numbered from `firstNumber` on; no two pools of a run may use the same numbers.
    init(_ options: Options, _ links: Links?, firstNumber: UInt32 = 0) throws(SystemError) {
        self.options = options
        self.links = links
        clientsMade = firstNumber
        credentials = Credentials(user: options.user, password: options.password)
        poller = try Poller()
    }

    /// Adds a client for each peer.
    func addClients(toPeers peers: [SocketAddress]) {
        for peer in peers { clients.append(makeClient(to: peer)) }
    }

    func makeClient(to peer: SocketAddress) -> Client {
        clientsMade += 1
        return Client(number: clientsMade, peer: peer, credentials: credentials, options: options, links: links)
    }

    /// Ends all connections.
    func leave() { clients = [] }

    private func begin(_ script: [Client.Step], _ index: Int) throws(SystemError) {
        let client = clients[index]
        let wasOpen = client.link.isOpen
        try client.begin(script)
        // Refused at once, which is seen when nothing comes.
        guard client.link.raw >= 0 else { return }
        guard !wasOpen else { return watchWrites(index) }
        client.link.watchesWrites = client.link.waits
        try poller.add(client.link.raw, token: UInt64(index), interest: interest(of: client.link))
    }

    private func interest(of link: Link) -> Poller.Interest {
        link.watchesWrites ? [.readable, .writable] : .readable
    }

    /// Looks for room to write as long as something waits for it.
    private func watchWrites(_ index: Int) {
        let link = clients[index].link
        guard link.raw >= 0, link.waits != link.watchesWrites else { return }
        link.watchesWrites.toggle()
        try? poller.modify(link.raw, token: UInt64(index), interest: interest(of: link))
    }

    /// Has all clients go through the script, at most `concurrency` at a time.
    func run(_ script: [Client.Step], concurrency: Int) throws(SystemError) {
        var next = min(concurrency, clients.count)
        var running = next
        for index in 0..<next { try begin(script, index) }
        while running > 0 {
            var ended = 0
            try round { index, progress in
                switch progress {
                case .waiting, .advanced: return
                case .finished: break
                case .failed(let code): noteRefusal(code)
                case .lost: noteLoss(index)
                }
                ended += 1
            }
            running -= ended
            // Whom the server refuses once it will refuse again.
            while ended > 0, next < clients.count, failures == 0 {
                try begin(script, next)
                ended -= 1
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
        addClients(toPeers: Array(repeating: peer, count: concurrency))
        for index in clients.indices { try begin(script, index) }
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
                case .lost: noteLoss(index)
                }
                ended.append(index)
            }
            for index in ended {
                clients[index] = makeClient(to: peer)
                try begin(script, index)
            }
            if finished == 0, failures > 0, retransmissionsAreUsedUp || failures > 1000 { return }
        }
    }

    private func noteRefusal(_ code: Int) {
        failures += 1
        if refusals.count < 8 { refusals.append(code) }
    }

    private func noteLoss(_ index: Int) {
        failures += 1
        if loss == nil { loss = clients[index].link.failure.map { "\($0)" } ?? "the server ended the connection" }
    }

    private var retransmissionsAreUsedUp: Bool {
        clients.contains { !$0.isFinished && $0.retransmissions > Self.retransmissionsMax }
    }

    private func round(_ report: (Int, Client.Progress) -> Void) throws(SystemError) {
        let now = Clock.monotonic()
        let count = try poller.wait(until: now.advanced(byMilliseconds: 250), now: now)
        guard count > 0 else { return retransmit(sentBefore: .max) }
        if now.nanoseconds >= nextLook {
            nextLook = now.nanoseconds + Self.patience / 4
            retransmit(sentBefore: now.nanoseconds - min(now.nanoseconds, Self.patience))
        }
        for event in 0..<count {
            let (token, _, isWritable, _) = poller.event(at: event)
            let index = Int(token)
            let client = clients[index]
            if isWritable { links?.flush() }
            let wasFinished = client.isFinished
            client.link.receive(inbox) { report(index, client.receive($0)) }
            if client.link.hasEnded, !wasFinished, !client.isFinished { report(index, client.lose()) }
            watchWrites(index)
        }
    }

    private func retransmit(sentBefore limit: UInt64) {
        for client in clients where !client.isFinished && client.sentAt < limit {
            client.retransmit()
            if client.retransmissions > Self.retransmissionsMax { failures += 1 }
        }
    }
}
