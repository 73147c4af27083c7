import NetworkPrimitives
import SimulationKit

/// One way to be wrong. A server with it must be caught, or the reference model is worth nothing.
enum Defect: CaseIterable, Sendable {
    case answersTwice, answersElsewhere, answersAnotherTransaction, losesAnswers, answersNoise, leavesPadding
    case spoilsIntegrity, succeedsWithoutAuthentication, acceptsExpiredName, servesRefused,
        refusesInForce
    case sendsLongChallenges, challengesWithoutLimit
    case givesOneAddressToTwo, givesFreedAddressAtOnce, givesRetransmissionAnotherAddress
    case allocatesAgainForAnotherTransaction, grantsLessThanDefault, mapsAnotherAddress
    case overrunsQuota, refusesWithinQuota, forgetsReservation, succeedsWithoutAllocation, forgetsAllocation,
        claimsPhantomAllocation
    case grantsForbiddenPeers
    case forwardsWithoutPermission, keepsRelayingAfterTheEnd, forwardsUnboundChannel, relaysTwice
    case relaysToAnotherPeer, altersPayload, framesAsIndication, swallowsData, reportsStrayICMP

    /// What the model has to call it.
    var rule: Rule {
        switch self {
        case .answersTwice: .answeredTwice
        case .answersElsewhere: .answeredElsewhere
        case .answersAnotherTransaction: .answeredSomethingElse
        case .losesAnswers: .unanswered
        case .leavesPadding: .leakingPadding
        case .answersNoise: .unexpectedOutput
        case .spoilsIntegrity: .badIntegrity
        case .succeedsWithoutAuthentication: .successWithoutAuthentication
        case .acceptsExpiredName: .expiredCredential
        case .servesRefused: .servedRefused
        case .refusesInForce: .refusedInForce
        case .sendsLongChallenges: .amplified
        case .challengesWithoutLimit: .overReplyRate
        case .givesOneAddressToTwo: .sharedRelayedAddress
        case .givesFreedAddressAtOnce: .relayedAddressReusedAtOnce
        case .givesRetransmissionAnotherAddress: .retransmissionDiffers
        case .allocatesAgainForAnotherTransaction: .secondAllocation
        case .grantsLessThanDefault: .wrongLifetime
        case .mapsAnotherAddress: .wrongAddress
        case .overrunsQuota: .overQuota
        case .refusesWithinQuota: .refusedWithinQuota
        case .forgetsReservation: .brokenReservation
        case .succeedsWithoutAllocation: .successWithoutAllocation
        case .forgetsAllocation: .lostAllocation
        case .claimsPhantomAllocation: .phantomAllocation
        case .grantsForbiddenPeers: .successForNonsense
        case .forwardsWithoutPermission: .relayedWithoutPermission
        case .keepsRelayingAfterTheEnd: .relayedWithoutAllocation
        case .forwardsUnboundChannel: .relayedWithoutChannel
        case .relaysTwice: .relayedTwice
        case .relaysToAnotherPeer: .relayedElsewhere
        case .altersPayload: .payloadAltered
        case .framesAsIndication: .wrongFraming
        case .swallowsData: .notRelayed
        case .reportsStrayICMP: .strayICMP
        }
    }
}

/// A server that does as it should, and now and then is wrong in one way.
final class DefectiveServer: Node {
    private let server: ServerNode
    private let setup: ServerSetup
    private let defect: Defect
    /// Relayed addresses in the order in which they were given out, each with its client.
    private var given: [(address: SocketAddress, client: SocketAddress)] = []
    private var lastFreed: SocketAddress?

    init(_ defect: Defect, around server: ServerNode, _ setup: ServerSetup) {
        self.defect = defect
        self.server = server
        self.setup = setup
    }

    var hosts: [IPAddress] { server.hosts }
    var nextDeadline: Instant? { server.nextDeadline }

    func handleDeadline(at now: Instant) -> [Datagram] {
        let sent = server.handleDeadline(at: now)
        guard defect == .reportsStrayICMP, let (_, client) = given.last else { return sent }
        return sent + [stray(to: client)]
    }

    func receive(_ datagram: Datagram, at now: Instant) -> [Datagram] {
        let sent = server.receive(datagram, at: now)
        if setup.listeners.contains(datagram.destination) {
            guard let request = WireMessage(parsing: datagram.payload) else {
                return spoilData(datagram, sent)
            }
            return request.messageClass == .request
                ? spoilAnswer(request, datagram, sent) : spoilIndication(request, datagram, sent)
        }
        return spoilPeer(datagram, sent)
    }

    // MARK: - Answers

