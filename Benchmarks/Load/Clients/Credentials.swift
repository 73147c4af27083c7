import Crypto
import NetworkPrimitives
import STUN

/// The user, and the key for the realm that the server named (RFC 8489 §9.2.2).
final class Credentials {
    let user: [UInt8]
    private let password: [UInt8]
    private(set) var realm: [UInt8] = []
    private(set) var key = HMACSHA1Key(key: [])

    init(user: String, password: String) {
        self.user = Array(user.utf8)
        self.password = Array(password.utf8)
    }

    /// Deriving costs a hash, so it is done once a realm and not once a client.
    func enter(realm: [UInt8]) {
        guard realm != self.realm else { return }
        self.realm = realm
        let colon = [UInt8(ascii: ":")]
        let text = user + colon + realm + colon + password
        key = HMACSHA1Key(key: text.withRawSpan { MD5.hash($0).array })
    }
}

/// A message as the generator reads it: only what a client needs of a response.
struct Response {
    let wireType: UInt16
    var errorCode: Int?
    var relayed: SocketAddress?
    var realm: [UInt8]?
    var nonce: [UInt8]?

    /// Nil when the bytes are no answer to `transactionID`.
    init?(_ bytes: RawSpan, to transactionID: TransactionID) {
        guard bytes.byteCount >= 20, bytes.bigEndianUInt32(at: 4) == STUNMessage.magicCookie,
            bytes.bigEndianUInt32(at: 8) == transactionID.high, bytes.bigEndianUInt64(at: 12) == transactionID.low
        else { return nil }
        wireType = bytes.bigEndianUInt16(at: 0)
        var offset = 20
        while offset + 4 <= bytes.byteCount {
            let type = AttributeType(rawValue: bytes.bigEndianUInt16(at: offset))
            let length = Int(bytes.bigEndianUInt16(at: offset + 2))
            guard offset + 4 + length <= bytes.byteCount else { return nil }
            take(type, bytes.extracting(offset + 4..<offset + 4 + length), transactionID)
            offset += 4 + (length + 3) & ~0b11
        }
    }

    /// An answer to whatever was asked.
    init?(answering bytes: [UInt8]) {
        guard bytes.count >= 20 else { return nil }
        let span = unsafe bytes.span.bytes
        let id = TransactionID(high: span.bigEndianUInt32(at: 8), low: span.bigEndianUInt64(at: 12))
        self.init(span, to: id)
    }

    private mutating func take(_ type: AttributeType, _ value: RawSpan, _ transactionID: TransactionID) {
        switch type {
        case .errorCode where value.byteCount >= 4:
            errorCode = Int(value.byte(at: 2)) * 100 + Int(value.byte(at: 3))
        case .xorRelayedAddress: relayed = XORAddress.decode(value, transactionID: transactionID)
        case .realm: realm = value.array()
        case .nonce: nonce = value.array()
        default: break
        }
    }
}
