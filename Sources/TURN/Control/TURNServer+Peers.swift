import Containers
import NetworkPrimitives
import STUN

// RFC 8656 §10.2, Receiving a CreatePermission Request, and §12.2, Receiving a ChannelBind Request.
extension TURNServer {
    /// Installs all the permissions of the request, or none.
    mutating func createPermission(_ id: AllocationID, _ datagram: RawSpan, _ arrival: Arrival) -> Outcome {
        // Taken out while it is filled, and put back with its memory.
        var peers: [IPAddress] = []
        swap(&peers, &namedPeers)
        defer {
            peers.removeAll(keepingCapacity: true)
            swap(&peers, &namedPeers)
        }
        var refusal: ErrorCode?
        arrival.message.forEachXORPeerAddress(in: datagram) { peer in
            guard let peer else {
                refusal = .badRequest
                return false
            }
            guard peers.count < settings.limits.peersPerRequestMax else {
                refusal = .insufficientCapacity
                return false
            }
            peers.append(peer.ip)
            return true
        }
        if let refusal { return .failure(refusal) }
        guard !peers.isEmpty else { return .failure(.badRequest) }
        for peer in peers {
            // The port of a permission means nothing (RFC 8656 §9).
            if let refusal = judge(id, peer, as: settings.peerFilter.decide(peer), SocketAddress(ip: peer, port: 0)) {
                return .failure(refusal)
            }
        }
        for index in peers.indices { peers[index] = externalAddresses.local(peers[index]) }
        if let refusal = permit(id, peers.span, at: arrival.now) { return .failure(refusal) }
        return .success(.nothing)
    }

    mutating func channelBind(_ id: AllocationID, _ datagram: RawSpan, _ arrival: Arrival) -> Outcome {
        // RFC 6062 §5.1: datagrams are not relayed.
        guard case .udp = allocations[id.handle].relayProtocol else { return .failure(.forbidden) }
        guard case .value(let wireNumber) = arrival.message.channelNumber(in: datagram),
            case .value(let named) = arrival.message.xorPeerAddress(in: datagram),
            let number = ChannelNumber(rawValue: wireNumber, in: settings.channelNumbers)
        else { return .failure(.badRequest) }
        if let refusal = judge(id, named.ip, as: settings.peerFilter.decide(named), named) { return .failure(refusal) }

        let peer = SocketAddress(ip: externalAddresses.local(named.ip), port: named.port)
        if let refusal = refusal(of: number, for: peer, allocations[id.handle]) { return .failure(refusal) }
        // A channel binding installs or refreshes the permission too.
        let addresses: InlineArray<1, IPAddress> = [peer.ip]
        if let refusal = permit(id, addresses.span, at: arrival.now) { return .failure(refusal) }
        let deadline = arrival.now.advanced(bySeconds: settings.lifetimes.channelSeconds)
        allocations[id.handle].bind(number, to: peer, until: deadline, index: id.index, &outputs)
        timers.scheduleEarlier(id.index, at: deadline)
        return .success(.nothing)
    }

    /// Why the number cannot stand for the peer; nil when it can, or does already.
    private func refusal(of number: ChannelNumber, for peer: SocketAddress, _ allocation: Allocation) -> ErrorCode? {
        let bound = allocation.channel(numbered: number)
        if let bound, bound.peer != peer { return .badRequest }
        if let other = allocation.channel(to: peer), other.number != number { return .badRequest }
        guard bound == nil, allocation.channels.count >= settings.limits.channelsPerAllocationMax else { return nil }
        return .insufficientCapacity
    }

    /// 443 for a family without a relayed address, 403 for what policy refuses (RFC 8656 §10.2).
    mutating func judge(
        _ id: AllocationID, _ ip: IPAddress, as decision: PeerFilter.Decision, _ peer: SocketAddress
    ) -> ErrorCode? {
        guard allocations[id.handle].relay(ip.family) != nil else { return .peerAddressFamilyMismatch }
        guard !decision.isAllowed else { return nil }
        outputs.append(.peerRefused(client: allocations[id.handle].fiveTuple.client, peer: peer))
        return .forbidden
    }

    /// Installs or refreshes permissions for peers given by their address on our network. Refreshing always succeeds;
    /// only new ones count against the limits.
    private mutating func permit(_ id: AllocationID, _ peers: Span<IPAddress>, at now: Instant) -> ErrorCode? {
        let freshCount = Self.freshCount(of: peers, allocations[id.handle])
        guard allocations[id.handle].permissions.count + freshCount <= settings.limits.permissionsPerAllocationMax,
            freshCount == 0 || allocations[id.handle].newPeers.take(freshCount, at: now)
        else { return .insufficientCapacity }
        let deadline = now.advanced(bySeconds: settings.lifetimes.permissionSeconds)
        for index in peers.indices {
            allocations[id.handle].permit(peers[index], until: deadline, index: id.index, &outputs)
        }
        timers.scheduleEarlier(id.index, at: deadline)
        return nil
    }

    /// How many of the peers have no permission yet, each counted once.
    private static func freshCount(of peers: Span<IPAddress>, _ allocation: Allocation) -> Int {
        var count = 0
        for index in peers.indices where allocation.permission(for: peers[index]) == nil {
            let isRepeated = (0..<index).contains { peers[$0] == peers[index] }
            if !isRepeated { count += 1 }
        }
        return count
    }
}
