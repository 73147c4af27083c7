import Containers
import Crypto
import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

extension TURNHarness {
    /// Goes by other settings from now on, as a worker does that is told; peers are judged again.
    func adopt(_ change: (inout TURNSettings) -> Void) {
        change(&settings)
        let new = settings
        _ = run(.other { $0.adopt(new) })
        forwarder.adopt(new)
        while server.isReviewingPeers { _ = run(.other { $0.reviewPeers() }) }
    }

    /// Other users and secrets.
    func adopt(users: [StaticUser], secrets: [String] = [], realm: String = "example.org") {
        adopt { settings in
            settings.realm = Array(realm.utf8)
            settings.access = .credentials(
                CredentialDirectory(realm: settings.realm, users: users, sharedSecrets: secrets.map { Array($0.utf8) }))
        }
    }

    func adopt(_ rules: PeerRule...) {
        let relays = settings.relayAddresses
        adopt { settings in
            settings.peerFilter = PeerFilter(
                rules: rules, relayAddresses: relays,
                ports: PeerPortPolicy(ownAddresses: [ip("192.0.2.1")], listenerPorts: [3478], deniesLowPorts: true),
                allowsLoopback: false)
        }
    }
}

@Suite("Other settings for a control plane that runs")
struct ReloadTests {
    private let harness = TURNHarness()
    private let client: TestClient
    private let peer = "8.0.0.1:5000"

    init() {
        client = harness.client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:5000")
    }

    private var relays: Bool {
        guard case .sent = client.channelData(0x4000, [1, 2, 3]) else { return false }
        return client.hears([1], from: peer) != .dropped(.noPermission)
    }

