import Crypto
import NetworkPrimitives
import STUN
import TURN

/// An attribute as bytes, legal or not.
struct Attribute: Equatable, Sendable {
    var type: UInt16
    var value: [UInt8]

    init(_ type: AttributeType, _ value: [UInt8]) {
        self.type = type.rawValue
        self.value = value
    }

    init(type: UInt16, _ value: [UInt8] = []) {
        self.type = type
        self.value = value
    }

    static let udp = Attribute(.requestedTransport, [17, 0, 0, 0])
    static let tcp = Attribute(.requestedTransport, [6, 0, 0, 0])
    static let evenPort = Attribute(.evenPort, [0x00])
    static let evenPortAndNext = Attribute(.evenPort, [0x80])
    static let additionalIPv6 = Attribute(.additionalAddressFamily, [2, 0, 0, 0])

    static func lifetime(_ seconds: UInt32) -> Attribute { Attribute(.lifetime, seconds.wire) }
    static func channel(_ number: UInt16) -> Attribute { Attribute(.channelNumber, number.wire + [0, 0]) }
    static func token(_ token: [UInt8]) -> Attribute { Attribute(.reservationToken, token) }
    static func connection(_ id: UInt32) -> Attribute { Attribute(.connectionID, id.wire) }
    static func data(_ bytes: [UInt8]) -> Attribute { Attribute(.data, bytes) }

    static func family(_ number: UInt8) -> Attribute { Attribute(.requestedAddressFamily, [number, 0, 0, 0]) }

    /// XOR-PEER-ADDRESS, written out here so that the encoder under test does not check itself.
    static func peer(_ address: SocketAddress, in id: TransactionID) -> Attribute {
        let mask = UInt32(0x2112_A442).wire + id.high.wire + id.low.wire
        let host = zip(address.ip.wire, mask).map { $0 ^ $1 }
        return Attribute(.xorPeerAddress, [0, address.family.rawValue] + (address.port ^ 0x2112).wire + host)
    }
}

/// How a request shows who it comes from.
enum Protection {
    case none
    case sha1(key: [UInt8])
    case sha256(key: [UInt8], byteCount: Int = 32)
    /// MESSAGE-INTEGRITY with one key, then MESSAGE-INTEGRITY-SHA256 with the other.
    case both(sha1: [UInt8], sha256: [UInt8])
}

/// A message of a client, legal or not, put together by hand.
struct TestRequest {
    var type: MessageType
    var id: TransactionID
    var attributes: [Attribute] = []
    var protection = Protection.none
    /// Attributes behind the integrity, which nobody vouches for.
    var trailing: [Attribute] = []
    var addsFingerprint = false

    init(_ method: STUN.Method, _ messageClass: MessageClass = .request, id: TransactionID) {
        type = MessageType(method, messageClass)
        self.id = id
    }

    var encoded: [UInt8] {
        var buffer = [UInt8](repeating: 0xEE, count: 2048 + attributes.reduce(0) { $0 + $1.value.count + 8 })
        let count: Int
        do {
            var span = buffer.mutableSpan
            var writer = MessageWriter(into: span.mutableBytes, type: type, transactionID: id)
            for attribute in attributes { writer.append(AttributeType(rawValue: attribute.type), attribute.value) }
            protect(&writer)
            for attribute in trailing { writer.append(AttributeType(rawValue: attribute.type), attribute.value) }
            if addsFingerprint { writer.appendFingerprint() }
            count = writer.finish()
        }
        return Array(buffer.prefix(count))
    }

    private func protect(_ writer: inout MessageWriter) {
        switch protection {
        case .none: break
        case .sha1(let key): writer.appendMessageIntegrity(HMACSHA1Key(key: key))
        case .sha256(let key, 32): writer.appendMessageIntegritySHA256(HMACSHA256Key(key: key))
        case .sha256(let key, let byteCount): appendTruncated(&writer, key, byteCount)
        case .both(let sha1, let sha256):
            writer.appendMessageIntegrity(HMACSHA1Key(key: sha1))
            writer.appendMessageIntegritySHA256(HMACSHA256Key(key: sha256))
        }
    }

    /// MESSAGE-INTEGRITY-SHA256 cut short (RFC 8489 §14.6): the length in the header counts the short form.
    private func appendTruncated(_ writer: inout MessageWriter, _ key: [UInt8], _ byteCount: Int) {
        var copy = self
        copy.protection = .none
        copy.trailing = []
        copy.addsFingerprint = false
        var covered = copy.encoded
        let length = UInt16(covered.count - 20 + 4 + (byteCount + 3) & ~3)
        covered.replaceSubrange(2..<4, with: length.wire)
        let digest = HMACSHA256Key(key: key).authenticate(covered.span.bytes).array
        writer.append(.messageIntegritySHA256, Array((digest + [UInt8](repeating: 0, count: 8)).prefix(byteCount)))
    }
}

/// What a client knows to prove itself with.
struct TestCredentials: Equatable, Sendable {
    var username: [UInt8]
    var password: [UInt8]
    var realm: [UInt8]

    init(_ username: String, _ password: String, realm: String = "example.org") {
        self.username = Array(username.utf8)
        self.password = Array(password.utf8)
        self.realm = Array(realm.utf8)
    }

    private var text: [UInt8] { username + [0x3A] + realm + [0x3A] + password }

    var md5Key: [UInt8] { MD5.hash(text.span.bytes).array }
    var sha256Key: [UInt8] { SHA256.hash(text.span.bytes).array }
    var userhash: [UInt8] {
        let text = username + [0x3A] + realm
        return SHA256.hash(text.span.bytes).array
    }

    static let alice = TestCredentials("alice", "wonderland")
    static let bob = TestCredentials("bob", "builder")

    /// The password that the issuer of ephemeral names gives out for `username`.
    static func ephemeral(_ username: String, secret: String) -> TestCredentials {
        let name = Array(username.utf8)
        let code = HMACSHA1Key(key: Array(secret.utf8)).authenticate(name.span.bytes).array
        var credentials = TestCredentials(username, "")
        credentials.password = Base64.encode(code)
        return credentials
    }
}
