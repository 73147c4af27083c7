import Containers
import NetworkPrimitives
import STUN

extension TURNServer {
    /// RFC 8489 §12: an answer made of the request alone. Nothing is kept.
    mutating func receiveBinding(
        _ datagram: RawSpan, _ arrival: Arrival, reply: consuming MutableRawSpan
    ) -> Reply? {
        guard settings.answersBinding else { return drop(.disabled) }
        var integrity = ResponseIntegrity.none
        if settings.requiresAuthenticationForBinding {
            let authentication = authenticate(datagram, arrival)
            guard case .accepted(let credentials) = authentication else {
                return refuse(authentication, datagram, arrival, reply: reply)
            }
            refundChallenge(arrival.path)
            integrity = credentials.integrity
        }
        guard mayLearnAddress(arrival.path, at: arrival.now) else { return drop(.overReplyRate) }
        let exchange = Exchange(
            path: arrival.path, method: .binding, transactionID: arrival.message.transactionID,
            integrity: integrity, addsFingerprint: addsFingerprint(to: arrival.message))
        let place = settings.discovery?.place(of: arrival.path.server)
        let message = place == nil ? arrival.message : understandingDiscovery(arrival)
        guard message.unknownRequiredCount == 0 else {
            counters.count(.unknownAttribute)
            return style.error(.unknownAttribute, to: exchange, into: reply, unknownAttributesOf: message)
        }
        if let place { return discover(place, datagram, arrival, exchange, reply: reply) }
        noteBinding(arrival.path)
        var writer = style.begin(.success, of: exchange, into: reply)
        writer.appendXORAddress(.xorMappedAddress, arrival.path.client.socketAddress)
        return style.finish(&writer, exchange)
    }

    mutating func noteBinding(_ path: FiveTuple) {
        counters.bindingResponses += 1
        if settings.reportsBindings { outputs.append(.bindingAnswered(client: path.client)) }
    }

    /// Bytes that are not a STUN message of today: a Binding request of RFC 3489 if the operator serves those, else
    /// nothing.
    mutating func receiveUnparsable(
        _ datagram: RawSpan, _ error: STUNParseError, on path: FiveTuple, at now: Instant,
        reply: consuming MutableRawSpan
    ) -> Reply? {
        switch error {
        case .badMagicCookie where path.transport == .dtls:
            // RFC 3489 knew no DTLS: whoever has it knows the cookie (RFC 8489 §11).
            guard let count = ClassicBinding.refuse(datagram, into: &reply) else { return drop(.notForUs) }
            counters.count(.serverError)
            return Reply(path: path, byteCount: count)
        case .badMagicCookie where settings.answersClassicBinding && ClassicBinding.isRequest(datagram):
            // RFC 3489 knows no credentials of ours.
            guard settings.answersBinding, !settings.requiresAuthenticationForBinding else { return drop(.disabled) }
            guard mayLearnAddress(path, at: now) else { return drop(.overReplyRate) }
            counters.bindingResponses += 1
            let count = ClassicBinding.respond(to: datagram, source: path.client.socketAddress, into: &reply)
            return Reply(path: path, byteCount: count)
        case .badFingerprint: return drop(.badFingerprint)
        case .truncatedHeader, .notSTUN, .badMagicCookie: return drop(.notForUs)
        case .badLength, .attributeOverrun: return drop(.malformed)
        }
    }
}
