import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    /// The server ends while calls go on.
    @Suite("Draining")
    struct DrainTests {
        private func relays(_ client: TURNClient, _ peer: UDPEndpoint) -> Bool {
            client.send([1, 2, 3], onChannel: 0x4000)
            guard let (bytes, source) = peer.receive(within: .seconds(2)), bytes == [1, 2, 3] else { return false }
            peer.send([4, 5], to: source)
            return client.receiveData(onChannel: 0x4000) == [4, 5]
        }

        private func signal(_ number: Int32, _ server: TernServer) { kill(pid_t(server.processID), number) }

        private func plan(_ option: String) -> ServerPlan {
            var plan = ServerPlan(option)
            plan.endsByItself = true
            return plan
        }

        @Test("SIGUSR1: nobody new, and the calls that there are go on until they end")
        func operatorsDrain() async throws {
            try await TernServer.run(plan("relay-threads=2")) { server in
                let client = try server.allocatedClient()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                signal(SIGUSR1, server)
                #expect(try await eventually(seconds: 5) { server.output.contains("draining: no new allocations") })
                // 508, and Binding is still answered.
                let newcomer = try server.client()
                #expect(try newcomer.allocateError() == 508)
                #expect(try client.refresh(600).errorCode == nil)
                #expect(relays(client, peer))
                // The last one turns off the light.
                #expect(try client.refresh(0).errorCode == nil)
                #expect(try await eventually(seconds: 5) { !server.isRunning })
            }
        }

        @Test("SIGTERM drains for drain-timeout, and a second one is now")
        func termination() async throws {
            try await TernServer.run(plan("drain-timeout=60")) { server in
                let client = try server.allocatedClient()
                signal(SIGTERM, server)
                #expect(try await eventually(seconds: 5) { server.output.contains("draining: no new allocations") })
                #expect(try client.refresh(600).errorCode == nil)
                signal(SIGTERM, server)
                #expect(try await eventually(seconds: 5) { !server.isRunning })
                #expect(server.output.contains("stopped with 1 allocations"))
            }
        }

        @Test("the deadline ends it")
        func deadline() async throws {
            try await TernServer.run(plan("drain-timeout=1")) { server in
                let client = try server.allocatedClient()
                signal(SIGTERM, server)
                #expect(try await eventually(seconds: 8) { !server.isRunning })
                #expect(server.output.contains("the time to drain is over"))
                _ = client
            }
        }

        @Test("without allocations there is nothing to wait for")
        func idle() async throws {
            try await TernServer.run(plan("drain-timeout=60")) { (server: TernServer) async throws in
                signal(SIGTERM, server)
                #expect(try await eventually(seconds: 5) { !server.isRunning })
            }
        }
    }
}
