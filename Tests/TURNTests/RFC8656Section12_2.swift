import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §12, §12.2 — Receiving a ChannelBind Request")
struct RFC8656Section12_2 {
    private let harness = TURNHarness()

    private func allocated(_ harness: TURNHarness) -> TestClient {
        let client = harness.client()
        client.allocate([.lifetime(3600)])
        return client
    }

    @Test("a binding is answered, and brings a permission along", .requirement("R8656-12.2-1"))
    func binds() {
        let client = allocated(harness)
        let response = client.bind(0x4000, "8.0.0.1:9")
        #expect(response?.type == 0x0109)
        #expect(response?.attributes.map(\.type) == [AttributeType.messageIntegrity.rawValue])
        #expect(harness.routes.counts == [1, 1, 1])
        #expect(
            client.sendIndication([1], to: "8.0.0.1:10")
                == .sent(.init(source: client.relay()!, peer: socket("8.0.0.1:10"), payload: [1])))
    }

    @Test("CHANNEL-NUMBER and XOR-PEER-ADDRESS are both required and well-formed", .requirement("R8656-12.2-2"))
    func incomplete() {
        let client = allocated(harness)
        let peer = [socket("8.0.0.1:9")]
        #expect(client.request(.channelBind, [.channel(0x4000)])?.errorCode == 400)
        #expect(client.request(.channelBind, [], peers: peer)?.errorCode == 400)
        #expect(client.request(.channelBind)?.errorCode == 400)
        for value in [[], [0x40, 0], [0x40, 0, 0], [0x40, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
            #expect(client.request(.channelBind, [Attribute(.channelNumber, value)], peers: peer)?.errorCode == 400)
        }
        #expect(harness.routes.counts == [1, 0, 0])
        // The two bytes behind the number are ignored.
        #expect(
            client.request(.channelBind, [Attribute(.channelNumber, [0x40, 0, 9, 9])], peers: peer)?.isSuccess == true)
    }

    @Test(
        "channel numbers are 0x4000 through 0x4FFF", .requirement("R8656-12.2-3"),
        arguments: [
            (0x0000, false), (0x3FFF, false), (0x4000, true), (0x4FFF, true), (0x5000, false), (0x7FFF, false),
            (0x8000, false), (0xFFFF, false),
        ] as [(UInt16, Bool)])
    func numbers(number: UInt16, isLegal: Bool) {
        let response = allocated(harness).bind(number, "8.0.0.1:9")
        #expect(response?.errorCode == (isLegal ? nil : 400))
        #expect(harness.routes.counts == (isLegal ? [1, 1, 1] : [1, 0, 0]))
    }

    @Test("with the numbers of RFC 5766 they go up to 0x7FFF", .requirement("R5766-11-1"))
    func oldNumbers() {
        let harness = TURNHarness(TestSetup().with { $0.settings.channelNumbers = .rfc5766 })
        let client = allocated(harness)
        #expect(client.bind(0x7FFF, "8.0.0.1:9")?.isSuccess == true)
        #expect(client.bind(0x5000, "8.0.0.2:9")?.isSuccess == true)
        #expect(client.bind(0x8000, "8.0.0.3:9")?.errorCode == 400)
        #expect(client.bind(0x3FFF, "8.0.0.3:9")?.errorCode == 400)
        #expect(
            client.channelData(0x7FFF, [1])
                == .sent(.init(source: client.relay()!, peer: socket("8.0.0.1:9"), payload: [1])))
        #expect(client.hears([1], from: "8.0.0.2:9") == .delivered(client.path, hex("5000 0001 01")))
        #expect(client.channelData(0x8000, [1]) == .dropped(.notForUs))
    }

    @Test("a number that is bound to another peer gets 400", .requirement("R8656-12.2-4"))
    func numberTaken() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        #expect(client.bind(0x4000, "8.0.0.2:9")?.errorCode == 400)
        #expect(client.bind(0x4000, "8.0.0.1:10")?.errorCode == 400)
        #expect(harness.routes.counts == [1, 1, 1])
    }

    @Test("a peer that is bound to another number gets 400", .requirement("R8656-12.2-5"))
    func peerTaken() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        #expect(client.bind(0x4001, "8.0.0.1:9")?.errorCode == 400)
        #expect(harness.routes.counts == [1, 1, 1])
        // Another port of the same host is another peer.
        #expect(client.bind(0x4001, "8.0.0.1:10")?.isSuccess == true)
        #expect(harness.routes.counts == [1, 1, 2])
    }

    @Test("allocations have their own channel numbers", .requirement("R8656-12-1"))
    func numbersAreLocal() {
        let first = allocated(harness)
        let second = harness.client("198.51.100.7:40001")
        second.allocate()
        first.bind(0x4000, "8.0.0.1:9")
        second.bind(0x4000, "8.0.0.2:9")
        #expect(first.hears([1], from: "8.0.0.1:9") == .delivered(first.path, hex("4000 0001 01")))
        #expect(second.hears([2], from: "8.0.0.2:9") == .delivered(second.path, hex("4000 0001 02")))
        #expect(second.hears([2], from: "8.0.0.1:9") == .dropped(.noPermission))
    }

    @Test("the same pair again is a refresh of binding and permission", .requirement("R8656-12.2-6"))
    func refresh() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        harness.advance(.seconds(299))
        let request = client.make(.channelBind, [.channel(0x4000)], peers: [socket("8.0.0.1:9")])
        let first = client.send(request)
        #expect(first?.isSuccess == true)
        #expect(client.send(request)?.bytes == first?.bytes)
        #expect(!harness.outputs.contains { if case .route = $0 { true } else { false } })
        harness.advance(.seconds(299))
        #expect(harness.routes.counts == [1, 1, 1])
    }

    @Test("a binding lasts 600 seconds, neither less nor more", .requirement("R8656-12-2"))
    func lifetime() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        for _ in 0..<2 {
            harness.advance(.milliseconds(299_950))
            client.permit("8.0.0.1")
        }
        harness.advance(.milliseconds(100) - .nanoseconds(1))
        #expect(client.channelData(0x4000, [1]) != .dropped(.noChannel))
        harness.advance(.nanoseconds(1_048_577))
        #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel))
        // The permission is still there: the peer is heard, by Data indication.
        guard case .delivered(_, let bytes) = client.hears([1], from: "8.0.0.1:9") else {
            Issue.record("the permission went with the channel")
            return
        }
        #expect(bytes.starts(with: [0x00, 0x17]))
        // Number and peer are free for new bindings.
        #expect(client.bind(0x4000, "8.0.0.2:9")?.isSuccess == true)
        #expect(client.bind(0x4001, "8.0.0.1:9")?.isSuccess == true)
    }

    @Test("without a permission the channel rests, and a new permission wakes it", .requirement("R8656-12-3"))
    func suspension() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        client.bind(0x4001, "8.0.0.1:10")
        harness.advance(.seconds(301))
        #expect(harness.routes.counts == [1, 0, 0])
        #expect(client.channelData(0x4000, [1]) == .dropped(.noChannel))
        #expect(client.hears([1], from: "8.0.0.1:9") == .dropped(.noPermission))
        // The binding is still there: its number and its peer are taken.
        #expect(client.bind(0x4000, "8.0.0.2:9")?.errorCode == 400)
        #expect(client.bind(0x4002, "8.0.0.1:9")?.errorCode == 400)
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(harness.routes.counts == [1, 1, 2])
        #expect(client.hears([1], from: "8.0.0.1:10") == .delivered(client.path, hex("4001 0001 01")))
        // It is the old binding: it ends 600 seconds after ChannelBind.
        harness.advance(.seconds(298))
        #expect(harness.routes.counts == [1, 1, 2])
        harness.advance(.milliseconds(1_002))
        #expect(harness.routes.counts == [1, 1, 0])
    }

    @Test("a binding that ends while it rests leaves nothing", .requirement("R8656-12-4"))
    func endsWhileSuspended() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        harness.advance(.seconds(601))
        #expect(harness.routes.counts == [1, 0, 0])
        #expect(client.permit("8.0.0.1")?.isSuccess == true)
        #expect(harness.routes.counts == [1, 1, 0])
    }

    @Test("ChannelBind wakes a channel that rests", .requirement("R8656-12.2-7"))
    func rebindWakes() {
        let client = allocated(harness)
        client.bind(0x4000, "8.0.0.1:9")
        client.bind(0x4001, "8.0.0.1:10")
        harness.advance(.seconds(400))
        #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        #expect(harness.routes.counts == [1, 1, 2])
        harness.advance(.seconds(250))
        #expect(harness.routes.counts == [1, 1, 1])
    }

    @Test("a channel to a peer that policy refuses gets 403", .requirement("R8656-12.2-8"))
    func refused() {
        let client = allocated(harness)
        for peer in ["127.0.0.1:9", "10.0.0.1:9", "169.254.169.254:80", "8.0.0.1:0", "192.0.2.1:3478", "224.0.0.1:9"] {
            #expect(client.bind(0x4000, peer)?.errorCode == 403, "\(peer)")
        }
        #expect(harness.routes.counts == [1, 0, 0])
    }

    @Test("so many channels and no more; those that are there can be refreshed", .requirement("RI-limits-5"))
    func limit() {
        let limits = Limits(
            allocationsMax: 10, permissionsPerAllocationMax: 3, channelsPerAllocationMax: 2, newPeersPerSecond: 0)
        let harness = TURNHarness(TestSetup(limits: limits))
        let client = allocated(harness)
        #expect(client.bind(0x4000, "8.0.0.1:9")?.isSuccess == true)
        #expect(client.bind(0x4001, "8.0.0.1:10")?.isSuccess == true)
        #expect(client.bind(0x4002, "8.0.0.2:9")?.errorCode == 508)
        // A refused binding leaves no permission behind.
        #expect(harness.routes.counts == [1, 1, 2])
        #expect(client.bind(0x4001, "8.0.0.1:10")?.isSuccess == true)
        #expect(client.permit("8.0.0.2")?.isSuccess == true)
        harness.advance(.seconds(601))
        #expect(client.bind(0x4002, "8.0.0.2:9")?.isSuccess == true)
    }
}
