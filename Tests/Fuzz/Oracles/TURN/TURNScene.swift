import Crypto
import NetworkPrimitives
import STUN
import TURN

/// Who and where: the fixed cast from which a script of `checkTURN` chooses.
enum TURNScene {
    static let realm = Array("tern.example".utf8)
    static let nonceSecret = Array("nonce secret".utf8)
    static let sharedSecret = Array("shared secret".utf8)
    static let startOfWallClock: Int64 = 1_800_000_000

    /// Two ports of one client, another client, and one that speaks IPv6. See `TURNSetup.path`.
    static let paths: [FiveTuple] = [
        path("198.51.100.7:4000", "192.0.2.1:3478"), path("198.51.100.7:4001", "192.0.2.1:3478"),
        path("203.0.113.9:4000", "192.0.2.1:3478"), path("[2001:db8:7::7]:4000", "[2001:db8::1]:3478"),
    ]

    static let relayIPv4 = RelayAddress(local: ip("192.0.2.1"), advertised: ip("192.0.2.1"))
    static let mappedIPv4 = RelayAddress(local: ip("10.1.0.5"), advertised: ip("192.0.2.77"))
    static let relayIPv6 = RelayAddress(local: ip("2001:db8::1"), advertised: ip("2001:db8::1"))

    /// The second addresses and the second port of NAT discovery.
    static let discoveryIPs = [ip("192.0.2.1"), ip("192.0.2.2"), ip("2001:db8::1"), ip("2001:db8::2")]
    static let discoveryPorts: [UInt16] = [3478, 3479]
    static let discovery = NATDiscovery(
        pairs: [pair(discoveryIPs[0], discoveryIPs[1]), pair(discoveryIPs[2], discoveryIPs[3])].compactMap { $0 },
        port: 3478, alternatePort: 3479)

    /// Of both families, with and without a name, and among them the server that was asked.
    static let alternates: AlternateServers = {
        let name = Array("other.example".utf8)
        let servers = [
            AlternateServer(SocketAddress(ip: ip("192.0.2.9"), port: 3478), domain: name),
            AlternateServer(SocketAddress(ip: ip("192.0.2.1"), port: 3478)),
            AlternateServer(SocketAddress(ip: ip("2001:db8::9"), port: 5349), domain: name),
        ]
        return AlternateServers(udp: servers, tcp: servers, secure: servers)
    }()

    private static func pair(_ first: IPAddress, _ second: IPAddress) -> NATDiscovery.Pair? {
        NATDiscovery.Pair(
            NATDiscovery.Address(local: first, advertised: first),
            NATDiscovery.Address(local: second, advertised: second))
    }

    /// Few enough that a script uses them up.
    static let ports: ClosedRange<UInt16> = 49_152...49_159

    /// Hosts of the Internet, which are usually meant.
    static let publicPeers = ["8.8.8.8", "8.8.4.4", "1.1.1.1", "93.184.216.34", "2606:4700::1", "2606:4700::2"].map(ip)

    /// Hosts that are not, and our own.
    static let oddPeers = [
        "192.0.2.1", "192.0.2.77", "10.1.0.5", "2001:db8::1", "127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3",
        "169.254.169.254", "224.0.0.1", "239.1.1.1", "255.255.255.255", "10.0.0.1", "192.168.1.1", "100.64.0.1",
        "240.0.0.1", "168.63.129.16", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::8.8.8.8",
        "::ffff:0:a9fe:a9fe", "fe80::1", "ff02::1", "fd00:ec2::254", "fc00::1", "2002:7f00:1::", "2001::1",
        "64:ff9b::808:808", "64:ff9b::7f00:1", "64:ff9b:1::a9fe:a9fe", "2001:db8:1::5efe:127.0.0.1", "100::1",
        "198.51.100.7", "203.0.113.9", "2001:db8:7::7",
    ].map(ip)

    static let peerPorts: [UInt16] = [5000, 5001, 0, 1, 53, 1023, 1024, 3478, 49_152, 49_153, 49_154, 65_535]

    static func peer(_ script: inout Script) -> SocketAddress {
        let choice = script.byte()
        let hosts = choice < 160 ? publicPeers : oddPeers
        return SocketAddress(ip: hosts[Int(choice) % hosts.count], port: script.pick(peerPorts))
    }

    // MARK: - People

    struct Person: Sendable {
        let name: [UInt8]
        let password: [UInt8]
        /// The server knows an MD5 key and nothing else.
        var hasKeyOnly = false
        /// The server does not know the name, or knows another password.
        var isStranger = false
        /// The name is one of the shared secret, so its USERHASH is known only while it has an allocation.
        var isEphemeral = false

        init(_ name: String, _ password: String) {
            self.name = Array(name.utf8)
            self.password = Array(password.utf8)
        }
    }

    static let alice = Person("alice", "wonderland")
    static let bob = Person("bob", "builder")
    static let carol: Person = {
        var person = Person("carol", "key")
        person.hasKeyOnly = true
        return person
    }()
    static let mallory: Person = {
        var person = Person("alice", "guess")
        person.isStranger = true
        return person
    }()
    /// Runs out a quarter of an hour after the start.
    static let eve = ephemeral("\(startOfWallClock + 900):eve")
    static let minted = ephemeral("\(startOfWallClock + 100_000):tern.1.dave")

    /// A member of a room, whose session decides.
    static let member = ephemeral("\(startOfWallClock + 900):tern.2.m-abcdefghijklmnop")

    static let people = [alice, bob, eve, minted, carol, mallory, member]

    /// By a byte of a script; the member came last, and what older bytes mean stays.
    static func person(_ byte: UInt8) -> Int { byte >= 0xF0 ? 6 : Int(byte) % 6 }

    private static func ephemeral(_ name: String) -> Person {
        let password = EphemeralCredential.password(of: Array(name.utf8), secret: HMACSHA1Key(key: sharedSecret))
        var person = Person(name, String(decoding: password, as: UTF8.self))
        person.isEphemeral = true
        return person
    }

    /// Keys of everybody, made once.
    static let keys: [[LongTermKey]] = people.map { person in
        PasswordAlgorithm.allCases.map { algorithm in
            LongTermKey.derive(algorithm, username: person.name, realm: realm, password: person.password)
        }
    }

    // MARK: - Text

    static func ip(_ text: String) -> IPAddress {
        guard let address = IPAddress(text) else { fatalError("not an address: \(text)") }
        return address
    }

    private static func path(_ client: String, _ server: String) -> FiveTuple {
        guard let client = SocketAddress(client), let server = SocketAddress(server) else {
            fatalError("not an address and a port")
        }
        return FiveTuple(client: ClientAddress(client), server: server, transport: .udp)
    }
}
