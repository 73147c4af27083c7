import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN
import TURN

// Clients that change their address (RFC 8016), and allocations that follow them to another worker.
extension Worker {
    /// How often a claim is passed on that did not find its allocation: it was about to go elsewhere.
    private static var claimAttemptsMax: Int { 3 }

    // MARK: - What the control plane wants

    mutating func perform(_ change: MobilityOutput, at now: Instant) {
        switch change {
        case .claim(let claim):
            if let refusal = pass(claim, attempt: 1) { answers.append(.claimAnswered(claim, .refused(refusal))) }
        case .fetch(let mobility, let path):
            guard let colleagues = context.colleagues, let owner = colleagues.book.owner(of: mobility),
                colleagues.post(.fetch(mobility, for: path, from: context.number), to: owner)
            else { return forgetArrival(on: path) }
        case .handOver(let id, let place): handOver(id, to: place.rawValue, at: now)
        case .forget(let path, let place):
            // Lost, it is forgotten when its time is over.
            _ = context.colleagues?.post(.forget(path), to: place.rawValue)
        case .expected(let path):
            // From here on it may send data, and wait as long as who has an allocation.
            allocationOpened(path)
        case .unexpected(let path):
            allocationClosed(path, at: now)
            drops.add(.noAllocation, held.take(path).count)
        case .moved(let session, let old):
            if let old { allocationClosed(old, at: now) }
            logMoved(session, .here)
        case .detached(let session): logMoved(session, .nowhere)
        case .left(let session):
            releaseClient(of: session, at: now)
            logMoved(session, .elsewhere)
        case .arrived(let session):
            if let mobility = session.mobility { context.colleagues?.book.note(mobility, of: context.number) }
            if session.isAttached { allocationOpened(session.fiveTuple) }
            logOpened(session)
        }
    }

    /// A connection or association has no allocation any more, if the session is its client's.
    mutating func releaseClient(of session: SessionSummary, at now: Instant) {
        if session.isAttached { allocationClosed(session.fiveTuple, at: now) }
    }

    /// Passes a claim to the worker that has the allocation; why not, if that cannot be done.
    private func pass(_ claim: MobilityClaim, attempt: Int) -> ErrorCode? {
        guard let colleagues = context.colleagues, let owner = colleagues.book.owner(of: claim.ticket.mobility),
            owner != context.number
        else { return .allocationMismatch }
        // 500 tells a client to try again (RFC 8489 §14.8).
        let isPassed = colleagues.post(.claim(claim, from: context.number, attempt: attempt), to: owner)
        return isPassed ? nil : .serverError
    }

    private mutating func forgetArrival(on path: FiveTuple) { server.forgetArrival(on: path) }

    // MARK: - What other workers say

    mutating func receive(_ message: MobilityMessage, at now: Instant) {
        switch message {
        case .claim(let claim, let origin, let attempt):
            let answer = server.receive(claim, from: ArrivalPlace(rawValue: origin), at: now)
            // Lost, it is given again when the client asks again: the last move is remembered.
            _ = context.colleagues?.post(.claimAnswered(claim, answer, attempt: attempt), to: origin)
        case .claimAnswered(let claim, .refused(.allocationMismatch), let attempt)
        where attempt < Self.claimAttemptsMax:
            guard let refusal = pass(claim, attempt: attempt + 1) else { return }
            answers.append(.claimAnswered(claim, .refused(refusal)))
        case .claimAnswered(let claim, let answer, _): answers.append(.claimAnswered(claim, answer))
        case .fetch(let mobility, let path, let origin):
            // Whoever is put out is not handed on.
            deleteRevoked(at: now)
            guard let id = server.allocation(mobility, arrivingBy: path, at: ArrivalPlace(rawValue: origin)) else {
                _ = context.colleagues?.post(.forget(path), to: origin)
                return
            }
            handOver(id, to: origin, at: now)
        case .handOver(let handover): adopt(handover, at: now)
        case .forget(let path): server.forgetArrival(on: path)
        }
        drainOutputs(at: now)
    }

    // MARK: - Giving

    /// Gives an allocation to another worker. When that one cannot be told, nothing changes.
    private mutating func handOver(_ id: AllocationID, to worker: Int, at now: Instant) {
        // What still waits leaves by sockets of ours.
        outgoing.flush()
        let sockets = server.relaySockets(of: id).map { relays.handed($0.rawValue) }
        let handover = Handover(
            state: server.export(id, at: now), burden: forwarder.burden(of: id.index), sockets: sockets,
            origin: context.number)
        guard context.colleagues?.post(.handOver(handover), to: worker) ?? false else { return }
        surrender(id, sockets)
    }

