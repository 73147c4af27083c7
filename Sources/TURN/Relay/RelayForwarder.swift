import Containers
package import NetworkPrimitives
import STUN

/// The data plane: a datagram goes in, a value that says where its bytes go comes out. It allocates nothing, asks
/// nobody, and sends nothing.
///
/// A client's datagram is left as it is; the verdict names the range to send on. A peer's datagram is framed in place:
/// the buffer has at least `headroom` bytes before the payload and `tailroom` after it.
package struct RelayForwarder: ~Copyable {
    /// Bytes that a peer's datagram needs before it: a Data indication's header (20), an IPv6 XOR-PEER-ADDRESS (24) and
    /// the header of DATA (4).
    package static let headroom = 48
    /// Bytes that it needs after it: padding of DATA.
    package static let tailroom = 3
    /// The longest UDP payload over IPv4; IPv6 allows 20 bytes more, which no client can count on.
    package static let datagramByteCountMax = 65_507

    /// What becomes of a datagram from a client.
    package enum ClientVerdict: Equatable, Sendable {
        /// Send `payload` of the datagram to a peer through a relay socket, or through `connection`, if there is a
        /// socket that is connected to that peer.
        case sendToPeer(
            SocketAddress, through: RelaySocketID, connection: RelaySocketID?, payload: Range<Int>, dontFragment: Bool)
        case handToControlPlane
        case drop(DropReason)
    }

    /// What becomes of a datagram from a peer.
    package enum PeerVerdict: Equatable, Sendable {
        /// Send `packet` of the buffer back along the five-tuple.
        case sendToClient(FiveTuple, packet: Range<Int>)
        case drop(DropReason)
    }

    package private(set) var table: RouteTable
    private let channelNumbers: ChannelNumberRange
    private let peerPorts: PeerPortPolicy
    private let external: ExternalAddresses
    private var transactionIDs: SplitMix64
    private var wish: ConnectionWish?
    private var active: UInt64 = 0

    /// Two seeds, both secret: transaction ids are shown to clients and tell theirs, which must not be that of the
    /// table.
    package init(settings: TURNSettings, tableSeed: UInt64, transactionSeed: UInt64) {
        table = RouteTable(limits: settings.limits, seed: tableSeed)
        channelNumbers = settings.channelNumbers
        peerPorts = settings.peerFilter.ports
        external = settings.externalAddresses
        transactionIDs = SplitMix64(seed: transactionSeed)
    }

    package mutating func apply(_ change: RouteChange, at now: Instant) { table.apply(change, at: now) }

    /// What an allocation has relayed so far; asked before it is removed.
    package func traffic(of allocation: UInt32) -> Traffic {
        table.isLive(allocation) ? table[allocation].traffic : Traffic()
    }

    /// Allocations that have relayed since the last call, as a set of 64 bits into which their indices are folded: a
    /// single bit is most likely a single allocation, and several are several.
    package mutating func takeActive() -> UInt64 {
        defer { active = 0 }
        return active
    }

    /// The connection that would pay most lately, if any. What is not taken comes again.
    package mutating func takeWish() -> ConnectionWish? {
        guard let taken = wish else { return nil }
        wish = nil
        return taken
    }

    /// From now on `socket` carries what goes to the peer of the wish; nil: it could not be had. A connection that the
    /// allocation had before is not used any more.
    package mutating func connect(_ wish: ConnectionWish, through socket: RelaySocketID?) {
        guard table.isLive(wish.allocation) else { return }
        table[wish.allocation].connection.connect(socket, to: wish.peer)
    }

    // MARK: - Client to peer

    /// RFC 7983 §7: the first byte alone says what a datagram is.
    package mutating func receiveFromClient(
        _ datagram: RawSpan, on path: FiveTuple, at now: Instant
    ) -> ClientVerdict {
        guard datagram.byteCount >= ChannelDataHeader.byteCount else { return .drop(.notForUs) }
        switch datagram.byte(at: 0) {
        case 0...3:
            // Data moves in indications too (RFC 8656 §11), and some clients use nothing else.
            return datagram.bigEndianUInt16(at: 0) == Self.sendIndication
                ? routeSendIndication(datagram, on: path, at: now) : .handToControlPlane
        case 64...79:
            return routeChannelData(datagram, on: path, at: now)
        case 80...127 where channelNumbers == .rfc5766:
            return routeChannelData(datagram, on: path, at: now)
        default:
            return .drop(.notForUs)
        }
    }

    private static let sendIndication = MessageType(.send, .indication).wire
    private static let dataIndication = MessageType(.data, .indication).wire

    /// RFC 8656 §12.6. Over UDP padding is allowed but not required, so the datagram may be longer than it says.
    private mutating func routeChannelData(
        _ datagram: RawSpan, on path: FiveTuple, at now: Instant
    ) -> ClientVerdict {
        let start = ChannelDataHeader.byteCount
        let payload = start..<(start + Int(datagram.bigEndianUInt16(at: 2)))
        guard payload.upperBound <= datagram.byteCount else { return .drop(.malformed) }
        guard let allocation = table.allocation(of: path) else { return .drop(.noAllocation) }
        guard let peer = table.peer(ofChannel: datagram.bigEndianUInt16(at: 0), allocation: allocation) else {
            return .drop(.noChannel)
        }
        return send(payload, to: peer, from: allocation, dontFragment: false, at: now)
    }

    /// RFC 8656 §11.2. A malformed or forbidden indication is dropped without a word.
    private mutating func routeSendIndication(
        _ datagram: RawSpan, on path: FiveTuple, at now: Instant
    ) -> ClientVerdict {
        let message: STUNMessage
        do { message = try STUNMessage(parsing: datagram) } catch {
            return .drop(error == .badFingerprint ? .badFingerprint : .malformed)
        }
        guard message.unknownRequiredCount == 0 else { return .drop(.ignoredMessage) }
        guard let payload = message.range(of: .data),
            case .value(let named) = message.xorPeerAddress(in: datagram)
        else { return .drop(.malformed) }
        guard let allocation = table.allocation(of: path) else { return .drop(.noAllocation) }
        let peer = SocketAddress(ip: external.local(named.ip), port: named.port)
        guard table.isPermitted(peer.ip, allocation: allocation) else { return .drop(.noPermission) }
        guard peerPorts.admits(peer) else { return .drop(.refusedPeerPort) }
        return send(payload, to: peer, from: allocation, dontFragment: message.has(.dontFragment), at: now)
    }

    private mutating func send(
        _ payload: Range<Int>, to peer: SocketAddress, from allocation: UInt32, dontFragment: Bool, at now: Instant
    ) -> ClientVerdict {
        guard let socket = table[allocation].relay(peer.family) else { return .drop(.noRelay) }
        guard table[allocation].upstream.take(payload.count, at: now) else { return .drop(.overBandwidth) }
        table[allocation].traffic.toPeerPackets += 1
        table[allocation].traffic.toPeerBytes += UInt64(payload.count)
        let connection = table[allocation].connection.noteDatagram(to: peer)
        if connection.isWished { wish = ConnectionWish(allocation: allocation, relay: socket, peer: peer) }
        active |= 1 << (allocation % 64)
        return .sendToPeer(
            peer, through: socket, connection: connection.socket, payload: payload, dontFragment: dontFragment)
    }

    // MARK: - Peer to client

    /// RFC 8656 §11.3: a datagram that arrived at the relay socket of `allocation`. The header is written before the
    /// payload.
    package mutating func receiveFromPeer(
        _ buffer: inout MutableRawSpan, payload: Range<Int>, from peer: SocketAddress, allocation: UInt32,
        at now: Instant
    ) -> PeerVerdict {
        precondition(payload.lowerBound >= Self.headroom && payload.upperBound + Self.tailroom <= buffer.byteCount)
        // The socket may hold datagrams that arrived before the allocation ended.
        guard table.isLive(allocation) else { return .drop(.noAllocation) }
        let packet: Range<Int>
        if let channel = table.channel(toPeer: peer, allocation: allocation) {
            guard payload.count <= Self.datagramByteCountMax - ChannelDataHeader.byteCount else {
                return .drop(.tooLong)
            }
            packet = Self.frameChannelData(&buffer, payload: payload, channel: channel)
        } else {
            guard table.isPermitted(peer.ip, allocation: allocation) else { return .drop(.noPermission) }
            guard payload.count <= Self.datagramByteCountMax - Self.headroom - Self.tailroom else {
                return .drop(.tooLong)
            }
            packet = frameDataIndication(&buffer, payload: payload, peer: peer)
        }
        guard table[allocation].downstream.take(payload.count, at: now) else { return .drop(.overBandwidth) }
        active |= 1 << (allocation % 64)
        table[allocation].traffic.toClientPackets += 1
        table[allocation].traffic.toClientBytes += UInt64(payload.count)
        return .sendToClient(table[allocation].fiveTuple, packet: packet)
    }

    /// RFC 8656 §12.5: over UDP without padding.
    private static func frameChannelData(
        _ buffer: inout MutableRawSpan, payload: Range<Int>, channel: UInt16
    ) -> Range<Int> {
        let start = payload.lowerBound - ChannelDataHeader.byteCount
        buffer.storeBigEndian(channel, at: start)
        buffer.storeBigEndian(UInt16(payload.count), at: start + 2)
        return start..<payload.upperBound
    }

    /// ```
    ///  | Data indication, length, cookie, fresh id | XOR-PEER-ADDRESS 12 or 24 | DATA header | payload | padding |
    /// ```
    private mutating func frameDataIndication(
        _ buffer: inout MutableRawSpan, payload: Range<Int>, peer: SocketAddress
    ) -> Range<Int> {
        let addressByteCount = XORAddress.byteCount(peer.family)
        let padding = -payload.count & 0b11
        let start = payload.lowerBound - (STUNMessage.headerByteCount + 4 + addressByteCount + 4)
        let end = payload.upperBound + padding
        let random = transactionIDs.next()
        let id = TransactionID(high: UInt32(truncatingIfNeeded: transactionIDs.next()), low: random)
        buffer.storeBigEndian(Self.dataIndication, at: start)
        buffer.storeBigEndian(UInt16(end - start - STUNMessage.headerByteCount), at: start + 2)
        buffer.storeBigEndian(STUNMessage.magicCookie, at: start + 4)
        buffer.storeBigEndian(id.high, at: start + 8)
        buffer.storeBigEndian(id.low, at: start + 12)
        buffer.storeBigEndian(AttributeType.xorPeerAddress.rawValue, at: start + 20)
        buffer.storeBigEndian(UInt16(addressByteCount), at: start + 22)
        let known = SocketAddress(ip: external.advertised(peer.ip), port: peer.port)
        XORAddress.encode(known, transactionID: id, into: &buffer, at: start + 24)
        buffer.storeBigEndian(AttributeType.data.rawValue, at: payload.lowerBound - 4)
        buffer.storeBigEndian(UInt16(payload.count), at: payload.lowerBound - 2)
        for offset in payload.upperBound..<end { buffer.storeBigEndian(UInt8(0), at: offset) }
        return start..<end
    }
}
