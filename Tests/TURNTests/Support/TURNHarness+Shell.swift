import NetworkPrimitives
import STUN
import TURN
import Testing

// The shell: feeds one input, drains the outputs and does what they ask for, as the contract of `TURNServer` says.
extension TURNHarness {
    enum Input {
        case datagram([UInt8], FiveTuple)
        case relay(Opening)
        case icmp(ICMPMessage, UInt32)
        case deadline
        case revocation(Set<CredentialScope>?)
        case disconnection(FiveTuple)
        case claimAnswer(MobilityClaim, ClaimAnswer)
        /// Anything that is not answered.
        case other((inout TURNServer) -> Void)
        case peerConnected(PeerConnectionID)
        case peerFailed(PeerConnectionID)
        case peerAccepted(from: SocketAddress, at: SocketAddress)
        case peerEnded(PeerConnectionID)
    }

    /// One input with everything that follows from it; the answers come in the order in which they were given.
    func run(_ input: Input) -> [TestResponse] {
        outputs = []
        var responses = [feed(input)].compactMap { $0 }
        drain()
        while let id = givenUp.popLast() {
            if let response = feed(.peerFailed(id)) { responses.append(response) }
            drain()
        }
        while !opensLater, !unsettled.isEmpty {
            let opening = unsettled.removeFirst()
            if let response = feed(.relay(opening)) { responses.append(response) }
            drain()
        }
        let waits = server.isWaitingForAllocation
        checkInvariants()
        answers = responses
        guard let office, !office.isHeld else { return responses }
        responses += office.deliver()
        // What waited for the allocation comes again when it is there.
        if waits, case .datagram = input { responses += run(input) }
        return responses
    }

    private func feed(_ input: Input) -> TestResponse? {
        var buffer = [UInt8](repeating: 0xEE, count: TURNServer.replyByteCountMax)
        let reply: Reply?
        do {
            var span = buffer.mutableSpan
            switch input {
            case .datagram(let datagram, let path):
                reply = server.receive(
                    datagram.span.bytes, on: path, at: now, unixTime: unixTime, reply: span.mutableBytes)
            case .relay(let opening):
                switch opening.result {
                case .success((let socket, let address)):
                    reply = server.relayOpened(
                        opening.id, socket: socket, address: address, at: now, reply: span.mutableBytes)
                case .failure(let failure):
                    reply = server.relayFailed(opening.id, failure.reason, at: now, reply: span.mutableBytes)
                }
            case .icmp(let error, let allocation):
                reply = server.receiveICMP(error, allocation: allocation, at: now, reply: span.mutableBytes)
            case .deadline:
                server.handleDeadline(at: now)
                reply = nil
            case .revocation(let scopes):
                if let scopes { server.revoke(scopes, at: now) } else { server.revokeByRegister(at: now) }
                reply = nil
            case .disconnection(let path):
                server.disconnected(path, at: now)
                reply = nil
            case .claimAnswer(let claim, let answer):
                reply = server.claimAnswered(claim, answer, at: now, reply: span.mutableBytes)
            case .other(let body):
                body(&server)
                reply = nil
            case .peerConnected(let id): reply = server.peerConnected(id, at: now, reply: span.mutableBytes)
            case .peerFailed(let id): reply = server.peerFailed(id, reply: span.mutableBytes)
            case .peerAccepted(let peer, let relay): reply = accept(peer, at: relay, reply: span.mutableBytes)
            case .peerEnded(let id):
                server.peerEnded(id)
                reply = nil
            }
        }
        return reply.map { TestResponse(Array(buffer.prefix($0.byteCount)), path: $0.path) }
    }

    private func drain() {
        while let output = server.nextOutput() {
            outputs.append(output)
            perform(output)
        }
    }

    private func perform(_ output: Output) {
        switch output {
        case .openRelay(let id, let address, let token): open(id, address, holdNextAs: token)
        case .claimReservation(let id, let token): claim(id, token)
        case .endReservation(let token):
            guard let socket = held.removeValue(forKey: token), let address = sockets.removeValue(forKey: socket)
            else { return }
            ledger.returnPort(address.port, of: address.ip, wasUsable: true, at: now)
        case .closeRelay(let socket):
            if sockets.removeValue(forKey: socket) == nil { Issue.record("a relay is closed that is not open") }
        case .tcp(let output): perform(output)
        case .route(let change):
            routes.apply(change)
            forwarder.apply(change, at: now)
        case .sessionOpened(let summary):
            if sessions.updateValue(summary, forKey: summary.allocation) != nil { Issue.record("opened twice") }
        case .sessionClosed(let summary, let end):
            if sessions.removeValue(forKey: summary.allocation) == nil { Issue.record("closed but not opened") }
            closed.append((summary, end, forwarder.traffic(of: summary.allocation.index)))
        case .mobility(let change): follow(change)
        case .authenticationFailed, .bindingAnswered, .peerRefused: break
        }
    }

    private func follow(_ change: MobilityOutput) {
        switch change {
        case .moved(let summary, _), .detached(let summary):
            if sessions.updateValue(summary, forKey: summary.allocation) == nil { Issue.record("moved, not opened") }
        case .left(let summary):
            if sessions.removeValue(forKey: summary.allocation) == nil { Issue.record("left, but not opened") }
        case .arrived(let summary):
            if sessions.updateValue(summary, forKey: summary.allocation) != nil { Issue.record("arrived twice") }
        case .expected(let path):
            if !expected.insert(path).inserted { Issue.record("\(path) is expected twice") }
        case .unexpected(let path):
            if expected.remove(path) == nil { Issue.record("\(path) was not expected") }
        case .claim, .fetch, .handOver, .forget: office?.post(change, from: self)
        }
        // Who has arrived is not expected any more.
        for session in sessions.values where routes.allocations[session.allocation.index] == session.fiveTuple {
            expected.remove(session.fiveTuple)
        }
    }

