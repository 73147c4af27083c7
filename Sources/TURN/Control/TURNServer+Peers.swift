import Containers
import NetworkPrimitives
import STUN

// RFC 8656 §10.2, Receiving a CreatePermission Request, and §12.2, Receiving a ChannelBind Request.
extension TURNServer {
    /// Installs all the permissions of the request, or none.
    mutating func createPermission(_ id: AllocationID, _ datagram: RawSpan, _ arrival: Arrival) -> Outcome {
        var peers: [IPAddress] = []
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
        let locals = peers.map { settings.externalAddresses.local($0) }
        if let refusal = permit(id, locals, at: arrival.now) { return .failure(refusal) }
        return .success { _ in }
    }

    mutating func channelBind(_ id: AllocationID, _ datagram: RawSpan, _ arrival: Arrival) -> Outcome {
        guard case .value(let wireNumber) = arrival.message.channelNumber(in: datagram),
            case .value(let named) = arrival.message.xorPeerAddress(in: datagram),
            let number = ChannelNumber(rawValue: wireNumber, in: settings.channelNumbers)
        else { return .failure(.badRequest) }
        if let refusal = judge(id, named.ip, as: settings.peerFilter.decide(named), named) { return .failure(refusal) }

        let peer = SocketAddress(ip: settings.externalAddresses.local(named.ip), port: named.port)
        let allocation = allocations[id.handle]
        if let bound = allocation.channel(numbered: number), bound.peer != peer { return .failure(.badRequest) }
        if let bound = allocation.channel(to: peer), bound.number != number { return .failure(.badRequest) }
        if allocation.channel(numbered: number) == nil,
            allocation.channels.count >= settings.limits.channelsPerAllocationMax
        {
            return .failure(.insufficientCapacity)
        }
        // A channel binding installs or refreshes the permission too.
        if let refusal = permit(id, [peer.ip], at: arrival.now) { return .failure(refusal) }
        let deadline = arrival.now.advanced(bySeconds: settings.lifetimes.channelSeconds)
        allocations[id.handle].bind(number, to: peer, until: deadline, index: id.index, &outputs)
        timers.scheduleEarlier(id.index, at: deadline)
        return .success { _ in }
    }

    /// 443 for a family without a relayed address, 403 for what policy refuses (RFC 8656 §10.2).
    private mutating func judge(
        _ id: AllocationID, _ ip: IPAddress, as decision: PeerFilter.Decision, _ peer: SocketAddress
    ) -> ErrorCode? {
        guard allocations[id.handle].relay(ip.family) != nil else { return .peerAddressFamilyMismatch }
        guard !decision.isAllowed else { return nil }
        outputs.append(.peerRefused(client: allocations[id.handle].fiveTuple.client, peer: peer))
        return .forbidden
    }

    /// Installs or refreshes permissions for peers given by their address on our network. Refreshing always succeeds;
    /// only new ones count against the limits.
    private mutating func permit(_ id: AllocationID, _ peers: [IPAddress], at now: Instant) -> ErrorCode? {
        let allocation = allocations[id.handle]
        var fresh: [IPAddress] = []
        for peer in peers where allocation.permission(for: peer) == nil && !fresh.contains(peer) { fresh.append(peer) }
        guard allocation.permissions.count + fresh.count <= settings.limits.permissionsPerAllocationMax,
            fresh.isEmpty || allocations[id.handle].newPeers.take(fresh.count, at: now)
        else { return .insufficientCapacity }
        let deadline = now.advanced(bySeconds: settings.lifetimes.permissionSeconds)
        for peer in peers { allocations[id.handle].permit(peer, until: deadline, index: id.index, &outputs) }
        timers.scheduleEarlier(id.index, at: deadline)
        return nil
    }
}
