import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("Further listeners, network interfaces, redirection")
    struct FurtherListenerTests {
        @Test("aux-server serves what listening-port serves, over UDP and TCP", .requirement("RI-operation-21"))
        func auxiliary() async throws {
            let port = try TernServer.freePort(["127.0.0.1", "127.0.0.2"])
            try await TernServer.run(ServerPlan("aux-server=127.0.0.2:\(port)")) { server in
                let address = SocketAddress(ip: try .parsed("127.0.0.2"), port: port)
                for client in [
                    try TURNClient(address), try TURNClient(over: try TCPStream(to: address), to: address),
                    try server.client(),
                ] {
                    try client.allocate()
                    let peer = try UDPEndpoint()
                    #expect(try client.permit(peer.address) == nil)
                    // A relay reaches none of our own listeners.
                    #expect(try client.bind(0x4000, to: address) == 403)
                }
            }
        }

        @Test("an aux-server that cannot be had is named")
        func auxiliaryInUse() async throws {
            let holder = try UDPEndpoint()
            let run = try await Command.tern(
                "serve", "-n", "-L", "127.0.0.1", "-p", "\(try TernServer.freePort([]))", "-u", "alice:secret", "-r",
                "x", "--aux-server=\(holder.address)")
            #expect(run.exitCode == 1)
            #expect(run.complaints.contains("cannot listen on \(holder.address)"))
            #expect(run.complaints.contains("choose another aux-server"))
        }

        @Test("a network interface that is not there is named with its option", .requirement("RI-operation-22"))
        func unknownDevice() async throws {
            for option in ["listening-device", "relay-device"] {
                let run = try await Command.tern(
                    "serve", "-n", "-L", "127.0.0.1", "-p", "\(try TernServer.freePort([]))", "-u", "alice:secret",
                    "-r", "x", "--\(option)=nosuchdevice0")
                #expect(run.exitCode == 1)
                #expect(run.complaints.contains("no such network interface; check \(option)"), "\(run.complaints)")
            }
        }

        @Test("listeners and relay sockets work bound to an interface", .requirement("RI-operation-22"))
        func devices() async throws {
            try await TernServer.run(ServerPlan("listening-device=lo", "relay-device=lo")) { server in
                for client in [try server.client(), try server.streamClient()] {
                    try client.allocate()
                    let peer = try UDPEndpoint()
                    #expect(try client.permit(peer.address) == nil)
                    peer.send([1, 2, 3], to: try #require(client.relayed))
                }
            }
        }

        @Test("an Allocate is sent elsewhere, with integrity", .requirement("R8489-10-1"))
        func redirection() async throws {
            try await TernServer.run(
                ServerPlan("alternate-server=192.0.2.77", "tcp-alternate-server=192.0.2.78:443")
            ) { server in
                for (client, value) in [
                    (try server.client(), [0, 1, 0x0D, 0x96, 192, 0, 2, 77]),
                    (try server.streamClient(), [0, 1, 1, 0xBB, 192, 0, 2, 78]),
                ] as [(TURNClient, [UInt8])] {
                    let answer = try client.request(.allocate, [.udpTransport])
                    #expect(answer.errorCode == 300)
                    #expect(answer.value(.alternateServer) == value)
                    #expect(answer.isAuthentic(try #require(client.key)))
                    #expect(client.ask(.binding)?.errorCode == nil)
                }
            }
        }

        @Test("secure-stun asks for credentials, with stun-only too", .requirement("R8489-12-2"))
        func secureSTUN() async throws {
            for options in [["secure-stun"], ["secure-stun", "stun-only"]] {
                var plan = ServerPlan()
                plan.options = options
                try await TernServer.run(plan) { server in
                    for client in [try server.client(), try server.streamClient()] {
                        #expect(client.ask(.binding)?.errorCode == 401)
                        let answer = try client.request(.binding)
                        #expect(answer.address(.xorMappedAddress) != nil)
                        #expect(answer.isAuthentic(try #require(client.key)))
                    }
                    let isRelaying = options.count == 1
                    let answer = try server.client().ask(.allocate, [.udpTransport], within: .milliseconds(100))
                    #expect((answer != nil) == isRelaying)
                }
            }
        }

        @Test("no-stun leaves Binding unanswered and relays", .requirement("RI-operation-1"))
        func noSTUN() async throws {
            try await TernServer.run(ServerPlan("no-stun")) { server in
                let client = try server.client()
                #expect(client.ask(.binding, within: .milliseconds(100)) == nil)
                try client.allocate()
            }
        }
    }
}
