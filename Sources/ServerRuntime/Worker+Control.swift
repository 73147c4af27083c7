import EventLoop
import LinuxSockets
import NetworkPrimitives
import STUN
import TURN
import Telemetry

/// What the shell has to tell the control plane about an output.
enum ShellAnswer {
    case relayOpened(AllocationID, RelaySocketID, SocketAddress)
    case relayFailed(AllocationID, RelayFailure)
    case claimAnswered(MobilityClaim, ClaimAnswer)
    case peerFailed(PeerConnectionID)
}

// Driving the control plane: inputs, its replies, its outputs.
extension Worker {
    mutating func receiveControl(_ segment: Segment, _ path: FiveTuple, at now: Instant) {
        let unixTime = wallClock()
        var bytes = InlineArray<1600, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        let answer = Self.ask(
            &server, about: segment, of: received, on: path, at: now, unixTime: unixTime,
            reply: unsafe span.mutableBytes)
        if let reason = server.lastDrop { logDrop(reason, path, at: now) }
        // First the deed, then the word: who is told that an allocation has ended may count on its port being free.
        if server.isWaitingForAllocation { hold(segment, path) }
        drainOutputs(at: now)
        if let answer { send(unsafe bytes.span.bytes, answer) }
    }

    // The machine and the datagram are parts of one value, and each is named by itself here: so the compiler sees that
    // changing the one leaves the other alone.
    private static func ask(
        _ server: inout TURNServer, about segment: Segment, of received: borrowing ReceiveBatch, on path: FiveTuple,
        at now: Instant, unixTime: UnixTime, reply: consuming MutableRawSpan
    ) -> Reply? {
        server.receive(received.payload(of: segment), on: path, at: now, unixTime: unixTime, reply: reply)
    }

    /// Gives the control plane an input that may be answered, and sends the answer. Its outputs are the caller's to
    /// drain.
    mutating func reply(_ input: (inout TURNServer, consuming MutableRawSpan) -> Reply?) {
        var bytes = InlineArray<1600, UInt8>(repeating: 0)
        var span = bytes.mutableSpan
        let answer = input(&server, unsafe span.mutableBytes)
        if let answer { send(unsafe bytes.span.bytes, answer) }
    }

    private mutating func send(_ bytes: RawSpan, _ reply: Reply) {
        let message = bytes.extracting(0..<reply.byteCount)
        switch reply.path.transport {
        case .udp:
            guard let envelope = envelope(to: reply.path) else { return drops.count(.noAllocation) }
            outgoing.append(copying: message, envelope)
        case .dtls: encrypt(message, to: reply.path)
        case .tcp, .tls:
            // RFC 8489 §6.3.1.2: on the connection that the request came by, if that still is.
            let isSent = streams.send(.control, header: RawSpan(), payload: message, padding: 0, to: reply.path)
            if !isSent { drops.count(.noAllocation) }
        }
    }

    /// Does all that the control plane asks for, and tells it how it went, in the order in which it asked, until there
    /// is nothing left of either.
    mutating func drainOutputs(at now: Instant) {
        while true {
            while let output = server.nextOutput() { perform(output, at: now) }
            guard !answers.isEmpty else { return }
            give(answers.removeFirst(), at: now)
        }
    }

    private mutating func give(_ answer: ShellAnswer, at now: Instant) {
        reply { server, bytes in
            switch answer {
            case .relayOpened(let id, let socket, let address):
                server.relayOpened(id, socket: socket, address: address, at: now, reply: bytes)
            case .relayFailed(let id, let failure):
                server.relayFailed(id, failure, at: now, reply: bytes)
            case .claimAnswered(let claim, let answer):
                server.claimAnswered(claim, answer, at: now, reply: bytes)
            case .peerFailed(let id): server.peerFailed(id, reply: bytes)
            }
        }
    }

