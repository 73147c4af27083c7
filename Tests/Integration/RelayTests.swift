import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8656 §11, §12: what is relayed arrives as it was sent")
    struct RelayTests {
        /// The largest payload of a Data indication: 65,507 bytes of a datagram, less header (20), XOR-PEER-ADDRESS
        /// (24, counted as if it were always an IPv6 one), the header of DATA (4) and padding to four (3).
        static let indicationMax = 65_507 - 48 - 3

        @Test(
            "datagrams of any size are relayed whole by indications, both ways",
            arguments: [0, 1, 1200, 1472, 1500, 16_380, 16_381, 32_768, 60_000, indicationMax])
        func indications(count: Int) async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                let payload = Self.payload(count)
                client.send(payload, to: peer.address)
                let (arrived, source) = try #require(peer.receive())
                #expect(arrived == payload)
                #expect(source == client.relayed)
                peer.send(payload, to: source)
                let back = try #require(client.receiveData())
                #expect(back.payload == payload)
                #expect(back.peer == peer.address)
            }
        }

        @Test(
            "datagrams of any size are relayed whole by channels, both ways",
            arguments: [0, 1, 3, 1200, 16_380, 16_381, 32_768, 60_000, 65_503])
        func channels(count: Int) async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                let payload = Self.payload(count)
                client.send(payload, onChannel: 0x4000)
                let (arrived, source) = try #require(peer.receive())
                #expect(arrived == payload)
                peer.send(payload, to: source)
                #expect(client.receiveData(onChannel: 0x4000) == payload)
            }
        }

        @Test(
            "a datagram too long for the way to the client is dropped, not cut, and relaying goes on",
            .requirement("RI-robustness-4"))
        func tooLong() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                let relayed = try #require(client.relayed)
                #expect(try client.permit(peer.address) == nil)
                for count in [65_507, 65_480] { #expect(peer.send(Self.payload(count), to: relayed)) }
                peer.send([7], to: relayed)
                let next = try #require(client.receiveData())
                #expect(next.payload == [7])
            }
        }

        @Test("a burst arrives complete and in order")
        func burst() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4001, to: peer.address) == nil)
                for number in 0..<500 { client.send([UInt8(number >> 8), UInt8(number & 0xFF)], onChannel: 0x4001) }
                for number in 0..<500 {
                    let (bytes, source) = try #require(peer.receive())
                    #expect(bytes == [UInt8(number >> 8), UInt8(number & 0xFF)])
                    peer.send(bytes, to: source)
                }
                for number in 0..<500 {
                    #expect(client.receiveData(onChannel: 0x4001) == [UInt8(number >> 8), UInt8(number & 0xFF)])
                }
            }
        }

        @Test("a Send to port 0 does not stop an allocation's relaying")
        func portZero() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                client.send([1], to: peer.address.with(port: 0))
                client.send([2], to: peer.address)
                #expect(peer.receive()?.bytes == [2])
            }
        }

        @Test("a permission ends after its time, in both directions, although data flows (RFC 8656 §9)")
        func permissionEnds() async throws {
            try await TernServer.run(ServerPlan("permission-lifetime=1")) { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                let relayed = try #require(client.relayed)
                #expect(try client.permit(peer.address) == nil)
                client.send([1], to: peer.address)
                #expect(peer.receive() != nil)
                try await Task.sleep(for: .milliseconds(1100))
                client.send([2], to: peer.address)
                peer.send([3], to: relayed)
                #expect(peer.receive(within: .milliseconds(50)) == nil)
                #expect(client.receive(within: .milliseconds(50)) == nil)
                #expect(try client.permit(peer.address) == nil)
                client.send([4], to: peer.address)
                #expect(peer.receive()?.bytes == [4])
            }
        }

        @Test("two clients on one server reach each other's relayed addresses")
        func bothRelayed() async throws {
            try await TernServer.run { server in
                try Self.converse(try server.allocatedClient(), try server.allocatedClient())
            }
        }

        @Test(
            "two clients reach each other's external addresses: hairpin",
            arguments: ["external-ip=203.0.113.5/127.0.0.1", "external-ip=203.0.113.5"])
        func hairpin(external: String) async throws {
            try await TernServer.run(ServerPlan(external)) { server in
                let first = try server.allocatedClient()
                let second = try server.allocatedClient()
                let advertised = try IPAddress.parsed("203.0.113.5")
                #expect(first.relayed?.ip == advertised)
                try Self.converse(first, second)
            }
        }

        /// Indications one way, a channel the other; each sees the address that the other was given.
        static func converse(_ first: TURNClient, _ second: TURNClient) throws {
            let firstRelayed = try #require(first.relayed)
            let secondRelayed = try #require(second.relayed)
            #expect(try first.permit(secondRelayed) == nil)
            #expect(try second.bind(0x4FFF, to: firstRelayed) == nil)
            first.send([1, 2, 3], to: secondRelayed)
            #expect(second.receiveData(onChannel: 0x4FFF) == [1, 2, 3])
            second.send([4, 5], onChannel: 0x4FFF)
            let answer = try #require(first.receiveData())
            #expect(answer.payload == [4, 5])
            #expect(answer.peer == secondRelayed)
        }

        static func payload(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) } }
    }

    @Suite("RFC 8656 §13: the families of client and relay are independent")
    struct FamilyTests {
        static var dualStack: ServerPlan {
            var plan = ServerPlan()
            plan.addresses = ["127.0.0.1", "::1"]
            return plan
        }

        @Test("any client, any relay, any size", arguments: ["127.0.0.1", "::1"], [AddressFamily.ipv4, .ipv6])
        func crossing(client ip: String, relay family: AddressFamily) async throws {
            try await TernServer.run(Self.dualStack) { server in
                let client = try TURNClient(SocketAddress(ip: try .parsed(ip), port: server.address.port))
                try client.allocate([.family(family)])
                #expect(client.relayed?.family == family)
                let peer = try UDPEndpoint(family == .ipv4 ? "127.0.0.1" : "::1")
                #expect(try client.permit(peer.address) == nil)
                for count in [1, 1400, 20_000] {
                    let payload = RelayTests.payload(count)
                    client.send(payload, to: peer.address)
                    let (bytes, source) = try #require(peer.receive())
                    #expect(bytes == payload)
                    peer.send(payload, to: source)
                    #expect(client.receiveData()?.payload == payload)
                }
                #expect(try client.bind(0x4002, to: peer.address) == nil)
                client.send([9], onChannel: 0x4002)
                #expect(peer.receive()?.bytes == [9])
            }
        }

        @Test("ADDITIONAL-ADDRESS-FAMILY gives a relay of each family (RFC 8656 §7.2)")
        func both() async throws {
            try await TernServer.run(Self.dualStack) { server in
                let client = try server.client()
                let answer = try client.allocate([Attribute(.additionalAddressFamily, [2, 0, 0, 0])])
                let families = answer.attributes.filter { $0.type == .xorRelayedAddress }.map { $0.value[1] }
                #expect(families.sorted() == [1, 2])
                for peer in [try UDPEndpoint("127.0.0.1"), try UDPEndpoint("::1")] {
                    #expect(try client.permit(peer.address) == nil)
                    client.send([1], to: peer.address)
                    let (_, source) = try #require(peer.receive())
                    peer.send([2], to: source)
                    #expect(client.receiveData()?.payload == [2])
                }
            }
        }

        @Test("a family without a relay address is refused with 440")
        func missing() async throws {
            try await TernServer.run { server in
                let client = try server.client()
                #expect(try client.allocateError([.family(.ipv6)]) == 440)
            }
        }

        @Test("clients of different families reach each other over relays of one family")
        func converse() async throws {
            try await TernServer.run(Self.dualStack) { server in
                let first = try TURNClient(SocketAddress(ip: try .parsed("::1"), port: server.address.port))
                let second = try server.client()
                try first.allocate([.family(.ipv6)])
                try second.allocate([.family(.ipv6)])
                try RelayTests.converse(first, second)
            }
        }
    }
}
