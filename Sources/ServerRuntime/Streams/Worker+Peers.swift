import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

// Allocations that relay TCP (RFC 6062): what the control plane asks for, and what happens at their sockets.
extension Worker {
    /// Peers accepted at one relayed address before the others get their turn.
    private static let peersPerRound = 16
    private static let acceptPauseMilliseconds: UInt32 = 100

    // MARK: - Outputs

    mutating func perform(_ output: TCPRelayOutput, at now: Instant) {
        switch output {
        case .listen(let id, let address):
            do {
                let socket = try peers.listen(on: address, of: id.index, device: nil, poller)
                answers.append(.relayOpened(id, socket, address))
            } catch {
                answers.append(.relayFailed(id, error.isAddressInUse ? .addressInUse : .outOfResources))
            }
        case .closeListener(let socket): peers.closeListener(socket.rawValue)
        case .connect(let id, let allocation, let relay, let peer):
            let connection: TCPConnection
            do { connection = try TCPConnection.connect(to: peer, lentBy: relay) } catch {
                return answers.append(.peerFailed(id))
            }
            if !peers.insert(id, of: allocation.index, connection, .connecting, poller) {
                answers.append(.peerFailed(id))
            }
        case .giveUp(let id):
            close(id)
            answers.append(.peerFailed(id))
        case .splice(let id, _): peers.wishToJoin(id)
        case .close(let id): close(id)
        }
    }

    private mutating func close(_ id: PeerConnectionID) {
        guard var splice = peers.removeSplice(id) else {
            peers.removeSocket(id)
            return
        }
        splice.close(&streams.workspace)
        context.streams.release(splice.source, hadAllocation: true)
    }

    /// A connection that has ended by itself: the control plane is told.
    private mutating func end(_ id: PeerConnectionID, at now: Instant) {
        close(id)
        server.peerEnded(id)
        drainOutputs(at: now)
    }

    // MARK: - Peers that come

    mutating func acceptPeers(at descriptor: CInt, of allocation: UInt32, at now: Instant) {
        for _ in 0..<Self.peersPerRound {
            guard let held = peers.listener(descriptor, of: allocation) else { return }
            switch held.listener.accept() {
            case .connection(let accepted): admit(accepted, to: allocation, at: now)
            case .none: return
            case .transient: continue
            case .outOfFiles(let error):
                logRefusal("peers have to wait: \(error)", at: now)
                return peers.rest(descriptor, until: now.advanced(byMilliseconds: Self.acceptPauseMilliseconds), poller)
            }
        }
    }

    private mutating func admit(_ accepted: consuming AcceptedConnection, to allocation: UInt32, at now: Instant) {
        var admitted: PeerConnectionID?
        let peer = accepted.remoteAddress
        reply { server, bytes in
            switch server.peerAccepted(allocation, from: peer, at: now, reply: bytes) {
            case .refused: return nil
            case .admitted(let id, let reply):
                admitted = id
                return reply
            }
        }
        drainOutputs(at: now)
        // Nothing was said, and nothing is to be remembered of it, TIME-WAIT included.
        guard let admitted else { return accepted.take().reset() }
        if !peers.insert(admitted, of: allocation, accepted.take(), .waiting, poller) { end(admitted, at: now) }
    }

    // MARK: - Events

    mutating func handlePeer(_ handle: SlabHandle, at now: Instant) {
        let id = peers.sockets[handle].id
        // One that waits is watched for its end alone.
        guard peers.sockets[handle].phase == .connecting else { return end(id, at: now) }
        if peers.sockets[handle].finishConnecting(), peers.sockets[handle].watch(as: StreamName(handle), poller) {
            reply { server, bytes in server.peerConnected(id, at: now, reply: bytes) }
        } else {
            close(id)
            reply { server, bytes in server.peerFailed(id, reply: bytes) }
        }
        drainOutputs(at: now)
    }

    /// Something has happened at one end of a splice: `direction` is where what it says goes.
    mutating func handleSplice(
        _ handle: SlabHandle, _ direction: StreamDirection, _ event: Poller.Event, at now: Instant
    ) {
        if event.isWritable {
            let turn =
                switch direction {
                case .toClient: peers.splices[handle].writePeer()
                case .toPeer: peers.splices[handle].writeClient(&streams.workspace)
                }
            if turn == .over { return end(peers.splices[handle].id, at: now) }
        }
        if event.isReadable || event.hasError { return move(direction, handle, at: now) }
        settle(handle, at: now)
    }

    // MARK: - Bytes

    /// Reads one end once, and writes what the other one takes.
    private mutating func move(_ direction: StreamDirection, _ handle: SlabHandle, at now: Instant) {
        let allocation = peers.splices[handle].allocation
        let allowance = min(
            PeerTable.readByteCount, forwarder.streamAllowance(of: allocation, direction, at: now))
        guard allowance > 0 else { return pause(handle, at: now) }
        let turn = peers.move(direction, handle, &streams.workspace, byteCountMax: allowance)
        guard case .moved(let count) = turn else { return end(peers.splices[handle].id, at: now) }
        forwarder.carryStream(count, of: allocation, direction, at: now)
        if count > 0 {
            peers.splices[handle].movedAt = now
            handled += 1
        }
        settle(handle, at: now)
    }

