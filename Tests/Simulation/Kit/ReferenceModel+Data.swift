import NetworkPrimitives

// What is relayed, and what is not (RFC 8656 §9, §11, §12).
extension ReferenceModel {
    /// What must be so for a datagram to be relayed, and how certain each part is.
    private struct Judgement {
        var allocation = Life.dead
        var permission = Life.dead
        var channel = Life.live

        var isCertain: Bool { allocation == .live && permission == .live && channel == .live }

        var broken: Rule? {
            if allocation == .dead { return .relayedWithoutAllocation }
            if channel == .dead { return .relayedWithoutChannel }
            return permission == .dead ? .relayedWithoutPermission : nil
        }
    }

    private func judgement(_ path: Path, peer: IPAddress, _ now: Instant) -> Judgement {
        settle(path, now)
        let allocation = allocations[path]
        var judgement = Judgement()
        judgement.allocation = life(until: allocation?.relays[peer.family]?.expiresAt, now)
        judgement.permission = life(until: allocation?.permissions[peer], now)
        return judgement
    }

    // MARK: - Client to peer

    func judgeChannelData(_ bytes: [UInt8], _ sent: [Datagram], _ path: Path, _ now: Instant) {
        guard bytes.count >= 4 else { return expectSilence(sent, now) }
        let number = UInt16(bytes[0]) << 8 | UInt16(bytes[1])
        let end = 4 + (Int(bytes[2]) << 8 | Int(bytes[3]))
        guard end <= bytes.count else { return expectSilence(sent, now) }
        settle(path, now)
        guard let channel = allocations[path]?.channels[number] else {
            if sent.isEmpty {
                tally.silenced += 1
            } else {
                let isGone = allocations[path] == nil
                violate(isGone ? .relayedWithoutAllocation : .relayedWithoutChannel, now, "\(path.client) \(number)")
            }
            return
        }
        var judged = judgement(path, peer: channel.peer.ip, now)
        judged.channel = life(until: channel.expiresAt, now)
        judgeToPeer(Array(bytes[4..<end]), to: channel.peer, judged, sent, path, now, mayRefuse: false)
    }

    func judgeSend(_ message: WireMessage, _ sent: [Datagram], _ path: Path, _ now: Instant) {
        guard let named = message.address(WireMessage.peerAddress), let payload = message.value(WireMessage.dataType),
            !message.hasUnknownRequired
        else { return expectSilence(sent, now) }
        let peer = external(named)
        // Port 0 is nobody, and on this host the low ports and our own listeners are refused.
        let isOwn = setup.relays.contains { $0.advertised == peer.ip }
        let mayRefuse = peer.port == 0 || isOwn && peer.port < 49152
        judgeToPeer(payload, to: peer, judgement(path, peer: peer.ip, now), sent, path, now, mayRefuse: mayRefuse)
    }

    private func judgeToPeer(
        _ payload: [UInt8], to peer: SocketAddress, _ judged: Judgement, _ sent: [Datagram], _ path: Path,
        _ now: Instant, mayRefuse: Bool
    ) {
        guard let relayed = sent.first else {
            tally.silenced += 1
            if judged.isCertain, !mayRefuse { violate(.notRelayed, now, "\(path.client) to \(peer)") }
            return
        }
        if sent.count > 1 { violate(.relayedTwice, now, "\(path.client) to \(peer)") }
        if let broken = judged.broken { return violate(broken, now, "\(path.client) to \(peer)") }
        let source = allocations[path]?.relays[peer.family]?.address
        if external(relayed.destination) != peer || external(relayed.source) != source {
            violate(.relayedElsewhere, now, "\(relayed.source) to \(relayed.destination), not \(peer)")
        }
        if relayed.payload != payload { violate(.payloadAltered, now, "\(path.client) to \(peer)") }
        tally.toPeer += 1
        allocations[path]?.contacted.insert(peer.ip)
    }

    // MARK: - Peer to client

    func judgePeer(_ datagram: Datagram, at destination: SocketAddress, _ sent: [Datagram], _ now: Instant) {
        let peer = external(datagram.source)
        guard let path = owners[destination] else {
            if sent.isEmpty {
                tally.silenced += 1
            } else {
                violate(.relayedWithoutAllocation, now, "\(peer) to \(destination)")
            }
            return
        }
        let judged = judgement(path, peer: peer.ip, now)
        guard let relayed = sent.first else {
            tally.silenced += 1
            if judged.isCertain { violate(.notRelayed, now, "\(peer) to \(destination)") }
            return
        }
        if sent.count > 1 { violate(.relayedTwice, now, "\(peer) to \(destination)") }
        if let broken = judged.broken { return violate(broken, now, "\(peer) to \(destination)") }
        if relayed.destination != path.client || external(relayed.source) != path.server {
            violate(.relayedElsewhere, now, "\(relayed.source) to \(relayed.destination), not \(path.client)")
        }
        tally.toClient += 1
        judgeFraming(of: relayed.payload, datagram.payload, from: peer, path, now)
    }

    /// ChannelData exactly while a channel is bound to the peer (RFC 8656 §11.3, §12.5).
    private func judgeFraming(
        of bytes: [UInt8], _ payload: [UInt8], from peer: SocketAddress, _ path: Path, _ now: Instant
    ) {
        let bound = allocations[path]?.channel(to: peer)
        let life = life(until: bound?.channel.expiresAt, now)
        if let message = WireMessage(parsing: bytes) {
            if life == .live { violate(.wrongFraming, now, "a Data indication while a channel is bound to \(peer)") }
            let isIndication = message.messageClass == .indication && message.method == WireMessage.data
            if !isIndication || message.isAuthenticated || message.address(WireMessage.peerAddress) != peer
                || message.has(WireMessage.icmp)
            {
                violate(.wrongFraming, now, "not a Data indication of \(peer)")
            }
            if !message.hasZeroPadding { violate(.leakingPadding, now, "in a Data indication") }
            if message.value(WireMessage.dataType) != payload { violate(.payloadAltered, now, "of \(peer)") }
            return
        }
        if life == .dead { return violate(.wrongFraming, now, "no channel is bound to \(peer)") }
        tally.asChannelData += 1
        guard bytes.count >= 4, let bound,
            Array(bytes[..<2]) == [UInt8(bound.number >> 8), UInt8(bound.number & 0xFF)],
            Int(bytes[2]) << 8 | Int(bytes[3]) == bytes.count - 4
        else { return violate(.wrongFraming, now, "not the channel of \(peer)") }
        if Array(bytes[4...]) != payload { violate(.payloadAltered, now, "of \(peer)") }
    }

    // MARK: - ICMP

    /// RFC 8656 §11.5: about a permitted peer that the client has sent to.
    func judgeICMP(_ datagram: Datagram, _ now: Instant) {
        let path = Path(client: datagram.destination, server: external(datagram.source))
        guard let message = WireMessage(parsing: datagram.payload), message.messageClass == .indication,
            message.method == WireMessage.data, message.has(WireMessage.icmp), !message.has(WireMessage.dataType),
            let peer = message.address(WireMessage.peerAddress)
        else { return violate(.unexpectedOutput, now, "\(datagram.payload.count) bytes to \(datagram.destination)") }
        tally.icmpErrors += 1
        if judgement(path, peer: peer.ip, now).broken != nil
            || allocations[path]?.contacted.contains(peer.ip) != true
        {
            violate(.strayICMP, now, "about \(peer) to \(path.client)")
        }
    }
}
