import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("Two clients of one server meet at their relayed addresses")
struct HairpinTests {
    /// What the shell does when a relay sends to a relay of the same server.
    private func deliver(_ result: TURNHarness.ClientResult, _ harness: TURNHarness) -> TURNHarness.PeerResult {
        guard case .sent(let datagram) = result else { return .nobodyThere }
        return harness.peerSends(datagram.payload, from: datagram.source, to: datagram.peer)
    }

    @Test(
        "both directions work, behind a NAT that does not hairpin too", .requirement("RI-hairpin-1"),
        arguments: [TestSetup.ipv4, TestSetup.mapped])
    func meets(relay: RelayAddress) throws {
        let harness = TURNHarness(TestSetup(relays: [relay], own: ["\(relay.local)"]))
        let first = harness.client("198.51.100.7:40000")
        let second = harness.client("198.51.100.8:40000", .bob)
        let firstRelayed = try #require(first.allocate()?.relayed.first)
        let secondRelayed = try #require(second.allocate()?.relayed.first)
        #expect(firstRelayed.ip == relay.advertised)
        #expect(first.permit("\(secondRelayed.ip)")?.isSuccess == true)
        #expect(second.bind(0x4000, "\(firstRelayed)")?.isSuccess == true)

        // By Send indication; the other side has a channel.
        let toSecond = first.sendIndication([1, 2], to: "\(secondRelayed)")
        #expect(
            toSecond == .sent(.init(source: first.relay()!, peer: second.relay()!, payload: [1, 2])))
        #expect(deliver(toSecond, harness) == .delivered(second.path, hex("4000 0002 0102")))

        // By ChannelData; the other side has a permission, and is told the address that it knows.
        guard case .delivered(first.path, let bytes) = deliver(second.channelData(0x4000, [3]), harness) else {
            Issue.record("the way back is closed")
            return
        }
        let response = TestResponse(bytes, path: first.path)
        #expect(response.peer == secondRelayed)
        #expect(response[.data] == [3])
    }

    @Test("both need the other's permission", .requirement("RI-hairpin-2"))
    func permissions() throws {
        let harness = TURNHarness()
        let first = harness.client("198.51.100.7:40000")
        let second = harness.client("198.51.100.8:40000", .bob)
        first.allocate()
        let relayed = try #require(second.allocate()?.relayed.first)
        first.permit("\(relayed.ip)")
        #expect(deliver(first.sendIndication([1], to: "\(relayed)"), harness) == .dropped(.noPermission))
    }

    @Test(
        "a channel to the server's own listener is refused under either address", .requirement("RI-peers-4"),
        arguments: [["10.0.0.5"], ["192.0.2.1"], ["10.0.0.5", "192.0.2.1"]])
    func ownListener(own: [String]) {
        let harness = TURNHarness(TestSetup(relays: [TestSetup.mapped], own: own))
        let client = harness.client()
        client.allocate()
        for peer in ["192.0.2.1:3478", "10.0.0.5:3478", "192.0.2.1:53", "10.0.0.5:53"] {
            #expect(client.bind(0x4000, peer)?.errorCode == 403, "\(peer)")
        }
        #expect(client.bind(0x4000, "192.0.2.1:50000")?.isSuccess == true)
        #expect(client.sendIndication([1], to: "192.0.2.1:3478") == .dropped(.refusedPeerPort))
        #expect(client.sendIndication([1], to: "10.0.0.5:3478") == .dropped(.refusedPeerPort))
    }
}
