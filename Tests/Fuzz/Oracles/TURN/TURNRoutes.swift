import NetworkPrimitives
import STUN
import TURN

/// The routes as the changes tell them, in plain sets; each change is checked against what was there before.
struct TURNRoutes {
    struct Channel: Hashable {
        let allocation: UInt32
        let number: UInt16
    }

    struct Permission: Hashable {
        let allocation: UInt32
        let peer: IPAddress
    }

    private(set) var paths: [UInt32: FiveTuple] = [:]
    private(set) var sockets: [UInt32: [AddressFamily: RelaySocketID]] = [:]
    private(set) var permissions: Set<Permission> = []
    private(set) var channels: [Channel: SocketAddress] = [:]

    mutating func apply(_ change: RouteChange) {
        switch change {
        case .addAllocation(let allocation, let path, _):
            guard let path else { return require(false, "clients that do not move are there") }
            require(paths[allocation] == nil, "an allocation is added once")
            require(!paths.values.contains(path), "a five-tuple has one allocation")
            paths[allocation] = path
            sockets[allocation] = [:]
        case .moveAllocation: require(false, "nobody moves who may not")
        case .openRelay(let allocation, let family, let socket):
            require(paths[allocation] != nil, "a relay belongs to an allocation")
            require(sockets[allocation]?[family] == nil, "a family has one relay")
            sockets[allocation]?[family] = socket
        case .closeRelay(let allocation, let family):
            require(sockets[allocation]?[family] != nil, "a relay is closed once")
            require(
                !permissions.contains { $0.allocation == allocation && $0.peer.family == family },
                "permissions end before their relay")
            sockets[allocation]?[family] = nil
        case .removeAllocation(let allocation):
            require(sockets[allocation]?.isEmpty == true, "relays end before their allocation")
            require(!permissions.contains { $0.allocation == allocation }, "permissions end before their allocation")
            require(!channels.keys.contains { $0.allocation == allocation }, "channels end before their allocation")
            paths[allocation] = nil
            sockets[allocation] = nil
        case .permit(let allocation, let peer):
            require(sockets[allocation]?[peer.family] != nil, "a permission is of a family that has a relay")
            let isNew = permissions.insert(Permission(allocation: allocation, peer: peer)).inserted
            require(isNew, "a permission is installed once")
        case .forbid(let allocation, let peer):
            require(!channels.contains { $0.key.allocation == allocation && $0.value.ip == peer }, "channels end first")
            let wasThere = permissions.remove(Permission(allocation: allocation, peer: peer)) != nil
            require(wasThere, "a permission ends once")
        case .bindChannel(let allocation, let number, let peer):
            require(
                permissions.contains(Permission(allocation: allocation, peer: peer.ip)), "a channel needs a permission")
            require(
                !channels.contains { $0.key.allocation == allocation && $0.value == peer }, "a peer has one channel")
            let key = Channel(allocation: allocation, number: number)
            require(channels.updateValue(peer, forKey: key) == nil, "a number has one peer")
        case .unbindChannel(let allocation, let number, let peer):
            let key = Channel(allocation: allocation, number: number)
            require(channels.removeValue(forKey: key) == peer, "a channel is taken from the peer that it was given to")
        }
    }

    func allocation(of path: FiveTuple) -> UInt32? { paths.first { $0.value == path }?.key }

    func agrees(with counts: (allocations: Int, permissions: Int, channels: Int)) -> Bool {
        counts == (paths.count, permissions.count, channels.count)
    }
}

/// What the answers granted to a path, and until when: kept from the responses alone, so that neither machine can hide
/// a route that outlived its grant.
struct TURNGrants {
    private var allocationUntil: [FiveTuple: Instant] = [:]
    private var permissionUntil: [FiveTuple: [IPAddress: Instant]] = [:]
    private var channelUntil: [FiveTuple: [UInt16: Instant]] = [:]

    mutating func note(
        _ request: STUNMessage, _ bytes: [UInt8], _ reply: [UInt8], _ path: FiveTuple, at now: Instant,
        _ external: ExternalAddresses
    ) {
        switch request.type.method {
        case .allocate, .refresh:
            guard let response = try? STUNMessage(parsing: reply.span.bytes),
                case .value(let seconds) = response.lifetime(in: reply.span.bytes)
            else { fatalError("a success of Allocate and Refresh tells the lifetime") }
            require(seconds <= 3_600, "no lifetime is above the maximum")
            let until = now.advanced(bySeconds: seconds)
            // Families are refreshed one by one; the longest counts here.
            allocationUntil[path] = max(allocationUntil[path] ?? until, until)
        case .createPermission, .channelBind:
            request.forEachXORPeerAddress(in: bytes.span.bytes) { peer in
                guard let peer else { fatalError("a success has no malformed peer") }
                permissionUntil[path, default: [:]][external.local(peer.ip)] = now.advanced(bySeconds: 300)
                return request.type.method == .createPermission
            }
            guard case .value(let number) = request.channelNumber(in: bytes.span.bytes),
                request.type.method == .channelBind
            else { return }
            channelUntil[path, default: [:]][number] = now.advanced(bySeconds: 600)
        default: break
        }
    }

    mutating func end(_ path: FiveTuple) {
        allocationUntil[path] = nil
        permissionUntil[path] = nil
        channelUntil[path] = nil
    }

    func checkRelaying(_ path: FiveTuple, _ peer: IPAddress, channel: UInt16?, at now: Instant) {
        require(Self.holds(allocationUntil[path], now), "an allocation relays as long as was granted")
        require(Self.holds(permissionUntil[path]?[peer], now), "a permission holds as long as was granted")
        guard let channel else { return }
        require(Self.holds(channelUntil[path]?[channel], now), "a channel holds as long as was granted")
    }

    /// Timers fire up to a tick of the wheel late, which is a little more than a millisecond.
    private static func holds(_ deadline: Instant?, _ now: Instant) -> Bool {
        deadline.map { $0.advanced(byMilliseconds: 2) > now } ?? false
    }
}
