import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §2.1, §5, §12.5 — clients that come by a connection")
struct RFC8656Streams {
    private let harness = TURNHarness()
    private let client: TestClient

    init() { client = harness.client(over: .tcp) }

    @Test("ChannelData is padded to four bytes, which its length does not count", .requirement("R8656-12.5-4"))
    func padding() {
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        for (payload, frame) in [
            ("", "4000 0000"), ("AA", "4000 0001 AA 000000"), ("AABB", "4000 0002 AABB 0000"),
            ("AABBCC", "4000 0003 AABBCC 00"), ("AABBCCDD", "4000 0004 AABBCCDD"),
        ] {
            #expect(client.hears(hex(payload), from: "8.0.0.1:9") == .delivered(client.path, hex(frame)))
        }
        // What comes padded is relayed without it.
        #expect(
            harness.clientSends(hex("4000 0001 AA 000000"), on: client.path)
                == .sent(.init(source: client.relay()!, peer: socket("8.0.0.1:9"), payload: [0xAA])))
    }

    @Test("UDP and TCP from one address and port are two five-tuples (RFC 8656 §3.2)")
    func transports() {
        let other = harness.client()
        #expect(client.allocate()?.errorCode == nil)
        #expect(other.refresh()?.errorCode == 437)
        #expect(other.allocate()?.errorCode == nil)
        #expect(client.refresh(0)?.errorCode == nil)
        #expect(other.refresh()?.errorCode == nil)
    }

    @Test("the end of the connection ends its allocation, with all that belongs to it", .requirement("R8656-5-5"))
    func disconnected() {
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        let relay = client.relay()!
        harness.disconnect(client.path)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.closed.map(\.end) == [.disconnected])
        #expect(harness.server.counters.allocationsDisconnected == 1)
        #expect(client.channelData(0x4000, [1]) == .dropped(.noAllocation))
        #expect(harness.peerSends([1], from: socket("8.0.0.1:9"), to: relay) == .nobodyThere)
        // Nothing is left to end.
        harness.disconnect(client.path)
        #expect(harness.closed.count == 1)
    }

    @Test("a connection that ends while its relay is opened leaves nothing behind")
    func disconnectedEarly() {
        harness.opensLater = true
        client.allocate()
        harness.disconnect(client.path)
        #expect(harness.settleNextRelay() == nil)
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.closed.isEmpty)
    }

    @Test("a reserved port outlives the connection, because it is redeemed from another one")
    func reservation() {
        let answer = client.allocate([Attribute(.evenPort, [0x80])])
        let token = answer?[.reservationToken] ?? []
        harness.disconnect(client.path)
        let other = harness.client("198.51.100.7:40001", over: .tcp)
        #expect(other.allocate([Attribute(.reservationToken, token)])?.errorCode == nil)
    }

    @Test("answers are not metered: their source is proven, and nobody asks twice", .requirement("RI-stream-7"))
    func rates() {
        for _ in 0..<1_000 {
            #expect(client.challenge()?.errorCode == 401)
            #expect(client.send(client.bare(.binding))?.type == 0x0101)
        }
        // The same source over UDP has its own account, untouched.
        let other = harness.client()
        #expect(other.challenge()?.errorCode == 401)
        #expect(other.send(other.bare(.binding))?.type == 0x0101)
    }
}
