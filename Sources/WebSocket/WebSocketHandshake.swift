import Crypto
package import HTTP

/// What an endpoint agrees to in a handshake.
package struct WebSocketHandshakePolicy: Sendable {
    /// The subprotocols that the endpoint speaks; their names have a case. None means that it ignores what is offered.
    package var subprotocols: [String]
    /// Whether a client that offers no subprotocol at all is let in.
    package var allowsNoSubprotocol: Bool
    /// Whether the operator has turned permessage-deflate on.
    package var allowsDeflate: Bool

    package init(subprotocols: [String] = [], allowsNoSubprotocol: Bool = true, allowsDeflate: Bool = false) {
        self.subprotocols = subprotocols
        self.allowsNoSubprotocol = allowsNoSubprotocol
        self.allowsDeflate = allowsDeflate
    }
}

/// What was agreed on. The connection speaks WebSocket behind the response.
package struct WebSocketAcceptance: Equatable, Sendable {
    /// The first of the client's subprotocols that the endpoint speaks.
    package let subprotocol: String?
    /// For `WebSocketConnection`.
    package let deflate: WebSocketDeflate?
    /// 101, with all of its headers, `Connection: Upgrade` among them.
    package let response: HTTPResponse
}

/// Why a request does not become a WebSocket. Each is worth a counter.
package enum WebSocketRefusal: UInt8, Error, CaseIterable, Sendable {
    case notGET
    case notHTTP11
    case upgradeMissing
    case connectionUpgradeMissing
    case versionUnsupported
    case keyInvalid
    case bodyPresent
    case subprotocolMissing
    case subprotocolUnsupported
    case extensionsMalformed

    /// What the client gets instead.
    package var response: HTTPResponse {
        var headers = HTTPHeaders()
        let status: HTTPStatus
        switch self {
        case .notGET:
            status = .methodNotAllowed
            headers.append("Allow", "GET")
        case .upgradeMissing, .versionUnsupported:
            // RFC 9110 §15.5.22 wants the protocol named, RFC 6455 §4.4 the version.
            status = .upgradeRequired
            headers.append("Upgrade", "websocket")
            headers.append("Sec-WebSocket-Version", "13")
        case .notHTTP11, .connectionUpgradeMissing, .keyInvalid, .bodyPresent, .subprotocolMissing,
            .subprotocolUnsupported, .extensionsMalformed:
            status = .badRequest
        }
        return HTTPResponse(status, headers: headers)
    }
}

/// The opening handshake, server side (RFC 6455 §4.2). Whether the Origin may be here is for the caller to say.
package enum WebSocketHandshake {
    /// Answers a request to become a WebSocket.
    package static func accept(
        _ request: HTTPRequest, policy: WebSocketHandshakePolicy = .init()
    ) throws(WebSocketRefusal) -> WebSocketAcceptance {
        let headers = request.headers
        // RFC 6455 §4.2.1, in its order. The Host header is checked with the head of every request.
        guard request.method == .get else { throw .notGET }
        guard request.minorVersion >= 1 else { throw .notHTTP11 }
        guard headers.contains(token: "websocket", in: "Upgrade") else { throw .upgradeMissing }
        guard headers.contains(token: "upgrade", in: "Connection") else { throw .connectionUpgradeMissing }
        guard headers.values(of: "Sec-WebSocket-Version") == ["13"] else { throw .versionUnsupported }
        let keys = headers.values(of: "Sec-WebSocket-Key")
        guard let key = keys.first, keys.count == 1, Base64.decode(Array(key.utf8))?.count == 16 else {
            throw .keyInvalid
        }
        // The bytes behind the head are frames; a body would have to be told from them.
        guard request.body.isEmpty else { throw .bodyPresent }

        let subprotocol = try subprotocol(offered: headers.list("Sec-WebSocket-Protocol"), policy)
        let offer = policy.allowsDeflate ? try DeflateOffer.first(in: headers.list("Sec-WebSocket-Extensions")) : nil
        var answer = HTTPHeaders()
        answer.append("Upgrade", "websocket")
        answer.append("Connection", "Upgrade")
        answer.append("Sec-WebSocket-Accept", HTTPFieldValue(cleaning: acceptValue(forKey: key)))
        if let subprotocol { answer.append("Sec-WebSocket-Protocol", HTTPFieldValue(cleaning: subprotocol)) }
        if let offer { answer.append("Sec-WebSocket-Extensions", offer.answer) }
        return WebSocketAcceptance(
            subprotocol: subprotocol, deflate: offer?.parameters,
            response: HTTPResponse(.switchingProtocols, headers: answer))
    }

    /// The value of Sec-WebSocket-Accept: proof that the server has understood, and not merely repeated, the request
    /// (RFC 6455 §4.2.2). A client compares it.
    package static func acceptValue(forKey key: String) -> String {
        let digest = unsafe SHA1.hash(Array((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").utf8).span.bytes)
        return String(decoding: digest.withRawSpan { Base64.encode($0) }, as: UTF8.self)
    }

    /// RFC 6455 §4.2.2: one of the offered ones or none. The client lists what it prefers first.
    ///
    /// A browser that has offered some gives up when none is chosen, so it is told at once.
    private static func subprotocol(
        offered: [String], _ policy: WebSocketHandshakePolicy
    ) throws(WebSocketRefusal) -> String? {
        if offered.isEmpty {
            guard policy.allowsNoSubprotocol else { throw .subprotocolMissing }
            return nil
        }
        guard !policy.subprotocols.isEmpty else { return nil }
        guard let chosen = offered.first(where: policy.subprotocols.contains) else { throw .subprotocolUnsupported }
        return chosen
    }
}
