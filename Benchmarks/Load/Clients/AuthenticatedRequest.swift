import Crypto
import NetworkPrimitives
import STUN

/// Requests that are sent again and again with another transaction ID.
enum AuthenticatedRequest {
    /// More than one with the longest nonce that servers send.
    static let room = 1024

    /// A Refresh with everything that the server wants to see. Its last attribute is MESSAGE-INTEGRITY.
    static func refresh(_ credentials: Credentials, nonce: [UInt8], transactionID: TransactionID) -> [UInt8] {
        bytes(MessageType(.refresh, .request), transactionID) { writer in
            writer.append(.lifetime, UInt32(600))
            writer.append(.username, credentials.user)
            writer.append(.realm, credentials.realm)
            writer.append(.nonce, nonce)
            writer.appendMessageIntegrity(credentials.key)
        }
    }

    static func binding(transactionID: TransactionID) -> [UInt8] {
        bytes(MessageType(.binding, .request), transactionID) { _ in }
    }

    private static func bytes(
        _ type: MessageType, _ transactionID: TransactionID, _ body: (inout MessageWriter) -> Void
    ) -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: room)
        var span = buffer.mutableSpan
        var writer = MessageWriter(into: unsafe span.mutableBytes, type: type, transactionID: transactionID)
        body(&writer)
        let count = writer.finish()
        return Array(buffer[..<count])
    }
}

/// The key with which finished requests are sealed again after their transaction ID was changed.
struct HMACKey {
    private var key = HMACSHA1Key(key: [])

    init() {}

    init(_ credentials: Credentials) { key = credentials.key }

    /// Computes MESSAGE-INTEGRITY anew, which must be the last attribute: the length in the header then is the one that
    /// it covers already (RFC 8489 §14.5).
    func seal(_ message: UnsafeMutableRawBufferPointer) {
        let covered = message.count - 24
        guard covered >= 20 else { return }
        let digest = unsafe key.authenticate(UnsafeRawBufferPointer(message).bytes.extracting(0..<covered))
        digest.withRawSpan { bytes in
            unsafe bytes.withUnsafeBytes { source in
                unsafe UnsafeMutableRawBufferPointer(rebasing: message[(covered + 4)...]).copyMemory(from: source)
            }
        }
    }
}