    private mutating func surrender(_ id: AllocationID, _ sockets: [HandedSocket]) {
        for socket in sockets {
            // It fails only for a descriptor that is not watched.
            try? poller.remove(socket.relay.socket.raw)
            if let connection = socket.connection { try? poller.remove(connection.socket.socket.raw) }
            relays.release(socket)
        }
        server.surrender(id)
    }

    // MARK: - Taking

    private mutating func adopt(_ handover: Handover, at now: Instant) {
        let state = handover.state
        let path = handover.isReturned && state.isAttached ? state.fiveTuple : nil
        let ids = handover.sockets.map(\.relayID)
        guard let id = server.adopt(state, sockets: ids, on: path, at: now) else { return giveBack(handover, at: now) }
        for socket in handover.sockets { relays.insert(socket, of: id.index) }
        drainOutputs(at: now)
        // Its owner may have been put out meanwhile.
        guard server.isLive(id) else { return }
        forwarder.take(handover.burden, for: id.index)
        do { for socket in handover.sockets { try watch(socket, of: id) } } catch {
            logRefusal("an allocation cannot be taken from another worker: \(error)", at: now)
            let returned = Handover(
                state: server.export(id, at: now), burden: forwarder.burden(of: id.index),
                sockets: handover.sockets, origin: handover.origin, isReturned: handover.isReturned)
            surrender(id, handover.sockets)
            drainOutputs(at: now)
            return giveBack(returned, at: now)
        }
        if let arrivedBy = state.mobility.lastMove?.path { receiveHeld(on: arrivedBy, at: now) }
    }

    private mutating func watch(_ handed: HandedSocket, of id: AllocationID) throws(SystemError) {
        let raw = handed.relay.socket.raw
        try poller.add(raw, token: WorkerToken.relay(descriptor: raw, allocation: id.index).bits, interest: .readable)
        guard let connection = handed.connection else { return }
        let beside = connection.socket.socket.raw
        guard relays.isOpen(beside, of: id.index) else { return }
        let token = WorkerToken.relay(descriptor: beside, allocation: id.index)
        try poller.add(beside, token: token.bits, interest: .readable)
        forwarder.connect(
            ConnectionWish(allocation: id.index, relay: handed.relayID, peer: connection.peer),
            through: RelaySocketID(rawValue: beside))
    }

    /// The allocation goes back to where it came from; when nobody can have it, it ends.
    private mutating func giveBack(_ handover: Handover, at now: Instant) {
        var returned = handover
        returned.isReturned = true
        if !handover.isReturned, context.colleagues?.post(.handOver(returned), to: handover.origin) ?? false { return }
        context.colleagues?.book.forget(handover.state.mobility.mobility, of: context.number)
        context.colleagues?.book.forget(handover.state.mobility.mobility, of: handover.origin)
        server.abandon(handover.state, at: now)
        logRefusal("an allocation was lost: no worker could take it", at: now)
    }

    // MARK: - What came too early

    /// Whether data by a five-tuple without an allocation comes from somebody who has shown a ticket; then it is taken
    /// care of.
    mutating func isFromArrival(_ segment: Segment, _ path: FiveTuple, at now: Instant) -> Bool {
        let sign = server.receiveSign(on: path, at: now)
        if sign == .onItsWay { hold(segment, path) }
        drainOutputs(at: now)
        if sign == .arrived { receiveFromClient(segment, path, at: now) }
        return sign != .none
    }

    mutating func hold(_ segment: Segment, _ path: FiveTuple) {
        if !held.hold(received.payload(of: segment).array(), on: path) { drops.count(.noAllocation) }
    }

    private mutating func receiveHeld(on path: FiveTuple, at now: Instant) {
        for message in held.take(path) {
            // What lies in the slots has been dealt with once it is sent.
            outgoing.flush()
            guard let segment = Self.put(message, into: &received) else { continue }
            receiveFromClient(segment, path, at: now)
        }
        outgoing.flush()
        streams.flush(poller)
    }

    private static func put(_ message: [UInt8], into received: inout ReceiveBatch) -> Segment? {
        let range = received.payloadRoom
        guard message.count <= range.count else { return nil }
        var whole = received.slot(0)
        whole.store(unsafe message.span.bytes, at: range.lowerBound)
        return Segment(slot: 0, bytes: range.lowerBound..<range.lowerBound + message.count)
    }
}