    private func perform(_ output: TCPRelayOutput) {
        switch output {
        case .listen(let id, let address):
            openingsAsked.append(address)
            if !scriptedFailures.isEmpty, let reason = scriptedFailures.removeFirst() {
                unsettled.append(Opening(id: id, result: .failure(.init(reason: reason))))
                return
            }
            let socket = RelaySocketID(rawValue: nextSocket)
            nextSocket += 1
            if listeners.values.contains(where: { $0.address == address }) { Issue.record("\(address) is bound twice") }
            listeners[socket] = (address, id)
            unsettled.append(Opening(id: id, result: .success((socket, address))))
        case .closeListener(let socket):
            guard let listener = listeners.removeValue(forKey: socket) else {
                Issue.record("a listener is closed that is not open")
                return
            }
            if peers.values.contains(where: { $0.relay == listener.address }) {
                Issue.record("a listener is closed before its connections")
            }
        case .connect(let id, _, let relay, let peer): peers[id] = TCPPeer(relay: relay, peer: peer)
        case .giveUp(let id):
            if peers.removeValue(forKey: id)?.isConnected != false { Issue.record("nobody connects to it") }
            givenUp.append(id)
        case .splice(let id, let client): peers[id]?.client = client
        case .close(let id):
            if peers.removeValue(forKey: id) == nil { Issue.record("a connection is closed twice") }
        }
    }

    /// The shell keeps a peer's connection, or closes it.
    private func accept(
        _ peer: SocketAddress, at relay: SocketAddress, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard let listener = listeners.values.first(where: { $0.address == relay }) else { return nil }
        switch server.peerAccepted(listener.allocation.handle.index, from: peer, at: now, reply: reply) {
        case .refused: return nil
        case .admitted(let id, let reply):
            peers[id] = TCPPeer(relay: relay, peer: peer, isConnected: true)
            return reply
        }
    }

    private func open(_ id: AllocationID, _ address: SocketAddress, holdNextAs token: UInt64?) {
        openingsAsked.append(address)
        if !scriptedFailures.isEmpty, let reason = scriptedFailures.removeFirst() {
            unsettled.append(Opening(id: id, result: .failure(.init(reason: reason))))
            return
        }
        unsettled.append(Opening(id: id, result: .success((bind(address), address))))
        if let token { held[token] = bind(address.with(port: address.port + 1)) }
    }

    private func bind(_ address: SocketAddress) -> RelaySocketID {
        if sockets.values.contains(address) { Issue.record("\(address) is bound twice") }
        let socket = RelaySocketID(rawValue: nextSocket)
        nextSocket += 1
        sockets[socket] = address
        return socket
    }

    private func claim(_ id: AllocationID, _ token: UInt64) {
        guard let socket = held.removeValue(forKey: token), let address = sockets[socket] else {
            unsettled.append(Opening(id: id, result: .failure(.init(reason: .noReservation))))
            return
        }
        unsettled.append(Opening(id: id, result: .success((socket, address))))
    }

    // MARK: - Invariants

    /// What holds between any two inputs.
    private func checkInvariants() {
        let live = server.liveCounts
        let table = forwarder.table.liveCounts
        expect(server.nextOutput() == nil, "outputs are drained")
        expect([table.allocations, table.permissions, table.channels] == routes.counts, "the table is what routes say")
        expect(live.timers == routes.allocations.count, "each active allocation has a timer")
        expect(server.peerConnectionCount == peers.count, "a connection to a peer is known to both sides")
        for peer in peers.values {
            expect(listeners.values.contains { $0.address == peer.relay }, "a connection has a relayed address")
        }
        expect(sessions.count == routes.allocations.count, "each active allocation is a session")
        expect(live.accounts <= live.allocations, "an account has an allocation")
        expect((live.accounts == 0) == (live.allocations == 0), "an allocation has an account")
        for relays in routes.relays.values {
            expect(relays.values.allSatisfy { sockets[$0] != nil }, "a routed relay is open")
        }
        guard unsettled.isEmpty else { return }
        expect(live.allocations == routes.allocations.count, "an allocation is active when its relay is there")
        // A ledger that several servers share counts the others' too.
        guard isSoleUserOfLedger else { return }
        // A token whose redemption was admitted in its place and then failed has a socket and no claim left.
        let claims = live.allocations...live.allocations + held.count
        expect(claims.contains(ledger.liveCounts.allocations), "claims live as long as their user")
        expect(ledger.liveCounts.ports == sockets.count + listeners.count, "taken ports are bound")
        expect(sockets.count == routes.relays.values.reduce(held.count) { $0 + $1.count }, "bound sockets have a user")
        guard live.allocations == 0 else { return }
        expect(live.timers == 0 && routes.counts == [0, 0, 0], "nothing outlives the last allocation")
        guard live.reservations == 0 else { return }
        expect(
            ledger.liveCounts == (0, 0) && sockets.isEmpty && listeners.isEmpty && held.isEmpty,
            "everything was given back")
    }

    private func expect(_ holds: Bool, _ invariant: String) {
        if !holds { Issue.record("invariant broken: \(invariant)") }
    }
}
