import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §7.2, §18.11, §18.12 — allocations of two families")
struct RFC8656DualAllocation {
    private let harness = TURNHarness(.dual)

    @Test("ADDITIONAL-ADDRESS-FAMILY gives two relayed addresses", .requirement("R8656-7.2-27"))
    func both() {
        let client = harness.client()
        let response = client.allocate([.additionalIPv6])
        #expect(response?.relayed.map(\.ip) == [ip("192.0.2.1"), ip("2001:db8::1")])
        #expect(response?.has(.addressErrorCode) == false)
        #expect(harness.ledger.liveCounts == (1, 2))
        #expect(harness.sessions.count == 1)
    }

    @Test("both families relay, each to its own kind of peer", .requirement("R8656-13-1"))
    func relays() {
        let client = harness.client("[2001:db8:7::7]:40000")
        client.allocate([.additionalIPv6])
        #expect(client.permit("8.0.0.1", "2600::1")?.isSuccess == true)
        #expect(
            client.sendIndication([1], to: "8.0.0.1:9")
                == .sent(.init(source: client.relay(.ipv4)!, peer: socket("8.0.0.1:9"), payload: [1])))
        #expect(
            client.sendIndication([2], to: "[2600::1]:9")
                == .sent(.init(source: client.relay(.ipv6)!, peer: socket("[2600::1]:9"), payload: [2])))
        #expect(client.bind(0x4000, "[2600::1]:9")?.isSuccess == true)
        #expect(client.hears([3], from: "[2600::1]:9", .ipv6) == .delivered(client.path, hex("4000 0001 03")))
    }

    @Test("a family that is not served is told by ADDRESS-ERROR-CODE 440", .requirement("R8656-7.2-28"))
    func notServed() {
        let four = TURNHarness(TestSetup()).client().allocate([.additionalIPv6])
        #expect(four?.relayed.map(\.ip) == [ip("192.0.2.1")])
        #expect(four?[.addressErrorCode] == [0x02, 0, 4, 40])
        let six = TURNHarness(TestSetup(relays: [TestSetup.ipv6])).client().allocate([.additionalIPv6])
        #expect(six?.relayed.map(\.ip) == [ip("2001:db8::1")])
        #expect(six?[.addressErrorCode] == [0x01, 0, 4, 40])
    }

    @Test("a family that could not be opened is told by ADDRESS-ERROR-CODE 508", .requirement("R8656-7.2-29"))
    func notOpened() {
        harness.scriptedFailures = [nil, .outOfResources]
        let first = harness.client("198.51.100.7:1").allocate([.additionalIPv6])
        #expect(first?.relayed.map(\.ip) == [ip("192.0.2.1")])
        #expect(first?[.addressErrorCode] == [0x02, 0, 5, 8])
        harness.scriptedFailures = [.outOfResources, nil]
        let second = harness.client("198.51.100.7:2").allocate([.additionalIPv6])
        #expect(second?.relayed.map(\.ip) == [ip("2001:db8::1")])
        #expect(second?[.addressErrorCode] == [0x01, 0, 5, 8])
        // The ports of the failures came back.
        #expect(harness.ledger.liveCounts == (2, 2))
        harness.scriptedFailures = [.outOfResources, .outOfResources]
        #expect(harness.client("198.51.100.7:3").allocate([.additionalIPv6])?.errorCode == 508)
        #expect(harness.ledger.liveCounts == (2, 2))
    }

    @Test("each family has its sixteen tries", .requirement("RI-relay-12"))
    func tries() {
        harness.scriptedFailures = [.addressInUse, .addressInUse, nil, .addressInUse, nil]
        let response = harness.client().allocate([.additionalIPv6])
        #expect(response?.relayed.map(\.ip) == [ip("192.0.2.1"), ip("2001:db8::1")])
        #expect(harness.openingsAsked.count == 5)
        #expect(harness.ledger.liveCounts == (1, 2))
    }

    @Test("a family whose ports are used up is told by ADDRESS-ERROR-CODE 508", .requirement("R8656-7.2-29"))
    func noPort() {
        let harness = TURNHarness(TestSetup.dual.with { $0.ports = 50_000...50_000 })
        #expect(harness.client("198.51.100.7:1").allocate()?.isSuccess == true)
        let response = harness.client("198.51.100.7:2").allocate([.additionalIPv6])
        #expect(response?.relayed.map(\.ip) == [ip("2001:db8::1")])
        #expect(response?.addressError?.family == 1)
        #expect(response?.addressError?.code == 508)
        #expect(harness.client("198.51.100.7:3").allocate([.additionalIPv6])?.errorCode == 508)
    }

    @Test("Refresh with a family ends that family and keeps the other", .requirement("R8656-8.2-1"))
    func endOne() {
        for (ended, kept, keptPeer) in [(UInt8(1), AddressFamily.ipv6, "[2600::1]:9"), (2, .ipv4, "8.0.0.1:9")] {
            let harness = TURNHarness(.dual)
            let client = harness.client()
            client.allocate([.additionalIPv6])
            client.bind(0x4000, "8.0.0.1:9")
            client.bind(0x4001, "[2600::1]:9")
            #expect(harness.routes.counts == [1, 2, 2])
            #expect(client.refresh(0, [.family(ended)])?.lifetime == 0)
            #expect(harness.routes.counts == [1, 1, 1])
            #expect(harness.ledger.liveCounts == (1, 1))
            #expect(harness.sessions.count == 1)
            #expect(client.relay(kept) != nil)
            #expect(client.hears([1], from: keptPeer, kept) != .nobodyThere)
            // The ended family is foreign from now on.
            #expect(client.refresh(600, [.family(ended)])?.errorCode == 443)
            #expect(client.permit(ended == 1 ? "8.0.0.1" : "2600::1")?.errorCode == 443)
            #expect(client.refresh(0)?.lifetime == 0)
            #expect(harness.sessions.isEmpty)
        }
    }

    @Test("Refresh with a family leaves the lifetime of the other alone", .requirement("R8656-8.2-2"))
    func refreshOne() {
        let client = harness.client()
        client.allocate([.additionalIPv6])
        harness.advance(.seconds(500))
        #expect(client.refresh(3600, [.family(2)])?.lifetime == 3600)
        harness.advance(.seconds(101))
        #expect(client.relay(.ipv4) == nil)
        #expect(client.relay(.ipv6) != nil)
        #expect(harness.ledger.liveCounts == (1, 1))
        #expect(harness.sessions.count == 1)
        harness.advance(.seconds(3500))
        #expect(harness.sessions.isEmpty)
        #expect(harness.closed.map(\.end) == [.expired])
    }

    @Test("Refresh without a family refreshes both, and ends both", .requirement("R8656-8.2-3"))
    func refreshBoth() {
        let client = harness.client()
        client.allocate([.additionalIPv6])
        harness.advance(.seconds(500))
        #expect(client.refresh()?.lifetime == 600)
        harness.advance(.seconds(599))
        #expect(client.relay(.ipv4) != nil && client.relay(.ipv6) != nil)
        #expect(client.refresh(0)?.lifetime == 0)
        #expect(harness.ledger.liveCounts == (0, 0))
    }

    @Test("an IPv4 client may relay over IPv6 and the other way about", .requirement("R8656-13-2"))
    func translation() {
        let four = harness.client("198.51.100.7:40000")
        four.allocate([.family(2)])
        four.permit("2600::1")
        #expect(
            four.sendIndication([1], to: "[2600::1]:9")
                == .sent(.init(source: four.relay(.ipv6)!, peer: socket("[2600::1]:9"), payload: [1])))
        let six = harness.client("[2001:db8:7::7]:40000")
        six.allocate([.family(1)])
        six.bind(0x4000, "8.0.0.1:9")
        #expect(six.hears([1], from: "8.0.0.1:9") == .delivered(six.path, hex("4000 0001 01")))
    }
}
