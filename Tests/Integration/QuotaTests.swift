import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8656 §7.2 step 10: quotas, as the configuration sets them")
    struct QuotaTests {
        @Test("user-quota holds for each user, over all workers, and 486 says so")
        func perUser() async throws {
            var plan = ServerPlan("user-quota=3", "relay-threads=3")
            plan.access.append("user=bob:secret")
            try await TernServer.run(plan) { server in
                let held = try (0..<3).map { _ in try server.allocatedClient() }
                let fourth = try server.client()
                #expect(try fourth.allocateError() == 486)
                let bob = try server.client(username: "bob")
                try bob.allocate()
                try held[0].refresh(0)
                try fourth.allocate()
            }
        }

        @Test("total-quota holds for everybody together")
        func total() async throws {
            var plan = ServerPlan("total-quota=2", "relay-threads=2")
            plan.access.append("user=bob:secret")
            try await TernServer.run(plan) { server in
                let first = try server.allocatedClient()
                let second = try server.allocatedClient(username: "bob")
                let third = try server.client()
                #expect(try third.allocateError() == 486)
                try first.refresh(0)
                try third.allocate()
                #expect(second.relayed != nil)
            }
        }

        @Test("allocations-per-address holds for one client address")
        func perAddress() async throws {
            try await TernServer.run(ServerPlan("allocations-per-address=2")) { server in
                let held = try (0..<2).map { _ in try server.allocatedClient() }
                let third = try server.client()
                #expect(try third.allocateError() == 486)
                let elsewhere = try server.client(from: "127.0.0.9")
                try elsewhere.allocate()
                try held[1].refresh(0)
                try third.allocate()
            }
        }

        @Test(
            "allocations-per-address counts an IPv6 /64 as one",
            .enabled(if: NetworkNamespace.isPossible, "a network of its own needs root and ip(8)"))
        func perPrefix() async throws {
            try await NetworkNamespace.with("fd00:7::1/64", "fd00:7::2/64", "fd00:8::2/64") { namespace in
                var plan = ServerPlan("allocations-per-address=1")
                plan.addresses = ["fd00:7::1"]
                plan.wrapper = namespace.wrapper
                try await TernServer.run(plan) { server in
                    let clients = try namespace.inside {
                        try ["fd00:7::1", "fd00:7::2", "fd00:8::2"].map { try server.client(from: $0) }
                    }
                    try clients[0].allocate([.family(.ipv6)])
                    #expect(try clients[1].allocateError([.family(.ipv6)]) == 486)
                    try clients[2].allocate([.family(.ipv6)])
                }
            }
        }

        @Test("a refused Allocate costs no quota")
        func refused() async throws {
            try await TernServer.run(ServerPlan("user-quota=1")) { server in
                let client = try server.client()
                for _ in 0..<5 {
                    #expect(try client.allocateError([.family(.ipv6)]) == 440)
                    #expect(try client.allocateError([.reservation([0, 0, 0, 0, 0, 0, 0, 9])]) == 508)
                }
                try client.allocate()
            }
        }

        @Test("permissions-per-allocation: one more is 508, and those that are there can be refreshed")
        func permissions() async throws {
            let plan = ServerPlan("permissions-per-allocation=4", "new-peers-per-second=0")
            try await TernServer.run(plan) { server in
                let client = try server.allocatedClient()
                let peers = try (1...5).map { SocketAddress(ip: try .parsed("127.0.1.\($0)"), port: 9) }
                for peer in peers.prefix(4) { #expect(try client.permit(peer) == nil) }
                #expect(try client.permit(peers[4]) == 508)
                #expect(try client.permit(peers[0]) == nil)
                // All or nothing (RFC 8656 §10.2).
                #expect(try client.permit(peers[1], peers[4]) == 508)
            }
        }

        @Test("max-bps lets through what it says, in each direction, and no more")
        func bandwidth() async throws {
            try await TernServer.run(ServerPlan("max-bps=100000")) { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                let relayed = try #require(client.relayed)
                let payload = RelayTests.payload(1000)
                let start = ContinuousClock.now
                for _ in 0..<400 { client.send(payload, onChannel: 0x4000) }
                let up = peer.receiveAll().count * payload.count
                for _ in 0..<400 { peer.send(payload, to: relayed) }
                let down = client.socket.receiveAll().count * payload.count
                let seconds = Double((ContinuousClock.now - start).components.seconds) + 1
                // A bucket that holds a second's worth, and what flows in meanwhile.
                #expect((50_000...Int(100_000 * (1 + seconds))).contains(up), "\(up) bytes")
                #expect((50_000...Int(100_000 * (1 + seconds))).contains(down), "\(down) bytes")
            }
        }

        @Test("bps-capacity is handed out in portions of max-bps")
        func capacity() async throws {
            try await TernServer.run(ServerPlan("max-bps=1000", "bps-capacity=2000")) { server in
                let held = try (0..<2).map { _ in try server.allocatedClient() }
                let third = try server.client()
                #expect(try third.allocateError() == 486)
                try held[0].refresh(0)
                try third.allocate()
            }
        }
    }
}