    private func deny(_ prefix: String) throws -> PeerRule {
        PeerRule(.deny, .prefix(try #require(IPPrefix(prefix))), source: "test")
    }

    @Test("the same settings change nothing: allocation, channel and nonce go on")
    func same() {
        let nonce = client.nonce
        harness.adopt { _ in }
        #expect(relays)
        #expect(client.send(client.make(.refresh))?.isSuccess == true)
        #expect(client.nonce == nonce)
        #expect(harness.closed.isEmpty)
    }

    @Test("a new user gets in at once")
    func newUser() {
        let carol = StaticUser(name: Array("carol".utf8), secret: .password(Array("new".utf8)))
        let other = harness.client("198.51.100.8:1", TestCredentials("carol", "new"))
        #expect(other.allocate()?.errorCode == 401)
        harness.adopt(users: TestSetup.users + [carol])
        #expect(other.allocate()?.isSuccess == true)
        #expect(relays)
    }

    @Test("a user who has gone gets 401 for everything, and what exists ends by its own time")
    func removedUser() {
        harness.adopt(users: Array(TestSetup.users.dropFirst()))
        #expect(relays)
        #expect(client.send(client.make(.refresh))?.errorCode == 401)
        #expect(client.permit("8.0.0.2")?.errorCode == 401)
        #expect(client.bind(0x4000, peer)?.errorCode == 401)
        #expect(harness.client("198.51.100.8:1").allocate()?.errorCode == 401)
        #expect(relays)
        // RFC 8656 §9: a permission lives five minutes, and cannot be refreshed.
        harness.advance(.seconds(301))
        #expect(!relays)
        harness.advance(.seconds(300))
        #expect(harness.server.liveCounts.allocations == 0)
        #expect(harness.closed.map(\.end) == [.expired])
    }

    @Test("another password holds at once, and the old one no more")
    func password() {
        let alice = StaticUser(name: Array("alice".utf8), secret: .password(Array("changed".utf8)))
        harness.adopt(users: [alice])
        #expect(client.send(client.make(.refresh))?.errorCode == 401)
        client.credentials = TestCredentials("alice", "changed")
        #expect(client.refresh()?.isSuccess == true)
        #expect(relays)
    }

    @Test("while both secrets are there both are good, and a secret that has gone is not")
    func secrets() {
        let harness = TURNHarness(.ephemeral(secrets: ["old"]))
        func holder(_ secret: String, _ address: String) -> TestClient {
            let name = "\(TURNHarness.unixStart + 86_400):u"
            let key = HMACSHA1Key(key: Array(secret.utf8))
            let password = EphemeralCredential.password(of: Array(name.utf8), secret: key)
            return harness.client(address, TestCredentials(name, String(decoding: password, as: UTF8.self)))
        }
        let old = holder("old", "198.51.100.7:1")
        #expect(old.allocate()?.isSuccess == true)
        harness.adopt(users: [], secrets: ["new", "old"])
        let new = holder("new", "198.51.100.8:1")
        #expect(new.allocate()?.isSuccess == true)
        #expect(old.refresh()?.isSuccess == true)
        harness.adopt(users: [], secrets: ["new"])
        #expect(new.refresh()?.isSuccess == true)
        #expect(old.refresh()?.errorCode == 401)
        #expect(harness.server.liveCounts.allocations == 2)
    }

    @Test("a client of the former realm is told the new one by 438, and goes on", .requirement("RI-reload-5"))
    func realm() {
        harness.adopt(users: TestSetup.users, realm: "example.net")
        let answer = client.send(client.make(.refresh))
        #expect(answer?.errorCode == 438)
        #expect(answer?[.realm] == Array("example.net".utf8))
        client.credentials = TestCredentials("alice", "wonderland", realm: "example.net")
        #expect(client.send(client.make(.refresh))?.isSuccess == true)
        // Who does not know the password learns nothing by the former realm.
        let stranger = harness.client("198.51.100.8:1", TestCredentials("alice", "wrong"))
        stranger.challenge()
        #expect(stranger.send(stranger.make(.allocate, [.udp]))?.errorCode == 401)
        #expect(client.send(client.make(.refresh, [.lifetime(0)]))?.isSuccess == true)
        #expect(harness.server.liveCounts.accounts == 0)
    }

    @Test("the names of ephemeral accounts are found by their hash in the new realm")
    func userhash() {
        let harness = TURNHarness(.ephemeral(secrets: ["s"]))
        let name = "\(TURNHarness.unixStart + 86_400):u"
        let password = EphemeralCredential.password(
            of: Array(name.utf8), secret: HMACSHA1Key(key: Array("s".utf8)))
        let client = harness.client(
            "198.51.100.7:1", TestCredentials(name, String(decoding: password, as: UTF8.self)))
        client.allocate()
        harness.adopt(users: [], secrets: ["s"], realm: "example.net")
        client.credentials = TestCredentials(name, String(decoding: password, as: UTF8.self), realm: "example.net")
        client.usesUserhash = true
        client.style = .modern
        client.challenge(.refresh)
        #expect(client.send(client.make(.refresh))?.isSuccess == true)
        client.refresh(0)
        #expect(harness.server.liveCounts.accounts == 0)
    }

    @Test("a client that repeats the former offer of algorithms is told the new one by 438")
    func algorithms() {
        let modern = harness.client("198.51.100.8:1", .bob)
        modern.style = .modern
        modern.allocate()
        // RFC 8489 §9.2.2: a user with nothing but an MD5 key leaves MD5 alone in the offer.
        let stored = StaticUser(name: Array("old".utf8), secret: .md5Key([UInt8](repeating: 1, count: 16)))
        harness.adopt(users: TestSetup.users + [stored])
        let answer = modern.send(modern.make(.refresh))
        #expect(answer?.errorCode == 438)
        #expect(answer?[.passwordAlgorithms] == hex("0001 0000"))
        modern.style = .classic
        #expect(modern.send(modern.make(.refresh))?.isSuccess == true)
        // RFC 8489 §9.2.4: an offer that was never made is somebody's on the path.
        modern.style = .modern
        modern.offer = hex("0002 0000")
        #expect(modern.send(modern.make(.refresh))?.errorCode == 400)
    }

    @Test("a peer that a rule denies by now is not sent to any more, nor heard; others are")
    func deniedPeer() throws {
        client.bind(0x4001, "8.0.1.1:5000")
        client.permit("8.0.0.9")
        harness.adopt(try deny("8.0.0.0/24"))
        #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel))
        #expect(client.hears([1], from: peer) == .dropped(.noPermission))
        #expect(client.sendIndication([1], to: "8.0.0.9:1") == .dropped(.noPermission))
        guard case .sent = client.channelData(0x4001, [1]) else {
            Issue.record("the other peer has lost its channel")
            return
        }
        #expect(client.bind(0x4000, peer)?.errorCode == 403)
        #expect(client.permit("8.0.0.9")?.errorCode == 403)
        harness.adopt()
        #expect(client.bind(0x4000, peer)?.isSuccess == true)
        #expect(relays)
    }

    @Test("a channel to a port that is refused by now ends, and its permission stays")
    func deniedPort() {
        client.bind(0x4001, "8.0.0.1:80")
        // This filter denies low ports.
        harness.adopt()
        #expect(client.channelData(0x4001, [1]) == .dropped(.noChannel))
        #expect(relays)
    }

    @Test("every allocation is judged again, however many there are")
    func manyPeers() throws {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 1000)))
        let clients = (0..<600).map { harness.client("198.51.100.7:\(10_000 + $0)") }
        for client in clients {
            client.allocate()
            client.bind(0x4000, peer)
        }
        let rule = try deny("8.0.0.0/24")
        harness.adopt(rule)
        for client in clients { #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel)) }
        #expect(harness.forwarder.table.liveCounts.permissions == 0)
    }

