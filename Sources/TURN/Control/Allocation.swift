import Containers
import NetworkPrimitives
import STUN

/// A peer's IP address that may send and be sent to (RFC 8656 §9), by its address on our network.
struct Permission {
    let peer: IPAddress
    var expiresAt: Instant
}

/// A channel number and the peer it stands for (RFC 8656 §12), by its address on our network.
struct ChannelBinding {
    let number: ChannelNumber
    let peer: SocketAddress
    var expiresAt: Instant
}

/// One relayed transport address of an allocation.
struct Relay {
    let socket: RelaySocketID
    let local: SocketAddress
    /// As clients and peers know it.
    let advertised: SocketAddress
    var expiresAt: Instant
}

/// An allocation as the control plane holds it (RFC 8656 §3.2, §6): who owns it, what it may reach, and until when.
///
/// Its methods change permissions and channels, and say by `RouteChange` what the data plane must learn. A channel's
/// route is there only while its binding and the permission of its peer both live (RFC 8656 §9, §12).
struct Allocation {
    enum Phase {
        /// Relay sockets are being opened, as one of the server's openings says; no answer has been given yet.
        case opening
        case active
        /// The client's connection has ended, and it may come back with a ticket. Nothing is relayed meanwhile: the
        /// data plane has neither its five-tuple nor its permissions and channels.
        case detached
    }

    /// While it is detached, the last one that it had.
    var fiveTuple: FiveTuple
    let relayProtocol: RelayProtocol
    let account: SlabHandle
    /// Of the Allocate that made it: a request with the same one is a retransmission (RFC 8656 §7.2).
    let transactionID: TransactionID
    var phase = Phase.opening
    /// By which it is found when its client moves; nil unless it may.
    var mobility: MobilityID?
    /// What the ledger counts it under, wherever its client is later.
    let quotaSource: IPAddress
    /// The nonce that the client was last found to have from us.
    var provenNonce: Nonce?
    var grantedSeconds: UInt32
    var reservationToken: UInt64?
    /// The family that could not be given, of a dual allocation, and why (RFC 8656 §18.12).
    var addressError: (family: AddressFamily, code: ErrorCode)?
    var relayIPv4: Relay?
    var relayIPv6: Relay?
    var permissions: [Permission] = []
    var channels: [ChannelBinding] = []
    var newPeers: TokenBucket
    /// What the client is told without having asked, ICMP errors and connections of peers: whoever causes them must not
    /// gain a way to flood it.
    var notices: TokenBucket
    /// With peers, of an allocation of TCP.
    var connections: [PeerConnectionID] = []

    func relay(_ family: AddressFamily) -> Relay? {
        switch family {
        case .ipv4: relayIPv4
        case .ipv6: relayIPv6
        }
    }

    mutating func setRelay(_ relay: Relay?, _ family: AddressFamily) {
        switch family {
        case .ipv4: relayIPv4 = relay
        case .ipv6: relayIPv6 = relay
        }
    }

    /// The families that it has a relayed address of.
    var families: FamilySet {
        var families: FamilySet = []
        if relayIPv4 != nil { families.insert(.ipv4) }
        if relayIPv6 != nil { families.insert(.ipv6) }
        return families
    }

    /// Lets the relayed addresses of some families live until `deadline`.
    mutating func extend(_ families: FamilySet, until deadline: Instant) {
        if families.contains(.ipv4) { relayIPv4?.expiresAt = deadline }
        if families.contains(.ipv6) { relayIPv6?.expiresAt = deadline }
    }

    /// When the first of its parts ends.
    var nextDeadline: Instant {
        var earliest = Instant(nanoseconds: .max)
        for family in AddressFamily.allCases {
            if let relay = relay(family) { earliest = min(earliest, relay.expiresAt) }
        }
        for permission in permissions { earliest = min(earliest, permission.expiresAt) }
        for channel in channels { earliest = min(earliest, channel.expiresAt) }
        return earliest
    }

    // MARK: - Permissions

    // Linear scans on purpose: an allocation has a handful of permissions, and at most as many as `Limits` says.
    func permission(for peer: IPAddress) -> Permission? { permissions.first { $0.peer == peer } }

    /// Installs or refreshes a permission. Refreshing restores the channels that its expiry had suspended.
    mutating func permit(_ peer: IPAddress, until deadline: Instant, index: UInt32, _ changes: inout OutputQueue) {
        if let position = permissions.firstIndex(where: { $0.peer == peer }) {
            permissions[position].expiresAt = deadline
            return
        }
        permissions.append(Permission(peer: peer, expiresAt: deadline))
        route(.permit(allocation: index, peer: peer), &changes)
        for channel in channels where channel.peer.ip == peer {
            changes.append(.route(.bindChannel(allocation: index, number: channel.number.rawValue, peer: channel.peer)))
        }
    }

