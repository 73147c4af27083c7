import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN

// Payloads from clients to peers and back.
extension Scenarios {
    func relay() throws -> Outcome {
        let peers = try makePeers()
        let pool = try ClientPool(options, links)
        pool.addClients(toPeers: peers.map(\.localAddress))
        try setUp(pool, options.isFloor ? [.openFloor] : [.challenge, .allocate, .permit] + (isChannel ? [.bind] : []))
        let traffic = try Traffic(options, links)
        try addRelaying(pool, peers, to: traffic)
        let (probe, probePool) = options.hasProbe ? try makeProbe(peer: peers[0].localAddress) : (nil, nil)
        if let probe { traffic.addCompanion(probe) }
        let churn = options.mode == .churn ? try makeChurn(peer: peers[0].localAddress, traffic) : nil
        if let churn { traffic.addCompanion(churn) }
        let sockets = pool.clients.compactMap(\.link.droppingSocket) + peers.map(\.raw)
        let ports = PortSet(on: options.own, [options.server] + pool.clients.compactMap(\.relayed))
        // The traffic knows descriptors only; their owners have to live as long.
        var outcome = try withExtendedLifetime((pool, peers, probePool)) {
            try measure(traffic, over: sockets, serverPorts: ports)
        }
        try churn?.finish()
        probe?.finish()
        outcome.churn = churn?.findings
        outcome.probe = probe?.findings
        // Whoever holds on to allocations spoils the next run.
        if !options.isFloor { try? pool.run([.release], concurrency: 32) }
        if probe?.findings.isRefresh == true { try? probePool?.run([.release], concurrency: 1) }
        return outcome
    }

    private func addRelaying(_ pool: ClientPool, _ peers: [Socket], to traffic: Traffic) throws {
        // Framing is the same for all channels, which all have one number; an indication names its peer.
        let sharedUp = isChannel ? traffic.addTrain(of: channelData()) : 0
        let down = traffic.addTrain(of: payload())
        let hasStamps = options.hasStamps
        for (client, peer) in zip(pool.clients, peers) {
            guard let relayed = client.relayed else { throw refusal(of: pool) }
            try peer.connect(to: relayed)
            if options.direction != .down {
                let indication = isChannel ? [] : sendIndication(to: peer.localAddress)
                traffic.addFlow(
                    Flow(
                        sender: client.link.raw, link: client.link.number,
                        start: isChannel ? sharedUp : traffic.addTrain(of: indication),
                        datagramBytes: isChannel ? channelDataBytes : indication.count,
                        stampOffset: hasStamps ? (isChannel ? 4 : Self.payloadOffset) : nil))
                try traffic.addArrival(Arrival(at: peer.raw, .payload, bytes: options.payload...options.payload))
            }
            if options.direction != .up {
                traffic.addFlow(
                    Flow(
                        sender: peer.raw, start: down, datagramBytes: options.payload, stampOffset: hasStamps ? 0 : nil)
                )
                try traffic.addArrival(
                    Arrival(
                        at: client.link.raw, link: client.link.number, isChannel ? .channelData : .indication,
                        bytes: framedBytes))
            }
        }
    }

    private func makeChurn(peer: SocketAddress, _ traffic: Traffic) throws -> Churn {
        Churn(options, pool: try ClientPool(options, links, firstNumber: 1_000_000), peer: peer, traffic: traffic)
    }

    /// The same without a server: sockets in pairs.
    func direct() throws -> Outcome {
        let traffic = try Traffic(options, links)
        let train = traffic.addTrain(of: payload())
        var sockets: [Socket] = []
        for _ in 0..<options.allocations {
            let client = try Socket(on: options.own, takesTrains: options.takesTrains)
            let peer = try Socket(on: options.own, takesTrains: options.takesTrains)
            try client.connect(to: peer.localAddress)
            try peer.connect(to: client.localAddress)
            sockets += [client, peer]
            let pairs = [(client, peer, Options.Direction.up), (peer, client, .down)]
            for (sender, receiver, direction) in pairs where [direction, .both].contains(options.direction) {
                traffic.addFlow(
                    Flow(
                        sender: sender.raw, start: train, datagramBytes: options.payload,
                        stampOffset: options.hasStamps ? 0 : nil))
                try traffic.addArrival(Arrival(at: receiver.raw, .payload, bytes: options.payload...options.payload))
            }
        }
        return try withExtendedLifetime(sockets) {
            try measure(traffic, over: sockets.map(\.raw), serverPorts: PortSet(on: options.own, []))
        }
    }

    private var isChannel: Bool { options.mode != .indication }

    /// What a payload becomes on the way to the client. In a Data indication header, XOR-PEER-ADDRESS and DATA with its
    /// padding are a must; some servers add SOFTWARE or FINGERPRINT.
    private var framedBytes: ClosedRange<Int> {
        if isChannel { return 4 + options.payload...(4 + options.payload + 3) & ~0b11 }
        let least = 20 + 12 + 4 + (options.payload + 3) & ~0b11
        return least...least + 128
    }

    private func makePeers() throws(SystemError) -> [Socket] {
        var peers: [Socket] = []
        for _ in 0..<options.allocations {
            peers.append(try Socket(on: options.own, takesTrains: options.takesTrains))
        }
        return peers
    }

    private func payload() -> [UInt8] { (0..<options.payload).map { UInt8(truncatingIfNeeded: $0) } }

    private func channelData() -> [UInt8] {
        [UInt8(Client.channel >> 8), UInt8(Client.channel & 0xFF)]
            + [UInt8(options.payload >> 8), UInt8(options.payload & 0xFF)] + payload()
            + Array(repeating: 0, count: channelDataBytes - 4 - options.payload)
    }

    /// Padded to four bytes in a stream, where the next message follows (RFC 8656 §12.5).
    private var channelDataBytes: Int {
        4 + (options.transport.isReliable ? (options.payload + 3) & ~0b11 : options.payload)
    }

    /// Behind the header, XOR-PEER-ADDRESS of an IPv4 address and the head of DATA.
    private static let payloadOffset = 36

    private func sendIndication(to peer: SocketAddress) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: options.payload + 64)
        var span = bytes.mutableSpan
        var writer = MessageWriter(
            into: unsafe span.mutableBytes, type: MessageType(.send, .indication),
            transactionID: TransactionID(high: 1, low: 2))
        writer.appendXORAddress(.xorPeerAddress, peer)
        writer.append(.data, payload())
        let count = writer.finish()
        return Array(bytes[..<count])
    }
}
