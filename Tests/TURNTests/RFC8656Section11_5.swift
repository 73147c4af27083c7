import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §11.5, §18.13 — ICMP errors")
struct RFC8656Section11_5 {
    private let harness = TURNHarness(.dual)
    private let client: TestClient
    private let index: UInt32

    init() throws {
        client = harness.client()
        client.allocate([.additionalIPv6])
        client.permit("8.0.0.1", "2600::1")
        index = try #require(harness.routes.allocations.keys.first)
    }

    private func error(_ peer: String, _ type: UInt8, _ code: UInt8, _ data: UInt32 = 0) -> TestResponse? {
        harness.receiveICMP(
            ICMPMessage(peer: socket(peer), type: type, code: code, errorData: data), allocation: index)
    }

    @Test("an error is told by a Data indication with ICMP and without DATA", .requirement("R8656-11.5-1"))
    func indication() {
        // Port unreachable: 16 bits reserved, type 3 in 7 bits, code 3 in 9.
        let response = error("8.0.0.1:9", 3, 3)
        #expect(response?.type == 0x0017)
        #expect(response?.path == client.path)
        #expect(response?.peer == socket("8.0.0.1:9"))
        #expect(response?[.icmp] == hex("0000 0603 00000000"))
        #expect(response?.has(.data) == false)
        #expect(response?.isProtected == false)
        // Fragmentation needed, with the MTU of the next hop.
        #expect(error("8.0.0.1:9", 3, 4, 1400)?[.icmp] == hex("0000 0604 00000578"))
        // IPv6: packet too big.
        #expect(error("[2600::1]:9", 2, 0, 1280)?[.icmp] == hex("0000 0400 00000500"))
        #expect(error("8.0.0.1:9", 11, 255)?[.icmp] == hex("0000 16FF 00000000"))
    }

    @Test("only unreachable, time exceeded and packet too big are told", .requirement("R8656-11.5-2"))
    func types() {
        for type in UInt8.min...UInt8.max {
            #expect((error("8.0.0.1:9", type, 0) != nil) == [3, 11].contains(type))
            #expect((error("[2600::1]:9", type, 0) != nil) == [1, 2, 3].contains(type))
        }
    }

    @Test("an error about a peer without a permission is not told", .requirement("R8656-11.5-3"))
    func noPermission() {
        #expect(error("8.0.0.2:9", 3, 3) == nil)
        #expect(harness.server.counters.drops[.noPermission] == 1)
        harness.advance(.seconds(301))
        #expect(error("8.0.0.1:9", 3, 3) == nil)
        client.refresh(0)
        #expect(error("8.0.0.1:9", 3, 3) == nil)
        #expect(harness.server.counters.drops[.noAllocation] == 1)
    }

    @Test("the peer is named as the client knows it", .requirement("R8656-11.5-4"))
    func external() throws {
        let harness = TURNHarness(TestSetup(relays: [TestSetup.mapped], own: ["10.0.0.5"]))
        let client = harness.client()
        client.allocate()
        client.permit("192.0.2.1")
        let index = try #require(harness.routes.allocations.keys.first)
        let response = harness.receiveICMP(
            ICMPMessage(peer: socket("10.0.0.5:50007"), type: 3, code: 3, errorData: 0), allocation: index)
        #expect(response?.peer == socket("192.0.2.1:50007"))
    }
}
