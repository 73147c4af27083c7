import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN

// Requests over sockets that stay.
extension Scenarios {
    private static let stampOffset = 8

    func binding() throws -> Outcome {
        let traffic = try Traffic(options, links)
        let request = AuthenticatedRequest.binding(transactionID: TransactionID(high: 1, low: 2))
        let train = traffic.addTrain(of: request)
        // Connections of one source are more than a server may allow, so that each has its own.
        let hasSources = links != nil && options.isOnLoopback
        var clients: [Link] = []
        for number in 0..<options.allocations {
            let link = Link(from: hasSources ? Client.address(UInt32(number)) : options.own, options, links)
            try link.open()
            traffic.addFlow(
                Flow(
                    sender: link.raw, link: link.number, start: train, datagramBytes: request.count,
                    stampOffset: Self.stampOffset))
            try traffic.addArrival(Arrival(at: link.raw, link: link.number, .response, bytes: 20...1024))
            clients.append(link)
        }
        let peer = try Socket(on: options.own)
        let (probe, probePool) = options.hasProbe ? try makeProbe(peer: peer.localAddress) : (nil, nil)
        if let probe { traffic.addCompanion(probe) }
        var outcome = try withExtendedLifetime((clients, probePool)) {
            try measure(
                traffic, over: clients.compactMap(\.droppingSocket),
                serverPorts: PortSet(on: options.own, [options.server]))
        }
        probe?.finish()
        outcome.probe = probe?.findings
        if probe?.findings.isRefresh == true { try? probePool?.run([.release], concurrency: 1) }
        return outcome
    }

    func refresh() throws -> Outcome {
        let pool = try ClientPool(options, links)
        let peer = try Socket(on: options.own)
        pool.addClients(toPeers: Array(repeating: peer.localAddress, count: options.allocations))
        try setUp(pool, [.challenge, .allocate])
        let traffic = try Traffic(options, links)
        traffic.seal(with: HMACKey(pool.credentials))
        let id = TransactionID(high: 1, low: 2)
        for client in pool.clients {
            let request = AuthenticatedRequest.refresh(pool.credentials, nonce: client.nonce, transactionID: id)
            let start = traffic.addTrain(of: request, room: AuthenticatedRequest.room)
            traffic.addFlow(
                Flow(
                    sender: client.link.raw, link: client.link.number, start: start, datagramBytes: request.count,
                    stampOffset: Self.stampOffset, isSealed: true))
            try traffic.addArrival(
                Arrival(at: client.link.raw, link: client.link.number, .response, bytes: 20...1024))
        }
        var refusals: [Int] = []
        traffic.onRefusal = { [unowned traffic] refusal in
            guard let response = Response(answering: refusal.bytes), let code = response.errorCode else { return true }
            guard code == 438, let nonce = response.nonce else {
                if refusals.count < 8 { refusals.append(code) }
                return true
            }
            // An old nonce is no failure: the next request has the new one.
            let request = AuthenticatedRequest.refresh(pool.credentials, nonce: nonce, transactionID: id)
            traffic.replaceRequest(ofFlow: refusal.arrival, by: request)
            return false
        }
        let (probe, probePool) = options.hasProbe ? try makeProbe(peer: peer.localAddress) : (nil, nil)
        if let probe { traffic.addCompanion(probe) }
        var outcome = try withExtendedLifetime((pool, probePool)) {
            try measure(
                traffic, over: pool.clients.compactMap(\.link.droppingSocket),
                serverPorts: PortSet(on: options.own, [options.server]))
        }
        traffic.onRefusal = nil
        probe?.finish()
        outcome.probe = probe?.findings
        outcome.refusals = refusals
        try? pool.run([.release], concurrency: 32)
        if probe != nil { try? probePool?.run([.release], concurrency: 1) }
        return outcome
    }
}
