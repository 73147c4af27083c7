package import Containers
package import NetworkPrimitives

/// What the data plane knows of an allocation.
package struct AllocationRoute: Sendable {
    /// Nil while the client is away: then no peer is permitted either.
    package private(set) var fiveTuple: FiveTuple?
    /// What the padding of ChannelData to this client is masked with: over a stream it is padded to four bytes
    /// (RFC 8656 §12.5), over UDP not. A mask costs no branch.
    private(set) var channelPaddingMask: Int
    package var relayIPv4: RelaySocketID?
    package var relayIPv6: RelaySocketID?
    package var upstream: TokenBucket
    package var downstream: TokenBucket
    package var traffic = Traffic()
    var connection = PeerConnection()

    init(fiveTuple: FiveTuple?, bandwidth: TokenBucket) {
        self.fiveTuple = fiveTuple
        channelPaddingMask = Self.channelPaddingMask(fiveTuple)
        upstream = bandwidth
        downstream = bandwidth
    }

    mutating func move(to fiveTuple: FiveTuple?) {
        self.fiveTuple = fiveTuple
        channelPaddingMask = Self.channelPaddingMask(fiveTuple)
    }

    private static func channelPaddingMask(_ fiveTuple: FiveTuple?) -> Int {
        fiveTuple?.transport.isStream ?? false ? 0b11 : 0
    }

    package func relay(_ family: AddressFamily) -> RelaySocketID? {
        switch family {
        case .ipv4: relayIPv4
        case .ipv6: relayIPv6
        }
    }

    /// How a datagram leaves for a peer.
    enum WayUp {
        case through(RelaySocketID, connection: RelaySocketID?, isConnectionWished: Bool)
        case drop(DropReason)
    }

    /// Counts a datagram of so many bytes to `peer`, and says by which socket it leaves.
    mutating func carryUp(_ byteCount: Int, to peer: SocketAddress, at now: Instant) -> WayUp {
        guard let socket = relay(peer.family) else { return .drop(.noRelay) }
        guard upstream.take(byteCount, at: now) else { return .drop(.overBandwidth) }
        traffic.toPeerPackets += 1
        traffic.toPeerBytes += UInt64(byteCount)
        let (connection, isWished) = connection.noteDatagram(to: peer)
        return .through(socket, connection: connection, isConnectionWished: isWished)
    }

    /// Counts bytes of a stream. Who asked for the allowance before has it, but for what a session of TLS held back.
    mutating func countStream(_ byteCount: Int, _ direction: StreamDirection, at now: Instant) {
        switch direction {
        case .toPeer:
            _ = upstream.take(min(byteCount, upstream.available(at: now)), at: now)
            traffic.toPeerPackets += 1
            traffic.toPeerBytes += UInt64(byteCount)
        case .toClient:
            _ = downstream.take(min(byteCount, downstream.available(at: now)), at: now)
            traffic.toClientPackets += 1
            traffic.toClientBytes += UInt64(byteCount)
        }
    }

    /// Counts a datagram of so many bytes to the client; nil when it is too much.
    mutating func carryDown(_ byteCount: Int, at now: Instant) -> FiveTuple? {
        guard downstream.take(byteCount, at: now) else { return nil }
        traffic.toClientPackets += 1
        traffic.toClientBytes += UInt64(byteCount)
        return fiveTuple
    }
}

/// What the data plane of one worker tells that of another about an allocation that goes there: what it has relayed,
/// and how much of its bandwidth is left, so that nobody gains by moving.
package struct RouteBurden: Sendable {
    package let traffic: Traffic
    let upstream: TokenBucket
    let downstream: TokenBucket
}

/// What one allocation relayed, application data only.
package struct Traffic: Equatable, Sendable {
    package var toPeerPackets: UInt64 = 0
    package var toPeerBytes: UInt64 = 0
    package var toClientPackets: UInt64 = 0
    package var toClientBytes: UInt64 = 0

    package init() {}
}

/// A channel of an allocation, as a key.
struct ChannelKey: FlatMapKey {
    let bits: UInt64

    init(allocation: UInt32, number: UInt16) { bits = UInt64(allocation) << 16 | UInt64(number) }

    func hash(seed: UInt64) -> UInt64 { mix(bits ^ seed, 0x9E37_79B9_7F4A_7C15) }
}

/// A peer's transport address seen from an allocation, as a key.
struct ChannelPeerKey: FlatMapKey {
    let allocation: UInt32
    let peer: SocketAddress

    func hash(seed: UInt64) -> UInt64 { peer.hash(seed: seed ^ UInt64(allocation) << 32) }
}

/// A peer's IP address seen from an allocation, as a key: permissions ignore the port (RFC 8656 §9).
struct PermissionKey: FlatMapKey {
    let allocation: UInt32
    let peer: IPAddress

    func hash(seed: UInt64) -> UInt64 { peer.hash(seed: seed ^ UInt64(allocation) << 32) }
}