    private mutating func perform(_ output: Output, at now: Instant) {
        switch output {
        case .openRelay(let id, let address, let token):
            answers.append(openRelay(id, address, holdNextAs: token))
        case .claimReservation(let id, let token):
            answers.append(claimReservation(id, token, at: now))
        case .endReservation(let token):
            guard let held = context.reservations.take(token) else { return }
            let address = held.socket.localAddress
            context.ledger.returnPort(address.port, of: address.ip, wasUsable: true, at: now)
        case .closeRelay(let socket):
            // What still waits for the flush must not leave by another allocation's socket.
            outgoing.flush()
            relays.close(socket.rawValue)
        case .tcp(let output): perform(output, at: now)
        case .route(let change):
            forwarder.apply(change, at: now)
        case .sessionOpened(let session):
            allocationOpened(session.fiveTuple)
            if let mobility = session.mobility { context.colleagues?.book.note(mobility, of: context.number) }
            logOpened(session)
        case .sessionClosed(let session, let end):
            releaseClient(of: session, at: now)
            if let mobility = session.mobility { context.colleagues?.book.forget(mobility, of: context.number) }
            let traffic = forwarder.traffic(of: session.allocation.index)
            endedTraffic[session.fiveTuple.transport].add(traffic)
            logClosed(session, end, traffic)
        case .mobility(let change):
            perform(change, at: now)
        case .authenticationFailed(let client, let username, let code, let isAddressProven):
            // Packaging/fail2ban knows the words: only `> from` leads to a ban.
            let origin = isAddressProven ? " from" : ", address not proven:"
            logRefusal(
                "\(code.rawValue) \(code.reason) for <\(Quoted(username))>\(origin) \(client.socketAddress)", at: now)
        case .bindingAnswered(let client):
            logBinding(client, at: now)
        case .peerRefused(let client, let peer):
            logRefusal("403 Forbidden: peer \(peer) refused to \(client.socketAddress)", at: now)
        }
    }

    /// Who has an allocation may stay.
    mutating func allocationOpened(_ path: FiveTuple) {
        switch path.transport {
        case .udp: break
        case .dtls: dtls.allocationOpened(path)
        case .tcp, .tls: streams.allocationOpened(path)
        }
    }

    mutating func allocationClosed(_ path: FiveTuple, at now: Instant) {
        switch path.transport {
        case .udp: break
        case .dtls: dtls.allocationClosed(path, at: now)
        case .tcp, .tls: streams.allocationClosed(path, at: now)
        }
    }

    // MARK: - Relay sockets

    private mutating func openRelay(_ id: AllocationID, _ address: SocketAddress, holdNextAs token: UInt64?)
        -> ShellAnswer
    {
        do {
            let socket = HeldSocket(try UDPSocket(binding: address, options: relayOptions))
            if let token {
                let next = try UDPSocket(binding: address.with(port: address.port + 1), options: relayOptions)
                try adopt(socket, of: id)
                context.reservations.hold(next, as: token)
            } else {
                try adopt(socket, of: id)
            }
            return .relayOpened(id, RelaySocketID(rawValue: socket.socket.raw), address)
        } catch {
            return .relayFailed(id, error.isAddressInUse ? .addressInUse : .outOfResources)
        }
    }

    private mutating func claimReservation(_ id: AllocationID, _ token: UInt64, at now: Instant) -> ShellAnswer {
        guard let held = context.reservations.take(token) else { return .relayFailed(id, .noReservation) }
        do { try adopt(held, of: id) } catch {
            // The token is spent: its worker may have ended it meanwhile, and would not find it a second time.
            let address = held.socket.localAddress
            context.ledger.returnPort(address.port, of: address.ip, wasUsable: true, at: now)
            return .relayFailed(id, .outOfResources)
        }
        return .relayOpened(id, RelaySocketID(rawValue: held.socket.raw), held.socket.localAddress)
    }

    /// Opens the connection that the data plane would like to have. Nothing may wait for the flush.
    mutating func connect(_ wish: ConnectionWish, at now: Instant) {
        guard now >= connectsFrom else { return }
        let raw: CInt
        do throws(ConnectionFailure) { raw = try relays.connect(wish, options: relayOptions) } catch {
            // Others wish too, and what is short now is short for a while.
            if error == .shortage { connectsFrom = now.advanced(byMilliseconds: Self.connectionPause) }
            return forwarder.connect(wish, through: nil)
        }
        let token = WorkerToken.relay(descriptor: raw, allocation: wish.allocation)
        do {
            try poller.add(raw, token: token.bits, interest: .readable)
            forwarder.connect(wish, through: RelaySocketID(rawValue: raw))
        } catch {
            relays.disconnect(wish.relay.rawValue)
            forwarder.connect(wish, through: nil)
        }
    }

    private mutating func adopt(_ socket: HeldSocket, of id: AllocationID) throws(SystemError) {
        let raw = socket.socket.raw
        let token = WorkerToken.relay(descriptor: raw, allocation: id.index)
        try poller.add(raw, token: token.bits, interest: .readable)
        relays.insert(socket, of: id.index)
    }

    private var relayOptions: UDPSocketOptions {
        UDPSocketOptions(
            receiveErrors: true, receiveBufferBytes: context.settings.socketBufferBytes,
            sendBufferBytes: context.settings.socketBufferBytes, device: context.settings.relayDevice,
            coalesces: context.settings.coalescesDatagrams)
    }
}
