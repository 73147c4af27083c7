import Containers
import Crypto
import NetworkPrimitives

/// A TURN client that keeps to the RFCs and otherwise does as the dice say: it retransmits as RFC 8489 §6.2.1 wants,
/// answers challenges, and allocates, permits, binds, sends, falls silent, moves and leaves in an order that nobody
/// planned.
package final class ClientNode: Node {
    /// A request on its way, sent again until it is answered or has been sent seven times.
    private struct Transaction {
        let wish: Wish
        let transactionID: [UInt8]
        let bytes: [UInt8]
        var sendAt: Instant
        var timeoutMilliseconds: UInt32
        var sendsLeft: Int
        let challengesLeft: Int
    }

    /// What a request is for.
    enum Wish {
        case allocate([(UInt16, [UInt8])])
        case refresh(seconds: UInt32?, family: AddressFamily? = nil)
        case permit([SocketAddress])
        case bind(UInt16, SocketAddress)
        case binding
    }

    private struct Allocated {
        var relayed: [SocketAddress]
        var expiresAt: Instant
        var permitted: [SocketAddress] = []
        var channels: [(number: UInt16, peer: SocketAddress)] = []
    }

    private let profile: ClientProfile
    private let rendezvous: Rendezvous
    private var random: SplitMix64
    private var addressIndex = 0
    private var transaction: Transaction?
    private var allocated: Allocated?
    private var nextActionAt: Instant
    private var nonce: [UInt8]?
    private var user: SimulatedUser
    /// The newest credentials that it was given, for its next allocation.
    private var latestUser: SimulatedUser
    private var keys: WireKeys
    private var passwordAlgorithms: [UInt8] = []
    private var lastNumber: UInt16 = 0x4000
    /// What came of its requests: successes by method, errors by code, and requests given up.
    package private(set) var successes: [UInt16: Int] = [:]
    package private(set) var errors: [Int: Int] = [:]
    package private(set) var timeouts = 0
    package private(set) var receivedDataCount = 0

    package init(_ profile: ClientProfile, rendezvous: Rendezvous, seed: UInt64, start: Instant = .zero) {
        self.profile = profile
        self.rendezvous = rendezvous
        random = SplitMix64(seed: seed)
        user = profile.user
        latestUser = profile.user
        keys = WireKeys(username: profile.user.name, realm: profile.realm, password: profile.user.password)
        nextActionAt = start.advanced(byMilliseconds: UInt32.random(in: 0...3000, using: &random))
    }

    package var hosts: [IPAddress] {
        profile.addresses.map(\.ip).reduce(into: []) { if !$0.contains($1) { $0.append($1) } }
    }

    private var address: SocketAddress { profile.addresses[addressIndex] }

    package var nextDeadline: Instant? {
        if let transaction { return transaction.sendAt }
        return nextActionAt < profile.stopsAt ? nextActionAt : nil
    }

    // MARK: - Time

    package func handleDeadline(at now: Instant) -> [Datagram] {
        if var pending = transaction {
            guard pending.sendsLeft > 0 else {
                transaction = nil
                timeouts += 1
                pace(from: now)
                return []
            }
            // RFC 8489 §6.2.1: the interval doubles; after the seventh it waits 16 times the first.
            pending.sendsLeft -= 1
            pending.timeoutMilliseconds = pending.sendsLeft == 0 ? 8000 : pending.timeoutMilliseconds * 2
            pending.sendAt = now.advanced(byMilliseconds: pending.timeoutMilliseconds)
            transaction = pending
            return [toServer(pending.bytes)]
        }
        return act(at: now)
    }

    private func pace(from now: Instant) {
        nextActionAt = now.advanced(byMilliseconds: UInt32.random(in: profile.paceMilliseconds, using: &random))
    }

    private func draw(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }

    private func act(at now: Instant) -> [Datagram] {
        pace(from: now)
        guard let allocated else { return begin(.allocate(allocateAttributes()), at: now) }
        // A minute before the end is when clients refresh; some forget.
        let remaining = Int64(bitPattern: allocated.expiresAt.nanoseconds) - Int64(bitPattern: now.nanoseconds)
        if remaining < 60_000_000_000, draw(4) > 0 { return begin(.refresh(seconds: refreshSeconds()), at: now) }
        var dice = draw(profile.weights.total)
        func falls(_ weight: Int) -> Bool {
            dice -= weight
            return dice < 0
        }
        if falls(profile.weights.data) { return sendData(allocated) }
        if falls(profile.weights.permission) {
            return begin(.permit((0...draw(3)).map { _ in somePeer(allocated) }), at: now)
        }
        if falls(profile.weights.channel) { return begin(bindWish(allocated), at: now) }
        if falls(profile.weights.refresh) {
            let family: AddressFamily? = draw(6) == 0 ? (draw(2) == 0 ? .ipv4 : .ipv6) : nil
            return begin(.refresh(seconds: refreshSeconds(), family: family), at: now)
        }
        if falls(profile.weights.delete) {
            // One family of two may go alone (RFC 8656 §8.2).
            let family: AddressFamily? = draw(3) == 0 ? allocated.relayed.randomElement(using: &random)?.family : nil
            return begin(.refresh(seconds: 0, family: family), at: now)
        }
        if falls(profile.weights.silence) {
            nextActionAt = now.advanced(bySeconds: UInt32.random(in: 5...1500, using: &random))
            return []
        }
        if falls(profile.weights.rebinding) {
            // An application that starts anew may get its old port and know nothing of its allocation.
            if draw(4) == 0 {
                self.allocated = nil
                return []
            }
            // Another address means another five-tuple: the allocation is out of reach (RFC 8656 §5).
            addressIndex = (addressIndex + 1) % profile.addresses.count
            if profile.addresses.count > 1, draw(2) == 0 { self.allocated = nil }
            return []
        }
        return begin(.binding, at: now)
    }

    /// New credentials, as from `setConfiguration`: what exists goes on by those that made it.
    func adopt(_ user: SimulatedUser) { latestUser = user }

    private func adoptLatest() {
        guard user.name != latestUser.name else { return }
        user = latestUser
        keys = WireKeys(username: user.name, realm: profile.realm, password: user.password)
    }

    // MARK: - Wishes

    private func allocateAttributes() -> [(UInt16, [UInt8])] {
        guard profile.variesAllocates else { return [] }
        var attributes: [(UInt16, [UInt8])] = []
        if draw(3) == 0 { attributes.append((WireMessage.lifetime, seconds([0, 1, 600, 777, 3600, 90_000][draw(6)]))) }
        if draw(6) == 0 { attributes.append((WireMessage.dontFragment, [])) }
        if draw(3) == 0, let token = rendezvous.takeToken() {
            attributes.append((WireMessage.reservationToken, token))
            return attributes
        }
        let isDual = profile.wantsIPv6 && draw(2) == 0
        if isDual {
            attributes.append((WireMessage.additionalFamily, [2, 0, 0, 0]))
        } else if draw(3) == 0 {
            attributes.append((WireMessage.requestedFamily, [profile.wantsIPv6 && draw(2) == 0 ? 2 : 1, 0, 0, 0]))
        }
        if draw(4) == 0 { attributes.append((WireMessage.evenPort, [!isDual && draw(2) == 0 ? 0x80 : 0])) }
        return attributes
    }

    private func seconds(_ value: UInt32) -> [UInt8] {
        [UInt8(value >> 24), UInt8(value >> 16 & 0xFF), UInt8(value >> 8 & 0xFF), UInt8(value & 0xFF)]
    }

    private func refreshSeconds() -> UInt32? { [nil, 600, 1, 1200, 3600][draw(5)] }

    private func somePeer(_ allocated: Allocated) -> SocketAddress {
        if !profile.forbiddenPeers.isEmpty, draw(25) == 0 {
            return profile.forbiddenPeers[draw(profile.forbiddenPeers.count)]
        }
        let families = Set(allocated.relayed.map(\.family))
        // Now and then somebody of the other family, for 443.
        let candidates = (profile.peers + rendezvous.relayed).filter { families.contains($0.family) || draw(10) == 0 }
        return candidates.isEmpty ? address : candidates[draw(candidates.count)]
    }

    private func bindWish(_ allocated: Allocated) -> Wish {
        if !allocated.channels.isEmpty, draw(2) == 0 {
            let channel = allocated.channels[draw(allocated.channels.count)]
            // Mostly a refresh; now and then a conflict, for 400.
            return .bind(channel.number, draw(6) == 0 ? somePeer(allocated) : channel.peer)
        }
        lastNumber = lastNumber >= 0x4FFF ? 0x4000 : lastNumber + 1
        return .bind(lastNumber, somePeer(allocated))
    }

    private func sendData(_ allocated: Allocated) -> [Datagram] {
        let payload = (0..<draw(profile.payloadByteCountMax)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        if !allocated.channels.isEmpty, draw(2) == 0 {
            let channel = allocated.channels[draw(allocated.channels.count)]
            // Padding is allowed over UDP and part of nothing (RFC 8656 §12.5).
            let padding = draw(4) == 0 ? [UInt8](repeating: 0, count: -payload.count & 3) : []
            return [toServer(WireWriter.channelData(channel.number, payload) + padding)]
        }
        let isPermitted = !allocated.permitted.isEmpty && draw(8) > 0
        let peer = isPermitted ? allocated.permitted[draw(allocated.permitted.count)] : somePeer(allocated)
        var writer = WireWriter(WireMessage.send, .indication, transactionID: freshID())
        writer.append(WireMessage.peerAddress, address: peer)
        if draw(8) == 0 { writer.append(WireMessage.dontFragment, []) }
        writer.append(WireMessage.dataType, payload)
        if profile.addsFingerprint { writer.appendFingerprint() }
        return [toServer(writer.bytes)]
    }

    // MARK: - Requests

    private func freshID() -> [UInt8] { (0..<12).map { _ in UInt8(truncatingIfNeeded: random.next()) } }

    private func begin(_ wish: Wish, at now: Instant, challengesLeft: Int = 3) -> [Datagram] {
        if case .allocate = wish { adoptLatest() }
        let id = freshID()
        let bytes = write(wish, id)
        transaction = Transaction(
            wish: wish, transactionID: id, bytes: bytes, sendAt: now.advanced(byMilliseconds: 500),
            timeoutMilliseconds: 500, sendsLeft: 6, challengesLeft: challengesLeft)
        return [toServer(bytes)]
    }

    private func toServer(_ payload: [UInt8]) -> Datagram {
        Datagram(source: address, destination: profile.server, payload: payload)
    }

    private func write(_ wish: Wish, _ id: [UInt8]) -> [UInt8] {
        var writer: WireWriter
        switch wish {
        case .allocate(let attributes):
            writer = WireWriter(WireMessage.allocate, .request, transactionID: id)
            writer.append(WireMessage.requestedTransport, [17, 0, 0, 0])
            for (type, value) in attributes { writer.append(type, value) }
        case .refresh(let lifetime, let family):
            writer = WireWriter(WireMessage.refresh, .request, transactionID: id)
            if let lifetime { writer.append(WireMessage.lifetime, number: lifetime) }
            if let family { writer.append(WireMessage.requestedFamily, [family.rawValue, 0, 0, 0]) }
        case .permit(let peers):
            writer = WireWriter(WireMessage.createPermission, .request, transactionID: id)
            for peer in peers { writer.append(WireMessage.peerAddress, address: peer) }
        case .bind(let number, let peer):
            writer = WireWriter(WireMessage.channelBind, .request, transactionID: id)
            writer.append(WireMessage.channelNumber, number: UInt32(number) << 16)
            writer.append(WireMessage.peerAddress, address: peer)
        case .binding:
            writer = WireWriter(WireMessage.binding, .request, transactionID: id)
        }
        if case .binding = wish {} else if let nonce { authenticate(&writer, nonce) }
        if profile.addsFingerprint { writer.appendFingerprint() }
        return writer.bytes
    }

    private func authenticate(_ writer: inout WireWriter, _ nonce: [UInt8]) {
        let isSHA256 = profile.authentication == .sha256 || profile.authentication == .userhash
        if profile.authentication == .userhash {
            let text = Array("\(user.name):\(profile.realm)".utf8)
            writer.append(WireMessage.userhash, text.withRawSpan { SHA256.hash($0).array })
        } else {
            writer.append(WireMessage.username, Array(user.name.utf8))
        }
        writer.append(WireMessage.realm, Array(profile.realm.utf8))
        writer.append(WireMessage.nonce, nonce)
        if isSHA256 {
            writer.append(WireMessage.passwordAlgorithms, passwordAlgorithms)
            writer.append(WireMessage.passwordAlgorithm, [0, 2, 0, 0])
        }
        switch profile.authentication {
        case .md5SHA1: writer.appendIntegrity(key: keys.md5)
        case .md5SHA256: writer.appendIntegritySHA256(key: keys.md5)
        case .sha256, .userhash: writer.appendIntegritySHA256(key: keys.sha256)
        }
    }

    // MARK: - Answers

    package func receive(_ datagram: Datagram, at now: Instant) -> [Datagram] {
        // A NAT has no mapping any more for the address before the last move.
        guard datagram.destination == address, datagram.source == profile.server else { return [] }
        guard let message = WireMessage(parsing: datagram.payload) else {
            receivedDataCount += 1
            return []
        }
        guard message.messageClass == .success || message.messageClass == .error else {
            receivedDataCount += 1
            return []
        }
        guard let pending = transaction, pending.transactionID == message.transactionID else { return [] }
        transaction = nil
        guard message.messageClass == .success else {
            return receiveError(message.errorCode ?? 0, message, pending, at: now)
        }
        successes[message.method, default: 0] += 1
        accept(message, pending.wish, at: now)
        return []
    }

    private func receiveError(
        _ code: Int, _ message: WireMessage, _ pending: Transaction, at now: Instant
    ) -> [Datagram] {
        errors[code, default: 0] += 1
        if code == 401 || code == 438, let fresh = message.value(WireMessage.nonce), pending.challengesLeft > 0 {
            nonce = fresh
            passwordAlgorithms = message.value(WireMessage.passwordAlgorithms) ?? []
            // Somebody who has waited too long with a token does without.
            return begin(pending.wish, at: now, challengesLeft: pending.challengesLeft - 1)
        }
        // The other end knows better what there is.
        if code == 437 { allocated = nil }
        if code == 437, case .allocate = pending.wish { addressIndex = (addressIndex + 1) % profile.addresses.count }
        return []
    }

    private func accept(_ message: WireMessage, _ wish: Wish, at now: Instant) {
        switch wish {
        case .allocate:
            let relayed = message.addresses(WireMessage.relayedAddress) ?? []
            let lifetime = message.number(WireMessage.lifetime) ?? 0
            allocated = Allocated(relayed: relayed, expiresAt: now.advanced(bySeconds: lifetime))
            for address in relayed { rendezvous.announce(address) }
            if let token = message.value(WireMessage.reservationToken) { rendezvous.offer(token) }
        case .refresh(let requested, let family):
            guard requested == 0 else {
                allocated?.expiresAt = now.advanced(bySeconds: message.number(WireMessage.lifetime) ?? 0)
                return
            }
            allocated?.relayed.removeAll { family == nil || $0.family == family }
            if allocated?.relayed.isEmpty == true { allocated = nil }
        case .permit(let peers):
            allocated?.permitted += peers
            if let count = allocated?.permitted.count, count > 12 { allocated?.permitted.removeFirst(count - 12) }
        case .bind(let number, let peer):
            guard allocated?.channels.contains(where: { $0.number == number }) == false else { return }
            allocated?.channels.append((number, peer))
            allocated?.permitted.append(peer)
        case .binding: break
        }
    }
}
