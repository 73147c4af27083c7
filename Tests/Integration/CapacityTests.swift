import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Many allocations, and nothing left of them")
    struct CapacityTests {
        /// What takes minutes runs when somebody asks for it.
        static let isLong = ProcessInfo.processInfo.environment["TERN_LONG_TESTS"] == "1"

        @Test("1,000 allocations of one static user: all succeed, all relay, and what they took comes back")
        func thousand() async throws {
            try await TernServer.run(Self.plan) { server in
                try Self.allocateAndRelease(1000, rounds: 2, on: server)
            }
        }

        @Test("10,000 allocations of one machine", .enabled(if: isLong, "a minute: set TERN_LONG_TESTS=1"))
        func tenThousand() async throws {
            try await TernServer.run(Self.plan) { server in
                try Self.allocateAndRelease(10_000, rounds: 4, on: server)
            }
        }

        /// The relays have an address of their own, so that the clients' ports are not in their way.
        private static var plan: ServerPlan {
            var plan = ServerPlan("relay-threads=2")
            plan.network = ["listening-ip=127.0.0.1", "relay-ip=127.0.0.2"]
            return plan
        }

        /// Each client of a test is a descriptor.
        static func raiseOpenFiles() {
            var limit = rlimit()
            getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
            limit.rlim_cur = limit.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        }

        /// In rounds, because what the server and its allocator keep for reuse takes one to three of them to settle.
        private static func allocateAndRelease(_ count: Int, rounds: Int, on server: TernServer) throws {
            raiseOpenFiles()
            // One round of everything first, so that what is opened once is open.
            try server.allocatedClient().refresh(0)
            let filesBefore = server.openFiles
            let peer = try UDPEndpoint()
            var resident: [Int] = []
            for _ in 0..<rounds {
                let clients = try (0..<count).map { _ in try server.allocatedClient() }
                #expect(Set(clients.compactMap(\.relayed)).count == count)
                #expect(server.openFiles == filesBefore + count)
                for client in clients { #expect(try client.bind(0x4000, to: peer.address) == nil) }
                for client in clients {
                    client.send([1], onChannel: 0x4000)
                    #expect(peer.receive()?.source == client.relayed)
                }
                for client in clients { #expect(try client.refresh(0).lifetime == 0) }
                #expect(server.openFiles == filesBefore)
                resident.append(server.residentKiB)
            }
            #expect(resident[rounds - 1] - resident[rounds - 2] < 1024, "\(resident) KiB")
        }

        @Test(
            "allocations that nobody refreshes end by themselves",
            .enabled(if: isLong, "the shortest lifetime is a minute: set TERN_LONG_TESTS=1"))
        func expiry() async throws {
            Self.raiseOpenFiles()
            try await TernServer.run(ServerPlan("max-allocate-lifetime=60")) { server in
                try server.allocatedClient().refresh(0)
                let before = server.openFiles
                let clients = try (0..<1000).map { _ in try server.client() }
                for client in clients { #expect(try client.allocate().lifetime == 60) }
                #expect(server.openFiles == before + 1000)
                try await Task.sleep(for: .seconds(62))
                #expect(server.openFiles == before)
                #expect(try clients[0].refresh(600).errorCode == 437)
            }
        }

        @Test("SIGTERM ends a server with 1,000 allocations within two seconds, with status 0")
        func termination() async throws {
            Self.raiseOpenFiles()
            var clients: [TURNClient] = []
            // `run` expects the end; see there.
            try await TernServer.run { server in
                for _ in 0..<1000 { clients.append(try server.allocatedClient()) }
            }
            #expect(clients.count == 1000)
        }

        @Test("without descriptors the answer is 508, and those that have an allocation keep it")
        func descriptors() async throws {
            var plan = ServerPlan("relay-threads=1", "no-tcp")
            // 256 of 300 are kept for the server itself, four for a worker with one address, and a fifth of the rest
            // for connections to single peers.
            plan.wrapper = ["/usr/bin/prlimit", "--nofile=300:300"]
            try await TernServer.run(plan) { server in
                var clients: [TURNClient] = []
                while clients.count < 100 {
                    let client = try server.client()
                    let answer = try client.request(.allocate, [.udpTransport])
                    guard answer.errorCode == nil else {
                        #expect(answer.errorCode == 508)
                        break
                    }
                    clients.append(client)
                }
                #expect(clients.count == 32)
                #expect(try clients[0].refresh(600).errorCode == nil)
                try clients[1].refresh(0)
                try await Task.sleep(for: .milliseconds(1050))
                try server.client().allocate()
            }
        }
    }
}
