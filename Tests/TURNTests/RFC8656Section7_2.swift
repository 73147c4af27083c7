import NetworkPrimitives
import STUN
import TURN
import TestSupport
import Testing

@Suite("RFC 8656 §7.2 — Receiving an Allocate Request")
struct RFC8656Section7_2 {
    private let harness = TURNHarness()

    /// An Allocate with these attributes instead of the usual one.
    private func code(_ attributes: [Attribute], _ setup: TestSetup = .dual) -> Int? {
        TURNHarness(setup).client().request(.allocate, attributes)?.errorCode
    }

    @Test(
        "the answer tells the relayed address, the lifetime and the client's own address", .requirement("R8656-7.2-1"))
    func success() throws {
        let client = harness.client()
        let response = try #require(client.allocate())
        #expect(response.type == 0x0103)
        #expect(response.relayed == harness.openingsAsked)
        #expect(response.relayed.first?.ip == ip("192.0.2.1"))
        #expect(response.lifetime == 600)
        #expect(response.mapped == socket("198.51.100.7:40000"))
        #expect(
            response.attributes.map(\.type) == [
                AttributeType.xorRelayedAddress.rawValue, AttributeType.lifetime.rawValue,
                AttributeType.xorMappedAddress.rawValue, AttributeType.messageIntegrity.rawValue,
            ])
        #expect(
            harness.sessions.values.map(\.relayed) == [response.relayed]
                && harness.sessions.values.map(\.username) == [Array("alice".utf8)])
    }

    @Test("the relayed address is the one that the world knows", .requirement("R8656-7.2-2"))
    func external() {
        let harness = TURNHarness(TestSetup(relays: [TestSetup.mapped], own: ["10.0.0.5"]))
        let response = harness.client().allocate()
        #expect(harness.openingsAsked.map(\.ip) == [ip("10.0.0.5")])
        #expect(response?.relayed.map(\.ip) == [ip("192.0.2.1")])
        #expect(response?.relayed.map(\.port) == harness.openingsAsked.map(\.port))
    }

    @Test("another Allocate on the five-tuple gets 437 and changes nothing", .requirement("R8656-7.2-3"))
    func secondAllocate() {
        let client = harness.client()
        client.allocate()
        #expect(client.allocate()?.errorCode == 437)
        // The five-tuple comes before anything that the request says (§7.2, order of the steps).
        #expect(client.request(.allocate, [])?.errorCode == 437)
        #expect(client.request(.allocate, [Attribute(.requestedTransport, [6, 0, 0, 0])])?.errorCode == 437)
        let other = harness.client("198.51.100.7:40000", .bob)
        #expect(other.allocate()?.errorCode == 437)
        #expect(harness.server.liveCounts.allocations == 1)
        // Another port, or another address of ours, is another five-tuple.
        #expect(harness.client("198.51.100.7:40001").allocate()?.isSuccess == true)
        let elsewhere = harness.client("198.51.100.7:40000", .alice, server: socket("192.0.2.2:3478"))
        #expect(elsewhere.allocate()?.isSuccess == true)
    }

    @Test("a retransmitted Allocate gets the same answer and nothing new", .requirement("R8656-7.2-4"))
    func retransmission() {
        for extra in [[], [.evenPortAndNext], [.additionalIPv6], [.lifetime(1800)]] as [[Attribute]] {
            let harness = TURNHarness(.dual)
            let client = harness.client()
            client.challenge()
            let request = client.make(.allocate, [.udp] + extra)
            let first = client.send(request)
            let live = harness.server.liveCounts
            harness.advance(.seconds(20))
            let second = client.send(request)
            #expect(first?.isSuccess == true)
            #expect(second?.bytes == first?.bytes)
            #expect(harness.server.liveCounts == live)
            #expect(harness.outputs.isEmpty)
        }
    }

    @Test("an Allocate that was refused may be tried again with the same transaction", .requirement("R8656-7.2-6"))
    func retryAfterError() {
        let client = harness.client()
        client.challenge()
        let request = client.make(.allocate, [.udp])
        harness.scriptedFailures = [.outOfResources]
        #expect(client.send(request)?.errorCode == 508)
        #expect(client.send(request)?.isSuccess == true)
    }

    @Test("REQUESTED-TRANSPORT is required and four bytes long", .requirement("R8656-7.2-7"))
    func transportMalformed() {
        #expect(code([]) == 400)
        for value in [[], [17], [17, 0], [17, 0, 0], [17, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
            #expect(code([Attribute(.requestedTransport, value)]) == 400)
        }
        // What is reserved is ignored.
        #expect(code([Attribute(.requestedTransport, [17, 1, 2, 3])]) == nil)
    }

    @Test(
        "a transport other than UDP and TCP gets 442", .requirement("R8656-7.2-8"), arguments: [0, 1, 16, 18, 132, 255])
    func otherTransport(number: UInt8) {
        #expect(code([Attribute(.requestedTransport, [number, 0, 0, 0])]) == 442)
    }

    @Test("DONT-FRAGMENT is understood", .requirement("R8656-7.2-9"))
    func dontFragment() {
        #expect(code([.udp, Attribute(.dontFragment, [])]) == nil)
    }

    @Test("RESERVATION-TOKEN stands alone", .requirement("R8656-7.2-10"))
    func tokenAlone() {
        let token = Attribute.token([1, 2, 3, 4, 5, 6, 7, 8])
        #expect(code([.udp, token, .evenPort]) == 400)
        #expect(code([.udp, token, .family(1)]) == 400)
        #expect(code([.udp, token, .additionalIPv6]) == 400)
        for count in [0, 4, 7, 9, 16] {
            #expect(code([.udp, .token([UInt8](repeating: 0, count: count))]) == 400)
        }
    }

    @Test("REQUESTED-ADDRESS-FAMILY and ADDITIONAL-ADDRESS-FAMILY exclude each other", .requirement("R8656-7.2-11"))
    func bothFamilyAttributes() {
        #expect(code([.udp, .family(1), .additionalIPv6]) == 400)
        #expect(code([.udp, .family(2), .additionalIPv6]) == 400)
    }

    @Test("a family that does not exist or is not served gets 440", .requirement("R8656-7.2-12"))
    func families() {
        for number in [0, 3, 4, 128, 255] as [UInt8] { #expect(code([.udp, .family(number)]) == 440) }
        #expect(code([.udp, .family(2)], TestSetup()) == 440)
        #expect(code([.udp, .family(1)], TestSetup(relays: [TestSetup.ipv6])) == 440)
        #expect(code([.udp], TestSetup(relays: [TestSetup.ipv6])) == 440)
        for value in [[], [1], [1, 0, 0], [1, 0, 0, 0, 0, 0, 0, 0]] as [[UInt8]] {
            #expect(code([.udp, Attribute(.requestedAddressFamily, value)]) == 400)
        }
    }

    @Test("the family asked for is the family given, IPv4 when none is", .requirement("R8656-7.2-13"))
    func familyGiven() {
        for client in ["198.51.100.7:1", "[2001:db8::7]:1"] {
            for (asked, given) in [(nil, "192.0.2.1"), (1, "192.0.2.1"), (2, "2001:db8::1")] as [(UInt8?, String)] {
                let response = TURNHarness(.dual).client(client).allocate(asked.map { [.family($0)] } ?? [])
                #expect(response?.relayed.map(\.ip) == [ip(given)])
            }
        }
    }

    @Test("the operator may choose the family that is given unasked", .requirement("RI-operation-4"))
    func defaultFamily() {
        func given(_ family: DefaultAddressFamily, _ client: String) -> IPAddress? {
            TURNHarness(TestSetup.dual.with { $0.settings.defaultAddressFamily = family }).client(client).allocate()?
                .relayed.first?.ip
        }
        #expect(given(.ipv6, "198.51.100.7:1") == ip("2001:db8::1"))
        #expect(given(.sameAsClient, "198.51.100.7:1") == ip("192.0.2.1"))
        #expect(given(.sameAsClient, "[2001:db8::7]:1") == ip("2001:db8::1"))
    }

    @Test("EVEN-PORT gives an even port", .requirement("R8656-7.2-14"))
    func evenPort() {
        for number in 0..<20 {
            let response = harness.client("198.51.100.7:\(40000 + number)").allocate([.evenPort])
            #expect((response?.relayed.first?.port ?? 1) % 2 == 0)
            #expect(response?.token == nil)
        }
        // R = 0 holds no second port (coturn drained its pool that way).
        #expect(harness.ledger.liveCounts == (20, 20))
        for value in [[], [0, 0], [0, 0, 0, 0]] as [[UInt8]] {
            #expect(code([.udp, Attribute(.evenPort, value)]) == 400)
        }
        #expect(code([.udp, Attribute(.evenPort, [0x7F])]) == nil)
    }

    @Test("EVEN-PORT that cannot be had gets 508", .requirement("R8656-7.2-15"))
    func noEvenPort() {
        let setup = TestSetup().with { $0.ports = 50_001...50_001 }
        #expect(code([.udp, .evenPort], setup) == 508)
        #expect(code([.udp, .evenPortAndNext], setup) == 508)
        #expect(code([.udp], setup) == nil)
    }

    @Test("two families and a reserved port together get 400", .requirement("R8656-7.2-16"))
    func evenPortOfTwo() {
        #expect(code([.udp, .additionalIPv6, .evenPortAndNext]) == 400)
        #expect(code([.udp, .additionalIPv6, .evenPort]) == nil)
    }

    @Test("ADDITIONAL-ADDRESS-FAMILY names IPv6 and nothing else", .requirement("R8656-7.2-17"))
    func additionalFamilyOther() {
        for number in [0, 1, 3, 255] as [UInt8] {
            #expect(code([.udp, Attribute(.additionalAddressFamily, [number, 0, 0, 0])]) == 400)
        }
        #expect(code([.udp, Attribute(.additionalAddressFamily, [2])]) == 400)
    }

    @Test("the earlier step decides what is answered", .requirement("R8656-7.2-18"))
    func order() {
        let token = Attribute.token([0, 0, 0, 0, 0, 0, 0, 0])
        let other = Attribute(.requestedTransport, [7, 0, 0, 0])
        #expect(code([other, token, .evenPort]) == 442)
        #expect(code([token]) == 400)
        #expect(code([.udp, token, .evenPort, .family(9)]) == 400)
        let full = TestSetup().with { $0.quota.total = 1 }
        let harness = TURNHarness(full)
        #expect(harness.client("198.51.100.8:1").allocate()?.isSuccess == true)
        let late = harness.client()
        #expect(late.request(.allocate, [other])?.errorCode == 442)
        #expect(late.request(.allocate, [])?.errorCode == 400)
        #expect(late.allocate([.family(2)])?.errorCode == 440)
        #expect(late.allocate()?.errorCode == 486)
    }

    @Test(
        "the lifetime granted is between the default and the maximum", .requirement("R8656-7.2-19"),
        arguments: [
            (nil, 600), (0, 600), (1, 600), (600, 600), (601, 601), (3599, 3599), (3600, 3600), (3601, 3600),
            (.max, 3600),
        ] as [(UInt32?, UInt32)])
    func lifetime(requested: UInt32?, granted: UInt32) {
        let client = harness.client()
        #expect(client.allocate(requested.map { [.lifetime($0)] } ?? [])?.lifetime == granted)
        #expect(harness.sessions.values.map(\.lifetimeSeconds) == [granted])
        harness.advance(.seconds(granted))
        harness.advance(.milliseconds(2))
        #expect(harness.sessions.isEmpty)
    }

    @Test("LIFETIME of another length than four gets 400", .requirement("R8656-7.2-20"))
    func lifetimeMalformed() {
        for count in [0, 2, 3, 5, 8] {
            #expect(code([.udp, Attribute(.lifetime, [UInt8](repeating: 1, count: count))]) == 400)
        }
    }

    @Test("the operator's lifetimes are kept to", .requirement("RI-operation-5"))
    func otherLifetimes() {
        let setup = TestSetup().with {
            $0.settings.lifetimes = LifetimePolicy(defaultSeconds: 60, maximumSeconds: 120)
        }
        let client = TURNHarness(setup).client()
        #expect(client.allocate()?.lifetime == 60)
        #expect(client.refresh(100)?.lifetime == 100)
        #expect(client.refresh(600)?.lifetime == 120)
    }

    @Test("the operator's lifetimes of permissions and channels are kept to", .requirement("RI-operation-5"))
    func otherPeerLifetimes() {
        let setup = TestSetup().with {
            $0.settings.lifetimes = LifetimePolicy(permissionSeconds: 60, channelSeconds: 20)
        }
        let client = TURNHarness(setup).client()
        client.allocate()
        client.bind(0x4000, "8.0.0.1:9")
        client.harness.advance(.milliseconds(19_999))
        #expect(client.harness.routes.counts == [1, 1, 1])
        client.harness.advance(.milliseconds(3))
        #expect(client.harness.routes.counts == [1, 1, 0])
        client.harness.advance(.milliseconds(39_996))
        #expect(client.harness.routes.counts == [1, 1, 0])
        client.harness.advance(.milliseconds(4))
        #expect(client.harness.routes.counts == [1, 0, 0])
    }

    @Test("a client that moved allocates anew; the old five-tuple runs out by itself", .requirement("R8656-5-1"))
    func rebinding() {
        let old = harness.client("198.51.100.7:40000")
        old.allocate()
        old.bind(0x4000, "8.0.0.1:9")
        let new = harness.client("198.51.100.7:40001")
        #expect(new.refresh()?.errorCode == 437)
        #expect(new.bind(0x4000, "8.0.0.1:9")?.errorCode == 437)
        #expect(new.channelData(0x4000, [1]) == .dropped(.noAllocation))
        let relay = old.relay()
        #expect(new.allocate()?.isSuccess == true)
        #expect(new.relay() != relay)
        #expect(old.hears([1], from: "8.0.0.1:9") == .delivered(old.path, hex("4000 0001 01")))
        harness.advance(.seconds(601))
        #expect(harness.sessions.isEmpty)
    }
}
