import Containers
package import NetworkPrimitives
import STUN

// RFC 6062 §5.2, Receiving a Connect Request, and §5.3, Receiving a TCP Connection on a Relayed Transport Address.
extension TURNServer {
    /// Asks the shell for a connection to a peer; the answer follows when there is one, or none.
    mutating func connect(
        _ id: AllocationID, _ datagram: RawSpan, _ arrival: Arrival, _ exchange: Exchange
    ) -> Outcome {
        // The RFC leaves open what a Connect for an allocation of UDP gets.
        guard case .tcp = allocations[id.handle].relayProtocol else { return .failure(.forbidden) }
        guard case .value(let named) = arrival.message.xorPeerAddress(in: datagram) else {
            return .failure(.badRequest)
        }
        let peer = SocketAddress(ip: externalAddresses.local(named.ip), port: named.port)
        guard !hasConnection(id, to: peer) else { return .failure(.connectionAlreadyExists) }
        if let refusal = judge(id, named.ip, as: decide(connectTo: named, at: peer, from: id), named) {
            return .failure(refusal)
        }
        guard let relay = allocations[id.handle].relay(peer.family) else { return .failure(.peerAddressFamilyMismatch) }
        // A connection is a probe of a stranger's network, as a permission is.
        guard hasRoomForPeer(id), allocations[id.handle].newPeers.take(1, at: arrival.now),
            let connection = insertPeer(id, peer, .connecting(exchange), Limits.connectSeconds, at: arrival.now)
        else { return .failure(.insufficientCapacity) }
        outputs.append(.tcp(.connect(connection, id, from: relay.local, to: peer)))
        return .pending
    }

    /// The policy on peers, and what it need not say of datagrams: TCP services of this host trust who comes from here.
    /// So on an address of our own Connect reaches relayed addresses, behind which a permission is asked for, and not
    /// even its own, where it would meet itself. Loopback is the operator's to open.
    private func decide(
        connectTo named: SocketAddress, at peer: SocketAddress, from id: AllocationID
    ) -> PeerFilter.Decision {
        let decision = settings.peerFilter.decide(named)
        guard decision.isAllowed else { return decision }
        if allocations[id.handle].relay(peer.family)?.local == peer {
            return .denied(by: "built in: the relayed address of the allocation itself")
        }
        guard settings.peerFilter.ports.isOwn(peer.ip), !peer.ip.isLoopback, !settings.relayPorts.contains(peer.port)
        else { return decision }
        return .denied(by: "built in: a TCP service of this host")
    }

    private func hasConnection(_ id: AllocationID, to peer: SocketAddress) -> Bool {
        allocations[id.handle].connections.contains { peerConnections[$0]?.peer == peer }
    }

    /// Each allocation has its limit, and another one for what nobody has bound: who only opens connections must not
    /// hold many.
    private func hasRoomForPeer(_ id: AllocationID) -> Bool {
        let connections = allocations[id.handle].connections
        guard connections.count < Limits.peersPerTCPAllocationMax else { return false }
        let unbound = connections.count { !(peerConnections[$0]?.isBound ?? true) }
        return unbound < Limits.unboundPeersPerTCPAllocationMax
    }

    private mutating func insertPeer(
        _ id: AllocationID, _ peer: SocketAddress, _ phase: PeerDataConnection.Phase, _ seconds: UInt32, at now: Instant
    ) -> PeerConnectionID? {
        let connection = peerConnections.insert(
            of: id, to: peer, phase, until: now.advanced(bySeconds: seconds), using: &random)
        if let connection { allocations[id.handle].connections.append(connection) }
        return connection
    }

    // MARK: - The shell's answers

    /// The connection that a Connect asked for is there.
    package mutating func peerConnected(
        _ connection: PeerConnectionID, at now: Instant, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard case .connecting(let exchange) = peerConnections[connection]?.phase else { return nil }
        peerConnections.setPending(connection, until: now.advanced(bySeconds: Limits.bindSeconds))
        counters.peersConnected += 1
        counters.successes += 1
        return succeed(exchange, .connection(connection), into: reply)
    }

