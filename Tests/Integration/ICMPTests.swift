import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8656 §11.5: ICMP errors reach the client")
    struct ICMPTests {
        @Test("a closed port answers with a Data indication that carries ICMP", arguments: AddressFamily.allCases)
        func portUnreachable(family: AddressFamily) async throws {
            try await TernServer.run(FamilyTests.dualStack) { server in
                let client = try server.allocatedClient([.family(family)])
                let closed = try UDPEndpoint(family == .ipv4 ? "127.0.0.1" : "::1").address
                #expect(try client.permit(closed) == nil)
                client.send([1], to: closed)
                let report = try #require(client.receiveData())
                #expect(report.peer == closed)
                #expect(report.payload == nil)
                // RFC 8656 §18.13: 16 bits reserved, 7 of type, 9 of code, 32 of error data.
                // IPv4: destination unreachable (3), port (3); IPv6: 1 and 4.
                #expect(report.icmp == (family == .ipv4 ? [0, 0, 6, 3, 0, 0, 0, 0] : [0, 0, 2, 4, 0, 0, 0, 0]))
            }
        }

        @Test("the error of a datagram on a channel is reported too, and the relay goes on")
        func channel() async throws {
            try await TernServer.run { server in
                let client = try server.allocatedClient()
                let closed = try UDPEndpoint().address
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: closed) == nil)
                #expect(try client.permit(peer.address) == nil)
                for _ in 0..<3 {
                    client.send([1], onChannel: 0x4000)
                    #expect(client.receiveData()?.icmp == [0, 0, 6, 3, 0, 0, 0, 0])
                }
                client.send([2], to: peer.address)
                let (bytes, source) = try #require(peer.receive())
                #expect(bytes == [2])
                peer.send([3], to: source)
                #expect(client.receiveData()?.payload == [3])
            }
        }
    }

    @Suite(
        "RFC 8656 §14: DONT-FRAGMENT",
        .enabled(if: NetworkNamespace.isPossible, "a network with a small MTU needs root and ip(8)"))
    struct DontFragmentTests {
        @Test(
            "a datagram above the MTU is fragmented, unless the client says not to", .requirement("R8656-14-4"),
            arguments: AddressFamily.allCases)
        func send(family: AddressFamily) async throws {
            try await NetworkNamespace.with("10.7.0.1/24", "10.7.0.2/24", "fd00:7::1/64", "fd00:7::2/64", mtu: 1300) {
                var plan = Self.plan
                plan.wrapper = $0.wrapper
                let namespace = $0
                try await TernServer.run(plan) { server in
                    let client = try namespace.inside { try server.client(from: "10.7.0.2") }
                    try client.allocate([.dontFragment, .family(family)])
                    let peer = try namespace.inside { try UDPEndpoint(family == .ipv4 ? "10.7.0.2" : "fd00:7::2") }
                    #expect(try client.permit(peer.address) == nil)
                    let large = RelayTests.payload(1400)
                    client.send(large, to: peer.address)
                    #expect(peer.receive()?.bytes == large)
                    client.send(large, to: peer.address, [.dontFragment])
                    #expect(peer.receive(within: .milliseconds(100)) == nil)
                    // The refusal is that datagram's alone.
                    client.send([5], to: peer.address, [.dontFragment])
                    #expect(peer.receive()?.bytes == [5])
                    client.send(large, to: peer.address)
                    #expect(peer.receive()?.bytes == large)
                }
            }
        }

        static var plan: ServerPlan {
            var plan = ServerPlan("allowed-peer-ip=10.7.0.0/24", "allowed-peer-ip=fd00:7::/64")
            plan.addresses = ["10.7.0.1", "fd00:7::1"]
            return plan
        }
    }

    @Suite(
        "Both clients behind relays, with the peer policy of a real server",
        .enabled(if: NetworkNamespace.isPossible, "a network of its own needs root and ip(8)"))
    struct HairpinTests {
        /// 10.7.0.1 is the host's address, 198.51.100.7 the one that its NAT shows.
        @Test("relayed addresses reach each other through external-ip, without allow-loopback-peers")
        func externalAddress() async throws {
            try await NetworkNamespace.with("10.7.0.1/24", "10.7.0.2/24") { namespace in
                let port: UInt16 = 3478
                let directory = try TernServer.makeDirectory()
                let command =
                    namespace.wrapper + [
                        Executable.path, "serve", "-n", "-L", "10.7.0.1", "-X", "203.0.113.5/10.7.0.1", "-r",
                        "example.org", "-u", "alice:secret",
                    ]
                let address = SocketAddress(ip: try .parsed("10.7.0.1"), port: port)
                try await TernServer.run(command, at: address, in: directory) { server in
                    let first = try namespace.inside { try server.client(from: "10.7.0.2") }
                    let second = try namespace.inside { try server.client(from: "10.7.0.2") }
                    for client in [first, second] { try client.allocate() }
                    try RelayTests.converse(first, second)
                    // The host's services stay out of reach, by either name.
                    #expect(try first.permit(SocketAddress(ip: .v4(.loopback), port: 22)) == 403)
                    #expect(try first.bind(0x4100, to: SocketAddress(ip: address.ip, port: port)) == 403)
                }
            }
        }
    }
}
