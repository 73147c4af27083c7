import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §7.2 — opening the relay")
struct RelayOpeningTests {
    private let harness = TURNHarness()

    @Test("the client is answered when its relay is there, not before", .requirement("RI-relay-1"))
    func answersAfterOpening() {
        harness.opensLater = true
        let client = harness.client()
        #expect(client.allocate() == nil)
        #expect(harness.routes.counts == [0, 0, 0])
        #expect(client.sendIndication([1], to: "8.0.0.1:9") == .dropped(.noAllocation))
        // No other request is served yet.
        #expect(client.refresh()?.errorCode == 437)
        #expect(client.permit("8.0.0.1")?.errorCode == 437)
        let response = harness.settleNextRelay()
        #expect(response?.relayed.count == 1)
        #expect(response?.path == client.path)
        #expect(client.refresh()?.lifetime == 600)
    }

    @Test("a retransmission while the relay is being opened is answered once", .requirement("R8656-7.2-5"))
    func retransmissionWhileOpening() {
        harness.opensLater = true
        let client = harness.client()
        client.challenge()
        let request = client.make(.allocate, [.udp])
        #expect(client.send(request) == nil)
        #expect(client.send(request) == nil)
        #expect(harness.unsettled.count == 1)
        #expect(client.send(client.make(.allocate, [.udp]))?.errorCode == 437)
        let first = harness.settleNextRelay()
        #expect(first?.isSuccess == true)
        #expect(client.send(request)?.bytes == first?.bytes)
    }

    @Test("the lifetime begins when the relay is there", .requirement("RI-relay-2"))
    func lifetimeBeginsThen() {
        harness.opensLater = true
        let client = harness.client()
        #expect(client.allocate() == nil)
        harness.advance(.seconds(5))
        harness.settleNextRelay()
        harness.advance(.seconds(599))
        #expect(harness.sessions.count == 1)
        harness.advance(.seconds(2))
        #expect(harness.sessions.isEmpty)
    }

    @Test("a port that somebody else has is replaced by another", .requirement("RI-relay-3"), arguments: [1, 2, 15])
    func retries(failures: Int) {
        harness.scriptedFailures = Array(repeating: .addressInUse, count: failures)
        let response = harness.client().allocate()
        #expect(response?.isSuccess == true)
        #expect(harness.openingsAsked.count == failures + 1)
        #expect(Set(harness.openingsAsked).count == failures + 1)
        #expect(response?.relayed == [harness.openingsAsked[failures]])
        #expect(harness.ledger.liveCounts == (1, 1))
        #expect(harness.ledger.returned.map(\.wasUsable) == Array(repeating: false, count: failures))
    }

    @Test("after sixteen ports in use the answer is 508, and nothing is kept", .requirement("RI-relay-4"))
    func givesUp() {
        harness.scriptedFailures = Array(repeating: .addressInUse, count: 16)
        let client = harness.client()
        let response = client.allocate()
        #expect(response?.errorCode == 508)
        #expect(response?.isProtected(sha1: TestCredentials.alice.md5Key) == true)
        #expect(harness.openingsAsked.count == 16)
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(client.allocate()?.isSuccess == true)
    }

    @Test("ports in use may be all there are", .requirement("RI-relay-5"))
    func noneLeft() {
        let harness = TURNHarness(TestSetup().with { $0.ports = 50_000...50_002 })
        harness.scriptedFailures = Array(repeating: .addressInUse, count: 16)
        #expect(harness.client().allocate()?.errorCode == 508)
        #expect(harness.openingsAsked.count == 3)
        #expect(harness.ledger.liveCounts == (0, 0))
    }

    @Test("another port is not tried when descriptors have run out", .requirement("RI-relay-6"))
    func outOfResources() {
        harness.scriptedFailures = [.outOfResources]
        #expect(harness.client().allocate()?.errorCode == 508)
        #expect(harness.openingsAsked.count == 1)
        #expect(harness.ledger.returned.map(\.wasUsable) == [true])
    }

    @Test("a pair of ports is tried again as a pair, and both come back", .requirement("RI-relay-7"))
    func pairs() {
        harness.scriptedFailures = [.addressInUse, .addressInUse]
        let response = harness.client().allocate([.evenPortAndNext])
        #expect(response?.isSuccess == true)
        #expect(harness.openingsAsked.allSatisfy { $0.port % 2 == 0 })
        #expect(harness.ledger.liveCounts == (2, 2))
        #expect(harness.ledger.returned.map(\.port).sorted().count == 4)

        let other = harness.client("198.51.100.8:40000")
        harness.scriptedFailures = Array(repeating: .addressInUse, count: 16)
        #expect(other.allocate([.evenPortAndNext])?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (2, 2))
    }

    @Test("a reservation that never came to be costs no quota", .requirement("RI-relay-8"))
    func failedReservation() {
        let harness = TURNHarness(TestSetup().with { $0.quota.perUser = 2 })
        let client = harness.client()
        harness.scriptedFailures = [.outOfResources]
        #expect(client.allocate([.evenPortAndNext])?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
        #expect(harness.server.nextDeadline == nil)
        #expect(client.allocate([.evenPortAndNext])?.isSuccess == true)
    }

    @Test("a pair that no port is left for costs no quota either", .requirement("RI-relay-9"))
    func noPairLeft() {
        let harness = TURNHarness(TestSetup().with { $0.ports = 50_001...50_002 })
        #expect(harness.client().allocate([.evenPortAndNext])?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (0, 0))
        #expect(harness.server.liveCounts == (0, 0, 0, 0))
    }

    @Test("relayed ports are drawn from the range, in no order", .requirement("R8656-7.2-34"))
    func randomPorts() {
        let ports = (0..<40).compactMap { harness.client("198.51.100.7:\(40000 + $0)").allocate()?.relayed.first?.port }
        #expect(ports.count == 40)
        #expect(Set(ports).count == 40)
        #expect(ports.allSatisfy { (50_000...50_999).contains($0) })
        let steps = zip(ports, ports.dropFirst()).map { Int($1) - Int($0) }
        #expect(Set(steps).count > 30)
        #expect(ports != ports.sorted())
    }

    @Test("the relay is opened on the address that the client came by", .requirement("RI-relay-10"))
    func sameAddress() {
        let second = RelayAddress(local: ip("192.0.2.2"), advertised: ip("192.0.2.2"))
        let harness = TURNHarness(TestSetup(relays: [TestSetup.ipv4, second], own: ["192.0.2.1", "192.0.2.2"]))
        for number in 0..<8 {
            let server = "192.0.2.\(1 + number % 2)"
            let client = harness.client("198.51.100.7:\(40000 + number)", .alice, server: socket("\(server):3478"))
            #expect(client.allocate()?.relayed.first?.ip == ip(server))
        }
        // By an address that does not relay, clients spread over those that do.
        let spread = (0..<20).compactMap {
            harness.client("198.51.100.8:\(40000 + $0)", .alice, server: socket("192.0.2.9:3478")).allocate()?.relayed
                .first?.ip
        }
        #expect(Set(spread) == [ip("192.0.2.1"), ip("192.0.2.2")])
    }
}
