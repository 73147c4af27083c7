import NetworkPrimitives
import TURN
import Testing

/// What the route changes so far add up to, kept the slow and plain way. A change that contradicts the earlier ones is
/// an issue: the data plane, or a second consumer of the changes, need not expect it.
struct RouteModel {
    struct Permission: Hashable {
        let allocation: UInt32
        let peer: IPAddress
    }

    struct Channel: Hashable {
        let allocation: UInt32
        let number: UInt16
    }

    /// Nil for a client that is away.
    private(set) var allocations: [UInt32: FiveTuple?] = [:]
    private(set) var relays: [UInt32: [AddressFamily: RelaySocketID]] = [:]
    private(set) var permissions: Set<Permission> = []
    private(set) var channels: [Channel: SocketAddress] = [:]

    mutating func apply(_ change: RouteChange) {
        switch change {
        case .addAllocation(let allocation, let fiveTuple, _):
            check(allocations[allocation] == nil, change)
            check(fiveTuple == nil || !allocations.values.contains(fiveTuple), change)
            allocations[allocation] = .some(fiveTuple)
            relays[allocation] = [:]
        case .moveAllocation(let allocation, let fiveTuple):
            check(allocations[allocation] != nil, change)
            check(fiveTuple != nil || !permissions.contains { $0.allocation == allocation }, change)
            check(fiveTuple == nil || !allocations.values.contains(fiveTuple), change)
            allocations[allocation] = .some(fiveTuple)
        case .openRelay(let allocation, let family, let socket):
            check(allocations[allocation] != nil && relays[allocation]?[family] == nil, change)
            relays[allocation]?[family] = socket
        case .closeRelay(let allocation, let family):
            check(relays[allocation]?[family] != nil, change)
            check(!permissions.contains { $0.allocation == allocation && $0.peer.family == family }, change)
            relays[allocation]?[family] = nil
        case .removeAllocation(let allocation):
            check(allocations[allocation] != nil && relays[allocation]?.isEmpty == true, change)
            allocations[allocation] = nil
            relays[allocation] = nil
        case .permit(let allocation, let peer):
            check(relays[allocation]?[peer.family] != nil && allocations[allocation] != .some(nil), change)
            check(permissions.insert(Permission(allocation: allocation, peer: peer)).inserted, change)
        case .forbid(let allocation, let peer):
            check(!channels.contains { $0.key.allocation == allocation && $0.value.ip == peer }, change)
            check(permissions.remove(Permission(allocation: allocation, peer: peer)) != nil, change)
        case .bindChannel(let allocation, let number, let peer):
            // RFC 8656 §12: the channel relays only while the permission lives.
            check(permissions.contains(Permission(allocation: allocation, peer: peer.ip)), change)
            check(!channels.contains { $0.key.allocation == allocation && $0.value == peer }, change)
            check(channels.updateValue(peer, forKey: Channel(allocation: allocation, number: number)) == nil, change)
        case .unbindChannel(let allocation, let number, let peer):
            let key = Channel(allocation: allocation, number: number)
            check(channels.removeValue(forKey: key) == peer, change)
        }
    }

    private func check(_ isRight: Bool, _ change: RouteChange) {
        if !isRight { Issue.record("a route change contradicts the earlier ones: \(change)") }
    }

    /// Allocations whose clients are there, permissions, channels.
    var counts: [Int] { [allocations.values.count { $0 != nil }, permissions.count, channels.count] }
}
