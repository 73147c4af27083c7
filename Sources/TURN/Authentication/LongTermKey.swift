package import Crypto
import NetworkPrimitives
package import STUN

/// The key that a user name, a realm and a password make (RFC 8489 §9.2.2), ready to authenticate with.
package struct LongTermKey: Sendable {
    private let sha1: HMACSHA1Key
    private let sha256: HMACSHA256Key

    /// A key in the form that the operator may store instead of a password: 16 bytes for MD5, 32 for SHA-256.
    package init(key: [UInt8]) {
        sha1 = HMACSHA1Key(key: key)
        sha256 = HMACSHA256Key(key: key)
    }

    /// username ":" realm ":" password, hashed. The password is taken as it is (no OpaqueString mapping).
    package static func derive(
        _ algorithm: PasswordAlgorithm, username: [UInt8], realm: [UInt8], password: [UInt8]
    ) -> LongTermKey {
        var text = username
        text.reserveCapacity(username.count + realm.count + password.count + 2)
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

    /// What a response to a request verified by this key carries.
    package func responseIntegrity(_ kind: IntegrityKind) -> ResponseIntegrity {
        switch kind {
        case .sha1: .sha1(sha1)
        case .sha256: .sha256(sha256)
        }
    }

    /// Whether `message` was made by somebody who knows this key.
    package func verifies(_ message: STUNMessage, _ kind: IntegrityKind, in bytes: RawSpan) -> Bool {
        switch kind {
        case .sha1: message.hasValidIntegrity(sha1, in: bytes)
        case .sha256: message.hasValidIntegritySHA256(sha256, in: bytes)
        }
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

/// How a response is to be protected.
package enum ResponseIntegrity: Sendable {
    case none
    case sha1(HMACSHA1Key)
    case sha256(HMACSHA256Key)
}