    private func spoilAnswer(_ request: WireMessage, _ datagram: Datagram, _ sent: [Datagram]) -> [Datagram] {
        guard let reply = sent.first, let answer = WireMessage(parsing: reply.payload) else {
            guard defect == .challengesWithoutLimit else { return sent }
            return [forge(request, datagram, .error, [(WireMessage.errorCodeType, [0, 0, 4, 1])], key: nil)]
        }
        defer { note(request, answer, datagram) }
        switch defect {
        case .answersTwice: return [reply, reply]
        case .answersElsewhere: return [moved(reply)]
        case .answersAnotherTransaction:
            var other = reply
            other.payload[19] ^= 1
            return [other]
        case .losesAnswers: return answer.isAuthenticated ? [] : sent
        case .leavesPadding where answer.errorCode == 401 && !request.has(WireMessage.fingerprint):
            // Eleven bytes of realm stand behind the header, ERROR-CODE and a header of their own.
            var other = reply
            other.payload[20 + 8 + 4 + setup.realm.utf8.count] = 0xAA
            return [other]
        case .sendsLongChallenges where answer.errorCode == 401:
            var attributes = answer.attributes.map { ($0.type, $0.value) }
            attributes.append((0x8022, [UInt8](repeating: 65, count: 40)))
            return [forge(request, datagram, .error, attributes, key: nil)]
        case .spoilsIntegrity where answer.isAuthenticated:
            var other = reply
            let offset = other.payload.count - (request.has(WireMessage.fingerprint) ? 9 : 1)
            guard !request.has(WireMessage.fingerprint) else { return sent }
            other.payload[offset] ^= 1
            return [other]
        case .acceptsExpiredName where answer.errorCode == 401:
            guard let key = key(of: request) else { return sent }
            let address = setup.relays[0].advertised.port(setup.ports.upperBound)
            return [forgeAllocated(request, datagram, address, 600, datagram.source, key)]
        case .servesRefused where answer.errorCode == 401 && request.method == WireMessage.refresh:
            guard let key = key(of: request) else { return sent }
            return [forge(request, datagram, .success, [(WireMessage.lifetime, [0, 0, 2, 88])], key: key)]
        case .refusesInForce where answer.messageClass == .success && answer.isAuthenticated:
            return [forge(request, datagram, .error, [(WireMessage.errorCodeType, [0, 0, 4, 1])], key: nil)]
        case .succeedsWithoutAuthentication where answer.errorCode == 401:
            return [forge(request, datagram, .success, [], key: nil)]
        default:
            guard let key = key(of: request), answer.isAuthenticated else { return sent }
            return rewrite(request, answer, datagram, reply, key)
        }
    }

    /// Answers that are well made and say what is not so.
    private func rewrite(
        _ request: WireMessage, _ answer: WireMessage, _ datagram: Datagram, _ reply: Datagram, _ key: [UInt8]
    ) -> [Datagram] {
        let isAllocate = request.method == WireMessage.allocate
        let isSuccess = answer.messageClass == .success
        func allocated(_ address: SocketAddress, lifetime: UInt32 = 600, mapped: SocketAddress? = nil) -> [Datagram] {
            [forgeAllocated(request, datagram, address, lifetime, mapped ?? datagram.source, key)]
        }
        func error(_ code: Int) -> [Datagram] {
            let value: [UInt8] = [0, 0, UInt8(code / 100), UInt8(code % 100)]
            return [forge(request, datagram, .error, [(WireMessage.errorCodeType, value)], key: key)]
        }
        let fresh = setup.relays[0].advertised.port(setup.ports.upperBound)
        switch (defect, isAllocate, isSuccess) {
        case (.givesOneAddressToTwo, true, true):
            guard let other = given.last(where: { $0.client != datagram.source }) else { return [reply] }
            return allocated(other.address)
        case (.givesFreedAddressAtOnce, true, true):
            guard let freed = lastFreed else { return [reply] }
            return allocated(freed)
        case (.givesRetransmissionAnotherAddress, true, true):
            guard given.contains(where: { $0.client == datagram.source }) else { return [reply] }
            return allocated(fresh)
        case (.allocatesAgainForAnotherTransaction, true, false) where answer.errorCode == 437: return allocated(fresh)
        case (.grantsLessThanDefault, true, true): return allocated(fresh, lifetime: 599)
        case (.mapsAnotherAddress, true, true): return allocated(fresh, mapped: moved(reply).destination)
        case (.overrunsQuota, true, false) where answer.errorCode == 486: return allocated(fresh)
        case (.refusesWithinQuota, true, true): return error(486)
        case (.forgetsReservation, true, true) where request.has(WireMessage.reservationToken): return error(508)
        case (.succeedsWithoutAllocation, false, false) where answer.errorCode == 437:
            return [forge(request, datagram, .success, [], key: key)]
        case (.forgetsAllocation, false, true): return error(437)
        case (.claimsPhantomAllocation, true, true): return error(437)
        case (.grantsForbiddenPeers, false, false) where answer.errorCode == 400 || answer.errorCode == 403:
            return [forge(request, datagram, .success, [], key: key)]
        default: return [reply]
        }
    }

    private func note(_ request: WireMessage, _ answer: WireMessage, _ datagram: Datagram) {
        guard answer.messageClass == .success else { return }
        if request.method == WireMessage.allocate {
            for address in answer.addresses(WireMessage.relayedAddress) ?? [] {
                given.append((address, datagram.source))
            }
        } else if request.method == WireMessage.refresh, answer.number(WireMessage.lifetime) == 0 {
            lastFreed = given.last { $0.client == datagram.source }?.address
        }
    }

    // MARK: - Data