    private mutating func pause(_ handle: SlabHandle, at now: Instant) {
        peers.splices[handle].isPaused = true
        peers.timers.scheduleEarlier(handle.index, at: now.advanced(byMilliseconds: PeerTable.pauseMilliseconds))
        settle(handle, at: now)
    }

    /// Looks for what comes next.
    private mutating func settle(_ handle: SlabHandle, at now: Instant) {
        let name = StreamName(handle)
        guard peers.splices[handle].watch(as: name, poller) else { return end(peers.splices[handle].id, at: now) }
        guard peers.splices[handle].isHalfClosed else { return }
        let deadline = peers.splices[handle].movedAt.advanced(bySeconds: PeerTable.halfClosedSeconds)
        peers.timers.scheduleEarlier(handle.index, at: max(deadline, now))
    }

    mutating func expirePeers(at now: Instant) {
        peers.endRest(at: now, poller)
        while let index = peers.timers.popExpired(at: now) {
            guard let handle = peers.splices.handle(at: index) else { continue }
            peers.splices[handle].isPaused = false
            let quietSince = peers.splices[handle].movedAt
            if peers.splices[handle].isHalfClosed, quietSince.advanced(bySeconds: PeerTable.halfClosedSeconds) <= now {
                end(peers.splices[handle].id, at: now)
            } else {
                settle(handle, at: now)
            }
        }
    }

    // MARK: - ConnectionBind

    /// Joins the client's connection with the peer that it has just been bound to. `rest` is what the client has said
    /// behind its request: it is the peer's already.
    mutating func join(_ handle: SlabHandle, with id: PeerConnectionID, rest: [UInt8], at now: Instant) {
        let source = streams.path(handle).client.socketAddress.ip
        let unsent = streams.takeUnsent(handle, poller)
        guard streams.isOpen(handle) else { return end(id, at: now) }
        let stream = streams.takeOut(handle, poller)
        try? stream.waitForReader()
        guard
            let splice = peers.join(id, with: stream, of: source, toPeer: rest, toClient: unsent, at: now)
        else { return end(id, at: now) }
        // The connection does not count for its source alone any more, as one with an allocation does not.
        context.streams.admitDataConnection()
        forwarder.carryStream(rest.count, of: peers.splices[splice].allocation, .toPeer, at: now)
        guard peers.splices[splice].writePeer() != .over,
            peers.splices[splice].writeClient(&streams.workspace) != .over
        else { return end(id, at: now) }
        settle(splice, at: now)
    }

    /// The worker that has the peer which a ConnectionBind names, if it is another one.
    func otherWorker(for request: Segment) -> Mailbox<WorkerMessage>? {
        guard let id = TURNServer.connectionToBind(received.payload(of: request)),
            let worker = context.peerBook.worker(of: id), worker != context.number
        else { return nil }
        return context.colleagues?.mailboxes[worker]
    }

    /// Takes in a connection that another worker has accepted, with what its client has said.
    mutating func adopt(_ handed: HandedStream, at now: Instant) {
        guard let stream = handed.take() else { return }
        // The client has reset the connection that was handed on before, and come again from the same port.
        endEarlier(of: handed.path, at: now)
        let numbers = context.settings.turn.channelNumbers
        guard let handle = streams.insert(consume stream, handed.path, channelNumbers: numbers, at: now) else { return }
        do {
            let token = WorkerToken.stream(StreamName(handle))
            try poller.add(streams.raw(handle), token: token.bits, interest: .readable)
        } catch { return streams.end(handle, .byClient) }
        // Slots are filled below that may hold what waits to be sent.
        outgoing.flush()
        var rest = handed.said[...]
        while !rest.isEmpty, streams.isOpen(handle) {
            let (held, taken) = Self.put(rest, behindWhatIsLeftOf: handle, &streams, &received)
            rest = rest.dropFirst(taken)
            receiveFrames(held + taken, behind: .said(rest), of: handle, in: 0, at: now)
        }
        outgoing.flush()
    }

    // See `ask`.
    private static func put(
        _ bytes: ArraySlice<UInt8>, behindWhatIsLeftOf handle: SlabHandle, _ streams: inout StreamTable,
        _ received: inout ReceiveBatch
    ) -> (held: Int, taken: Int) {
        let range = received.payloadRoom
        var whole = received.slot(0)
        var room = whole._mutatingExtracting(range)
        let held = streams.connections[handle].deframer.resume(in: &room)
        let taken = min(bytes.count, room.byteCount - held)
        room.store(unsafe bytes.span.bytes.extracting(0..<taken), at: held)
        return (held, taken)
    }

    /// Gives a connection to the worker that it has to do with.
    mutating func handOn(_ handle: SlabHandle, to worker: Mailbox<WorkerMessage>, _ said: [UInt8]) {
        let path = streams.path(handle)
        // Answers to what the client has said before go with the connection only if they are the kernel's.
        guard streams.takeUnsent(handle, poller).isEmpty, streams.isOpen(handle) else {
            return streams.end(handle, .unread)
        }
        // When the other worker does not keep up, the connection ends here.
        worker.post(.stream(HandedStream(streams.takeOut(handle, poller), path: path, said: said)))
    }
}
