import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN

// Requests over sockets that stay.
extension Scenarios {
    private static let stampOffset = 8

    func binding() throws -> Outcome {
        let traffic = try Traffic(options)
        let request = AuthenticatedRequest.binding(transactionID: TransactionID(high: 1, low: 2))
        let train = traffic.addTrain(of: request)
        var sockets: [Socket] = []
        for _ in 0..<options.allocations {
            let socket = try Socket(on: options.own, takesTrains: options.takesTrains)
            try socket.connect(to: options.server)
            traffic.addFlow(
                Flow(sender: socket.raw, start: train, datagramBytes: request.count, stampOffset: Self.stampOffset))
            try traffic.addArrival(Arrival(at: socket.raw, .response, bytes: 20...1024))
            sockets.append(socket)
        }
        let peer = try Socket(on: options.own)
        let (probe, probePool) = options.hasProbe ? try makeProbe(peer: peer.localAddress) : (nil, nil)
        if let probe { traffic.addCompanion(probe) }
        var outcome = try withExtendedLifetime((sockets, probePool)) {
            try measure(traffic, over: sockets, serverPorts: PortSet(on: options.own, [options.server]))
        }
        probe?.finish()
        outcome.probe = probe?.findings
        if probe?.findings.isRefresh == true { try? probePool?.run([.release], concurrency: 1) }
        return outcome
    }

    func refresh() throws -> Outcome {
        let pool = try ClientPool(options)
        let peer = try Socket(on: options.own)
        try pool.addClients(toPeers: Array(repeating: peer.localAddress, count: options.allocations))
        try setUp(pool, [.challenge, .allocate])
        let traffic = try Traffic(options)
        traffic.seal(with: HMACKey(pool.credentials))
        let id = TransactionID(high: 1, low: 2)
        for client in pool.clients {
            let request = AuthenticatedRequest.refresh(pool.credentials, nonce: client.nonce, transactionID: id)
            let start = traffic.addTrain(of: request, room: AuthenticatedRequest.room)
            traffic.addFlow(
                Flow(
                    sender: client.socket.raw, start: start, datagramBytes: request.count,
                    stampOffset: Self.stampOffset, isSealed: true))
            try traffic.addArrival(Arrival(at: client.socket.raw, .response, bytes: 20...1024))
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
                traffic, over: pool.clients.map(\.socket), serverPorts: PortSet(on: options.own, [options.server]))
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
