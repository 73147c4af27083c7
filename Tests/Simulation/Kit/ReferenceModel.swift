import Crypto
import NetworkPrimitives

/// Says, from the outside only, what must never be seen of a TURN server. It sees the datagrams at the server's
/// interfaces, each with what the server sent because of it, and knows the RFCs; of the server's own data it knows
/// nothing.
///
/// Judging at the interfaces makes it indifferent to what the network does: a request that was lost never happened, and
/// one that came twice happened twice.
package final class ReferenceModel {
    /// A five-tuple; the transport is always UDP here.
    struct Path: Hashable {
        let client: SocketAddress
        let server: SocketAddress
    }

    struct RelayedAddress {
        let address: SocketAddress
        var expiresAt: Instant
    }

    struct Channel {
        let peer: SocketAddress
        var expiresAt: Instant
    }

    struct Allocation {
        let username: [UInt8]
        let quotaKey: [UInt8]
        let transactionID: WireMessage.ID
        var relays: [AddressFamily: RelayedAddress] = [:]
        var permissions: [IPAddress: Instant] = [:]
        var channels: [UInt16: Channel] = [:]
        var contacted: Set<IPAddress> = []
        /// For the port next to its own, if one is held.
        var token: [UInt8]?

        func channel(to peer: SocketAddress) -> (number: UInt16, channel: Channel)? {
            channels.first { $0.value.peer == peer }.map { ($0.key, $0.value) }
        }
    }

    struct Reservation {
        let address: SocketAddress
        let expiresAt: Instant
    }

    /// What can be said of something with a deadline. A server may take a tick to notice, so about that time both
    /// answers are right.
    enum Life {
        case live, ambiguous, dead
    }

    /// How much happened, so that a test knows that it tested something.
    package struct Tally: Sendable {
        package var requests = 0
        package var successes: [UInt16: Int] = [:]
        package var errors: [Int: Int] = [:]
        package var toPeer = 0
        package var toClient = 0
        package var asChannelData = 0
        package var silenced = 0
        package var claimedReservations = 0
        package var retransmittedAllocates = 0
        package var icmpErrors = 0
        package var liveAllocationsMax = 0
        package var revocations = 0
        package var revokedAllocations = 0
        /// Requests that a session carried past the expiry of their name.
        package var servedPastExpiry = 0
        package var refusedMembers = 0
    }

    static let tickNanoseconds: UInt64 = 1 << 20
    static let reservationSeconds: UInt32 = 30
    private static let violationsMax = 50

    let setup: ServerSetup
    let clock: VirtualClock
    package private(set) var violations: [Violation] = []
    package var tally = Tally()
    var allocations: [Path: Allocation] = [:]
    var owners: [SocketAddress: Path] = [:]
    var freedAt: [SocketAddress: Instant] = [:]
    var reservations: [[UInt8]: Reservation] = [:]
    /// Who asked for a reserved port, and until when it counts against the quota, claimed or not.
    var reservers: [(quotaKey: [UInt8], until: Instant)] = []
    /// Sessions by the user part of their credentials.
    var members: [[UInt8]: Membership] = [:]
    var nonces: [SocketAddress: [[UInt8]: Int64]] = [:]
    /// Per source, when its meter of unauthenticated answers is full again, in nanoseconds.
    var meters: [IPAddress: UInt64] = [:]
    var bindingMeters: [IPAddress: UInt64] = [:]
    var keysByName: [[UInt8]: WireKeys] = [:]
    var nameByHash: [[UInt8]: [UInt8]] = [:]

    package init(_ setup: ServerSetup, clock: VirtualClock) {
        self.setup = setup
        self.clock = clock
        for user in setup.users {
            let name = Array(user.name.utf8)
            keysByName[name] = WireKeys(username: user.name, realm: setup.realm, password: user.password)
            nameByHash[Array("\(user.name):\(setup.realm)".utf8).withRawSpan { SHA256.hash($0).array }] = name
        }
    }

    func violate(_ rule: Rule, _ now: Instant, _ detail: @autoclosure () -> String) {
        guard violations.count < Self.violationsMax else { return }
        violations.append(Violation(rule, at: now, detail()))
    }

    // MARK: - Observations

    /// The server was given `datagram` and sent `sent` because of it.
    package func serverReceived(_ datagram: Datagram, sent: [Datagram], at now: Instant) {
        let destination = external(datagram.destination)
        if setup.listeners.contains(where: { external($0) == destination }) {
            judgeClient(datagram, sent, Path(client: datagram.source, server: destination), now)
        } else {
            judgePeer(datagram, at: destination, sent, now)
        }
    }

    /// The server was woken and sent `sent`: nothing but ICMP errors can come of that.
    package func serverWoke(sent: [Datagram], at now: Instant) {
        for datagram in sent { judgeICMP(datagram, now) }
    }

    private func judgeClient(_ datagram: Datagram, _ sent: [Datagram], _ path: Path, _ now: Instant) {
        if let first = datagram.payload.first, (0x40...0x4F).contains(first) {
            judgeChannelData(datagram.payload, sent, path, now)
            return
        }
        guard let message = WireMessage(parsing: datagram.payload) else {
            expectSilence(sent, now)
            return
        }
        switch (message.messageClass, message.method) {
        case (.request, _): judgeRequest(message, datagram, sent, path, now)
        case (.indication, WireMessage.send): judgeSend(message, sent, path, now)
        default: expectSilence(sent, now)
        }
    }

    func expectSilence(_ sent: [Datagram], _ now: Instant) {
        tally.silenced += 1
        if let first = sent.first {
            violate(.unexpectedOutput, now, "\(first.payload.count) bytes to \(first.destination)")
        }
    }

    // MARK: - Time

    func life(until deadline: Instant?, _ now: Instant) -> Life {
        guard let deadline else { return .dead }
        if now < deadline { return .live }
        return now.nanoseconds(since: deadline) <= Self.tickNanoseconds ? .ambiguous : .dead
    }

    func life(of path: Path, _ now: Instant) -> Life {
        life(until: allocations[path]?.relays.values.map(\.expiresAt).max(), now)
    }

    func liveCount(_ now: Instant) -> Int { allocations.keys.count { life(of: $0, now) == .live } }

    /// Forgets what has ended for certain, and notes when its addresses became free.
    func settle(_ path: Path, _ now: Instant) {
        guard let allocation = allocations[path] else { return }
        for (family, relay) in allocation.relays where life(until: relay.expiresAt, now) == .dead {
            end(path, family, at: relay.expiresAt)
        }
    }

    func end(_ path: Path, _ family: AddressFamily, at instant: Instant) {
        guard var allocation = allocations[path], let relay = allocation.relays.removeValue(forKey: family) else {
            return
        }
        freedAt[relay.address] = instant
        owners[relay.address] = nil
        allocation.permissions = allocation.permissions.filter { $0.key.family != family }
        allocation.channels = allocation.channels.filter { $0.value.peer.family != family }
        allocations[path] = allocation.relays.isEmpty ? nil : allocation
    }

    // MARK: - Addresses

    /// As the world knows it, whatever name our own network has for it.
    func external(_ address: SocketAddress) -> SocketAddress { external(address.ip).port(address.port) }

    func external(_ ip: IPAddress) -> IPAddress { setup.relays.first { $0.local == ip }?.advertised ?? ip }

    // MARK: - Credentials

    func username(of message: WireMessage) -> [UInt8]? {
        message.value(WireMessage.username) ?? message.value(WireMessage.userhash).flatMap { nameByHash[$0] }
    }

    /// The keys of a name, those of an ephemeral one by the shared secret.
    func keys(of name: [UInt8]) -> WireKeys? {
        if let keys = keysByName[name] { return keys }
        guard let secret = setup.sharedSecret, let first = name.first, (0x30...0x39).contains(first) else { return nil }
        let user = SimulatedUser.ephemeral(named: String(decoding: name, as: UTF8.self), secret: secret)
        let keys = WireKeys(username: user.name, realm: setup.realm, password: user.password)
        keysByName[name] = keys
        return keys
    }

    /// Quotas count by the user part of an ephemeral name.
    func quotaKey(_ name: [UInt8]) -> [UInt8] {
        guard setup.users.allSatisfy({ Array($0.name.utf8) != name }),
            let separator = name.firstIndex(of: UInt8(ascii: ":"))
        else { return name }
        return Array(name[(separator + 1)...])
    }

    /// Whether the request was made by somebody who knows the password, with a nonce that we gave to that address and
    /// that still holds.
    func isAuthentic(_ message: WireMessage, _ path: Path, toleranceSeconds: Int64) -> Bool {
        guard let name = username(of: message), let keys = keys(of: name), message.isMade(with: keys),
            message.value(WireMessage.realm) == Array(setup.realm.utf8),
            let nonce = message.value(WireMessage.nonce), let issued = nonces[path.client]?[nonce]
        else { return false }
        let age = clock.unixTime.seconds - issued
        return age >= -30 - toleranceSeconds && age <= Int64(setup.nonceLifetimeSeconds) + toleranceSeconds
    }
}
