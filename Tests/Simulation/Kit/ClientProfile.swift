import Crypto
import NetworkPrimitives

/// How a client proves who it is (RFC 8489 §9.2).
package enum ClientAuthentication: Sendable, CaseIterable {
    /// MD5 key and MESSAGE-INTEGRITY: every client before RFC 8489, and browsers today.
    case md5SHA1
    /// MD5 key, with MESSAGE-INTEGRITY-SHA256.
    case md5SHA256
    /// PASSWORD-ALGORITHM SHA-256 and MESSAGE-INTEGRITY-SHA256.
    case sha256
    /// Likewise, and USERHASH instead of USERNAME.
    case userhash
}

/// Who a simulated client is, and what it tends to do.
package struct ClientProfile {
    package var addresses: [SocketAddress]
    package var server: SocketAddress
    package var user: SimulatedUser
    package var realm: String
    package var authentication = ClientAuthentication.md5SHA1
    package var peers: [SocketAddress] = []
    /// Peers that the server's policy refuses.
    package var forbiddenPeers: [SocketAddress] = []
    /// Milliseconds from one thing done to the next.
    package var paceMilliseconds: ClosedRange<UInt32> = 500...8000
    /// When it no longer begins anything; what it has then runs out.
    package var stopsAt: Instant
    /// How often it does each thing, relative to the others.
    package var weights = Weights()
    package var addsFingerprint = false
    /// Asks for even ports, reservations, families and lifetimes, rather than for the plainest allocation.
    package var variesAllocates = true
    package var wantsIPv6 = false
    package var payloadByteCountMax = 200

    package struct Weights {
        package var data = 60
        package var permission = 12
        package var channel = 12
        package var refresh = 5
        package var delete = 1
        package var silence = 1
        package var rebinding = 1
        package var binding = 2

        package init() {}

        var total: Int { data + permission + channel + refresh + delete + silence + rebinding + binding }
    }

    package init(
        addresses: [SocketAddress], server: SocketAddress, user: SimulatedUser, realm: String, stopsAt: Instant
    ) {
        self.addresses = addresses
        self.server = server
        self.user = user
        self.realm = realm
        self.stopsAt = stopsAt
    }
}

/// What clients tell one another outside TURN, as signaling does: where they can be reached, and reserved ports.
package final class Rendezvous {
    private(set) var relayed: [SocketAddress] = []
    private(set) var tokens: [[UInt8]] = []

    package init() {}

    func announce(_ address: SocketAddress) {
        relayed.append(address)
        if relayed.count > 16 { relayed.removeFirst() }
    }

    func offer(_ token: [UInt8]) { tokens.append(token) }

    func takeToken() -> [UInt8]? { tokens.popLast() }
}

extension SimulatedUser {
    /// A name that ends, with the password that the secret makes of it.
    package static func ephemeral(named name: String, secret: String) -> SimulatedUser {
        let digest = Array(name.utf8).withRawSpan { HMACSHA1Key(key: Array(secret.utf8)).authenticate($0).array }
        return SimulatedUser(name, password: String(decoding: Base64.encode(digest), as: UTF8.self))
    }
}
