import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 6062 §5.1 — Receiving a TCP Allocation Request")
struct RFC6062Section5_1 {
    private let harness = TURNHarness()

    @Test("a client over TCP or TLS gets a relayed address of TCP", .requirement("R6062-5.1-2"))
    func success() throws {
        for (port, transport) in [(1, ClientTransport.tcp), (2, .tls)] {
            let client = harness.client("198.51.100.7:4000\(port)", over: transport)
            let response = try #require(client.allocateTCP())
            #expect(response.type == 0x0103)
            #expect(response.relayed == harness.listeners.values.filter { $0.allocation == client.id }.map(\.address))
            #expect(response.relayed.count == 1)
            #expect(response.lifetime == 600)
            #expect(response.mapped == client.path.client.socketAddress)
        }
        // The ports are those of UDP.
        #expect(harness.sockets.isEmpty)
        #expect(harness.ledger.liveCounts == (2, 2))
    }

    @Test("TCP asked for over UDP or DTLS gets 400", .requirement("R6062-5.1-1"))
    func datagrams() {
        for transport in [ClientTransport.udp, .dtls] {
            #expect(harness.client(over: transport).allocateTCP()?.errorCode == 400)
        }
    }

    @Test("it goes without DONT-FRAGMENT, EVEN-PORT and RESERVATION-TOKEN", .requirement("R6062-5.1-3"))
    func attributes() {
        let client = harness.client(over: .tcp)
        for attribute in [Attribute(.dontFragment, []), .evenPort, .evenPortAndNext, .token([1, 2, 3, 4, 5, 6, 7, 8])] {
            #expect(client.allocateTCP([attribute])?.errorCode == 400)
        }
        #expect(client.allocateTCP([.lifetime(1200)])?.lifetime == 1200)
    }

    @Test("a server that does not relay TCP answers 442, one that does not relay UDP relays TCP all the same")
    func switches() {
        var harness = TURNHarness(TestSetup().with { $0.settings.relaysTCP = false })
        #expect(harness.client(over: .tcp).allocateTCP()?.errorCode == 442)
        #expect(harness.client(over: .udp).allocateTCP()?.errorCode == 442)
        harness = TURNHarness(TestSetup().with { $0.settings.relaysUDP = false })
        #expect(harness.client(over: .tcp).allocate()?.errorCode == 442)
        #expect(harness.client(over: .tcp).allocateTCP()?.isSuccess == true)
    }

    @Test("two families are two listeners, and one of them may go before the other")
    func dual() {
        let harness = TURNHarness(.dual)
        let client = harness.client(over: .tcp)
        #expect(client.allocateTCP([.additionalIPv6])?.relayed.count == 2)
        client.connect("8.0.0.1:80")
        client.connect("[2606:4700::1]:80")
        #expect(client.refresh(0, [.family(1)])?.isSuccess == true)
        #expect(harness.listeners.values.map(\.address.family) == [.ipv6])
        #expect(harness.peers.values.map(\.peer) == [socket("[2606:4700::1]:80")])
        #expect(client.connect("8.0.0.1:80")?.errorCode == 443)
    }

    @Test("another port is tried when the kernel refuses one, as for UDP")
    func retry() {
        harness.scriptedFailures = [.addressInUse, nil]
        #expect(harness.client(over: .tcp).allocateTCP()?.relayed == [harness.openingsAsked[1]])
        harness.scriptedFailures = [.outOfResources]
        #expect(harness.client("198.51.100.7:40001", over: .tcp).allocateTCP()?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (1, 1))
    }

    @Test("datagrams are not relayed: ChannelBind gets 403, Send goes nowhere", .requirement("R6062-5.1-4"))
    func noDatagrams() {
        let client = harness.client(over: .tcp)
        client.allocateTCP()
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.errorCode == 403)
        #expect(client.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noPermission))
        #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel))
        // Permissions run out in silence.
        harness.advance(.seconds(301))
        #expect(harness.peerConnects("8.0.0.1:9", to: client.listener!) == nil)
    }

    @Test("it counts against the quotas of its user like any other")
    func quota() {
        let harness = TURNHarness(TestSetup().with { $0.quota.perUser = 1 })
        #expect(harness.client(over: .tcp).allocateTCP()?.isSuccess == true)
        #expect(harness.client("198.51.100.7:40001", over: .tcp).allocateTCP()?.errorCode == 486)
        #expect(harness.client("198.51.100.7:40001").allocate()?.errorCode == 486)
    }
}

@Suite("RFC 6062 §5.2 — Receiving a Connect Request")
struct RFC6062Section5_2 {
    private let harness = TURNHarness()
    private let client: TestClient

    init() {
        client = harness.client(over: .tcp)
        client.allocateTCP()
    }

