import LinuxSockets
import NetworkPrimitives
import STUN
import TURN

// From the listeners to the peers, and from the relay sockets to the clients.
extension Worker {
    /// Reads a listener until it is empty or has had its share of the round.
    mutating func readListener(_ listener: Int, at now: Instant) {
        let end = handled + Self.listenerShare
        while handled < end {
            let count: Int
            do { count = try received.receive(from: listeners.raw(listener)) } catch { break }
            for slot in 0..<count { receiveFromClient(slot, listener, at: now) }
            outgoing.flush()
            if count < received.slotCount { break }
        }
        if let wish = forwarder.takeWish() { connect(wish, at: now) }
    }

    private mutating func receiveFromClient(_ slot: Int, _ listener: Int, at now: Instant) {
        let train = received.train(of: slot)
        let listening = listeners.address(listener)
        let server = train.localAddress.map { SocketAddress(ip: $0, port: listening.port) } ?? listening
        let path = FiveTuple(client: ClientAddress(train.source), server: server, transport: .udp)
        for segment in train.segments { receiveFromClient(segment, path, at: now) }
    }

    /// One message of a client, wherever it came from.
    mutating func receiveFromClient(_ segment: Segment, _ path: FiveTuple, at now: Instant) {
        handled += 1
        switch Self.route(segment, of: received, by: &forwarder, on: path, at: now) {
        case .sendToPeer(let peer, let socket, let connection, let payload, let dontFragment):
            let start = segment.bytes.lowerBound
            outgoing.append(
                slot: segment.slot, bytes: start + payload.lowerBound..<start + payload.upperBound,
                Envelope(
                    socket: (connection ?? socket).rawValue, destination: peer, isConnected: connection != nil,
                    dontFragment: dontFragment))
        case .handToControlPlane where path.transport == .udp && !context.settings.servesPlainDatagrams:
            // `no-udp` where the listener is open for DTLS. Without an answer nobody gets as far as data.
            drops.count(.disabled)
        case .handToControlPlane:
            receiveControl(segment, path, at: now)
        case .drop(.notForUs) where receiveDTLS(segment, path, at: now): break
        case .drop(.noAllocation) where server.hasArrivals && isFromArrival(segment, path, at: now):
            break
        case .drop(let reason):
            drops.count(reason)
            logDrop(reason, path, at: now)
        }
    }

    // See `ask`.
    private static func route(
        _ segment: Segment, of received: borrowing ReceiveBatch, by forwarder: inout RelayForwarder,
        on path: FiveTuple, at now: Instant
    ) -> RelayForwarder.ClientVerdict {
        forwarder.receiveFromClient(received.payload(of: segment), on: path, at: now)
    }

    /// Reads a relay socket into the slots from `first` on; returns the first slot that is free afterwards.
    mutating func readRelay(_ descriptor: CInt, _ allocation: UInt32, startingAt first: Int, at now: Instant) -> Int {
        var next = first
        let end = handled + Self.relayShare
        while handled < end {
            if received.slotCount - next < Self.slotsPerRelay {
                outgoing.flush()
                next = 0
            }
            let room = relayDepth.limit(min(received.slotCount - next, Self.relaySlots, end - handled))
            let count: Int
            do { count = try received.receive(from: descriptor, limit: room, startingAt: next) } catch {
                // The call was told of an ICMP error instead of a datagram; what waits is reported again.
                if error.isDeliveryReport { readErrors(descriptor, allocation, at: now) }
                return next
            }
            relayDepth.note(count)
            for slot in next..<next + count { receiveFromPeer(slot, allocation, at: now) }
            next += count
            // Asked for one, it may have more: the poller will say so.
            if count < room || room == 1 { return next }
        }
        return next
    }

    private mutating func receiveFromPeer(_ slot: Int, _ allocation: UInt32, at now: Instant) {
        let train = received.train(of: slot)
        for segment in train.segments {
            handled += 1
            if train.isTruncated, segment.isLast {
                drops.count(.tooLong)
            } else {
                receiveFromPeer(segment, train.source, allocation, at: now)
            }
        }
    }

    private mutating func receiveFromPeer(
        _ segment: Segment, _ peer: SocketAddress, _ allocation: UInt32, at now: Instant
    ) {
        var headroom = outgoing.headroom(before: segment)
        let verdict = forwarder.receiveFromPeer(
            segment.bytes.count, from: peer, allocation: allocation, at: now, headroom: &headroom)
        switch verdict {
        case .sendToClient(let path, let frame):
            switch path.transport {
            case .udp:
                guard let envelope = envelope(to: path) else { return drops.count(.noAllocation) }
                outgoing.append(segment, header: frame.header, padding: frame.padding, envelope)
            case .dtls:
                let sending = Self.encrypt(
                    segment, of: &received, headroom.bytes.extracting(last: frame.header), padding: frame.padding,
                    to: path, by: &dtls)
                finish(sending, to: path)
            case .tcp, .tls:
                let header = headroom.bytes.extracting(last: frame.header)
                let isSent = Self.relay(
                    segment, of: received, header, padding: frame.padding, to: path, through: &streams)
                if !isSent { drops.count(.noAllocation) }
            }
        case .drop(let reason):
            drops.count(reason)
        }
    }

    /// How a datagram goes back along a five-tuple: from the address that the client talks to (RFC 8489 §6.3.1.1).
    func envelope(to path: FiveTuple) -> Envelope? {
        guard let sender = listeners.sender(for: path.server) else { return nil }
        return Envelope(
            socket: sender.raw, destination: path.client.socketAddress, localAddress: sender.localAddress)
    }

    /// ICMP errors that datagrams of a relay socket met (RFC 8656 §11.5).
    mutating func readErrors(_ descriptor: CInt, _ allocation: UInt32, at now: Instant) {
        for _ in 0..<Self.errorsPerRound {
            guard let error = readErrorQueue(of: descriptor) else { return }
            let message = ICMPMessage(
                peer: error.peer, type: error.type, code: error.code, errorData: error.errorData)
            reply { server, bytes in server.receiveICMP(message, allocation: allocation, at: now, reply: bytes) }
            drainOutputs(at: now)
        }
    }

    private static var errorsPerRound: Int { 64 }
}
