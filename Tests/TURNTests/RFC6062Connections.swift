import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 6062 §5.3 — Receiving a TCP Connection on a Relayed Transport Address")
struct RFC6062Section5_3 {
    private let harness = TURNHarness()
    private let client: TestClient

    init() {
        client = harness.client(over: .tcp)
        client.allocateTCP()
    }

    @Test("the client is told of a peer that it permits", .requirement("R6062-5.3-1"))
    func attempt() throws {
        client.permit("8.0.0.1")
        let listener = try #require(client.listener)
        let indication = try #require(harness.peerConnects("8.0.0.1:5000", to: listener))
        #expect(indication.type == 0x001C)
        #expect(indication.path == client.path)
        #expect(indication.peer == socket("8.0.0.1:5000"))
        #expect(indication.connection == harness.connection(to: socket("8.0.0.1:5000")))
        #expect(!indication.isProtected)
        #expect(harness.server.counters.peersAccepted == 1)
        // A Connect to it would be a second connection between the same two addresses.
        #expect(client.connect("8.0.0.1:5000")?.errorCode == 446)
    }

    @Test("a peer without a permission is closed at once, and nobody is told", .requirement("R6062-5.3-2"))
    func noPermission() throws {
        let listener = try #require(client.listener)
        #expect(harness.peerConnects("8.0.0.1:5000", to: listener) == nil)
        client.permit("8.0.0.2")
        #expect(harness.peerConnects("8.0.0.1:5000", to: listener) == nil)
        #expect(harness.server.counters.peersRefused == 2)
        #expect(harness.peers.isEmpty)
    }

    @Test("a connection outlives the permission that let it in")
    func permissionEnds() throws {
        client.permit("8.0.0.1")
        let listener = try #require(client.listener)
        let id = try #require(harness.peerConnects("8.0.0.1:5000", to: listener)?.connection)
        harness.client("198.51.100.7:40001", over: .tcp).bindConnection(id)
        harness.advance(.seconds(301))
        #expect(harness.peers.count == 1)
        #expect(harness.peerConnects("8.0.0.1:5001", to: listener) == nil)
    }

    @Test("a connection that nobody binds is closed after thirty seconds", .requirement("R6062-5.3-3"))
    func unbound() throws {
        client.permit("8.0.0.1")
        let listener = try #require(client.listener)
        harness.peerConnects("8.0.0.1:5000", to: listener)
        harness.advance(.milliseconds(29_990))
        #expect(harness.peers.count == 1)
        harness.advance(.milliseconds(20))
        #expect(harness.peers.isEmpty)
    }

    @Test("nobody is told of more peers than the rate of notices allows", .requirement("RI-tcp-3"))
    func rate() throws {
        client.permit("8.0.0.1")
        let listener = try #require(client.listener)
        for number in 0..<40 {
            let id = try #require(harness.peerConnects("8.0.0.1:\(5000 + number)", to: listener)?.connection)
            harness.peerEnds(id)
        }
        #expect(harness.peerConnects("8.0.0.1:6000", to: listener) == nil)
        harness.advance(.seconds(1))
        #expect(harness.peerConnects("8.0.0.1:6000", to: listener) != nil)
    }

    @Test("peers that wait are limited", .requirement("RI-tcp-2"))
    func limit() throws {
        client.permit("8.0.0.1")
        let listener = try #require(client.listener)
        for number in 0..<32 { #expect(harness.peerConnects("8.0.0.1:\(5000 + number)", to: listener) != nil) }
        #expect(harness.peerConnects("8.0.0.1:6000", to: listener) == nil)
        let first = try #require(harness.connection(to: socket("8.0.0.1:5000")))
        harness.peerEnds(first)
        #expect(harness.peerConnects("8.0.0.1:6000", to: listener) != nil)
    }
}

@Suite("RFC 6062 §5.4 — Receiving a ConnectionBind Request")
struct RFC6062Section5_4 {
    private let harness = TURNHarness()
    private let client: TestClient
    private let id: PeerConnectionID

