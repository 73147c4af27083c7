import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §12.4–§12.6 — ChannelData")
struct RFC8656Section12_6 {
    private let harness = TURNHarness()
    private let client: TestClient

    init() {
        client = harness.client()
        client.allocate([.lifetime(3600)])
        client.bind(0x4000, "8.0.0.1:9")
    }

    private func arrives(_ text: String) -> TURNHarness.ClientResult {
        harness.clientSends(hex(text), on: client.path)
    }

    private func sent(_ payload: String) -> TURNHarness.ClientResult {
        .sent(.init(source: client.relay()!, peer: socket("8.0.0.1:9"), payload: hex(payload)))
    }

    @Test("ChannelData goes to its peer, byte for byte", .requirement("R8656-12.6-1"))
    func toPeer() {
        #expect(arrives("4000 0001 AA") == sent("AA"))
        #expect(arrives("4000 0004 AABBCCDD") == sent("AABBCCDD"))
        #expect(arrives("4000 0005 0001020304") == sent("0001020304"))
    }

    @Test("over UDP padding is optional, and not part of the data", .requirement("R8656-12.6-2"))
    func padding() {
        #expect(arrives("4000 0001 AA 000000") == sent("AA"))
        #expect(arrives("4000 0001 AA FF") == sent("AA"))
        #expect(arrives("4000 0002 AABB 00000000000000000000") == sent("AABB"))
    }

    @Test("length 0 is an empty datagram", .requirement("R8656-12.6-3"))
    func empty() {
        #expect(arrives("4000 0000") == sent(""))
        #expect(arrives("4000 0000 00000000") == sent(""))
    }

    @Test("a length beyond the datagram is dropped", .requirement("R8656-12.6-4"))
    func tooShort() {
        #expect(arrives("4000 0001") == .dropped(.malformed))
        #expect(arrives("4000 0005 AABBCCDD") == .dropped(.malformed))
        #expect(arrives("4000 FFFF AABBCCDD") == .dropped(.malformed))
        for text in ["", "40", "4000", "4000 00"] { #expect(arrives(text) == .dropped(.notForUs)) }
    }

    @Test("a number that is not bound is dropped", .requirement("R8656-12.6-5"))
    func unbound() {
        #expect(arrives("4001 0001 AA") == .dropped(.noChannel))
        #expect(arrives("4FFF 0001 AA") == .dropped(.noChannel))
        let stranger = harness.client("198.51.100.9:1")
        #expect(stranger.channelData(0x4000, [1]) == .dropped(.noAllocation))
    }

    @Test("the first byte says what a datagram is", .requirement("R7983-7-1"))
    func firstByte() {
        for first in UInt8.min...UInt8.max {
            let result = harness.clientSends([first, 0, 0, 0], on: client.path)
            switch first {
            case 0...3: #expect(result == .answered(nil))
            case 0x40: #expect(result == sent(""))
            case 0x41...0x4F: #expect(result == .dropped(.noChannel))
            default: #expect(result == .dropped(.notForUs))
            }
        }
    }

    @Test("a bound peer is heard by ChannelData without padding", .requirement("R8656-12.5-1"))
    func toClient() {
        for (payload, packet) in [
            ("", "4000 0000"), ("AA", "4000 0001 AA"), ("AABB", "4000 0002 AABB"),
            ("AABBCCDDEE", "4000 0005 AABBCCDDEE"),
        ] {
            #expect(client.hears(hex(payload), from: "8.0.0.1:9") == .delivered(client.path, hex(packet)))
        }
    }

    @Test("another port of the peer is heard by Data indication", .requirement("R8656-12.5-2"))
    func otherPort() {
        guard case .delivered(_, let bytes) = client.hears([0xAA], from: "8.0.0.1:10") else {
            Issue.record("the permission counts for every port")
            return
        }
        let response = TestResponse(bytes, path: client.path)
        #expect(response.type == 0x0017)
        #expect(response.peer == socket("8.0.0.1:10"))
    }

    @Test("a bound peer can be sent to by Send indication too", .requirement("R8656-12-5"))
    func sendToBoundPeer() {
        #expect(client.sendIndication([0xAA], to: "8.0.0.1:9") == sent("AA"))
    }

    @Test("a datagram that does not fit is dropped whole", .requirement("R8656-12.5-3"))
    func tooLong() {
        let fits = [UInt8](repeating: 7, count: 65_503)
        #expect(client.hears(fits, from: "8.0.0.1:9") == .delivered(client.path, hex("4000 FFDF") + fits))
        #expect(client.hears(fits + [7], from: "8.0.0.1:9") == .dropped(.tooLong))
        #expect(client.hears(fits + [7, 7, 7, 7], from: "8.0.0.1:9") == .dropped(.tooLong))
    }

    @Test("ChannelData refreshes neither channel nor permission nor allocation", .requirement("R8656-12.6-6"))
    func refreshesNothing() {
        harness.advance(.milliseconds(299_998))
        #expect(client.channelData(0x4000, [1]) == sent("01"))
        #expect(client.hears([1], from: "8.0.0.1:9") == .delivered(client.path, hex("4000 0001 01")))
        harness.advance(.milliseconds(4))
        #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel))
        client.permit("8.0.0.1")
        harness.advance(.milliseconds(299_990))
        #expect(client.channelData(0x4000, [1]) == sent("01"))
        harness.advance(.milliseconds(20))
        client.permit("8.0.0.1")
        #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel))
    }

    @Test("an allocation relays so many bytes a second in each direction", .requirement("RI-quota-6"))
    func bandwidth() {
        let harness = TURNHarness(TestSetup().with { $0.settings.bytesPerSecondMax = 100_000 })
        let client = harness.client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        let payload = [UInt8](repeating: 1, count: 50_000)
        // One second's worth at once; headers do not count.
        for _ in 0..<2 { #expect(client.channelData(0x4000, payload) != .dropped(.overBandwidth)) }
        #expect(client.channelData(0x4000, [1]) == .dropped(.overBandwidth))
        #expect(client.sendIndication([1], to: "8.0.0.1:9") == .dropped(.overBandwidth))
        #expect(client.channelData(0x4000, []) != .dropped(.overBandwidth))
        // The other direction has its own share.
        for _ in 0..<2 { #expect(client.hears(payload, from: "8.0.0.1:9") != .dropped(.overBandwidth)) }
        #expect(client.hears([1], from: "8.0.0.1:9") == .dropped(.overBandwidth))
        harness.advance(.milliseconds(10))
        #expect(client.channelData(0x4000, [UInt8](repeating: 1, count: 1001)) == .dropped(.overBandwidth))
        #expect(client.channelData(0x4000, [UInt8](repeating: 1, count: 1000)) != .dropped(.overBandwidth))
        // What was dropped is not counted as traffic.
        client.refresh(0)
        #expect(harness.closed.map(\.traffic.toPeerBytes) == [101_000])
        #expect(harness.closed.map(\.traffic.toClientPackets) == [2])
    }

    @Test("a limit below one datagram lets a datagram pass", .requirement("RI-quota-7"))
    func smallBandwidth() {
        let harness = TURNHarness(TestSetup().with { $0.settings.bytesPerSecondMax = 100 })
        let client = harness.client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        #expect(client.hears([UInt8](repeating: 1, count: 65_503), from: "8.0.0.1:9") != .dropped(.overBandwidth))
    }
}
