import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §9, §10.2 — permissions")
struct RFC8656Section10_2 {
    private let harness = TURNHarness()

    private func allocated(_ harness: TURNHarness) -> TestClient {
        let client = harness.client()
        client.allocate([.lifetime(3600)])
        return client
    }

    @Test("a permitted peer may send and be sent to, at any port", .requirement("R8656-9-1"))
    func anyPort() {
        let client = allocated(harness)
        let response = client.request(.createPermission, peers: [socket("8.0.0.1:4711")])
        #expect(response?.type == 0x0108)
        #expect(response?.attributes.map(\.type) == [AttributeType.messageIntegrity.rawValue])
        for port in ["1", "4711", "65535"] {
            #expect(
                client.sendIndication([7], to: "8.0.0.1:\(port)")
                    == .sent(.init(source: client.relay()!, peer: socket("8.0.0.1:\(port)"), payload: [7])))
            guard case .delivered = client.hears([7], from: "8.0.0.1:\(port)") else {
                Issue.record("port \(port) is not heard")
                continue
            }
        }
        #expect(client.sendIndication([7], to: "8.0.0.2:1") == .dropped(.noPermission))
        #expect(client.hears([7], from: "8.0.0.2:1") == .dropped(.noPermission))
    }

    @Test("at least one XOR-PEER-ADDRESS is required", .requirement("R8656-10.2-1"))
    func noPeer() {
        #expect(allocated(harness).permit()?.errorCode == 400)
    }

    @Test(
        "a malformed XOR-PEER-ADDRESS gets 400, and nothing is installed", .requirement("R8656-10.2-2"),
        arguments: [
            "", "0001", "0001 2112", "0001 2112 2912A4", "0001 2112 2912A443 00", "0002 2112 2912A443",
            "0001 2112 2912A443 000000000000000000000000", "0000 2112 2912A443", "0003 2112 2912A443",
            "0002 2112 2912A443 000000000000000000000000 00",
        ])
    func malformedPeer(value: String) {
        let client = allocated(harness)
        let bad = Attribute(.xorPeerAddress, hex(value))
        #expect(client.request(.createPermission, [bad])?.errorCode == 400)
        #expect(client.request(.createPermission, [bad], peers: [socket("8.0.0.1:0")])?.errorCode == 400)
        #expect(client.request(.channelBind, [bad, .channel(0x4000)])?.errorCode == 400)
        // Of several the last may be the bad one.
        var request = client.make(.createPermission, peers: [socket("8.0.0.1:0")])
        request.attributes.append(bad)
        #expect(client.send(request)?.errorCode == 400)
        #expect(harness.routes.counts == [1, 0, 0])
    }

    @Test("all peers of a request are permitted, or none", .requirement("R8656-10.2-3"))
    func allOrNone() {
        let client = allocated(harness)
        #expect(client.permit("8.0.0.1", "8.0.0.2", "8.0.0.3")?.isSuccess == true)
        #expect(harness.routes.counts == [1, 3, 0])
        #expect(client.permit("8.0.0.4", "127.0.0.1")?.errorCode == 403)
        #expect(client.permit("10.0.0.1", "8.0.0.4")?.errorCode == 403)
        #expect(client.permit("8.0.0.4", "2600::1")?.errorCode == 443)
        #expect(harness.routes.counts == [1, 3, 0])
        // A refused request does not refresh the others either.
        harness.advance(.seconds(299))
        #expect(client.permit("8.0.0.1", "127.0.0.1")?.errorCode == 403)
        harness.advance(.milliseconds(1_002))
        #expect(harness.routes.counts == [1, 0, 0])
    }

    @Test("the same peer twice is one permission", .requirement("R8656-10.2-4"))
    func duplicates() {
        let client = allocated(harness)
        #expect(client.permit("8.0.0.1", "8.0.0.1", "8.0.0.1")?.isSuccess == true)
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(harness.routes.counts == [1, 1, 0])
    }

    @Test("a peer of another family gets 443", .requirement("R8656-10.2-5"))
    func otherFamily() {
        let client = allocated(harness)
        #expect(client.permit("2600::1")?.errorCode == 443)
        #expect(client.bind(0x4000, "[2600::1]:9")?.errorCode == 443)
        let six = TURNHarness(.dual).client()
        six.allocate([.family(2)])
        #expect(six.permit("8.0.0.1")?.errorCode == 443)
        #expect(six.bind(0x4000, "8.0.0.1:9")?.errorCode == 443)
        #expect(six.permit("2600::1")?.isSuccess == true)
    }

    @Test("a peer that policy refuses gets 403, and the shell hears of it", .requirement("R8656-10.2-6"))
    func refused() {
        let client = allocated(harness)
        let response = client.permit("127.0.0.1")
        #expect(response?.errorCode == 403)
        #expect(response?.isProtected(sha1: TestCredentials.alice.md5Key) == true)
        #expect(harness.outputs == [.peerRefused(client: client.path.client, peer: socket("127.0.0.1:0"))])
        #expect(client.bind(0x4000, "169.254.169.254:80")?.errorCode == 403)
        #expect(harness.outputs == [.peerRefused(client: client.path.client, peer: socket("169.254.169.254:80"))])
    }

    @Test("permissions and channels without an allocation get 437", .requirement("R8656-5-3"))
    func noAllocation() {
        let client = harness.client()
        #expect(client.permit("8.0.0.1")?.errorCode == 437)
        #expect(client.permit()?.errorCode == 437)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.errorCode == 437)
        #expect(client.bind(0x3FFF, "127.0.0.1:9")?.errorCode == 437)
    }

    @Test("a permission lasts 300 seconds, neither less nor more", .requirement("R8656-9-2"))
    func lifetime() {
        let client = allocated(harness)
        client.permit("8.0.0.1")
        harness.advance(.milliseconds(299_900))
        #expect(client.sendIndication([1], to: "8.0.0.1:9") != .dropped(.noPermission))
        #expect(client.hears([1], from: "8.0.0.1:9") != .dropped(.noPermission))
        harness.advance(.nanoseconds(99_999_999))
        #expect(client.sendIndication([1], to: "8.0.0.1:9") != .dropped(.noPermission))
        // The timer may be a tick late, which is 1.05 ms.
        harness.advance(.nanoseconds(1_048_577))
        #expect(client.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noPermission))
        #expect(client.hears([1], from: "8.0.0.1:9") == .dropped(.noPermission))
    }

    @Test("CreatePermission refreshes, data does not", .requirement("R8656-9-3"))
    func refresh() {
        let client = allocated(harness)
        client.permit("8.0.0.1", "8.0.0.2")
        harness.advance(.seconds(200))
        client.permit("8.0.0.1")
        for _ in 0..<99 {
            harness.advance(.seconds(1))
            _ = client.sendIndication([1], to: "8.0.0.2:9")
            _ = client.hears([1], from: "8.0.0.2:9")
        }
        harness.advance(.milliseconds(1_002))
        #expect(harness.routes.permissions.map(\.peer) == [ip("8.0.0.1")])
        harness.advance(.milliseconds(199_990))
        #expect(harness.routes.counts == [1, 1, 0])
        harness.advance(.milliseconds(20))
        #expect(harness.routes.counts == [1, 0, 0])
    }

    @Test("so many permissions and no more; those that are there can be refreshed", .requirement("R8656-10.2-7"))
    func limit() {
        let limits = Limits(
            allocationsMax: 10, permissionsPerAllocationMax: 3, channelsPerAllocationMax: 3, newPeersPerSecond: 0)
        let harness = TURNHarness(TestSetup(limits: limits))
        let client = allocated(harness)
        #expect(client.permit("8.0.0.1", "8.0.0.2", "8.0.0.3")?.isSuccess == true)
        #expect(client.permit("8.0.0.4")?.errorCode == 508)
        #expect(client.bind(0x4000, "8.0.0.4:9")?.errorCode == 508)
        harness.advance(.seconds(150))
        #expect(client.permit("8.0.0.3", "8.0.0.1")?.isSuccess == true)
        #expect(client.permit("8.0.0.3", "8.0.0.4")?.errorCode == 508)
        #expect(client.bind(0x4000, "8.0.0.2:9")?.isSuccess == true)
        harness.advance(.seconds(200))
        #expect(harness.routes.counts == [1, 3, 1])
        harness.advance(.seconds(101))
        #expect(client.permit("8.0.0.4", "8.0.0.5", "8.0.0.6")?.isSuccess == true)
    }

    @Test("a request names at most 64 peers", .requirement("RI-limits-3"))
    func peersOfOneRequest() {
        let limits = Limits(allocationsMax: 10, permissionsPerAllocationMax: 100, newPeersPerSecond: 0)
        let client = allocated(TURNHarness(TestSetup(limits: limits)))
        let peers = (1...65).map { socket("8.0.0.\($0):0") }
        #expect(client.request(.createPermission, peers: peers)?.errorCode == 508)
        #expect(client.harness.routes.counts == [1, 0, 0])
        #expect(client.request(.createPermission, peers: Array(peers.prefix(64)))?.isSuccess == true)
        #expect(client.harness.routes.counts == [1, 64, 0])
    }

    @Test("new peers have a rate, known ones do not", .requirement("RI-limits-4"))
    func newPeersPerSecond() {
        let limits = Limits(
            allocationsMax: 10, permissionsPerAllocationMax: 6, channelsPerAllocationMax: 6, newPeersPerSecond: 2)
        let harness = TURNHarness(
            TestSetup(limits: limits).with {
                $0.settings.lifetimes = LifetimePolicy(permissionSeconds: 1)
            })
        let client = allocated(harness)
        // A burst of as many as may be permitted at a time.
        for number in 1...6 { #expect(client.permit("8.0.0.\(number)")?.isSuccess == true) }
        harness.advance(.milliseconds(500))
        for number in 1...6 { #expect(client.permit("8.0.0.\(number)")?.isSuccess == true) }
        harness.advance(.milliseconds(1_002))
        #expect(harness.routes.counts == [1, 0, 0])
        // Three tokens have been earned in a second and a half; the fourth new peer has to wait.
        #expect(client.permit("8.0.1.1", "8.0.1.2", "8.0.1.3", "8.0.1.4")?.errorCode == 508)
        #expect(client.permit("8.0.1.1", "8.0.1.2", "8.0.1.3")?.isSuccess == true)
        #expect(client.permit("8.0.1.4")?.errorCode == 508)
        #expect(client.bind(0x4000, "8.0.1.4:9")?.errorCode == 508)
        harness.advance(.milliseconds(500))
        #expect(client.permit("8.0.1.4")?.isSuccess == true)
    }

    @Test("a retransmitted CreatePermission is answered like the first", .requirement("R8656-10.2-8"))
    func retransmission() {
        let client = allocated(harness)
        let request = client.make(.createPermission, peers: [socket("8.0.0.1:0")])
        let first = client.send(request)
        #expect(first?.isSuccess == true)
        #expect(client.send(request)?.bytes == first?.bytes)
        #expect(harness.routes.counts == [1, 1, 0])
    }
}
