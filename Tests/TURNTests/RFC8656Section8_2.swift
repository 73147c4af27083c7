import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §8.2 — Receiving a Refresh Request")
struct RFC8656Section8_2 {
    private let harness = TURNHarness()

    @Test("Refresh without an allocation gets 437", .requirement("R8656-8.2-4"))
    func noAllocation() {
        let response = harness.client().refresh()
        #expect(response?.errorCode == 437)
        #expect(response?.isProtected(sha1: TestCredentials.alice.md5Key) == true)
        #expect(harness.client().refresh(0)?.errorCode == 437)
    }

    @Test("LIFETIME 0 deletes at once and is answered with LIFETIME 0", .requirement("R8656-8.2-5"))
    func delete() {
        let client = harness.client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        let relay = client.relay()!
        let response = client.refresh(0)
        #expect(response?.type == 0x0104)
        #expect(response?[.lifetime] == [0, 0, 0, 0])
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.closed.map(\.end) == [.deletedByClient])
        #expect(client.channelData(0x4000, [1]) == .dropped(.noAllocation))
        #expect(harness.peerSends([1], from: socket("8.0.0.1:9"), to: relay) == .nobodyThere)
    }

    @Test("the end is told before the routes go, so that traffic can be accounted for", .requirement("RI-session-1"))
    func orderOfTheEnd() {
        let client = harness.client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        _ = client.channelData(0x4000, [1, 2, 3])
        _ = client.hears([1, 2], from: "8.0.0.1:9")
        client.refresh(0)
        let kinds = harness.outputs.map { output in
            switch output {
            case .sessionClosed: "closed"
            case .route(.unbindChannel): "unbind"
            case .route(.forbid): "forbid"
            case .route(.closeRelay): "closeRelay"
            case .route(.removeAllocation): "remove"
            case .closeRelay: "close"
            default: "other"
            }
        }
        #expect(kinds == ["closed", "unbind", "forbid", "closeRelay", "close", "remove"])
        var traffic = Traffic()
        traffic.toPeerPackets = 1
        traffic.toPeerBytes = 3
        traffic.toClientPackets = 1
        traffic.toClientBytes = 2
        #expect(harness.closed.map(\.traffic) == [traffic])
    }

    @Test("a retransmitted Refresh(0) gets 437 and makes nothing", .requirement("R8656-8.2-6"))
    func deleteTwice() {
        let client = harness.client()
        client.allocate()
        let request = client.make(.refresh, [.lifetime(0)])
        #expect(client.send(request)?.lifetime == 0)
        #expect(client.send(request)?.errorCode == 437)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        // The five-tuple is free for a new allocation.
        #expect(client.allocate()?.isSuccess == true)
    }

    @Test("a retransmitted Refresh is a Refresh", .requirement("R8656-8.2-7"))
    func refreshTwice() {
        let client = harness.client()
        client.allocate()
        let request = client.make(.refresh, [.lifetime(900)])
        let first = client.send(request)
        #expect(first?.lifetime == 900)
        #expect(client.send(request)?.bytes == first?.bytes)
        #expect(harness.server.liveCounts.allocations == 1)
    }

    @Test(
        "the lifetime granted is between the default and the maximum", .requirement("R8656-8.2-8"),
        arguments: [(nil, 600), (1, 600), (600, 600), (1800, 1800), (3600, 3600), (3601, 3600), (.max, 3600)]
            as [(UInt32?, UInt32)])
    func lifetime(requested: UInt32?, granted: UInt32) {
        let client = harness.client()
        client.allocate([.lifetime(3600)])
        #expect(client.refresh(requested)?.lifetime == granted)
        harness.advance(.seconds(granted) - .milliseconds(1))
        #expect(harness.sessions.count == 1)
        harness.advance(.milliseconds(3))
        #expect(harness.sessions.isEmpty)
    }

    @Test("malformed LIFETIME and REQUESTED-ADDRESS-FAMILY get 400", .requirement("R8656-8.2-9"))
    func malformed() {
        let client = harness.client()
        client.allocate()
        #expect(client.request(.refresh, [Attribute(.lifetime, [0, 0])])?.errorCode == 400)
        #expect(client.request(.refresh, [Attribute(.requestedAddressFamily, [1])])?.errorCode == 400)
        #expect(harness.sessions.count == 1)
    }

    @Test("a family that is not relayed gets 443 and changes nothing", .requirement("R8656-8.2-10"))
    func otherFamily() {
        let client = harness.client()
        client.allocate()
        for number in [0, 2, 3, 255] as [UInt8] {
            #expect(client.refresh(0, [.family(number)])?.errorCode == 443)
        }
        #expect(harness.sessions.count == 1)
        #expect(client.refresh(700, [.family(1)])?.lifetime == 700)
    }

    @Test("somebody else's allocation answers 441 to every request", .requirement("R8656-5-2"))
    func wrongCredentials() {
        let owner = harness.client()
        owner.allocate()
        let other = harness.client("198.51.100.7:40000", .bob)
        for method in [.refresh, .createPermission, .channelBind] as [STUN.Method] {
            let response = other.request(method, [.lifetime(0), .channel(0x4000)], peers: [socket("8.0.0.1:9")])
            #expect(response?.errorCode == 441)
            #expect(response?.isProtected(sha1: TestCredentials.bob.md5Key) == true)
        }
        #expect(harness.routes.counts == [1, 0, 0])
        #expect(owner.refresh()?.lifetime == 600)
    }

    @Test("Refresh extends neither permissions nor channels", .requirement("R8656-8.2-11"))
    func refreshesNothingElse() {
        let client = harness.client()
        client.allocate([.lifetime(3600)])
        client.permit("8.0.0.1")
        client.bind(0x4000, "8.0.0.2:9")
        harness.advance(.seconds(200))
        #expect(client.refresh(3600)?.lifetime == 3600)
        harness.advance(.seconds(101))
        #expect(harness.routes.counts == [1, 0, 0])
    }

    @Test("a shorter lifetime is kept to, a longer one too", .requirement("R8656-8.2-12"))
    func shorterAndLonger() {
        let client = harness.client()
        client.allocate([.lifetime(3600)])
        client.refresh(600)
        harness.advance(.milliseconds(600_002))
        #expect(harness.sessions.isEmpty)
        client.allocate()
        client.refresh(3600)
        harness.advance(.seconds(3599))
        #expect(harness.sessions.count == 1)
        harness.advance(.milliseconds(1_002))
        #expect(harness.sessions.isEmpty)
    }
}
