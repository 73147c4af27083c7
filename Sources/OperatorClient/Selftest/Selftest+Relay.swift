import LinuxSockets
import NetworkPrimitives
import STUN

// Whether a relayed address is what it has to be: an address that peers reach.
extension Selftest {
    /// How what is sent to a relayed address from here fares.
    private enum Arrival: Equatable {
        case arrived(peer: SocketAddress)
        case lost
        /// Somebody answered that nobody has this port.
        case refused
        case noRoute(String)
        /// The server does not let its clients reach this host.
        case notPermitted
    }

    mutating func judgeRelay(
        _ session: inout TURNSession, _ relayed: SocketAddress, mapped: SocketAddress?, at endpoint: SelftestEndpoint
    ) throws(LinkFailure) {
        let isMisplaced = plan.isOutside && relayed.ip.isPrivate && !endpoint.address.ip.isPrivate
        if isMisplaced {
            note(.fault, .privateRelay, SelftestWords.privateRelay(relayed, endpoint), at: endpoint)
        } else {
            try judgeDirectWay(&session, relayed, mapped: mapped, at: endpoint)
        }
        try judgeWayBetweenRelays(&session, relayed, at: endpoint)
    }

    // MARK: - From here to the relay and back

    private mutating func judgeDirectWay(
        _ session: inout TURNSession, _ relayed: SocketAddress, mapped: SocketAddress?, at endpoint: SelftestEndpoint
    ) throws(LinkFailure) {
        let words = SelftestWords.Relay(
            relayed: relayed, endpoint: endpoint, ports: plan.relayPorts, isOutside: plan.isOutside)
        let isOwn = relayed.ip == endpoint.address.ip || plan.ownAddresses.contains(relayed.ip)
        switch try directWay(&session, to: relayed, mapped: mapped) {
        case .arrived: break
        case .notPermitted: note(.note, .notTried, words.notPermitted, at: endpoint)
        case .noRoute(let reason): note(.warning, .notTried, words.noRoute(reason), at: endpoint)
        case .refused where !isOwn: note(.fault, .wrongExternalAddress, words.somebodyElse, at: endpoint)
        case .refused: note(.fault, .relayClosed, words.notForwarded, at: endpoint)
        case .lost where isOwn: note(.fault, .relayClosed, words.closed, at: endpoint)
        // From inside, a NAT that does not turn packets around looks the same.
        case .lost:
            note(plan.isOutside ? .fault : .warning, .wrongExternalAddress, words.wrongExternalAddress, at: endpoint)
        }
    }

    private func directWay(
        _ session: inout TURNSession, to relayed: SocketAddress, mapped: SocketAddress?
    ) throws(LinkFailure) -> Arrival {
        let link: Link
        do { link = try Link(to: Link.Destination(.udp, relayed), milliseconds: plan.milliseconds) } catch {
            return .noRoute(SelftestWords.of(error))
        }
        // Behind a NAT the relay sees the address that the server sees; beside the server, our own.
        var candidates = [link.local?.ip, mapped?.ip].compactMap(\.self).filter { $0.family == relayed.family }
        if candidates.count == 2, candidates[0] == candidates[1] { candidates.removeLast() }
        var isPermitted = false
        for candidate in candidates where try session.permit(candidate) == nil { isPermitted = true }
        guard isPermitted else { return .notPermitted }
        let payload = Self.payload()
        for _ in 0..<Self.tries {
            do throws(LinkFailure) {
                try link.send(payload, milliseconds: plan.milliseconds)
                if let peer = try session.awaitData(payload, milliseconds: plan.milliseconds / Self.tries) {
                    return .arrived(peer: peer)
                }
                // An ICMP error is told to whoever reads.
                _ = try link.receive(milliseconds: 1)
            } catch {
                switch error {
                case .refused: return .refused
                case .timedOut: continue
                case .unreachable(let reason): return .noRoute(reason)
                default: throw error
                }
            }
        }
        return .lost
    }

    private static let tries = 3

    /// What nobody else sends.
    private static func payload() -> [UInt8] {
        var random = OSRandom()
        return random.bytes(24)
    }

    // MARK: - From one relay to the other

    private mutating func judgeWayBetweenRelays(
        _ session: inout TURNSession, _ relayed: SocketAddress, at endpoint: SelftestEndpoint
    ) throws(LinkFailure) {
        var second = try connect(endpoint, as: identity(expiringIn: Self.lifetime))
        let answer = try second.allocate([.family(relayed.family)])
        guard let other = answer.relayed, answer.type.messageClass == .success else {
            let text = SelftestWords.noSecondAllocation(answer.errorCode, endpoint)
            note(.note, .notTried, text, at: endpoint)
            return
        }
        let refusals = (try session.permit(other.ip), try second.permit(relayed.ip))
        guard refusals == (nil, nil) else {
            note(.warning, .relaysApart, SelftestWords.relaysForbidden(relayed, endpoint), at: endpoint)
            second.release()
            return
        }
        let payload = Self.payload()
        var hasArrived = false
        for _ in 0..<Self.tries where !hasArrived {
            try session.send(payload, to: other)
            hasArrived = try second.awaitData(payload, milliseconds: plan.milliseconds / Self.tries) != nil
        }
        if !hasArrived { note(.fault, .relaysApart, SelftestWords.relaysApart(relayed, endpoint), at: endpoint) }
        second.release()
    }
}
