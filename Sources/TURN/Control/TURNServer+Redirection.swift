import NetworkPrimitives
import STUN

// RFC 8489 §10, RFC 8656 §7.2: a server may send a client elsewhere. Here only Allocate is answered so: what has begun
// here goes on here.
extension TURNServer {
    /// The server that an Allocate request belongs to, if it is another one. Of the client's own family (RFC 8489
    /// §14.15), and never the one that was asked, to which the client would come back.
    mutating func alternate(
        for request: AllocateRequest, _ path: FiveTuple, _ credentials: Credentials
    ) -> AlternateServer? {
        let servers = alternates.list(for: path.transport)
        guard !servers.isEmpty else { return nil }
        // RFC 8489 §14.8: nobody is sent away by a message that anybody could have written.
        if case .none = credentials.integrity { return nil }
        // The port that a token stands for is held here.
        if request.source.token != nil { return nil }
        let family = path.client.socketAddress.family
        let advertised = SocketAddress(ip: externalAddresses.advertised(path.server.ip), port: path.server.port)
        func isCandidate(_ server: AlternateServer) -> Bool {
            server.address.family == family && server.address != path.server && server.address != advertised
        }
        let count = servers.count(where: isCandidate)
        guard count > 0 else { return nil }
        var turns = alternateTurns ?? AlternateTurns(random: random.next())
        var place = turns.next(family, of: count)
        alternateTurns = turns
        for server in servers where isCandidate(server) {
            if place == 0 { return server }
            place -= 1
        }
        preconditionFailure("the place is below the count")
    }

    /// Writes 300.
    func redirect(
        _ exchange: Exchange, to alternate: AlternateServer, into reply: consuming MutableRawSpan
    ) -> Reply {
        var writer = style.begin(.error, of: exchange, into: reply)
        writer.appendErrorCode(
            .tryAlternate, reason: settings.sendsReasonPhrases ? ErrorCode.tryAlternate.reason : nil)
        writer.appendAddress(.alternateServer, alternate.address)
        if let domain = alternate.domain, namesDomain(exchange) { writer.append(.alternateDomain, domain) }
        return style.finish(&writer, exchange)
    }

    /// RFC 8489 §10: the name by which the client checks the other server's certificate comes only by what an attacker
    /// who breaks SHA-1 could not have written.
    private func namesDomain(_ exchange: Exchange) -> Bool {
        guard case .sha256 = exchange.integrity else { return false }
        return switch exchange.path.transport {
        case .tls, .dtls: true
        case .udp, .tcp: false
        }
    }
}
