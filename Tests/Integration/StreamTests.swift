import Foundation
import NetworkPrimitives
import STUN
import TestSupport
import Testing

extension IntegrationTests {
    @Suite("RFC 8656 §2.1: TURN over TCP")
    struct StreamTests {
        @Test("an allocation relays both ways over channels and indications", arguments: ["127.0.0.1", "::1"])
        func relays(ip: String) async throws {
            try await TernServer.run(FamilyTests.dualStack) { server in
                let address = SocketAddress(ip: try .parsed(ip), port: server.address.port)
                let client = try TURNClient(over: try TCPStream(to: address), to: address)
                try client.allocate([.family(.ipv4)])
                let relayed = try #require(client.relayed)
                let peer = try UDPEndpoint()
                #expect(try client.permit(peer.address) == nil)
                for count in [0, 1, 2, 3, 4, 1200, 20_000, RelayTests.indicationMax] {
                    let payload = RelayTests.payload(count)
                    client.send(payload, to: peer.address)
                    let (bytes, source) = try #require(peer.receive())
                    #expect(bytes == payload && source == relayed)
                    peer.send(payload, to: source)
                    #expect(client.receiveData()?.payload == payload)
                }
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                for count in [0, 1, 2, 3, 4, 5, 1200, 20_000, 65_503] {
                    let payload = RelayTests.payload(count)
                    client.send(payload, onChannel: 0x4000)
                    #expect(peer.receive()?.bytes == payload)
                    peer.send(payload, to: relayed)
                    #expect(client.receiveData(onChannel: 0x4000) == payload)
                }
            }
        }

        @Test("the answer comes on the connection of its request", .requirement("R8489-6.3.1.2-1"))
        func connectionOfTheRequest() async throws {
            try await TernServer.run(ServerPlan("relay-threads=2")) { server in
                let clients = try (0..<20).map { _ in try server.streamClient() }
                for client in clients { #expect(client.ask(.binding) != nil) }
                // Half of them talk to another worker than the other half; all at once.
                for client in clients { try client.allocate() }
                #expect(Set(clients.compactMap(\.relayed)).count == 20)
                for client in clients { #expect(try client.refresh(600).errorCode == nil) }
            }
        }

        @Test("messages may arrive byte by byte, or all at once", .requirement("R8489-6.2.2-1"))
        func fragments() async throws {
            try await TernServer.run { server in
                let client = try server.streamClient()
                let stream = try #require(client.stream)
                try client.allocate()
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                for byte in OutgoingMessage.channelData(0x4000, [1, 2, 3, 4, 5]) + [0, 0, 0] { stream.write([byte]) }
                #expect(peer.receive()?.bytes == [1, 2, 3, 4, 5])
                var train: [UInt8] = []
                for number in 0..<500 { train += [0x40, 0, 0, 2, UInt8(number >> 8), UInt8(number & 0xFF), 0, 0] }
                stream.write(Array(train.prefix(1003)))
                stream.write(Array(train.dropFirst(1003)))
                for number in 0..<500 {
                    #expect(peer.receive()?.bytes == [UInt8(number >> 8), UInt8(number & 0xFF)])
                }
            }
        }

        @Test("a steady conversation is served by a connected socket, and a burst of the peer arrives in order")
        func steady() async throws {
            try await TernServer.run { server in
                let client = try server.streamClient()
                try client.allocate()
                let relayed = try #require(client.relayed)
                let peer = try UDPEndpoint()
                #expect(try client.bind(0x4000, to: peer.address) == nil)
                for number in 0..<300 {
                    client.send([UInt8(number & 0xFF)], onChannel: 0x4000)
                    let (bytes, source) = try #require(peer.receive())
                    #expect(bytes == [UInt8(number & 0xFF)] && source == relayed)
                }
                for number in 0..<60 { peer.send([UInt8(number)] + [UInt8](repeating: 9, count: 1199), to: relayed) }
                for number in 0..<60 { #expect(client.receiveData(onChannel: 0x4000)?.first == UInt8(number)) }
                peer.sendTrain((0..<40).flatMap { [UInt8](repeating: $0, count: 101) }, of: 101, to: relayed)
                for number in 0..<40 {
                    let expected = [UInt8](repeating: UInt8(number), count: 101)
                    #expect(client.receiveData(onChannel: 0x4000) == expected)
                }
            }
        }

        @Test("clients over TCP and UDP reach each other's relayed addresses")
        func both() async throws {
            try await TernServer.run { server in
                let first = try server.streamClient()
                try first.allocate()
                try RelayTests.converse(first, try server.allocatedClient())
            }
        }

        @Test("a connection that ends takes its allocation along", .requirement("R8656-5-5"), arguments: [true, false])
        func end(halfClose: Bool) async throws {
            try await TernServer.run(ServerPlan("verbose", "user-quota=1")) { server in
                var client: TURNClient? = try server.streamClient()
                try client?.allocate()
                #expect(try server.client().allocateError() == 486)
                if halfClose {
                    client?.stream?.endWrites()
                    #expect(client?.stream?.readToEnd() == [])
                }
                client = nil
                let isFree = try await eventually(seconds: 5) { (try? server.client().allocateError()) == .some(nil) }
                #expect(isFree)
                let isTold = try await eventually(seconds: 5) {
                    server.output.contains("username=<alice>, the connection ended, usage:")
                }
                #expect(isTold, "\(server.output)")
            }
        }

        @Test("Refresh with lifetime 0 leaves the connection open for another Allocate")
        func again() async throws {
            try await TernServer.run { server in
                let client = try server.streamClient()
                for _ in 0..<3 {
                    try client.allocate()
                    #expect(try client.refresh(0).lifetime == 0)
                }
            }
        }

        @Test("no-tcp opens no listener, and no-udp no other")
        func switches() async throws {
            try await TernServer.run(ServerPlan("no-tcp")) { server in
                #expect((try? TCPStream(to: server.address)) == nil)
                let client = try server.client()
                #expect(client.ask(.binding) != nil)
            }
            try await TernServer.run(ServerPlan("no-udp")) { server in
                #expect(try server.client().ask(.binding, within: .milliseconds(100)) == nil)
                let client = try server.streamClient()
                try client.allocate()
            }
        }
    }
}