    @Test("the server connects from the relayed address, and answers when it has", .requirement("R6062-5.2-1"))
    func success() throws {
        let request = client.make(.connect, peers: [socket("8.0.0.1:80")])
        #expect(client.send(request) == nil)
        let id = try #require(harness.connection(to: socket("8.0.0.1:80")))
        let relay = try #require(client.listener)
        let allocation = try #require(client.id)
        #expect(harness.outputs == [.tcp(.connect(id, allocation, from: relay, to: socket("8.0.0.1:80")))])
        let response = try #require(harness.connectSucceeds("8.0.0.1:80"))
        #expect(response.type == 0x010A)
        #expect(response.path == client.path)
        #expect(response.id == request.id)
        #expect(response.connection == id)
        #expect(response.isProtected(sha1: client.credentials.md5Key))
    }

    @Test("a Connect without an allocation gets 437, on an allocation of UDP 403", .requirement("R6062-5.2-2"))
    func mismatch() {
        let other = harness.client("198.51.100.7:40001", over: .tcp)
        #expect(other.connect("8.0.0.1:80")?.errorCode == 437)
        other.allocate()
        #expect(other.connect("8.0.0.1:80")?.errorCode == 403)
    }

    @Test("somebody else's allocation gets 441")
    func wrongUser() {
        let bob = harness.client("198.51.100.7:40000", .bob, over: .tcp)
        #expect(bob.connect("8.0.0.1:80")?.errorCode == 441)
        #expect(harness.peers.isEmpty)
    }

    @Test("XOR-PEER-ADDRESS is required", .requirement("R6062-5.2-3"))
    func noPeer() {
        #expect(client.request(.connect)?.errorCode == 400)
        #expect(client.request(.connect, [Attribute(.xorPeerAddress, [0, 1, 2])])?.errorCode == 400)
    }

    @Test("a second Connect to a peer gets 446 while the first one lives", .requirement("R6062-5.2-4"))
    func twice() throws {
        client.connect("8.0.0.1:80")
        #expect(client.connect("8.0.0.1:80")?.errorCode == 446)
        harness.connectSucceeds("8.0.0.1:80")
        #expect(client.connect("8.0.0.1:80")?.errorCode == 446)
        let id = try #require(harness.connection(to: socket("8.0.0.1:80")))
        #expect(harness.client("198.51.100.7:40001", over: .tcp).bindConnection(id)?.isSuccess == true)
        #expect(client.connect("8.0.0.1:80")?.errorCode == 446)
        // Another port of the host is another peer.
        #expect(client.connect("8.0.0.1:81") == nil)
        harness.peerEnds(id)
        #expect(client.connect("8.0.0.1:80") == nil)
    }

    @Test("a peer that cannot be reached gets 447, and may be tried again", .requirement("R6062-5.2-5"))
    func failure() {
        client.connect("8.0.0.1:80")
        #expect(harness.connectFails("8.0.0.1:80")?.errorCode == 447)
        #expect(client.connect("8.0.0.1:80") == nil)
        #expect(harness.connectSucceeds("8.0.0.1:80")?.isSuccess == true)
    }

    @Test("after thirty seconds a peer that does not answer gets 447", .requirement("R6062-5.2-6"))
    func timeout() {
        client.connect("8.0.0.1:80")
        harness.advance(.milliseconds(29_990))
        #expect(harness.peers.count == 1)
        harness.advance(.milliseconds(20))
        #expect(harness.peers.isEmpty)
        #expect(harness.answers.map(\.errorCode) == [447])
        #expect(harness.answers.map(\.path) == [client.path])
    }

    @Test(
        "peers that the operator refuses get 403", .requirement("R6062-5.2-7"),
        arguments: ["127.0.0.1:80", "10.0.0.1:80", "169.254.169.254:80", "8.0.0.1:0", "192.0.2.1:3478", "192.0.2.1:22"])
    func policy(peer: String) {
        #expect(client.connect(peer)?.errorCode == 403)
        #expect(harness.outputs == [.peerRefused(client: client.path.client, peer: socket(peer))])
    }

    @Test("on an address of ours only relayed ports are reached, and never one's own", .requirement("RI-tcp-1"))
    func ownAddress() throws {
        let harness = TURNHarness(TestSetup().with { $0.settings.relayPorts = $0.ports })
        let client = harness.client(over: .tcp)
        client.allocateTCP()
        let own = try #require(client.listener)
        #expect(client.connect("192.0.2.1:6379")?.errorCode == 403)
        #expect(client.connect("192.0.2.1:49999")?.errorCode == 403)
        #expect(client.connect("192.0.2.1:51000")?.errorCode == 403)
        #expect(client.connect(own.description)?.errorCode == 403)
        let other = own.port == 50_000 ? 50_001 : 50_000
        #expect(client.connect("192.0.2.1:\(other)") == nil)
        #expect(client.connect("8.0.0.1:6379") == nil)
    }