    @Test("connections with peers that are denied by now end; who waits for one gets 447", .requirement("RI-reload-4"))
    func connections() throws {
        let client = harness.client("198.51.100.8:1", over: .tcp)
        client.allocateTCP()
        client.permit("8.0.0.1")
        let listener = try #require(client.listener)
        harness.peerConnects("8.0.0.1:6000", to: listener)
        client.connect("8.0.1.1:6000")
        #expect(harness.peers.count == 2)
        harness.adopt(try deny("8.0.0.0/16"))
        #expect(harness.peers.isEmpty)
        #expect(harness.answers.map(\.errorCode) == [447])
        #expect(harness.server.peerConnectionCount == 0)
    }

    @Test("other limits hold for what is asked for from now on")
    func limits() {
        harness.adopt { settings in
            settings.lifetimes = LifetimePolicy(defaultSeconds: 60, maximumSeconds: 60)
            settings.alternates = .none
            settings.relaysUDP = false
            settings.software = Array("Tern".utf8)
        }
        #expect(client.refresh(3600)?.lifetime == 60)
        #expect(harness.client("198.51.100.8:1").allocate()?.errorCode == 442)
        #expect(relays)
    }

    @Test("Allocate is sent elsewhere from now on; what somebody else has said meanwhile stays said")
    func alternates() {
        let other = AlternateServer(socket("192.0.2.9:3478"))
        harness.adopt { $0.alternates = AlternateServers(udp: [other]) }
        #expect(harness.client("198.51.100.8:1").allocate()?.errorCode == 300)
        _ = harness.run(.other { $0.alternates = .none })
        harness.adopt { _ in }
        #expect(harness.client("198.51.100.9:1").allocate()?.isSuccess == true)
    }

    @Test("who is over a rate stays so, unless the rate is another one")
    func rates() {
        let harness = TURNHarness(TestSetup().with { $0.settings.unauthenticatedRepliesPerSecond = 1 })
        let client = harness.client()
        for _ in 0..<5 { #expect(client.challenge()?.errorCode == 401) }
        #expect(client.challenge() == nil)
        harness.adopt { _ in }
        #expect(client.challenge() == nil)
        harness.adopt { $0.unauthenticatedRepliesPerSecond = 100 }
        #expect(client.challenge()?.errorCode == 401)
    }

    @Test("less quota takes nothing from whoever has more, and grants nothing more")
    func quotas() {
        let others = (8...9).map { harness.client("198.51.100.\($0):1") }
        for other in others { #expect(other.allocate()?.isSuccess == true) }
        var policy = QuotaPolicy()
        policy.perUser = 2
        harness.ledger.adopt(policy, quarantineSeconds: 0)
        #expect(harness.client("198.51.100.10:1").allocate()?.errorCode == 486)
        #expect(harness.server.liveCounts.allocations == 3)
        for other in others { other.refresh(0) }
        #expect(harness.client("198.51.100.10:1").allocate()?.isSuccess == true)
        #expect(relays)
    }
}