    init() throws {
        client = harness.client(over: .tcp)
        client.allocateTCP()
        client.connect("8.0.0.1:80")
        id = try #require(harness.connectSucceeds("8.0.0.1:80")?.connection)
    }

    private func data(
        _ port: Int = 40_001, _ credentials: TestCredentials = .alice, over transport: ClientTransport = .tcp
    ) -> TestClient {
        harness.client("198.51.100.7:\(port)", credentials, over: transport)
    }

    @Test("the connection that it came by belongs to the peer from now on", .requirement("R6062-5.4-1"))
    func success() throws {
        let data = data(over: .tls)
        data.challenge(.connectionBind)
        let response = try #require(data.bindConnection(id))
        #expect(response.type == 0x010B)
        #expect(response.path == data.path)
        #expect(response.isProtected(sha1: data.credentials.md5Key))
        #expect(harness.outputs == [.tcp(.splice(id, client: data.path))])
        #expect(harness.peers[id]?.client == data.path)
        // From here on it lives as long as its allocation.
        for _ in 0..<10 {
            harness.advance(.seconds(300))
            client.refresh()
        }
        #expect(harness.peers.count == 1)
    }

    @Test("over UDP or DTLS it gets 400", .requirement("R6062-5.4-2"))
    func datagrams() {
        for transport in [ClientTransport.udp, .dtls] {
            #expect(data(over: transport).bindConnection(id)?.errorCode == 400)
        }
        #expect(harness.peers[id]?.client == nil)
    }

    @Test("an unknown id gets 400, as does none, and one that is not there yet", .requirement("R6062-5.4-3"))
    func unknown() throws {
        let data = data()
        #expect(data.bindConnection(PeerConnectionID(rawValue: id.rawValue ^ 1))?.errorCode == 400)
        #expect(data.request(.connectionBind)?.errorCode == 400)
        #expect(data.request(.connectionBind, [Attribute(.connectionID, [1, 2, 3])])?.errorCode == 400)
        client.connect("8.0.0.2:80")
        let early = try #require(harness.connection(to: socket("8.0.0.2:80")))
        #expect(data.bindConnection(early)?.errorCode == 400)
        // None of it has done any harm.
        #expect(data.bindConnection(id)?.isSuccess == true)
    }

    @Test("an id is good once", .requirement("R6062-5.4-4"))
    func twice() {
        let first = data()
        first.bindConnection(id)
        #expect(data(40_002).bindConnection(id)?.errorCode == 400)
        #expect(harness.peers[id]?.client == first.path)
    }

    @Test("somebody else's id gets 441", .requirement("R6062-5.4-5"))
    func wrongUser() {
        #expect(data(40_001, .bob).bindConnection(id)?.errorCode == 441)
        #expect(data(40_001, TestCredentials("alice", "guessed")).bindConnection(id)?.errorCode == 401)
        #expect(data(40_001, TestCredentials("mallory", "guessed")).bindConnection(id)?.errorCode == 401)
        #expect(harness.peers[id]?.client == nil)
        #expect(data().bindConnection(id)?.isSuccess == true)
    }

    @Test("the nonce of the control connection will do, but not from another host")
    func nonce() {
        let same = data()
        same.nonce = client.nonce
        #expect(same.send(same.make(.connectionBind, [.connection(id.rawValue)]))?.isSuccess == true)

        client.connect("8.0.0.2:80")
        let second = harness.connectSucceeds("8.0.0.2:80")?.connection
        let elsewhere = harness.client("198.51.100.8:40001", over: .tcp)
        elsewhere.nonce = client.nonce
        let request = elsewhere.make(.connectionBind, [.connection(second?.rawValue ?? 0)])
        #expect(elsewhere.send(request)?.errorCode == 438)
        #expect(elsewhere.bindConnection(second ?? id)?.isSuccess == true)
    }

    @Test("a control connection stays one: 400", .requirement("RI-tcp-4"))
    func control() {
        #expect(client.bindConnection(id)?.errorCode == 400)
        let other = data()
        other.allocate()
        #expect(other.bindConnection(id)?.errorCode == 400)
        #expect(harness.peers[id]?.client == nil)
    }

