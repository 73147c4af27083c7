import NetworkPrimitives
import STUN
import TURN
import Testing

/// Several workers of one server: they share the ledger, and say to one another what the shell would carry.
final class TestOffice {
    let workers: [TURNHarness]
    let ledger: TestLedger
    /// With `isHeld`, nothing is said until `deliver`.
    var isHeld = false
    private(set) var letters: [(from: Int, MobilityOutput)] = []
    /// All that was ever said.
    private(set) var log: [MobilityOutput] = []
    private var isDelivering = false

    init(_ setup: TestSetup, count: Int = 2, members: TestMembers? = nil) {
        let ledger = TestLedger(
            policy: setup.quota, addresses: setup.settings.relayAddresses.map(\.local), ports: setup.ports,
            quarantineSeconds: setup.quarantineSeconds, seed: 7)
        self.ledger = ledger
        workers = (0..<count).map { TURNHarness(setup, seed: UInt64($0) + 1, ledger: ledger, members: members) }
        for (index, worker) in workers.enumerated() {
            worker.nextSocket = Int32(index + 1) * 1000
            worker.office = self
        }
    }

    func post(_ letter: MobilityOutput, from worker: TURNHarness) {
        guard let index = workers.firstIndex(where: { $0 === worker }) else { return }
        letters.append((index, letter))
        log.append(letter)
    }

    /// Lets time pass for all.
    func advance(_ duration: Duration) { for worker in workers { worker.advance(duration) } }

    /// Carries all letters, and those that they cause; the answers are those to clients.
    @discardableResult
    func deliver() -> [TestResponse] {
        guard !isDelivering else { return [] }
        isDelivering = true
        defer { isDelivering = false }
        var responses: [TestResponse] = []
        while !letters.isEmpty {
            let (from, letter) = letters.removeFirst()
            responses += carry(letter, from: from)
        }
        return responses
    }

    /// Nobody hears what was said.
    func dropAll() { letters = [] }

    private func owner(of mobility: MobilityID) -> Int? {
        workers.firstIndex { $0.sessions.values.contains { $0.mobility == mobility } }
    }

    private func carry(_ letter: MobilityOutput, from: Int) -> [TestResponse] {
        let worker = workers[from]
        switch letter {
        case .claim(let claim):
            var answer = ClaimAnswer.refused(.allocationMismatch)
            if let owner = owner(of: claim.ticket.mobility) {
                let now = workers[owner].now
                _ = workers[owner].run(
                    .other { answer = $0.receive(claim, from: ArrivalPlace(rawValue: from), at: now) })
            }
            return worker.run(.claimAnswer(claim, answer))
        case .fetch(let mobility, let path):
            if let owner = owner(of: mobility),
                let id = workers[owner].server.allocation(
                    mobility, arrivingBy: path, at: ArrivalPlace(rawValue: from))
            {
                handOver(id, from: owner, to: from)
            } else {
                _ = worker.run(.other { $0.forgetArrival(on: path) })
            }
        case .handOver(let id, let place): handOver(id, from: from, to: place.rawValue)
        case .forget(let path, let place):
            _ = workers[place.rawValue].run(.other { $0.forgetArrival(on: path) })
        case .expected, .unexpected, .moved, .detached, .left, .arrived: Issue.record("that is nobody else's business")
        }
        return []
    }

    private func handOver(_ id: AllocationID, from old: Int, to new: Int) {
        let (giver, taker) = (workers[old], workers[new])
        let state = giver.server.export(id, at: giver.now)
        let sockets = giver.server.relaySockets(of: id)
        let burden = giver.forwarder.burden(of: id.index)
        for socket in sockets { taker.sockets[socket] = giver.sockets.removeValue(forKey: socket) }
        _ = giver.run(.other { $0.surrender(id) })
        var adopted: AllocationID?
        let now = taker.now
        _ = taker.run(.other { adopted = $0.adopt(state, sockets: sockets, at: now) })
        if let adopted {
            if taker.server.arrivalPath(of: adopted) != nil { Issue.record("who has arrived is not on the way") }
            if taker.routes.allocations[adopted.index] != nil { taker.forwarder.take(burden, for: adopted.index) }
        } else {
            for socket in sockets { taker.sockets[socket] = nil }
            _ = taker.run(.other { $0.abandon(state, at: now) })
        }
    }
}
