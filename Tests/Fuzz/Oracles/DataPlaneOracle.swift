import NetworkPrimitives
import STUN
import TURN

/// Any bytes from clients and from peers, against a data plane with a few routes: what a verdict names lies in the
/// buffer, and a second reading of what is sent finds the payload and the peer.
package func checkDataPlane(_ input: RawSpan) {
    var script = Script(input.array())
    var plane = DataPlaneUnderTest(options: script.byte())
    let choice = script.byte()
    let id = TransactionID(high: 7, low: UInt64(choice))
    var bytes = script.rest()
    // Lengths near the longest datagram are out of libFuzzer's reach, so one byte adds to them.
    if choice & 0xF0 == 0xF0 {
        bytes += [UInt8](repeating: choice, count: 65_480 + Int(choice & 0x0F) * 2 - min(bytes.count, 1_000))
    }
    let peers = DataPlaneUnderTest.peers
    for path in DataPlaneUnderTest.paths {
        plane.checkClient(bytes, on: path)
        plane.checkClient(channelData(bytes, 0x4000 | UInt16(choice & 1)), on: path)
        plane.checkClient(sendIndication(bytes, to: peers[Int(choice & 0x0F) % peers.count], id), on: path)
    }
    for peer in peers {
        for allocation in 0..<3 as Range<UInt32> { plane.checkPeer(bytes, from: peer, to: allocation) }
    }
}

private func channelData(_ payload: [UInt8], _ number: UInt16) -> [UInt8] {
    let count = payload.count & 0xFFFF
    return [UInt8(number >> 8), UInt8(number & 0xFF), UInt8(count >> 8), UInt8(count & 0xFF)] + payload
}

private func sendIndication(_ payload: [UInt8], to peer: SocketAddress, _ id: TransactionID) -> [UInt8] {
    let payload = Array(payload.prefix(65_400))
    var buffer = [UInt8](repeating: 0xEE, count: payload.count + 64)
    var span = buffer.mutableSpan
    var writer = MessageWriter(into: span.mutableBytes, type: MessageType(.send, .indication), transactionID: id)
    writer.appendXORAddress(.xorPeerAddress, peer)
    writer.append(.data, payload)
    let count = writer.finish()
    return Array(buffer[..<count])
}

/// Two allocations, of one family and of both, with permissions for some peers and channels to some of those.
private struct DataPlaneUnderTest: ~Copyable {
    static let paths = [TURNScene.paths[0], TURNScene.paths[3], TURNScene.paths[2]]
    private static let now = Instant(nanoseconds: 1)
    private static let sockets: [UInt32: [AddressFamily: RelaySocketID]] = [
        0: [.ipv4: RelaySocketID(rawValue: 10)],
        1: [.ipv4: RelaySocketID(rawValue: 11), .ipv6: RelaySocketID(rawValue: 12)],
    ]
    /// A channel, a permission, our own relay address on our network, nothing, and the same for IPv6.
    static let peers = [
        "8.8.8.8:5000", "8.8.8.8:5001", "8.8.4.4:5000", "10.1.0.5:49152", "192.0.2.77:49152", "9.9.9.9:1", "8.8.4.4:0",
        "[2606:4700::1]:5000", "[2606:4700::2]:5000", "[2001:db8::1]:49152", "[2606:4700::3]:5000",
    ].map { text in
        guard let address = SocketAddress(text) else { fatalError("not an address and a port: \(text)") }
        return address
    }
    private static let channelPeers = [peers[0], peers[7]]
    private static let permitted = [peers[0].ip, peers[2].ip, peers[3].ip, peers[7].ip, peers[8].ip]

    private var forwarder: RelayForwarder
    private let settings: TURNSettings

    init(options: UInt8) {
        var script = Script([0, options, options >> 6])
        settings = TURNSetup(&script).settings
        forwarder = RelayForwarder(settings: settings, tableSeed: 1, transactionSeed: 2)
        for allocation in 0..<2 as Range<UInt32> {
            forwarder.apply(
                .addAllocation(
                    allocation: allocation, fiveTuple: Self.paths[Int(allocation)],
                    bytesPerSecondMax: settings.bytesPerSecondMax), at: Self.now)
            for (family, socket) in Self.sockets[allocation] ?? [:] {
                forwarder.apply(.openRelay(allocation: allocation, family: family, socket: socket), at: Self.now)
            }
            for peer in Self.permitted {
                forwarder.apply(.permit(allocation: allocation, peer: peer), at: Self.now)
            }
            for (index, peer) in Self.channelPeers.enumerated() {
                forwarder.apply(
                    .bindChannel(allocation: allocation, number: 0x4000 + UInt16(index), peer: peer), at: Self.now)
            }
        }
    }

    // MARK: - From clients

