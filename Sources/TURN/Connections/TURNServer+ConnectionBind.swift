import Containers
import NetworkPrimitives
import STUN

// RFC 6062 §5.4, Receiving a ConnectionBind Request.
extension TURNServer {
    /// The connection that a ConnectionBind is about; nil for anything else. For a shell that has several workers: the
    /// one that gave the id has to be asked, with the client's connection in its hands.
    package static func connectionToBind(_ datagram: RawSpan) -> PeerConnectionID? {
        guard datagram.byteCount >= STUNMessage.headerByteCount,
            datagram.bigEndianUInt16(at: 0) == MessageType(.connectionBind, .request).wire,
            let message = try? STUNMessage(parsing: datagram)
        else { return nil }
        guard case .value(let id) = message.connectionID(in: datagram) else { return nil }
        return PeerConnectionID(rawValue: id)
    }

    /// The allocation that a request is about: that of its five-tuple, and for ConnectionBind that of the peer data
    /// connection which it names. Over UDP there is nothing to bind.
    func subject(of arrival: Arrival, _ datagram: RawSpan) -> SlabHandle? {
        guard arrival.message.type.method == .connectionBind else { return allocationByFiveTuple[arrival.path] }
        guard arrival.path.transport.isStream, case .value(let id) = arrival.message.connectionID(in: datagram) else {
            return nil
        }
        return peerConnections[PeerConnectionID(rawValue: id)]?.allocation.handle
    }

    /// Makes the connection that the request came by the client data connection of a peer.
    mutating func connectionBind(_ datagram: RawSpan, _ arrival: Arrival, _ credentials: Credentials) -> Outcome {
        // A control connection stays one: with it its allocation would go, and with that what is to be bound.
        guard arrival.path.transport.isStream, allocationByFiveTuple[arrival.path] == nil,
            case .value(let wire) = arrival.message.connectionID(in: datagram)
        else { return .failure(.badRequest) }
        let id = PeerConnectionID(rawValue: wire)
        guard let connection = peerConnections[id], case .pending = connection.phase else {
            return .failure(.badRequest)
        }
        let owner = allocations[connection.allocation.handle].account
        guard credentials.claimant.account == owner else { return .failure(.wrongCredentials) }
        // A connection that is a peer's does not come back to an allocation.
        forgetArrival(on: arrival.path)
        peerConnections.setBound(id)
        counters.peersBound += 1
        outputs.append(.tcp(.splice(id, client: arrival.path)))
        return .success(.nothing)
    }
}