    @Test("the worker to ask is found by the id in the request, and by nothing that is none")
    func routing() {
        let data = data()
        let request = data.bare(.connectionBind, .request, [.connection(id.rawValue)])
        func connection(_ bytes: [UInt8]) -> PeerConnectionID? { TURNServer.connectionToBind(bytes.span.bytes) }
        #expect(connection(request.encoded) == id)
        #expect(connection(data.bare(.connectionBind).encoded) == nil)
        #expect(connection(data.bare(.connect, .request, [.connection(id.rawValue)]).encoded) == nil)
        #expect(connection(data.bare(.connectionBind, .success, [.connection(id.rawValue)]).encoded) == nil)
        #expect(connection(Array(request.encoded.dropLast(4))) == nil)
        #expect(connection([0, 0x0B]) == nil)
    }
}

@Suite("RFC 6062 §5.5 — Data Connections")
struct RFC6062Section5_5 {
    /// A connection on its way, one that waits, and one that is bound.
    private func allocate(
        _ harness: TURNHarness, _ credentials: TestCredentials = .alice
    ) throws -> TestClient {
        let client = harness.client("198.51.100.7:40000", credentials, over: .tcp)
        client.allocateTCP()
        client.connect("8.0.0.1:80")
        client.connect("8.0.0.2:80")
        client.connect("8.0.0.3:80")
        harness.connectSucceeds("8.0.0.2:80")
        let id = try #require(harness.connectSucceeds("8.0.0.3:80")?.connection)
        harness.client("198.51.100.7:40001", credentials, over: .tcp).bindConnection(id)
        #expect(harness.peers.count == 3)
        return client
    }

    @Test("the end of the allocation closes all of its connections, and then its listener", .requirement("R6062-5.5-1"))
    func ends() throws {
        let ends: [(SessionEnd, (TURNHarness, TestClient) -> Void)] = [
            (.deletedByClient, { $1.refresh(0) }), (.expired, { harness, _ in harness.advance(.seconds(601)) }),
            (.revoked, { $0.revoke(.name($1.credentials.username)) }), (.disconnected, { $0.disconnect($1.path) }),
        ]
        for (reason, end) in ends {
            let harness = TURNHarness(.ephemeral(secrets: ["north"]))
            let client = try allocate(harness, .ephemeral("1750003600:alice", secret: "north"))
            end(harness, client)
            #expect(harness.closed.map(\.end) == [reason])
            #expect(harness.peers.isEmpty && harness.listeners.isEmpty)
            #expect(harness.server.liveCounts == (0, 0, 0, 0))
            #expect(harness.ledger.liveCounts == (0, 0))
            #expect(harness.server.nextDeadline == nil)
        }
    }

    @Test("what the shell says of connections that have ended meanwhile is nobody's business")
    func late() throws {
        let harness = TURNHarness()
        let client = try allocate(harness)
        let ids = Array(harness.peers.keys)
        client.refresh(0)
        for id in ids {
            #expect(harness.run(.peerConnected(id)).isEmpty)
            #expect(harness.run(.peerFailed(id)).isEmpty)
            #expect(harness.run(.peerEnded(id)).isEmpty)
        }
    }

    @Test("the end of a connection ends nothing else")
    func one() throws {
        let harness = TURNHarness()
        let client = try allocate(harness)
        for peer in ["8.0.0.3:80", "8.0.0.2:80"] {
            let id = try #require(harness.connection(to: socket(peer)))
            harness.peerEnds(id)
        }
        #expect(harness.peers.count == 1)
        #expect(client.refresh()?.isSuccess == true)
    }

    @Test("a client that goes while its listener is opened leaves nothing behind")
    func early() {
        let harness = TURNHarness()
        let client = harness.client(over: .tcp)
        harness.opensLater = true
        client.allocateTCP()
        harness.disconnect(client.path)
        #expect(harness.settleNextRelay() == nil)
        #expect(harness.listeners.isEmpty)
        #expect(harness.ledger.liveCounts == (0, 0))
    }
}
