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
    let integrity: ResponseIntegrity
    let addsFingerprint: Bool
}

/// How every response begins and ends. What stands between is the caller's.
struct ResponseStyle {
    let software: [UInt8]?
    let sendsReasonPhrases: Bool

    /// Begins the response to `exchange`, into which the caller writes its attributes before it calls `finish`.
    @_lifetime(copy reply)
    func begin(
        _ messageClass: MessageClass, of exchange: Exchange, into reply: consuming MutableRawSpan
    ) -> MessageWriter {
        MessageWriter(
            into: reply, type: MessageType(exchange.method, messageClass), transactionID: exchange.transactionID)
    }

    /// Writes the error response to `exchange`.
    func error(
        _ code: ErrorCode, to exchange: Exchange, into reply: consuming MutableRawSpan,
        unknownAttributesOf request: STUNMessage? = nil
    ) -> Reply {
        var writer = begin(.error, of: exchange, into: reply)
        writer.appendErrorCode(code, reason: sendsReasonPhrases ? code.reason : nil)
        if let request { writer.appendUnknownAttributes(of: request) }
        return finish(&writer, exchange)
    }

    /// Ends the response with its protection.
    func finish(_ writer: inout MessageWriter, _ exchange: Exchange) -> Reply {
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
        return Reply(path: exchange.path, byteCount: writer.byteCount)
    }

    /// What `finish` will add.
    func tailByteCount(_ exchange: Exchange) -> Int {
        let fingerprint = exchange.addsFingerprint ? 8 : 0
        let softwareByteCount = software.map { 4 + ($0.count + 3) & ~0b11 } ?? 0
        return switch exchange.integrity {
        case .none: fingerprint
        case .sha1: softwareByteCount + 24 + fingerprint
        case .sha256: softwareByteCount + 36 + fingerprint
        }
    }

    /// Only somebody who has proved who they are learns what runs here, and only for them an answer may be longer.
    private func appendSoftware(_ writer: inout MessageWriter) {
        if let software { writer.append(.software, software) }
    }
}