/// The data plane's view of one worker: derived, and changed by `RouteChange` alone.
///
/// Four flat maps and one sparse array; a relayed packet costs a look-up of its allocation and one of its channel or
/// permission. Nothing here knows a deadline: a route that may no longer be used is removed by the control plane.
package struct RouteTable: ~Copyable {
    private var allocations: SparseArray<AllocationRoute>
    private var allocationByFiveTuple: FlatMap<FiveTuple, UInt32>
    private var peerByChannel: FlatMap<ChannelKey, SocketAddress>
    private var channelByPeer: FlatMap<ChannelPeerKey, UInt16>
    private var permissions: FlatMap<PermissionKey, Bool>

    package init(limits: Limits, seed: UInt64) {
        allocations = SparseArray(limit: limits.allocationsMax)
        allocationByFiveTuple = FlatMap(seed: seed, limit: limits.allocationsMax)
        // A table is never larger than a flat map may be; long before that, memory or descriptors have run out.
        let channelsMax = min(limits.allocationsMax * limits.channelsPerAllocationMax, 1 << 29)
        let permissionsMax = min(limits.allocationsMax * limits.permissionsPerAllocationMax, 1 << 29)
        peerByChannel = FlatMap(seed: seed, limit: channelsMax)
        channelByPeer = FlatMap(seed: seed, limit: channelsMax)
        permissions = FlatMap(seed: seed, limit: permissionsMax)
    }

    // MARK: - Changes

    /// A change that contradicts the table is a defect of the control plane, not of a client.
    package mutating func apply(_ change: RouteChange, at now: Instant) {
        switch change {
        case .addAllocation(let allocation, let fiveTuple, let bytesPerSecondMax):
            // A burst below the longest datagram would never let that datagram pass.
            let bucket = TokenBucket(ratePerSecond: bytesPerSecondMax, burst: max(bytesPerSecondMax, 65_536), at: now)
            allocations.insert(AllocationRoute(fiveTuple: fiveTuple, bandwidth: bucket), at: allocation)
            name(allocation, fiveTuple)
        case .moveAllocation(let allocation, let fiveTuple):
            if let old = allocations[allocation].fiveTuple { allocationByFiveTuple.remove(old) }
            allocations[allocation].move(to: fiveTuple)
            name(allocation, fiveTuple)
        case .openRelay(let allocation, let family, let socket):
            setRelay(socket, of: allocation, family)
        case .closeRelay(let allocation, let family):
            setRelay(nil, of: allocation, family)
            allocations[allocation].connection.end(family)
        case .removeAllocation(let allocation):
            if let old = allocations[allocation].fiveTuple { allocationByFiveTuple.remove(old) }
            allocations.remove(at: allocation)
        case .permit(let allocation, let peer):
            permissions.insert(true, for: PermissionKey(allocation: allocation, peer: peer))
        case .forbid(let allocation, let peer):
            permissions.remove(PermissionKey(allocation: allocation, peer: peer))
        case .bindChannel(let allocation, let number, let peer):
            peerByChannel.insert(peer, for: ChannelKey(allocation: allocation, number: number))
            channelByPeer.insert(number, for: ChannelPeerKey(allocation: allocation, peer: peer))
        case .unbindChannel(let allocation, let number, let peer):
            peerByChannel.remove(ChannelKey(allocation: allocation, number: number))
            channelByPeer.remove(ChannelPeerKey(allocation: allocation, peer: peer))
        }
    }

    private mutating func name(_ allocation: UInt32, _ fiveTuple: FiveTuple?) {
        guard let fiveTuple else { return }
        let isNew = allocationByFiveTuple.insert(allocation, for: fiveTuple)
        precondition(isNew, "one five-tuple has one allocation (RFC 8656 §3.2)")
    }

    private mutating func setRelay(_ socket: RelaySocketID?, of allocation: UInt32, _ family: AddressFamily) {
        switch family {
        case .ipv4: allocations[allocation].relayIPv4 = socket
        case .ipv6: allocations[allocation].relayIPv6 = socket
        }
    }

    // MARK: - Look-ups

    func allocation(of fiveTuple: FiveTuple) -> UInt32? { allocationByFiveTuple[fiveTuple] }

    package func hasAllocation(on fiveTuple: FiveTuple) -> Bool { allocationByFiveTuple[fiveTuple] != nil }

    func isLive(_ allocation: UInt32) -> Bool { allocations.contains(allocation) }

    subscript(allocation: UInt32) -> AllocationRoute {
        _read { yield allocations[allocation] }
        _modify { yield &allocations[allocation] }
    }

    func peer(ofChannel number: UInt16, allocation: UInt32) -> SocketAddress? {
        peerByChannel[ChannelKey(allocation: allocation, number: number)]
    }

    func channel(toPeer peer: SocketAddress, allocation: UInt32) -> UInt16? {
        channelByPeer[ChannelPeerKey(allocation: allocation, peer: peer)]
    }

    func isPermitted(_ peer: IPAddress, allocation: UInt32) -> Bool {
        permissions[PermissionKey(allocation: allocation, peer: peer)] != nil
    }

    /// How many of each are live: allocations whose clients are there, permissions, channels.
    package var liveCounts: (allocations: Int, permissions: Int, channels: Int) {
        (allocationByFiveTuple.count, permissions.count, peerByChannel.count)
    }
}
