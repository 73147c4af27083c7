import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8489 §6.3.1.1: an answer leaves from where the request went")
    struct ListenerTests {
        @Test("a wildcard listener answers from the address that was asked", .requirement("R8489-6.3.1.1-3"))
        func wildcard() async throws {
            var plan = ServerPlan()
            plan.network = []
            try await TernServer.run(plan) { server in
                for ip in ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"] {
                    let asked = SocketAddress(ip: try .parsed(ip), port: server.address.port)
                    let client = try TURNClient(asked)
                    // The client takes answers from `asked` alone.
                    let answer = try #require(client.ask(.binding), "no answer from \(asked)")
                    #expect(answer.address(.xorMappedAddress) == client.socket.address)
                }
            }
        }

        @Test("two explicit addresses are listened on, and no other")
        func twoAddresses() async throws {
            var plan = ServerPlan()
            plan.addresses = ["127.0.0.2", "127.0.0.3"]
            try await TernServer.run(plan) { server in
                for ip in plan.addresses {
                    let client = try TURNClient(SocketAddress(ip: try .parsed(ip), port: server.address.port))
                    #expect(client.ask(.binding) != nil)
                }
                let other = try TURNClient(SocketAddress(ip: try .parsed("127.0.0.4"), port: server.address.port))
                #expect(other.ask(.binding, within: .milliseconds(100)) == nil)
            }
        }

        @Test("an allocation is reached by the address it was made on, with its traffic coming from there")
        func wildcardRelay() async throws {
            var plan = ServerPlan()
            plan.network = ["relay-ip=127.0.0.1"]
            try await TernServer.run(plan) { server in
                let asked = SocketAddress(ip: try .parsed("127.0.0.5"), port: server.address.port)
                let client = try TURNClient(asked)
                try client.allocate()
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                peer.send([1, 2, 3], to: try #require(client.relayed))
                let (_, source) = try #require(client.socket.receive())
                #expect(source == asked)
            }
        }

        @Test("an IPv4 client of a dual-stack socket is told an IPv4 address", .requirement("R8489-12-4"))
        func mappedAddress() async throws {
            var plan = ServerPlan()
            plan.network = []
            try await TernServer.run(plan) { server in
                // The client's own socket is IPv6 and speaks IPv4: ::ffff:127.0.0.1 (RFC 4291 §2.5.5.2).
                let mapped = IPAddress.v6(IPv6Address(high: 0, low: 0xFFFF_7F00_0001))
                let client = try TURNClient(SocketAddress(ip: mapped, port: server.address.port), from: "::")
                let answer = try #require(client.ask(.binding))
                let expected = SocketAddress(ip: .v4(.loopback), port: client.socket.address.port)
                #expect(answer.address(.xorMappedAddress) == expected)
            }
        }
    }
}