    @Test("behind a NAT a peer is known by the address that the world knows")
    func external() throws {
        let harness = TURNHarness(TestSetup(relays: [TestSetup.mapped], own: ["10.0.0.5"]))
        let client = harness.client(over: .tcp)
        let relayed = try #require(client.allocateTCP()?.relayed.first)
        let other = harness.client("198.51.100.7:40001", over: .tcp)
        other.allocateTCP()
        #expect(other.connect(relayed.description) == nil)
        let listener = try #require(client.listener)
        #expect(harness.peers.values.map(\.peer) == [listener])
        // And is told so.
        client.permit("192.0.2.1")
        let attempt = harness.peerConnects("10.0.0.5:50123", to: listener)
        #expect(attempt?.peer == socket("192.0.2.1:50123"))
    }

    @Test("a connection that nobody binds is closed after thirty seconds", .requirement("R6062-5.2-8"))
    func unbound() throws {
        client.connect("8.0.0.1:80")
        harness.advance(.seconds(20))
        let id = try #require(harness.connectSucceeds("8.0.0.1:80")?.connection)
        harness.advance(.milliseconds(29_990))
        #expect(harness.peers.count == 1)
        harness.advance(.milliseconds(20))
        #expect(harness.peers.isEmpty)
        #expect(harness.server.counters.peersUnbound == 1)
        #expect(harness.client("198.51.100.7:40001", over: .tcp).bindConnection(id)?.errorCode == 400)
        #expect(client.refresh()?.isSuccess == true)
    }

    @Test("an allocation has so many connections that nobody has bound, and so many in all", .requirement("RI-tcp-2"))
    func limits() throws {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 10, newPeersPerSecond: 0)))
        let client = harness.client(over: .tcp)
        client.allocateTCP()
        for number in 1...33 {
            #expect(client.connect("8.0.0.\(number):80") == nil)
            let id = try #require(harness.connectSucceeds("8.0.0.\(number):80")?.connection)
            let data = harness.client("198.51.100.7:\(41_000 + number)", over: .tcp)
            #expect(data.bindConnection(id)?.isSuccess == true)
        }
        for number in 34...64 { #expect(client.connect("8.0.0.\(number):80") == nil) }
        #expect(harness.peers.count == 64)
        #expect(client.connect("8.0.1.1:80")?.errorCode == 508)
        harness.connectFails("8.0.0.64:80")
        #expect(client.connect("8.0.1.1:80") == nil)

        let other = harness.client("198.51.100.7:40001", over: .tcp)
        other.allocateTCP()
        for number in 1...32 { #expect(other.connect("8.0.0.\(number):80") == nil) }
        #expect(other.connect("8.0.0.33:80")?.errorCode == 508)
    }

    @Test("a worker has so many connections in all")
    func total() {
        let harness = TURNHarness(TestSetup(limits: Limits(allocationsMax: 10, tcpPeersMax: 2)))
        let client = harness.client(over: .tcp)
        client.allocateTCP()
        client.connect("8.0.0.1:80")
        client.connect("8.0.0.2:80")
        #expect(client.connect("8.0.0.3:80")?.errorCode == 508)
        harness.connectFails("8.0.0.1:80")
        #expect(client.connect("8.0.0.3:80") == nil)
    }

    @Test("new peers have a rate")
    func rate() {
        let harness = TURNHarness(
            TestSetup(limits: Limits(allocationsMax: 10, permissionsPerAllocationMax: 64, newPeersPerSecond: 1)))
        let client = harness.client(over: .tcp)
        client.allocateTCP()
        for number in 0..<64 {
            #expect(client.connect("8.0.0.1:\(1000 + number)") == nil)
            #expect(harness.connectFails("8.0.0.1:\(1000 + number)")?.errorCode == 447)
        }
        #expect(client.connect("8.0.0.1:80")?.errorCode == 508)
        harness.advance(.seconds(1))
        #expect(client.connect("8.0.0.1:80") == nil)
    }

    @Test("ids are unlike one another, and none is given that another worker has")
    func ids() {
        final class Register: ConnectionRegister {
            var ids: Set<PeerConnectionID> = []
            var refusals = 0
            func enter(_ id: PeerConnectionID) -> Bool {
                refusals -= 1
                return refusals < 0 && ids.insert(id).inserted
            }
            func leave(_ id: PeerConnectionID) { ids.remove(id) }
        }
        let register = Register()
        let harness = TURNHarness(connections: register)
        let client = harness.client(over: .tcp)
        client.allocateTCP()
        for number in 1...32 { client.connect("8.0.0.\(number):80") }
        #expect(register.ids == Set(harness.peers.keys) && register.ids.count == 32)
        // No order to guess the next one from.
        let sorted = register.ids.map(\.rawValue).sorted()
        #expect(zip(sorted, sorted.dropFirst()).allSatisfy { $1 - $0 > 16 })
        harness.disconnect(client.path)
        #expect(register.ids.isEmpty)
        client.allocateTCP()
        register.refusals = 7
        #expect(client.connect("8.0.0.1:80") == nil)
        register.refusals = 8
        #expect(client.connect("8.0.0.2:80")?.errorCode == 508)
    }
}
