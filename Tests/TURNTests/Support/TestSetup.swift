import Crypto
import NetworkPrimitives
import TURN

/// The configuration of one test: a public IPv4 server with two users, unless the test says otherwise.
struct TestSetup {
    var settings: TURNSettings
    var quota = QuotaPolicy()
    var ports: ClosedRange<UInt16> = 50_000...50_999
    var quarantineSeconds: UInt32 = 30

    static let ipv4 = RelayAddress(local: ip("192.0.2.1"), advertised: ip("192.0.2.1"))
    static let ipv6 = RelayAddress(local: ip("2001:db8::1"), advertised: ip("2001:db8::1"))
    /// A server behind a one-to-one NAT.
    static let mapped = RelayAddress(local: ip("10.0.0.5"), advertised: ip("192.0.2.1"))

    static let users = [
        StaticUser(name: Array("alice".utf8), secret: .password(Array("wonderland".utf8))),
        StaticUser(name: Array("bob".utf8), secret: .password(Array("builder".utf8))),
    ]

    init(
        relays: [RelayAddress] = [TestSetup.ipv4], rules: [PeerRule] = [], limits: Limits = Limits(allocationsMax: 100),
        own: [String] = ["192.0.2.1"], allowsLoopback: Bool = false, nonceSeconds: UInt32 = 3600
    ) {
        let realm = Array("example.org".utf8)
        settings = TURNSettings(
            realm: realm, access: .credentials(CredentialDirectory(realm: realm, users: Self.users, sharedSecrets: [])),
            nonces: NonceAuthority(secret: Array("nonce secret".utf8), lifetimeSeconds: nonceSeconds),
            relayAddresses: relays,
            peerFilter: PeerFilter(
                rules: rules, relayAddresses: relays,
                ports: PeerPortPolicy(ownAddresses: own.map { ip($0) }, listenerPorts: [3478], deniesLowPorts: false),
                allowsLoopback: allowsLoopback),
            limits: limits)
    }

    static var dual: TestSetup { TestSetup(relays: [ipv4, ipv6]) }

    /// Ephemeral credentials of these secrets, and the static users beside them if wanted.
    static func ephemeral(
        secrets: [String], users: [StaticUser] = [], separator: UInt8 = UInt8(ascii: ":"), strict: Bool = false
    ) -> TestSetup {
        var setup = TestSetup()
        setup.settings.access = .credentials(
            CredentialDirectory(
                realm: setup.settings.realm, users: users, sharedSecrets: secrets.map { Array($0.utf8) },
                separator: separator, isStrictOnExpiry: strict))
        return setup
    }

    /// The same with something changed.
    func with(_ change: (inout TestSetup) -> Void) -> TestSetup {
        var copy = self
        change(&copy)
        return copy
    }
}
