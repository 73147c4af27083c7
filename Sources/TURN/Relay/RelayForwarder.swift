import Containers
package import NetworkPrimitives
import STUN

/// The data plane: a datagram goes in, a value that says where its bytes go comes out. It allocates nothing, asks
/// nobody, and sends nothing.
///
/// A client's datagram is left as it is; the verdict names the range to send on. A peer's datagram is not even looked
/// at: what goes before it is written where the caller wants it.
package struct RelayForwarder: ~Copyable {
    /// The most that goes before a peer's datagram: a Data indication's header (20), an IPv6 XOR-PEER-ADDRESS (24) and
    /// the header of DATA (4).
    package static let headroom = 48
    /// The most that goes behind it: padding of DATA.
    package static let paddingMax = 3
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
        /// Send the datagram back along the five-tuple, in this frame.
        case sendToClient(FiveTuple, Frame)
        case drop(DropReason)
    }

    /// What goes around a peer's datagram: the last `header` bytes of the headroom, and `padding` zeros.
    package struct Frame: Equatable, Sendable {
        package let header: Int
        package let padding: Int
    }

    package private(set) var table: RouteTable
    private var channelNumbers: ChannelNumberRange
    private var peerPorts: PeerPortPolicy
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

    /// Goes by other settings, as far as the control plane does not say it by routes. A channel number that was good is
    /// still read, since channels that are bound stay so.
    package mutating func adopt(_ settings: TURNSettings) {
        if settings.channelNumbers == .rfc5766 { channelNumbers = .rfc5766 }
        peerPorts = settings.peerFilter.ports
    }

    package mutating func apply(_ change: RouteChange, at now: Instant) {
        table.apply(change, at: now)
        switch change {
        case .closeRelay(let allocation, _), .removeAllocation(let allocation):
            // Its place and its descriptor may be somebody else's before the wish is taken.
            if wish?.allocation == allocation { wish = nil }
        default: break
        }
    }

    /// What an allocation has relayed so far; asked before it is removed.
    package func traffic(of allocation: UInt32) -> Traffic {
        table.isLive(allocation) ? table[allocation].traffic : Traffic()
    }

    /// What goes along with an allocation to another worker; asked before it is removed.
    package func burden(of allocation: UInt32) -> RouteBurden {
        let route = table[allocation]
        return RouteBurden(traffic: route.traffic, upstream: route.upstream, downstream: route.downstream)
    }

    /// An allocation that came from another worker has been added.
    package mutating func take(_ burden: RouteBurden, for allocation: UInt32) {
        table[allocation].traffic = burden.traffic
        table[allocation].upstream = burden.upstream
        table[allocation].downstream = burden.downstream
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

    // MARK: - Streams

    /// How many bytes of a stream (RFC 6062) an allocation may carry at present.
    package mutating func streamAllowance(of allocation: UInt32, _ direction: StreamDirection, at now: Instant) -> Int {
        guard table.isLive(allocation) else { return 0 }
        return switch direction {
        case .toPeer: table[allocation].upstream.available(at: now)
        case .toClient: table[allocation].downstream.available(at: now)
        }
    }

    /// Counts a part of a stream that was carried.
    package mutating func carryStream(
        _ byteCount: Int, of allocation: UInt32, _ direction: StreamDirection, at now: Instant
    ) {
        guard byteCount > 0, table.isLive(allocation) else { return }
        table[allocation].countStream(byteCount, direction, at: now)
        active |= 1 << (allocation % 64)
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

    /// RFC 8656 §12.6. Over UDP padding is allowed but not required, so the datagram may be longer than it says. Over a
    /// stream it is required, and the frame has it.
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
        switch table[allocation].carryUp(payload.count, to: peer, at: now) {
        case .drop(let reason): return .drop(reason)
        case .through(let socket, let connection, let isWished):
            if isWished { wish = ConnectionWish(allocation: allocation, relay: socket, peer: peer) }
            active |= 1 << (allocation % 64)
            return .sendToPeer(
                peer, through: socket, connection: connection, payload: payload, dontFragment: dontFragment)
        }
    }

    // MARK: - Peer to client

    /// RFC 8656 §11.3: a datagram of `byteCount` bytes arrived at the relay socket of `allocation`. Its header is
    /// written to the end of `headroom`, so that it lies before the datagram if the headroom does.
    package mutating func receiveFromPeer(
        _ byteCount: Int, from peer: SocketAddress, allocation: UInt32, at now: Instant,
        headroom: inout MutableRawSpan
    ) -> PeerVerdict {
        precondition(headroom.byteCount >= Self.headroom, "any header has room")
        // The socket may hold datagrams that arrived before the allocation ended.
        guard table.isLive(allocation) else { return .drop(.noAllocation) }
        let frame: Frame
        if let channel = table.channel(toPeer: peer, allocation: allocation) {
            guard byteCount <= Self.datagramByteCountMax - ChannelDataHeader.byteCount else { return .drop(.tooLong) }
            let padding = -byteCount & table[allocation].channelPaddingMask
            frame = Self.frameChannelData(byteCount, channel: channel, padding: padding, &headroom)
        } else {
            guard table.isPermitted(peer.ip, allocation: allocation) else { return .drop(.noPermission) }
            guard byteCount <= Self.datagramByteCountMax - Self.headroom - Self.paddingMax else {
                return .drop(.tooLong)
            }
            frame = frameDataIndication(byteCount, from: peer, &headroom)
        }
        guard let path = table[allocation].carryDown(byteCount, at: now) else { return .drop(.overBandwidth) }
        active |= 1 << (allocation % 64)
        return .sendToClient(path, frame)
    }

    /// RFC 8656 §12.5: the length does not count the padding.
    private static func frameChannelData(
        _ byteCount: Int, channel: UInt16, padding: Int, _ headroom: inout MutableRawSpan
    ) -> Frame {
        let start = headroom.byteCount - ChannelDataHeader.byteCount
        headroom.storeBigEndian(channel, at: start)
        headroom.storeBigEndian(UInt16(byteCount), at: start + 2)
        return Frame(header: ChannelDataHeader.byteCount, padding: padding)
    }

    /// ```
    ///  | Data indication, length, cookie, fresh id | XOR-PEER-ADDRESS 12 or 24 | DATA header | payload | padding |
    /// ```
    private mutating func frameDataIndication(
        _ byteCount: Int, from peer: SocketAddress, _ headroom: inout MutableRawSpan
    ) -> Frame {
        let addressByteCount = XORAddress.byteCount(peer.family)
        let end = headroom.byteCount
        let frame = Frame(
            header: STUNMessage.headerByteCount + 4 + addressByteCount + 4, padding: -byteCount & 0b11)
        let start = end - frame.header
        let random = transactionIDs.next()
        let id = TransactionID(high: UInt32(truncatingIfNeeded: transactionIDs.next()), low: random)
        let length = frame.header + byteCount + frame.padding - STUNMessage.headerByteCount
        headroom.storeBigEndian(Self.dataIndication, at: start)
        headroom.storeBigEndian(UInt16(length), at: start + 2)
        headroom.storeBigEndian(STUNMessage.magicCookie, at: start + 4)
        headroom.storeBigEndian(id.high, at: start + 8)
        headroom.storeBigEndian(id.low, at: start + 12)
        headroom.storeBigEndian(AttributeType.xorPeerAddress.rawValue, at: start + 20)
        headroom.storeBigEndian(UInt16(addressByteCount), at: start + 22)
        let known = SocketAddress(ip: external.advertised(peer.ip), port: peer.port)
        XORAddress.encode(known, transactionID: id, into: &headroom, at: start + 24)
        headroom.storeBigEndian(AttributeType.data.rawValue, at: end - 4)
        headroom.storeBigEndian(UInt16(byteCount), at: end - 2)
        return frame
    }
}
