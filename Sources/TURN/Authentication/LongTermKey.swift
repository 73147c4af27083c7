package import Crypto
import NetworkPrimitives
package import STUN

/// The key that a user name, a realm and a password make (RFC 8489 §9.2.2).
///
/// `responseIntegrity` makes it ready to authenticate with, for one of the two integrity attributes: for both it would
/// cost three times as much, and a client uses one.
package struct LongTermKey: Sendable {
    private let bytes: [UInt8]

    /// A key in the form that the operator may store instead of a password: 16 bytes for MD5, 32 for SHA-256.
    package init(key: [UInt8]) { bytes = key }

    /// username ":" realm ":" password, hashed. The password is taken as it is (no OpaqueString mapping).
    package static func derive(
        _ algorithm: PasswordAlgorithm, username: [UInt8], realm: [UInt8], password: [UInt8]
    ) -> LongTermKey {
        var text: [UInt8] = []
        text.reserveCapacity(username.count + realm.count + password.count + 2)
        text += username
        text.append(UInt8(ascii: ":"))
        text += realm
        text.append(UInt8(ascii: ":"))
        text += password
        defer { wipe(&text) }
        switch algorithm {
        case .md5: return LongTermKey(key: text.withRawSpan { MD5.hash($0).array })
        case .sha256: return LongTermKey(key: text.withRawSpan { SHA256.hash($0).array })
        }
    }

    /// The key ready to check such requests with; their responses carry the same.
    package func responseIntegrity(_ kind: IntegrityKind) -> ResponseIntegrity {
        switch kind {
        case .sha1: .sha1(HMACSHA1Key(key: bytes))
        case .sha256: .sha256(HMACSHA256Key(key: bytes))
        }
    }

    /// Whether `message` was made by somebody who knows this key.
    package func verifies(_ message: STUNMessage, _ kind: IntegrityKind, in bytes: RawSpan) -> Bool {
        responseIntegrity(kind).verifies(message, in: bytes)
    }
}

/// Which of the two integrity attributes is in use. Of two in one request the stronger decides (RFC 8489 §9.2.4).
package enum IntegrityKind: Sendable {
    case sha1, sha256

    package init?(of message: STUNMessage) {
        if message.has(.messageIntegritySHA256) {
            self = .sha256
        } else if message.has(.messageIntegrity) {
            self = .sha1
        } else {
            return nil
        }
    }
}

/// How a request is proved and its response is to be protected.
package enum ResponseIntegrity: Sendable {
    case none
    case sha1(HMACSHA1Key)
    case sha256(HMACSHA256Key)

    /// Whether `message` was made by somebody who knows the key; without a key, nobody was.
    func verifies(_ message: STUNMessage, in bytes: RawSpan) -> Bool {
        switch self {
        case .none: false
        case .sha1(let key): message.hasValidIntegrity(key, in: bytes)
        case .sha256(let key): message.hasValidIntegritySHA256(key, in: bytes)
        }
    }
}