    private func spoilData(_ datagram: Datagram, _ sent: [Datagram]) -> [Datagram] {
        guard let first = datagram.payload.first, first >> 4 == 4, datagram.payload.count >= 4 else {
            // Not to itself, or it would go on for ever.
            guard defect == .answersNoise, !hosts.contains(datagram.source.ip) else { return sent }
            return [Datagram(source: datagram.destination, destination: datagram.source, payload: [0])]
        }
        let source = given.last { $0.client == datagram.source }?.address
        switch defect {
        case .forwardsUnboundChannel where sent.isEmpty, .keepsRelayingAfterTheEnd where sent.isEmpty:
            guard let source else { return sent }
            let peer = IPAddress.v4(8, 0, 0, 1).port(4000)
            return [Datagram(source: source, destination: peer, payload: Array(datagram.payload.dropFirst(4)))]
        default: return spoilRelayed(sent)
        }
    }

    private func spoilIndication(_ message: WireMessage, _ datagram: Datagram, _ sent: [Datagram]) -> [Datagram] {
        guard message.method == WireMessage.send else { return sent }
        if defect == .forwardsWithoutPermission, sent.isEmpty,
            let source = given.last(where: { $0.client == datagram.source })?.address,
            let peer = message.address(WireMessage.peerAddress), let payload = message.value(WireMessage.dataType)
        {
            return [Datagram(source: source, destination: peer, payload: payload)]
        }
        return spoilRelayed(sent)
    }

    private func spoilRelayed(_ sent: [Datagram]) -> [Datagram] {
        guard var relayed = sent.first else { return sent }
        switch defect {
        case .relaysTwice: return [relayed, relayed]
        case .swallowsData: return []
        case .relaysToAnotherPeer:
            relayed.destination = relayed.destination.with(port: relayed.destination.port ^ 1)
            return [relayed]
        case .altersPayload where !relayed.payload.isEmpty:
            relayed.payload[0] ^= 0x80
            return [relayed]
        default: return sent
        }
    }

    private func spoilPeer(_ datagram: Datagram, _ sent: [Datagram]) -> [Datagram] {
        guard var relayed = sent.first else { return sent }
        switch defect {
        case .framesAsIndication where WireMessage(parsing: relayed.payload) == nil:
            var writer = WireWriter(WireMessage.data, .indication, transactionID: [UInt8](repeating: 7, count: 12))
            writer.append(WireMessage.peerAddress, address: datagram.source)
            writer.append(WireMessage.dataType, datagram.payload)
            relayed.payload = writer.bytes
            return [relayed]
        case .relaysTwice: return [relayed, relayed]
        default: return sent
        }
    }

    // MARK: - Forging

    private func moved(_ datagram: Datagram) -> Datagram {
        var other = datagram
        other.destination = datagram.destination.with(port: datagram.destination.port ^ 1)
        return other
    }

    private func key(of request: WireMessage) -> [UInt8]? {
        guard let name = request.value(WireMessage.username) else { return nil }
        let text = String(decoding: name, as: UTF8.self)
        let ephemeral = setup.sharedSecret.map { SimulatedUser.ephemeral(named: text, secret: $0) }
        guard let user = setup.users.first(where: { $0.name == text }) ?? ephemeral else { return nil }
        let keys = WireKeys(username: user.name, realm: setup.realm, password: user.password)
        return request.has(WireMessage.passwordAlgorithm) ? keys.sha256 : keys.md5
    }

    private func forge(
        _ request: WireMessage, _ datagram: Datagram, _ messageClass: WireMessage.Class,
        _ attributes: [(UInt16, [UInt8])], key: [UInt8]?
    ) -> Datagram {
        var writer = WireWriter(request.method, messageClass, transactionID: request.transactionID)
        for (type, value) in attributes where type != WireMessage.fingerprint { writer.append(type, value) }
        if let key { writer.appendIntegrity(key: key) }
        return Datagram(source: datagram.destination, destination: datagram.source, payload: writer.bytes)
    }

    private func forgeAllocated(
        _ request: WireMessage, _ datagram: Datagram, _ relayed: SocketAddress, _ lifetime: UInt32,
        _ mapped: SocketAddress, _ key: [UInt8]
    ) -> Datagram {
        var writer = WireWriter(request.method, .success, transactionID: request.transactionID)
        writer.append(WireMessage.relayedAddress, address: relayed)
        writer.append(WireMessage.lifetime, number: lifetime)
        writer.append(WireMessage.mappedAddress, address: mapped)
        writer.appendIntegrity(key: key)
        return Datagram(source: datagram.destination, destination: datagram.source, payload: writer.bytes)
    }

    private func stray(to client: SocketAddress) -> Datagram {
        var writer = WireWriter(WireMessage.data, .indication, transactionID: [UInt8](repeating: 9, count: 12))
        writer.append(WireMessage.peerAddress, address: IPAddress.v4(8, 8, 8, 8).port(53))
        writer.append(WireMessage.icmp, [0, 0, 6, 1, 0, 0, 0, 0])
        return Datagram(source: setup.listeners[0], destination: client, payload: writer.bytes)
    }
}
