import NetworkPrimitives
import STUN

// RFC 5780 §6.1: a Binding request that came to one of the four addresses of NAT behaviour discovery.
extension TURNServer {
    /// Over a connection or a session of DTLS nothing can come from elsewhere, so that there the attributes that ask
    /// for it stay unknown.
    func understandingDiscovery(_ arrival: Arrival) -> STUNMessage {
        guard arrival.message.unknownRequiredCount > 0, arrival.path.transport == .udp else { return arrival.message }
        return arrival.message.understanding(DiscoveryAttributes.contain)
    }

    mutating func discover(
        _ place: NATDiscovery.Place, _ datagram: RawSpan, _ arrival: Arrival, _ exchange: Exchange,
        reply: consuming MutableRawSpan
    ) -> Reply? {
        let plan: DiscoveryPlan
        if arrival.message.unknownRequiredCount == 0 {
            plan = DiscoveryPlan(place, arrival.path)
        } else {
            let wishes = DiscoveryAttributes(of: arrival.message, in: datagram)
            guard let made = DiscoveryPlan(place, arrival.path, wishes) else {
                counters.count(.badRequest)
                return style.error(.badRequest, to: exchange, into: reply)
            }
            plan = made
        }
        noteBinding(arrival.path)
        let answer = exchange.with(path: plan.path)
        var writer = style.begin(.success, of: answer, into: reply)
        // Both, so that a client sees whether somebody on the way rewrites addresses in what they pass on.
        writer.appendAddress(.mappedAddress, arrival.path.client.socketAddress)
        writer.appendXORAddress(.xorMappedAddress, arrival.path.client.socketAddress)
        writer.appendAddress(.responseOrigin, plan.origin)
        writer.appendAddress(.otherAddress, place.otherAddress)
        if let padding = plan.paddingByteCount {
            // Nobody gets more than they sent: padding makes an answer as long as its request at most.
            let answerMax = min(datagram.byteCount, Self.replyByteCountMax)
            let room = answerMax - writer.byteCount - 4 - style.tailByteCount(answer)
            writer.appendZeros(.padding, byteCount: max(0, min(padding, room)) & ~0b11)
        }
        return style.finish(&writer, answer)
    }
}

/// Where the answer to a Binding request of NAT discovery leaves from, where it goes, and how long it is made.
private struct DiscoveryPlan {
    let path: FiveTuple
    /// RESPONSE-ORIGIN.
    let origin: SocketAddress
    let paddingByteCount: Int?

    init(_ place: NATDiscovery.Place, _ path: FiveTuple) {
        self.path = path
        origin = place.origin(changingIP: false, changingPort: false).advertised
        paddingByteCount = nil
    }

    /// Nil when the answer is 400.
    init?(_ place: NATDiscovery.Place, _ path: FiveTuple, _ wishes: DiscoveryAttributes) {
        guard let change = wishes.changeRequest.or(.nothing),
            let port = wishes.responsePort.or(path.client.socketAddress.port)
        else { return nil }
        // RFC 5780 §6.1: the two together would send a stranger's port more than anybody sent.
        guard wishes.paddingByteCount == nil || wishes.responsePort == .absent else { return nil }
        let origin = place.origin(changingIP: change.changesIP, changingPort: change.changesPort)
        // RFC 5780 §7.5: another port, never another address.
        let client = path.client.socketAddress.with(port: port)
        self.path = FiveTuple(client: ClientAddress(client), server: origin.local, transport: path.transport)
        self.origin = origin.advertised
        paddingByteCount = wishes.paddingByteCount
    }
}

extension Exchange {
    fileprivate func with(path: FiveTuple) -> Exchange {
        Exchange(
            path: path, method: method, transactionID: transactionID, integrity: integrity,
            addsFingerprint: addsFingerprint)
    }
}