    /// The data plane knows datagrams. Of an allocation of TCP it has the name and what it relayed, and no way to a
    /// peer, so that Send indications for it go nowhere (RFC 6062 §5.1).
    private func route(_ change: RouteChange, _ changes: inout OutputQueue) {
        guard case .udp = relayProtocol else { return }
        changes.append(.route(change))
    }

    private mutating func forbid(
        where isOver: (Permission) -> Bool, index: UInt32, _ changes: inout OutputQueue
    ) {
        for permission in permissions where isRouted && isOver(permission) {
            for channel in channels where channel.peer.ip == permission.peer {
                changes.append(
                    .route(.unbindChannel(allocation: index, number: channel.number.rawValue, peer: channel.peer)))
            }
            route(.forbid(allocation: index, peer: permission.peer), &changes)
        }
        permissions.removeAll(where: isOver)
        if permissions.isEmpty { permissions = [] }
    }

    // MARK: - Channels

    func channel(numbered number: ChannelNumber) -> ChannelBinding? { channels.first { $0.number == number } }

    func channel(to peer: SocketAddress) -> ChannelBinding? { channels.first { $0.peer == peer } }

    /// Binds or refreshes a channel whose peer was permitted just before.
    mutating func bind(
        _ number: ChannelNumber, to peer: SocketAddress, until deadline: Instant, index: UInt32,
        _ changes: inout OutputQueue
    ) {
        if let position = channels.firstIndex(where: { $0.number == number }) {
            precondition(channels[position].peer == peer, "the caller refuses a number that is bound to another peer")
            channels[position].expiresAt = deadline
            return
        }
        channels.append(ChannelBinding(number: number, peer: peer, expiresAt: deadline))
        changes.append(.route(.bindChannel(allocation: index, number: number.rawValue, peer: peer)))
    }

    private mutating func unbind(
        where isOver: (ChannelBinding) -> Bool, index: UInt32, _ changes: inout OutputQueue
    ) {
        for channel in channels where isRouted && isOver(channel) && permission(for: channel.peer.ip) != nil {
            changes.append(
                .route(.unbindChannel(allocation: index, number: channel.number.rawValue, peer: channel.peer)))
        }
        channels.removeAll(where: isOver)
        if channels.isEmpty { channels = [] }
    }

    // MARK: - Routes

    /// Whether the data plane knows the permissions and channels.
    var isRouted: Bool {
        switch phase {
        case .opening, .active: true
        case .detached: false
        }
    }

    /// Tells the data plane of all permissions and channels: the client is back, or the allocation is new here.
    func installRoutes(index: UInt32, _ changes: inout OutputQueue) {
        for permission in permissions { changes.append(.route(.permit(allocation: index, peer: permission.peer))) }
        for channel in channels where permission(for: channel.peer.ip) != nil {
            changes.append(
                .route(.bindChannel(allocation: index, number: channel.number.rawValue, peer: channel.peer)))
        }
    }

    /// Takes them from it, and keeps them here.
    func withdrawRoutes(index: UInt32, _ changes: inout OutputQueue) {
        for channel in channels where permission(for: channel.peer.ip) != nil {
            changes.append(
                .route(.unbindChannel(allocation: index, number: channel.number.rawValue, peer: channel.peer)))
        }
        for permission in permissions { changes.append(.route(.forbid(allocation: index, peer: permission.peer))) }
    }

    // MARK: - Ends

    /// Ends the channels and permissions that have run out, and tells which families have.
    mutating func expire(at now: Instant, index: UInt32, _ changes: inout OutputQueue) -> FamilySet {
        unbind(where: { $0.expiresAt <= now }, index: index, &changes)
        forbid(where: { $0.expiresAt <= now }, index: index, &changes)
        return expiredFamilies(at: now)
    }

    /// Ends permissions and channels that policy refuses by now.
    mutating func withdraw(
        permissions isPermissionRefused: (Permission) -> Bool, channels isChannelRefused: (ChannelBinding) -> Bool,
        index: UInt32, _ changes: inout OutputQueue
    ) {
        unbind(where: isChannelRefused, index: index, &changes)
        forbid(where: isPermissionRefused, index: index, &changes)
    }

    /// The families whose relayed address has run out.
    func expiredFamilies(at now: Instant) -> FamilySet {
        var expired: FamilySet = []
        if let relayIPv4, relayIPv4.expiresAt <= now { expired.insert(.ipv4) }
        if let relayIPv6, relayIPv6.expiresAt <= now { expired.insert(.ipv6) }
        return expired
    }

    /// Ends one relayed address with all permissions and channels of its family. The relay is the caller's to close.
    mutating func endRelay(_ family: AddressFamily, index: UInt32, _ changes: inout OutputQueue) -> Relay? {
        guard let relay = relay(family) else { return nil }
        unbind(where: { $0.peer.family == family }, index: index, &changes)
        forbid(where: { $0.peer.family == family }, index: index, &changes)
        setRelay(nil, family)
        route(.closeRelay(allocation: index, family: family), &changes)
        return relay
    }
}
