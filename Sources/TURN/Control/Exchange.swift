import NetworkPrimitives
import STUN

/// A datagram that the core wrote into the caller's buffer, and where it goes.
package struct Reply: Equatable, Sendable {
    package let path: FiveTuple
    package let byteCount: Int
}

/// A request that passed authentication, and how its response is protected.
struct Exchange {
    let path: FiveTuple
    let method: Method
    let transactionID: TransactionID
    let identity: Identity
    let integrity: ResponseIntegrity
    let addsFingerprint: Bool
}

/// How every response begins and ends. What stands between is the caller's.
struct ResponseStyle {
    let software: [UInt8]?
    let sendsReasonPhrases: Bool

    /// Writes the success response to `exchange`, with the attributes that `body` adds.
    func success(
        to exchange: Exchange, into reply: consuming MutableRawSpan, _ body: (inout MessageWriter) -> Void
    ) -> Reply {
        var writer = MessageWriter(
            into: reply, type: MessageType(exchange.method, .success), transactionID: exchange.transactionID)
        body(&writer)
        finish(&writer, exchange)
        return Reply(path: exchange.path, byteCount: writer.byteCount)
    }

    /// Writes the error response to `exchange`.
    func error(
        _ code: ErrorCode, to exchange: Exchange, into reply: consuming MutableRawSpan,
        unknownAttributesOf request: STUNMessage? = nil
    ) -> Reply {
        var writer = MessageWriter(
            into: reply, type: MessageType(exchange.method, .error), transactionID: exchange.transactionID)
        writer.appendErrorCode(code, reason: sendsReasonPhrases ? code.reason : nil)
        if let request { writer.appendUnknownAttributes(of: request) }
        finish(&writer, exchange)
        return Reply(path: exchange.path, byteCount: writer.byteCount)
    }

    private func finish(_ writer: inout MessageWriter, _ exchange: Exchange) {
        switch exchange.integrity {
        case .none: break
        case .sha1(let key):
            appendSoftware(&writer)
            writer.appendMessageIntegrity(key)
        case .sha256(let key):
            appendSoftware(&writer)
            writer.appendMessageIntegritySHA256(key)
        }
        if exchange.addsFingerprint { writer.appendFingerprint() }
    }

    /// Only somebody who has proved who they are learns what runs here, and only for them an answer may be longer.
    private func appendSoftware(_ writer: inout MessageWriter) {
        if let software { writer.append(.software, software) }
    }
}
