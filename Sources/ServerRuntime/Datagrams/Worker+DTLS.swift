import Containers
import LinuxSockets
import NetworkPrimitives
import TLS
import TURN

// Clients that come by DTLS over the listeners for UDP (RFC 7350). What they say goes where datagrams go, once it is
// decrypted to where its ciphertext lay.
extension Worker {
    /// A datagram that is neither STUN nor ChannelData. False when it is not of DTLS either (RFC 7983 §7), or DTLS is
    /// not served.
    mutating func receiveDTLS(_ segment: Segment, _ plainPath: FiveTuple, at now: Instant) -> Bool {
        guard dtls.isServing, plainPath.transport == .udp else { return false }
        let path = FiveTuple(client: plainPath.client, server: plainPath.server, transport: .dtls)
        switch Self.take(segment, of: received, on: path, by: &dtls, at: now) {
        case .foreign: return false
        case .met: sendOutbox(to: path)
        case .reader(let handle): readMessages(handle, segment, path, at: now)
        }
        settleAssociations(at: now)
        logFailure(path, at: now)
        return true
    }

    private enum DTLSArrival {
        case foreign
        case met
        case reader(SlabHandle)
    }

    // See `ask`.
    private static func take(
        _ segment: Segment, of received: borrowing ReceiveBatch, on path: FiveTuple, by dtls: inout DTLSTable,
        at now: Instant
    ) -> DTLSArrival {
        let datagram = received.payload(of: segment)
        guard datagram.byteCount > 0, (20...63).contains(datagram.byte(at: 0)) else { return .foreign }
        guard let handle = dtls.reader(of: datagram, on: path) else {
            dtls.meet(datagram, on: path, at: now)
            return .met
        }
        dtls.load(datagram)
        return .reader(handle)
    }

    // MARK: - Reading

    private mutating func readMessages(_ handle: SlabHandle, _ segment: Segment, _ path: FiveTuple, at now: Instant) {
        var start = segment.bytes.lowerBound
        // Plain text is shorter than the datagram, but for messages that had to wait for the end of the handshake.
        let end = segment.isLast ? received.payloadRoom.upperBound : segment.bytes.upperBound
        while true {
            let reading = Self.read(handle, of: &dtls, into: &received, segment.slot, start..<end, at: now)
            sendOutbox(to: path)
            if reading.byteCount > 0 {
                let message = Segment(slot: segment.slot, bytes: start..<start + reading.byteCount)
                receiveFromClient(message, path, at: now)
            }
            start += reading.byteCount
            guard reading.hasMore, start < end else { return }
        }
    }

    private static func read(
        _ handle: SlabHandle, of dtls: inout DTLSTable, into received: inout ReceiveBatch, _ slot: Int,
        _ range: Range<Int>, at now: Instant
    ) -> DTLSReading {
        var whole = received.slot(slot)
        var room = whole._mutatingExtracting(range)
        return dtls.read(handle, into: &room, at: now)
    }

    // MARK: - Writing

    /// A peer's datagram goes to a client behind an association, encrypted from where it lies if it does so in one
    /// piece.
    static func encrypt(
        _ segment: Segment, of received: inout ReceiveBatch, _ header: RawSpan, padding: Int, to path: FiveTuple,
        by dtls: inout DTLSTable
    ) -> DTLSSending {
        guard segment.isFirst, segment.isLast || padding == 0 else {
            return dtls.send(header: header, payload: received.payload(of: segment), padding: padding, to: path)
        }
        // The headroom of the first datagram of a slot is the slot's own, and so is the room behind the last one.
        let bytes = segment.bytes.lowerBound - header.byteCount..<segment.bytes.upperBound + padding
        if padding > 0 { clear(segment.bytes.upperBound..<bytes.upperBound, of: segment.slot, in: &received) }
        return dtls.send(received.payload(of: Segment(slot: segment.slot, bytes: bytes)), to: path)
    }

    private static func clear(_ range: Range<Int>, of slot: Int, in received: inout ReceiveBatch) {
        var whole = received.slot(slot)
        for offset in range { whole.storeBigEndian(UInt8(0), at: offset) }
    }

    /// A reply of the control plane.
    mutating func encrypt(_ message: RawSpan, to path: FiveTuple) {
        finish(dtls.send(message, to: path), to: path)
    }

    /// Sends what was encrypted, or counts why it was not.
    mutating func finish(_ sending: DTLSSending, to path: FiveTuple) {
        switch sending {
        case .sent: sendOutbox(to: path)
        case .noAssociation: drops.count(.noAllocation)
        case .tooLong: drops.count(.tooLong)
        }
    }

    private mutating func sendOutbox(to path: FiveTuple) {
        guard !dtls.outbox.isEmpty else { return }
        if let envelope = envelope(to: path) { Self.append(dtls.outbox, to: &outgoing, envelope) }
        dtls.emptyOutbox()
    }

    private static func append(
        _ outbox: borrowing TLSOutbox, to outgoing: inout TransmitBatch, _ envelope: Envelope
    ) {
        for index in 0..<outbox.datagramCount { outgoing.append(copying: outbox.datagram(index), envelope) }
    }

    // MARK: - Ending

    /// Ends what hangs by associations that have ended: nobody else has their keys.
    private mutating func settleAssociations(at now: Instant) {
        while let path = dtls.takeEnded() {
            server.disconnected(path, at: now)
            drainOutputs(at: now)
        }
    }

    mutating func expireAssociations(at now: Instant) {
        guard let deadline = dtls.nextDeadline, deadline <= now else { return }
        while let path = dtls.handleDeadline(at: now) {
            sendOutbox(to: path)
            settleAssociations(at: now)
            logFailure(path, at: now)
        }
        outgoing.flush()
    }

    /// What an operator wants to know whose certificate nobody likes.
    private mutating func logFailure(_ path: FiveTuple, at now: Instant) {
        guard let failure = dtls.takeFailure() else { return }
        logRefusal("the DTLS handshake with \(path.client.socketAddress) failed: \(failure)", at: now)
    }

    /// Says goodbye to all, so that they need not find out by silence (RFC 5246 §7.2.1).
    mutating func closeAssociations() {
        for path in dtls.establishedPaths {
            dtls.close(path)
            sendOutbox(to: path)
        }
        outgoing.flush()
    }
}
