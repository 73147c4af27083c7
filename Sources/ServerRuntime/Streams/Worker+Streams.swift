import Containers
import EventLoop
import LinuxSockets
import NetworkPrimitives
import TURN

/// The listeners of one worker for connections.
struct StreamDoor: Sendable {
    let listeners: [HeldListener]
    /// Nobody is accepted until then, because descriptors ran out.
    var opensAt: Instant?

    init(_ listeners: [HeldListener]) { self.listeners = listeners }

    /// Watches the listeners or leaves them alone. They stay with the poller: to add them again could fail when memory
    /// is short.
    func watch(_ interest: Poller.Interest, _ poller: borrowing Poller) {
        for (index, held) in listeners.enumerated() {
            // It fails only for a descriptor that is not watched, and these are.
            try? poller.modify(
                held.listener.raw, token: WorkerToken.streamListener(index).bits, interest: interest)
        }
    }
}

// Clients that come by connections. Their messages go where datagrams go.
extension Worker {
    /// Messages taken from one connection before the others get their turn: 32 KiB may hold eight thousand empty ones.
    private static let framesPerTurn = 512
    /// Connections accepted from one listener before the others get their turn.
    private static let acceptsPerRound = 64
    private static let acceptPauseMilliseconds: UInt32 = 100

    // MARK: - Accepting

    mutating func accept(from index: Int, at now: Instant) {
        guard door.opensAt == nil else { return }
        for _ in 0..<Self.acceptsPerRound {
            switch door.listeners[index].listener.accept() {
            case .connection(let accepted): add(accepted, from: door.listeners[index], at: now)
            case .none: return
            case .transient: continue
            case .outOfFiles(let error):
                // The backlog keeps who comes meanwhile; accepting again at once would only spin.
                logRefusal("connections have to wait: \(error)", at: now)
                door.opensAt = now.advanced(byMilliseconds: Self.acceptPauseMilliseconds)
                return door.watch([], poller)
            }
        }
    }

    private mutating func add(
        _ accepted: consuming AcceptedConnection, from listener: HeldListener, at now: Instant
    ) {
        guard !listener.expectsProxy || context.settings.believesProxy(accepted.remoteAddress.ip) else {
            // Anybody could write such a header, and be whoever it names.
            return streams.noteStranger()
        }
        // The client has reset its last connection and come again from the same port, before we could notice.
        endEarlier(of: accepted.path, at: now)
        if streams.makeRoom() { settleStreams(at: now) }
        let numbers = context.settings.turn.channelNumbers
        guard
            let handle = streams.insert(
                accepted, from: listener, channelNumbers: numbers, at: now)
        else { return }
        do {
            let token = WorkerToken.stream(StreamName(handle))
            try poller.add(streams.raw(handle), token: token.bits, interest: .readable)
        } catch {
            // The kernel has no memory for one more (ENOMEM, ENOSPC): this client pays for it, not all of them.
            streams.end(handle, .byClient)
        }
    }

    /// Ends a connection of a five-tuple by which another one has come.
    mutating func endEarlier(of path: FiveTuple, at now: Instant) {
        guard let earlier = streams.handle(of: path) else { return }
        streams.end(earlier, .byClient)
        settleStreams(at: now)
    }

    // MARK: - Reading

    /// Reads a connection once, into as many slots from `first` on as that takes; returns the first slot that is free
    /// afterwards.
    mutating func readStream(_ handle: SlabHandle, startingAt first: Int, at now: Instant) -> Int {
        var slot = first
        while true {
            if slot == received.slotCount {
                outgoing.flush()
                slot = 0
            }
            switch Self.read(handle, of: &streams, into: &received, slot: slot, at: now) {
            case .bytes(let count, let more):
                if count > 0 {
                    guard streams.application(of: handle) == .turn else {
                        handOver(handle, count, more: more, in: slot, at: now)
                        return slot
                    }
                    receiveFrames(count, behind: more ? .workspace : .nothing, of: handle, in: slot, at: now)
                    slot += 1
                }
                guard more else { return slot }
                guard streams.isOpen(handle) else {
                    streams.abandonInput()
                    return slot
                }
            case .endOfStream, .failed:
                // Under TLS the end may come in one piece with requests, whose answers are still to be written.
                streams.flush(poller)
                // A client that only listens cannot refresh, nor be asked anything.
                streams.end(handle, .byClient)
                return slot
            }
        }
    }

    private static func read(
        _ handle: SlabHandle, of streams: inout StreamTable, into received: inout ReceiveBatch, slot: Int,
        at now: Instant
    ) -> StreamRead {
        let range = received.payloadRoom
        var whole = received.slot(slot)
        var room = whole._mutatingExtracting(range)
        return streams.read(handle, into: &room, at: now)
    }

    /// Gives a connection that speaks HTTP to signaling, with all that it has said so far.
    private mutating func handOver(_ handle: SlabHandle, _ count: Int, more: Bool, in slot: Int, at now: Instant) {
        let base = received.payloadRoom.lowerBound
        var said = received.payload(of: Segment(slot: slot, bytes: base..<base + count)).array()
        var more = more
        // An end behind what was said is met again by who reads next.
        while more,
            case .bytes(let count, let again) = Self.read(handle, of: &streams, into: &received, slot: slot, at: now)
        {
            said += received.payload(of: Segment(slot: slot, bytes: base..<base + count)).array()
            more = again
        }
        let path = streams.path(handle)
        let stream = streams.takeOut(handle, poller)
        let arrival = SignalingArrival(stream, said: said, remote: path.client.socketAddress.ip, local: path.server.ip)
        // When signaling does not keep up, the connection ends here.
        if context.signaling?.post(.arrival(arrival)) == true { streams.noteHandOver() }
    }

