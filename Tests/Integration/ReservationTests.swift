import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8656 §7.2: EVEN-PORT and RESERVATION-TOKEN, with several workers")
    struct ReservationTests {
        @Test("an even port is given, and with R the next one is held and relays once redeemed, from any worker")
        func redeem() async throws {
            try await TernServer.run(ServerPlan("relay-threads=4")) { server in
                // The kernel spreads clients over workers by their ports: in 16 tries both of a pair never meet the
                // same one by chance only once in 4^16 runs.
                for _ in 0..<16 {
                    let first = try server.client()
                    let answer = try first.allocate([.evenPort(reservingNext: true)])
                    let token = try #require(answer.value(.reservationToken))
                    #expect(token.count == 8)
                    let relayed = try #require(first.relayed)
                    #expect(relayed.port % 2 == 0)
                    let second = try server.allocatedClient([.reservation(token)])
                    #expect(second.relayed == relayed.with(port: relayed.port + 1))
                    try RelayTests.converse(first, second)
                    // A token is good for one allocation.
                    let third = try server.client()
                    #expect(try third.allocateError([.reservation(token)]) == 508)
                }
            }
        }

        @Test("an unknown token is 508, and a token together with what contradicts it is 400")
        func unknown() async throws {
            try await TernServer.run { server in
                let client = try server.client()
                #expect(try client.allocateError([.reservation([1, 2, 3, 4, 5, 6, 7, 8])]) == 508)
                let token = Attribute.reservation([1, 2, 3, 4, 5, 6, 7, 8])
                #expect(try client.allocateError([token, .evenPort(reservingNext: false)]) == 400)
                #expect(try client.allocateError([token, .family(.ipv4)]) == 400)
                try client.allocate([.evenPort(reservingNext: false)])
                #expect(try #require(client.relayed).port % 2 == 0)
            }
        }

        @Test("a reservation outlives the allocation that made it")
        func outlives() async throws {
            try await TernServer.run { server in
                let first = try server.client()
                let token = try #require(
                    try first.allocate([.evenPort(reservingNext: true)]).value(.reservationToken))
                let relayed = try #require(first.relayed)
                #expect(try first.refresh(0).lifetime == 0)
                let second = try server.allocatedClient([.reservation(token)])
                #expect(second.relayed == relayed.with(port: relayed.port + 1))
            }
        }

        @Test("a reserved port is nobody else's, and a range without a pair is 508")
        func exhaustion() async throws {
            let base = try TernServer.freePorts(4)
            let plan = ServerPlan("min-port=\(base)", "max-port=\(base + 3)", "port-quarantine=0")
            try await TernServer.run(plan) { server in
                let first = try server.client()
                let second = try server.client()
                try first.allocate([.evenPort(reservingNext: true)])
                try second.allocate([.evenPort(reservingNext: true)])
                let third = try server.client()
                #expect(try third.allocateError() == 508)
                #expect(try third.allocateError([.evenPort(reservingNext: false)]) == 508)
                #expect(try third.allocateError([.evenPort(reservingNext: true)]) == 508)
            }
        }
    }

    @Suite("RFC 8656 §7.2: relay ports come and go")
    struct RelayPortTests {
        @Test("a range of twenty ports serves twenty, answers 508 at once, and recovers after Refresh(0)")
        func exhaustion() async throws {
            let base = try TernServer.freePorts(20)
            try await TernServer.run(ServerPlan("min-port=\(base)", "max-port=\(base + 19)")) { server in
                let clients = try (0..<20).map { _ in try server.allocatedClient() }
                let ports = Set(clients.compactMap { $0.relayed?.port })
                #expect(ports == Set(base...base + 19))

                let late = try server.client()
                #expect(try late.allocateError() == 508)
                let start = ContinuousClock.now
                for _ in 0..<100 { #expect(try late.allocateError() == 508) }
                // Well above what is needed, far below a wait for anything.
                #expect(ContinuousClock.now - start < .milliseconds(500))

                #expect(try clients[7].refresh(0).lifetime == 0)
                let freed = try #require(clients[7].relayed?.port)
                // The port rests for a second at least, even when no other is left.
                #expect(try late.allocateError() == 508)
                try await Task.sleep(for: .milliseconds(1050))
                try late.allocate()
                #expect(late.relayed?.port == freed)
            }
        }

        @Test("a released port is not given out while others are free, and what arrives for it reaches nobody")
        func quarantine() async throws {
            let base = try TernServer.freePorts(20)
            try await TernServer.run(ServerPlan("min-port=\(base)", "max-port=\(base + 19)")) { server in
                let peer = try UDPEndpoint()
                let first = try server.allocatedClient()
                let relayed = try #require(first.relayed)
                #expect(try first.permit(peer.address) == nil)
                try first.refresh(0)
                try await Task.sleep(for: .milliseconds(1050))
                let others = try (0..<19).map { _ in try server.allocatedClient() }
                #expect(!others.contains { $0.relayed == relayed })
                for other in others { #expect(try other.permit(peer.address) == nil) }
                peer.send([1], to: relayed)
                #expect(first.receive(within: .milliseconds(50)) == nil)
                #expect(others.allSatisfy { $0.receive(within: .zero) == nil })
            }
        }

        @Test("ports that other programs of the host hold are passed over")
        func foreignPorts() async throws {
            let base = try TernServer.freePorts(12)
            let taken = try (base..<base + 10).map { try UDPEndpoint(port: $0) }
            try await TernServer.run(ServerPlan("min-port=\(base)", "max-port=\(base + 11)")) { server in
                for _ in 0..<2 {
                    let client = try server.allocatedClient()
                    #expect([base + 10, base + 11].contains(client.relayed?.port))
                }
            }
            #expect(taken.count == 10)
        }

        @Test("port and quota are free again as soon as Refresh(0) is answered")
        func releaseAtOnce() async throws {
            try await TernServer.run(ServerPlan("user-quota=1")) { server in
                for _ in 0..<50 {
                    let client = try server.allocatedClient()
                    let relayed = try #require(client.relayed)
                    #expect(try client.refresh(0).lifetime == 0)
                    // The kernel gives the port to whoever asks.
                    _ = try UDPEndpoint(port: relayed.port)
                    #expect(try client.refresh(0).errorCode == 437)
                }
            }
        }

        @Test("a retransmitted Allocate gets the same relay, another one on the same five-tuple is 437")
        func again() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                #expect(try client.allocateError() == 437)
                try client.refresh(0)
                try client.allocate()
            }
        }
    }
}

/// Beside the others, because it waits.
@Suite("RFC 8656 §7.2: a reservation ends after 30 seconds")
struct ReservationEndTests {
    @Test("the held port returns to the pool, and its token is worthless")
    func expiry() async throws {
        let base = try TernServer.freePorts(2)
        let plan = ServerPlan("min-port=\(base)", "max-port=\(base + 1)", "port-quarantine=0")
        try await TernServer.run(plan) { server in
            let first = try server.client()
            let answer = try first.allocate([.evenPort(reservingNext: true)])
            let token = try #require(answer.value(.reservationToken))
            let second = try server.client()
            try await Task.sleep(for: .seconds(28))
            #expect(try second.allocateError() == 508)
            // Thirty seconds, and the second that every port rests.
            try await Task.sleep(for: .milliseconds(3500))
            #expect(try second.allocateError([.reservation(token)]) == 508)
            try second.allocate()
            #expect(second.relayed?.port == base + 1)
        }
    }
}
