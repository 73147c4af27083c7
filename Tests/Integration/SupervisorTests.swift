import Foundation
import NetworkPrimitives
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("What systemd hears of the server")
    struct SupervisorTests {
        /// A server that is started as a service manager would, and what that has heard by the end.
        private func heard(
            _ plan: ServerPlan = ServerPlan(), watchdogMicroseconds: Int? = nil,
            _ body: (TernServer, NotifySocket) async throws -> Void
        ) async throws -> [String] {
            let manager = try NotifySocket()
            var plan = plan
            let watchdog = watchdogMicroseconds.map { ["WATCHDOG_USEC=\($0)"] } ?? []
            plan.wrapper = ["/usr/bin/env", "NOTIFY_SOCKET=\(manager.name)"] + watchdog
            try await TernServer.run(plan) { server in try await body(server, manager) }
            return manager.received()
        }

        @Test("READY when clients are served, STOPPING when it stops")
        func readyAndStopping() async throws {
            let heard = try await heard { server, manager in
                #expect(manager.received() == ["READY=1\nSTATUS=serves"])
                let answer = try server.client().ask(.binding)
                #expect(answer != nil)
            }
            #expect(heard == ["READY=1\nSTATUS=serves", "STOPPING=1\nSTATUS=stops"])
        }

        @Test("WATCHDOG again and again, with what the server carries", .requirement("RI-service-1"))
        func watchdog() async throws {
            let plan = ServerPlan("relay-threads=2", "signaling-port=@PORT@", "signaling-anonymous-rooms=*")
            let heard = try await heard(plan, watchdogMicroseconds: 100_000) { server, manager in
                let client = try server.allocatedClient()
                let words = "WATCHDOG=1\nSTATUS=serves 1 allocation and 0 connections of signaling"
                let isTold = try await eventually(seconds: 5) {
                    manager.received().filter { $0 == words }.count >= 3
                }
                #expect(isTold, "\(manager.received())")
                try client.refresh(0)
            }
            #expect(heard.first == "READY=1\nSTATUS=serves")
            #expect(heard.last == "STOPPING=1\nSTATUS=stops")
        }

        @Test("without a watchdog nothing is said while it serves, and a stranger's watchdog is none")
        func noWatchdog() async throws {
            let manager = try NotifySocket()
            var plan = ServerPlan()
            // The process number is that of this process, which is not the server.
            plan.wrapper = [
                "/usr/bin/env", "NOTIFY_SOCKET=\(manager.name)", "WATCHDOG_USEC=1000", "WATCHDOG_PID=\(getpid())",
            ]
            try await TernServer.run(plan) { server in _ = try server.allocatedClient() }
            #expect(manager.received().count == 2)
        }
    }
}