    /// What of a connection has been read already and does not lie in the slot.
    enum StreamTail {
        case nothing, workspace
        case said(ArraySlice<UInt8>)

        /// It has to be read in this turn.
        var isLeft: Bool {
            switch self {
            case .nothing: false
            case .workspace: true
            case .said(let rest): !rest.isEmpty
            }
        }
    }

    mutating func receiveFrames(
        _ byteCount: Int, behind tail: StreamTail, of handle: SlabHandle, in slot: Int, at now: Instant
    ) {
        let base = received.payloadRoom.lowerBound
        let path = streams.path(handle)
        var start = 0
        var count = 0
        // An answer that finds no room ends the connection.
        while streams.isOpen(handle) {
            guard count < Self.framesPerTurn || tail.isLeft else {
                let rest = Segment(slot: slot, bytes: base + start..<base + byteCount)
                Self.keep(rest, of: handle, &streams, received)
                return streams.postpone(handle)
            }
            count += 1
            let bytes = Segment(slot: slot, bytes: base..<base + byteCount)
            switch Self.step(handle, of: streams, in: received, bytes, from: start) {
            case .frame(let frame):
                let message = Segment(slot: slot, bytes: base + frame.lowerBound..<base + frame.upperBound)
                if let worker = otherWorker(for: message), !streams.hasAllocation(handle) {
                    let said = Segment(slot: slot, bytes: message.bytes.lowerBound..<base + byteCount)
                    return handOn(handle, to: worker, takeAll(from: said, tail, of: handle, at: now))
                }
                receiveFromClient(message, path, at: now)
                start = frame.upperBound
                if let wish = peers.takeWish() {
                    let rest = Segment(slot: slot, bytes: base + start..<base + byteCount)
                    return join(handle, with: wish, rest: takeAll(from: rest, tail, of: handle, at: now), at: now)
                }
            case .incomplete:
                let rest = Segment(slot: slot, bytes: base + start..<base + byteCount)
                return Self.keep(rest, of: handle, &streams, received)
            case .unframable:
                streams.end(handle, .unframable)
            }
        }
    }

    /// All that a connection has said, from some place in its slot on, so that somebody else can go on with it.
    private mutating func takeAll(
        from rest: Segment, _ tail: StreamTail, of handle: SlabHandle, at now: Instant
    ) -> [UInt8] {
        var said = received.payload(of: rest).array()
        switch tail {
        case .nothing: break
        case .said(let behind): said += behind
        case .workspace:
            let base = received.payloadRoom.lowerBound
            // An end behind what was said is met again by who reads next.
            while case .bytes(let count, let more) =
                Self.read(handle, of: &streams, into: &received, slot: rest.slot, at: now)
            {
                said += received.payload(of: Segment(slot: rest.slot, bytes: base..<base + count)).array()
                guard more else { break }
            }
        }
        return said
    }

    // See `ask`.
    private static func step(
        _ handle: SlabHandle, of streams: borrowing StreamTable, in received: borrowing ReceiveBatch,
        _ bytes: Segment, from start: Int
    ) -> StreamStep {
        streams.step(handle, in: received.payload(of: bytes), from: start)
    }

    private static func keep(
        _ rest: Segment, of handle: SlabHandle, _ streams: inout StreamTable, _ received: borrowing ReceiveBatch
    ) {
        streams.keep(received.payload(of: rest), of: handle)
    }

    // MARK: - Writing and ending

    /// A peer's datagram goes to a client at the end of a connection. See `ask`.
    static func relay(
        _ segment: Segment, of received: borrowing ReceiveBatch, _ header: RawSpan, padding: Int, to path: FiveTuple,
        through streams: inout StreamTable
    ) -> Bool {
        streams.send(.data, header: header, payload: received.payload(of: segment), padding: padding, to: path)
    }

    /// Writes what was gathered for connections, and ends what has come to its end with all that belongs to it.
    mutating func settleStreams(at now: Instant) {
        streams.flush(poller)
        while let path = streams.takeEnded() {
            server.disconnected(path, at: now)
            drainOutputs(at: now)
            // The ends of relays have nothing to say to other clients, but what is asked of the shell may be answered.
            streams.flush(poller)
        }
    }

    mutating func expireStreams(at now: Instant) {
        if let deadline = streams.nextDeadline, deadline <= now {
            streams.handleDeadline(at: now)
            settleStreams(at: now)
        }
        if let opening = door.opensAt, opening <= now {
            door.opensAt = nil
            door.watch(.readable, poller)
        }
    }

    /// When the worker has something to do although nothing has come.
    var nextDeadline: Instant? {
        if streams.hasBehind || server.isReviewingPeers { return .zero }
        var earliest = server.nextDeadline
        for deadline in [streams.nextDeadline, peers.nextDeadline, dtls.nextDeadline, door.opensAt] {
            guard let deadline else { continue }
            earliest = earliest.map { min($0, deadline) } ?? deadline
        }
        return earliest
    }
}