    mutating func checkClient(_ bytes: [UInt8], on path: FiveTuple) {
        switch forwarder.receiveFromClient(bytes.span.bytes, on: path, at: Self.now) {
        case .drop: break
        case .handToControlPlane: require(bytes.count >= 4 && bytes[0] < 4, "requests begin with two zero bits")
        case .sendToPeer(let peer, let socket, _, let payload, let dontFragment):
            require(payload.lowerBound >= 4 && payload.upperBound <= bytes.count, "the payload lies in the datagram")
            guard let allocation = Self.paths.firstIndex(of: path), allocation < 2 else {
                fatalError("broken promise: without an allocation nothing is relayed")
            }
            require(Self.sockets[UInt32(allocation)]?[peer.family] == socket, "data leaves by the relay of its client")
            require(Self.permitted.contains(peer.ip), "data leaves to a peer that is permitted")
            if bytes[0] >= 0x40 {
                let number = STUNReference.uint16(bytes, 0)
                require(Self.channelPeers[number - 0x4000] == peer, "a channel leads to its peer")
                require(
                    payload == 4..<(4 + STUNReference.uint16(bytes, 2)), "a channel carries what follows the header")
                require(!dontFragment, "channels say nothing of fragments")
            } else {
                checkSendIndication(bytes, peer, payload, dontFragment)
            }
        }
    }

    private func checkSendIndication(
        _ bytes: [UInt8], _ peer: SocketAddress, _ payload: Range<Int>, _ dontFragment: Bool
    ) {
        guard let reference = STUNReference(bytes), let message = try? STUNMessage(parsing: bytes.span.bytes),
            case .value(let named) = message.xorPeerAddress(in: bytes.span.bytes)
        else { fatalError("broken promise: only a Send indication that is well-formed is relayed") }
        require(reference.first(0x0013)?.value == payload, "the payload is the value of DATA")
        require((reference.first(0x001A) != nil) == dontFragment, "DONT-FRAGMENT is heard")
        let local = SocketAddress(ip: settings.externalAddresses.local(named.ip), port: named.port)
        require(peer == local, "the peer is the one that is named")
        require(settings.peerFilter.ports.admits(peer), "ports that are refused are not sent to")
    }

    // MARK: - From peers

    mutating func checkPeer(_ payload: [UInt8], from peer: SocketAddress, to allocation: UInt32) {
        // A caller may lend more than is needed; the header is at its end.
        var headroom = [UInt8](repeating: 0xEE, count: RelayForwarder.headroom + payload.count % 17)
        let verdict: RelayForwarder.PeerVerdict
        do {
            var span = headroom.mutableSpan
            var bytes = span.mutableBytes
            verdict = forwarder.receiveFromPeer(
                payload.count, from: peer, allocation: allocation, at: Self.now, headroom: &bytes)
        }
        guard case .sendToClient(let path, let frame) = verdict else { return }
        require(allocation < 2 && path == Self.paths[Int(allocation)], "data goes to the client that owns the relay")
        require(frame.header >= 0 && frame.header <= RelayForwarder.headroom, "the header lies in the headroom")
        require(frame.padding >= 0 && frame.padding <= RelayForwarder.paddingMax, "padding is to a multiple of four")
        require(Self.permitted.contains(peer.ip), "only peers that are permitted are heard")
        require(headroom.dropLast(frame.header).allSatisfy { $0 == 0xEE }, "nothing is written before the header")
        let bytes = Array(headroom.suffix(frame.header)) + payload + [UInt8](repeating: 0, count: frame.padding)
        require(bytes.count <= RelayForwarder.datagramByteCountMax, "a packet fits into a datagram")
        if let channel = Self.channelPeers.firstIndex(of: peer) {
            require(bytes == channelData(payload, 0x4000 + UInt16(channel)), "ChannelData is header and payload")
            checkClient(bytes, on: path)
        } else {
            checkDataIndication(bytes, payload, peer)
        }
    }

    private func checkDataIndication(_ bytes: [UInt8], _ payload: [UInt8], _ peer: SocketAddress) {
        guard let reference = STUNReference(bytes), let message = try? STUNMessage(parsing: bytes.span.bytes) else {
            fatalError("broken promise: a Data indication is a STUN message")
        }
        require(message.type == MessageType(.data, .indication), "it is a Data indication")
        require(reference.attributes.map(\.type) == [0x0012, 0x0013], "it has a peer and data and nothing else")
        require(Array(bytes[reference.attributes[1].value]) == payload, "its data is the payload")
        let known = SocketAddress(ip: settings.externalAddresses.advertised(peer.ip), port: peer.port)
        require(message.xorPeerAddress(in: bytes.span.bytes) == .value(known), "its peer is the one we heard")
    }
}