    /// It could not be had, or not in time.
    package mutating func peerFailed(_ connection: PeerConnectionID, reply: consuming MutableRawSpan) -> Reply? {
        guard case .connecting(let exchange) = peerConnections[connection]?.phase else { return nil }
        removePeer(connection)
        counters.count(.connectionTimeoutOrFailure)
        return style.error(.connectionTimeoutOrFailure, to: exchange, into: reply)
    }

    /// A peer has connected to a relayed address of the allocation with this index.
    package mutating func peerAccepted(
        _ allocation: UInt32, from peer: SocketAddress, at now: Instant, reply: consuming MutableRawSpan
    ) -> PeerAdmission {
        guard let connection = admitPeer(allocation, peer, at: now) else {
            counters.peersRefused += 1
            return .refused
        }
        counters.peersAccepted += 1
        return .admitted(connection, attempt(connection, peer, into: reply))
    }

    private mutating func admitPeer(_ allocation: UInt32, _ peer: SocketAddress, at now: Instant) -> PeerConnectionID? {
        guard let handle = allocations.handle(at: allocation), case .active = allocations[handle].phase else {
            return nil
        }
        let id = AllocationID(handle)
        // Only peers with a permission may connect, and not so many that the client hears of nothing else.
        guard allocations[handle].permission(for: peer.ip) != nil, hasRoomForPeer(id),
            allocations[handle].notices.take(1, at: now)
        else { return nil }
        return insertPeer(id, peer, .pending, Limits.bindSeconds, at: now)
    }

    /// The ConnectionAttempt indication (RFC 6062 §5.3).
    private mutating func attempt(
        _ connection: PeerConnectionID, _ peer: SocketAddress, into reply: consuming MutableRawSpan
    ) -> Reply {
        guard let allocation = peerConnections[connection]?.allocation else { preconditionFailure("inserted just now") }
        let transactionID = TransactionID(high: UInt32(truncatingIfNeeded: random.next()), low: random.next())
        var writer = MessageWriter(
            into: reply, type: MessageType(.connectionAttempt, .indication), transactionID: transactionID)
        writer.append(.connectionID, connection.rawValue)
        let known = SocketAddress(ip: externalAddresses.advertised(peer.ip), port: peer.port)
        writer.appendXORAddress(.xorPeerAddress, known)
        if settings.alwaysAddsFingerprint { writer.appendFingerprint() }
        return Reply(path: allocations[allocation.handle].fiveTuple, byteCount: writer.byteCount)
    }

    // MARK: - Ends

    /// The connection to a peer that waited for ConnectionBind has ended, or that to its client, and the shell has
    /// closed what was left.
    package mutating func peerEnded(_ connection: PeerConnectionID) { removePeer(connection) }

    /// The time of a connection that nobody has bound is over.
    mutating func expire(_ connection: PeerDataConnection) {
        switch connection.phase {
        case .connecting: outputs.append(.tcp(.giveUp(connection.id)))
        case .pending:
            counters.peersUnbound += 1
            removePeer(connection.id)
            outputs.append(.tcp(.close(connection.id)))
        case .bound: preconditionFailure("no timer runs for a bound connection")
        }
    }

    /// With an allocation, or its relayed address of one family, all of its data connections end (RFC 6062 §5.5).
    mutating func endPeers(of id: AllocationID, _ family: AddressFamily) {
        for connection in allocations[id.handle].connections
        where peerConnections[connection]?.peer.family == family {
            removePeer(connection)
            outputs.append(.tcp(.close(connection)))
        }
    }

    /// Ends the connections with peers that policy refuses by now. Who waits for one of them is told that it failed.
    mutating func endPeers(of id: AllocationID, where isRefused: (SocketAddress) -> Bool) {
        for name in allocations[id.handle].connections {
            guard let connection = peerConnections[name], isRefused(connection.peer) else { continue }
            switch connection.phase {
            case .connecting: outputs.append(.tcp(.giveUp(name)))
            case .pending, .bound:
                removePeer(name)
                outputs.append(.tcp(.close(name)))
            }
        }
    }

    private mutating func removePeer(_ id: PeerConnectionID) {
        guard let connection = peerConnections.remove(id) else { return }
        let handle = connection.allocation.handle
        allocations[handle].connections.removeAll { $0 == id }
        if allocations[handle].connections.isEmpty { allocations[handle].connections = [] }
    }
}
